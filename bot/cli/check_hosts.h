#ifndef CHECK_HOSTS_H
#define CHECK_HOSTS_H

#include "app/config_file.h"
#include "codec/config.h"
#include "codec/tools.h"

/*
 * What ssh needs for the hosts of the config, as it lies here.  The rules:
 *
 *	ssh-key          the key is missing, or others may read it; error
 *	ssh-known-hosts  the file is missing, or a host is not in it; error
 */
void check_hosts(const struct config_file *file, struct findings *findings);

/* Ask each host: `host`, it cannot be reached, a tracked file is amiss, or no
 * step can run there; `tool`, `disk` and `clock` as for this machine. */
void check_hosts_online(const struct config_file *file,
		const struct tools *tools, struct findings *findings);

#endif
