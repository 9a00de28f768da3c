/*
 * date: the run's time instead of the machine's, so that a snapshot's name and
 * the channel agree.  WORLD/clock is the run clock's file (bot/sys/runclock.c:
 * a magic number, version and size, then the time in milliseconds); without
 * one it is the machine's time.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define CLOCK_MAGIC UINT64_C(0x4c4b434c43524b42)
#define CLOCK_NOW   16 // offset of the time

static time_t now(const struct world *world) {
	char path[TEXT_MAX + 8];
	uint64_t magic = 0;
	int64_t ms = 0;
	snprintf(path, sizeof(path), "%s/clock", world->root);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool shared = fd >= 0 &&
			pread(fd, &magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
			magic == CLOCK_MAGIC &&
			pread(fd, &ms, sizeof(ms), CLOCK_NOW) == (ssize_t)sizeof(ms);
	if (fd >= 0) {
		close(fd);
	}
	return shared ? (time_t)(ms / 1000) : time(NULL);
}

int date_run(struct world *world) {
	const char *format = world->argc == 2 ? world->argv[1] : "";
	char text[TEXT_MAX];
	struct tm tm;
	time_t at = now(world);
	if (strcmp(format, "-Iseconds") == 0) {
		format = "+%Y-%m-%dT%H:%M:%S+00:00";
	}
	if (format[0] != '+' || gmtime_r(&at, &tm) == NULL) {
		return complain("date: only -Iseconds and +FORMAT are known here");
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" // the caller's, as date's
	strftime(text, sizeof(text), format + 1, &tm);
#pragma GCC diagnostic pop
	puts(text);
	return 0;
}
