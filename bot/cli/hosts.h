#ifndef CLI_HOSTS_H
#define CLI_HOSTS_H

#include <stdbool.h>

#include "app/config_file.h"
#include "app/hostfiles.h"
#include "base/err.h"

struct clock;
struct loop;

/* The hosts over ssh that a config names, asked once while the caller waits. */
struct hosts {
	struct clock *clock;
	struct loop *loop;
	struct hostfiles *files; // what they said
};

/* Pair with hosts_finish(), on failure too. */
bool hosts_ask(struct hosts *hosts, const struct config_file *file,
		struct err *err) __attribute__((warn_unused_result));

void hosts_finish(struct hosts *hosts);

#endif
