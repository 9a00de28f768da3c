#ifndef CHECK_HOSTS_H
#define CHECK_HOSTS_H

#include "app/config_file.h"
#include "codec/config.h"

/*
 * What ssh needs for the hosts of the config, as it lies here.  The rules:
 *
 *	ssh-key          the key is missing, or others may read it; error
 *	ssh-known-hosts  the file is missing, or a host is not in it; error
 */
void check_hosts(const struct config_file *file, struct findings *findings);

/* Ask each host: `host`, it cannot be reached, or a tracked file is amiss. */
void check_hosts_online(
		const struct config_file *file, struct findings *findings);

#endif
