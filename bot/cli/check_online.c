#include "cli/check_online.h"

#include "cli/check_hosts.h"
#include "cli/check_machine.h"
#include "cli/check_server.h"

bool check_online(const struct config_file *file, const struct runbook *runbook,
		struct findings *findings) {
	struct online_judge judge;
	struct tools tools = { 0 };
	online_judge_init(&judge, file->config, runbook, findings);
	if (runbook != NULL) {
		tools_find(&tools, runbook);
	}
	check_machine(file, &tools, &judge);
	check_hosts_online(file, &tools, findings);
	bool reached = check_server(file, &judge);
	tools_finish(&tools);
	online_judge_finish(&judge);
	return reached;
}
