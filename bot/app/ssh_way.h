#ifndef SSH_WAY_H
#define SSH_WAY_H

#include "codec/config.h"
#include "exec/ssh.h"

/* How a host of the config is reached, as ssh wants to be told. */
struct ssh_way {
	struct ssh_host host;
	char *key; // what @host points to, as the next
	char *known_hosts;
};

/* @target, over ssh, says by which files; relative ones stand in @base_dir.
 * The names of @host are borrowed.  Pair with ssh_way_finish(). */
void ssh_way_init(struct ssh_way *way, const struct config_target *target,
		const struct config_host *host, const char *base_dir);

/* Safe on a zeroed one. */
void ssh_way_finish(struct ssh_way *way);

#endif
