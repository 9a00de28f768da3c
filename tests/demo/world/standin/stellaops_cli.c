/* stellaops-cli: scan submit, signer sign and verify, attestor verify. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "web.h"

/* The environment of a CLI profile. */
static const char *env_of_profile(const char *profile) {
	return strcmp(profile, "staging") == 0 ? "stage" : profile;
}

static int need_file(const char *path) {
	if (path == NULL || !file_exists(path)) {
		return complain("error: cannot read %s", path != NULL ? path : "");
	}
	return 0;
}

static int scan_submit(const struct world *world) {
	const char *profile = option(world, "--profile");
	char release[64], uuid[64], path[TEXT_MAX];
	if (need_file(option(world, "--sbom")) != 0) {
		return 1;
	}
	if (profile == NULL ||
			!web_serves(
					world, env_of_profile(profile), release, sizeof(release))) {
		return complain("error: profile %s: scanner unreachable",
				profile != NULL ? profile : "");
	}
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(uuid, sizeof(uuid), "%08llx-0000-4000-8000-%012lx",
			(unsigned long long)now.tv_sec & 0xffffffffu,
			(unsigned long)now.tv_nsec);
	state_path(world, path, "attestations/%s", uuid);
	state_write(path, profile);
	printf("{\"status\":\"completed\",\"report\":{\"release\":\"%s\","
		   "\"dsse\":{\"signed\":true}},\"attestation\":{\"uuid\":\"%s\"}}\n",
			release, uuid);
	return 0;
}

/* SHA-256 of @path in hex, from the tool that everybody has. */
static bool sum_of(const char *path, char sum[65]) {
	char command[TEXT_MAX];
	if (strpbrk(path, "'\\") != NULL) {
		return false;
	}
	snprintf(command, sizeof(command), "sha256sum '%s'", path);
	FILE *pipe = popen(command, "re");
	if (pipe == NULL) {
		return false;
	}
	size_t n = fread(sum, 1, 64, pipe);
	sum[64] = '\0';
	return pclose(pipe) == 0 && n == 64;
}

static int sign(const struct world *world) {
	char release[64], sum[65];
	const char *bundle = option(world, "--bundle");
	if (need_file(bundle) != 0 || !sum_of(bundle, sum)) {
		return 1;
	}
	if (!web_serves(world, "prod", release, sizeof(release))) {
		return complain("error: signer unreachable");
	}
	printf("{\"payloadType\":\"application/vnd.in-toto+json\","
		   "\"subject\":{\"sha256\":\"%s\"},"
		   "\"signer\":{\"keyid\":\"stellaops-prod-2025\"}}\n",
			sum);
	return 0;
}

static int signer_verify(const struct world *world) {
	const char *base = option(world, "--base-url");
	char url[TEXT_MAX];
	struct answer answer;
	if (base == NULL || need_file(option(world, "--bundle")) != 0) {
		return complain("error: --base-url and --bundle are needed");
	}
	snprintf(url, sizeof(url), "%.500s/healthz", base);
	web_answer(world, "GET", url, &answer);
	if (answer.status != 200) {
		return complain("error: %s: signer unreachable", base);
	}
	puts("DSSE verified");
	return 0;
}

static int attestor_verify(const struct world *world) {
	const char *uuid = option(world, "--uuid");
	char path[TEXT_MAX];
	state_path(world, path, "attestations/%.200s", uuid != NULL ? uuid : "");
	if (uuid == NULL || uuid[0] == '\0' || strchr(uuid, '/') != NULL ||
			!state_has(path)) {
		puts("ok=false");
		return complain("error: no attestation %s", uuid != NULL ? uuid : "");
	}
	puts("ok=true");
	return 0;
}

int stellaops_cli_run(struct world *world) {
	static const char *const with_value[] = { "--profile", "--sbom",
		"--base-url", "--bundle", "--uuid", NULL };
	static const struct {
		const char *noun, *verb;
		int (*run)(const struct world *world);
	} commands[] = {
		{ "scan", "submit", scan_submit },
		{ "signer", "sign", sign },
		{ "signer", "verify", signer_verify },
		{ "attestor", "verify", attestor_verify },
	};
	const char *words[2];
	plain_words(world, with_value, words, 2);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].noun, words[0]) == 0 &&
				strcmp(commands[i].verb, words[1]) == 0) {
			return commands[i].run(world);
		}
	}
	return complain("error: no command %s %s here", words[0], words[1]);
}
