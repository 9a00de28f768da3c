#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "net.h"
#include "rest.h"
#include "sandbox.h"
#include "scene.h"

struct options {
	int port;
	enum version version;
	const char *scene;
	const char *clock;
	int64_t start_ms;
	unsigned pace;
	int64_t hurry;
	struct rate rate;
};

static const char usage[] =
		"usage: sandbox [--port N] [--like 11.6|5.37] [--scene FILE]\n"
		"               [--clock FILE [--start 2026-11-24T00:00:00Z] "
		"[--pace N]]\n"
		"               [--hurry N] [--rate PER_SECOND,BURST]\n";

static bool read_time(const char *text, int64_t *ms) {
	struct tm utc = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	if (end == NULL || *end != '\0') {
		return false;
	}
	*ms = (int64_t)timegm(&utc) * 1000;
	return true;
}

static bool read_number(const char *text, long most, long *number) {
	char *end = NULL;
	*number = strtol(text, &end, 10);
	return end != text && *end == '\0' && *number >= 0 && *number <= most;
}

static bool read_rate(const char *text, struct rate *rate) {
	int end = 0;
	int per_second = 0;
	int burst = 0;
	bool ok = sscanf(text, "%d,%d%n", &per_second, &burst, &end) == 2 &&
			text[end] == '\0' && per_second > 0 && burst >= 0;
	rate->per_second = per_second;
	rate->burst = burst;
	return ok;
}

static bool read_option(struct options *options, int option) {
	long number = 0;
	switch (option) {
	case 'p':
		if (!read_number(optarg, 65535, &number)) {
			return false;
		}
		options->port = (int)number;
		return true;
	case 'l':
		options->version = strcmp(optarg, "5.37") == 0 ? VERSION_5_37
													   : VERSION_11_6;
		return strcmp(optarg, "5.37") == 0 || strcmp(optarg, "11.6") == 0;
	case 's':
		options->scene = optarg;
		return true;
	case 'c':
		options->clock = optarg;
		return true;
	case 't':
		return read_time(optarg, &options->start_ms);
	case 'a':
		if (!read_number(optarg, 100000, &number)) {
			return false;
		}
		options->pace = (unsigned)number;
		return true;
	case 'h':
		if (!read_number(optarg, 1000, &number) || number == 0) {
			return false;
		}
		options->hurry = number;
		return true;
	case 'r':
		return read_rate(optarg, &options->rate);
	default:
		return false;
	}
}

static bool read_options(struct options *options, int argc, char **argv) {
	static const struct option known[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "like", required_argument, NULL, 'l' },
		{ "scene", required_argument, NULL, 's' },
		{ "clock", required_argument, NULL, 'c' },
		{ "start", required_argument, NULL, 't' },
		{ "pace", required_argument, NULL, 'a' },
		{ "hurry", required_argument, NULL, 'h' },
		{ "rate", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	*options = (struct options){ .version = VERSION_11_6, .hurry = 1 };
	read_time("2026-11-24T00:00:00Z", &options->start_ms);
	int option;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (!read_option(options, option)) {
			return false;
		}
	}
	return optind == argc;
}

static int64_t clock_ms(void *data) {
	const struct sandbox *sandbox = data;
	if (sandbox->clock != NULL) {
		return runclock_now_ms(sandbox->clock);
	}
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool set_up(struct sandbox *sandbox, const struct options *options,
		struct err *err) {
	if (options->clock != NULL) {
		sandbox->clock = runclock_create(
				options->clock, options->start_ms, err);
		if (sandbox->clock == NULL) {
			return false;
		}
		runclock_set_pace(sandbox->clock, options->pace);
		sandbox->clock_path = xstrdup(options->clock);
	}
	sandbox->hurry = options->hurry;
	sandbox->rate = options->rate;
	world_init(&sandbox->world, options->version, clock_ms, sandbox);
	hub_init(&sandbox->hub, &sandbox->world, &sandbox->faults, net_wake);
	sandbox->hub.hurry = options->hurry;
	if (!scene_load(sandbox, options->scene, err)) {
		return false;
	}
	sandbox->net = net_create(sandbox, options->port, err);
	return sandbox->net != NULL;
}

static void tear_down(struct sandbox *sandbox) {
	net_destroy(sandbox->net);
	players_finish(&sandbox->players);
	rest_forget_pendings(sandbox);
	hub_finish(&sandbox->hub);
	faults_finish(&sandbox->faults);
	world_finish(&sandbox->world);
	runclock_destroy(sandbox->clock);
	free(sandbox->clock_path);
}

int main(int argc, char **argv) {
	struct options options;
	struct sandbox sandbox = { 0 };
	struct err err = { 0 };
	if (!read_options(&options, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	int status = 0;
	if (set_up(&sandbox, &options, &err)) {
		printf("sandbox: listening on %s\n", sandbox.url);
		fflush(stdout);
		net_run(sandbox.net);
	} else {
		fprintf(stderr, "sandbox: %s\n", err.text);
		status = 1;
	}
	tear_down(&sandbox);
	return status;
}
