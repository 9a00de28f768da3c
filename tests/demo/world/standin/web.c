#include "web.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cluster.h"

struct place {
	char service[64];
	char env[64];
	char origin[TEXT_MAX / 2]; // scheme and host
	const char *path;
};

/* "http://scanner.prod.localhost:1/healthz" in its parts. */
static bool take_apart(const char *url, struct place *place) {
	const char *host = strstr(url, "://");
	if (host == NULL) {
		return false;
	}
	host += 3;
	place->path = host + strcspn(host, "/");
	snprintf(place->origin, sizeof(place->origin), "%.*s",
			(int)(place->path - url), url);
	return sscanf(host, "%63[a-z].%63[a-z].", place->service, place->env) == 2;
}

bool web_serves(const struct world *world, const char *env, char *release,
		size_t size) {
	char path[TEXT_MAX];
	struct cluster cluster;
	state_path(world, path, "stacks/%.60s", env);
	if (file_value(path, "release ", release, size)) {
		return true;
	}
	if (cluster_open_named(&cluster, world, env) &&
			cluster_deployed(&cluster) != NULL) {
		snprintf(release, size, "%s", cluster_deployed(&cluster)->release);
		return true;
	}
	return false;
}

static void take_event(const struct world *world, struct answer *answer) {
	char path[TEXT_MAX], line[64];
	state_path(world, path, "mongo/data/runtime_events");
	snprintf(line, sizeof(line), "event %lld\n", (long long)time(NULL));
	state_append(path, line);
	answer->status = 202;
	snprintf(answer->body, sizeof(answer->body), "{\"accepted\":1}");
}

static void route(const struct world *world, const char *method,
		const struct place *place, const char *release, struct answer *answer) {
	bool get = strcmp(method, "GET") == 0;
	answer->status = 200;
	if (get && strcmp(place->path, "/healthz") == 0) {
		snprintf(answer->body, sizeof(answer->body),
				"{\"status\":\"Healthy\",\"release\":\"%.60s\"}", release);
	} else if (get &&
			strcmp(place->path, "/.well-known/openid-configuration") == 0) {
		snprintf(answer->body, sizeof(answer->body),
				"{\"issuer\":\"%.200s\",\"token_endpoint\":\"%.200s/token\"}",
				place->origin, place->origin);
	} else if (!get && strcmp(place->path, "/runtime/events") == 0) {
		take_event(world, answer);
	} else if (get && strcmp(place->service, "prometheus") == 0 &&
			strncmp(place->path, "/api/v1/query?query=", 20) == 0) {
		snprintf(answer->body, sizeof(answer->body),
				"{\"status\":\"success\",\"data\":{\"result\":"
				"[{\"value\":[%lld,\"1\"]}]}}",
				(long long)time(NULL));
	} else {
		answer->status = 404;
		snprintf(answer->body, sizeof(answer->body),
				"{\"error\":\"not found\"}");
	}
}

void web_answer(const struct world *world, const char *method, const char *url,
		struct answer *answer) {
	struct place place;
	char release[64];
	*answer = (struct answer){ 0 };
	if (!take_apart(url, &place) ||
			!web_serves(world, place.env, release, sizeof(release))) {
		return;
	}
	if (world->fault[0] != '\0') {
		answer->status = 503;
		snprintf(answer->body, sizeof(answer->body), "{\"error\":\"%.400s\"}",
				world->fault);
		return;
	}
	route(world, method, &place, release, answer);
}
