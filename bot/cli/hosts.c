#include "cli/hosts.h"

#include "loop/loop.h"
#include "sys/clock.h"

static void on_asked(void *data) {
	loop_stop(((struct hosts *)data)->loop);
}

bool hosts_ask(
		struct hosts *hosts, const struct config_file *file, struct err *err) {
	*hosts = (struct hosts){ .clock = clock_create_real() };
	hosts->loop = loop_create(hosts->clock, err);
	if (hosts->loop == NULL) {
		return false;
	}
	hosts->files = hostfiles_create(hosts->loop, NULL);
	if (hostfiles_read(hosts->files, file->config, file->dir, NULL, NULL,
				on_asked, hosts)) {
		loop_run(hosts->loop);
	}
	return true;
}

void hosts_finish(struct hosts *hosts) {
	hostfiles_destroy(hosts->files);
	loop_destroy(hosts->loop);
	clock_destroy(hosts->clock);
	*hosts = (struct hosts){ 0 };
}
