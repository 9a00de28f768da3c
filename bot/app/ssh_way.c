#include "app/ssh_way.h"

#include <stdlib.h>

void ssh_way_init(struct ssh_way *way, const struct config_target *target,
		const struct config_host *host, const char *base_dir) {
	way->key = config_path(base_dir, target->ssh_key);
	way->known_hosts = config_path(base_dir, target->ssh_known_hosts);
	way->host = (struct ssh_host){
		.name = host->name,
		.user = host->user,
		.port = host->port,
		.key = way->key,
		.known_hosts = way->known_hosts,
	};
}

void ssh_way_finish(struct ssh_way *way) {
	free(way->key);
	free(way->known_hosts);
	*way = (struct ssh_way){ 0 };
}
