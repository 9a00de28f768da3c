#include "codec/config_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RULE "config"

struct checker {
	const struct config *config;
	struct findings *findings;
	size_t errors;
};

static void complain(struct checker *checker, uint32_t line, const char *format,
		...) __attribute__((format(printf, 3, 4)));

static void complain(
		struct checker *checker, uint32_t line, const char *format, ...) {
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	checker->errors++;
	findings_add(checker->findings, SEVERITY_ERROR, RULE,
			(struct place){ .line = line, .column = 1 }, "%s", text);
}

static void check_approve(struct checker *checker) {
	const struct config_approve *approve = &checker->config->approve;
	for (size_t i = 0; i < approve->yes.count; i++) {
		for (size_t j = 0; j < approve->no.count; j++) {
			if (strcmp(approve->yes.items[i], approve->no.items[j]) == 0) {
				complain(checker, approve->line,
						"[approve] has %s for yes and for no",
						approve->yes.items[i]);
			}
		}
	}
}

static void check_roles(struct checker *checker) {
	const struct config *config = checker->config;
	for (size_t i = 0; i < config->role_count; i++) {
		const struct config_role *role = &config->roles[i];
		for (size_t j = 0; j < role->backups.count; j++) {
			if (role->primary != NULL &&
					strcmp(role->primary, role->backups.items[j]) == 0) {
				complain(checker, role->line,
						"[role %s] has %s as primary and as backup", role->name,
						role->primary);
			}
		}
	}
}

static void check_override(struct checker *checker) {
	const struct config_override *override = &checker->config->override;
	for (size_t i = 0; i < override->roles.count; i++) {
		if (config_role(checker->config, override->roles.items[i]) == NULL) {
			complain(checker, override->line,
					"[override] names the role %s, which has no section: write "
					"[role %s]",
					override->roles.items[i], override->roles.items[i]);
		}
	}
	if (override->roles.count > 0 &&
			override->count > (int64_t) override->roles.count) {
		complain(checker, override->line,
				"[override] asks for %d people of %zu roles: lower count",
				(int) override->count, override->roles.count);
	}
}

/* Nothing of the user's own ssh is used, so all of it must be said. */
static void check_remote(
		struct checker *checker, const struct config_target *target) {
	if (target->ssh_key == NULL) {
		complain(checker, target->line,
				"[target %s] has hosts over ssh and no ssh_key: name the file "
				"of a key without a passphrase",
				target->name);
	}
	if (target->ssh_known_hosts == NULL) {
		complain(checker, target->line,
				"[target %s] has hosts over ssh and no ssh_known_hosts: name a "
				"file with their keys",
				target->name);
	}
	if (target->workdir == NULL || target->workdir[0] != '/') {
		complain(checker, target->line,
				"[target %s] has hosts over ssh and no workdir from the root "
				"on: write workdir = /…",
				target->name);
	}
}

static void check_targets(struct checker *checker) {
	const struct config *config = checker->config;
	for (size_t i = 0; i < config->target_count; i++) {
		const struct config_target *target = &config->targets[i];
		if (config_target_is_local(target)) {
			continue;
		}
		if (strcmp(target->name, "local") == 0) {
			complain(checker, target->line,
					"[target local] is this machine: hosts = local");
		} else {
			check_remote(checker, target);
		}
	}
}

static void check_clock(struct checker *checker) {
	if (checker->config->sandbox.clock != NULL &&
			checker->config->mattermost.url != NULL &&
			!config_is_loopback(checker->config)) {
		complain(checker, checker->config->sandbox.line,
				"clock in [sandbox]: only with a server on loopback; on a real "
				"one time is real");
	}
}

size_t config_check(const struct config *config, struct findings *findings) {
	struct checker checker = { .config = config, .findings = findings };
	check_approve(&checker);
	check_roles(&checker);
	check_override(&checker);
	check_targets(&checker);
	check_clock(&checker);
	return checker.errors;
}
