#include "cli/check_online.h"

#include "cli/check_hosts.h"
#include "cli/check_machine.h"
#include "cli/check_server.h"

bool check_online(const struct config_file *file, const struct runbook *runbook,
		struct findings *findings) {
	struct online_judge judge;
	online_judge_init(&judge, file->config, runbook, findings);
	check_machine(file, runbook, &judge);
	check_hosts_online(file, findings);
	bool reached = check_server(file, &judge);
	online_judge_finish(&judge);
	return reached;
}
