#include "support/chance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/crew.h"

#define ROLES \
	"# Small launch\n\n" \
	"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n" \
	"| Cutover lead | a | b | c |\n| DevOps lead | a | b | c |\n" \
	"| CTO | a | b | c |\n| Storage | a | b | c |\n\n"

#define GATES \
	"## Approvals\n\n" \
	"| Step | Required approvers | Record location |\n|---|---|---|\n" \
	"| Plan | CTO + DevOps lead | change |\n" \
	"| T0 | DevOps lead + Storage | channel |\n" \
	"| Later | Storage + CTO | channel |\n" \
	"| Undo | Storage + CTO | channel |\n" \
	"| Success | DevOps lead + CTO | change |\n" \
	"| Back | DevOps lead + CTO | incident |\n\n"

/* Several hosts, blocks and gates, what is asked, tried again and waited for,
 * and a manual step first. */
static const char winding[] = ROLES GATES
		"## 3 Rehearse {.rehearsal}\n\n"
		"1. Try\n\n   ```sh\n   echo try\n   ```\n"
		"2. Look {owner=\"Storage\"}\n\n"
		"## 4 Go {.production plan=\"Plan\" gate=\"T0\"}\n\n"
		"1. Look first {owner=\"Storage\"}\n"
		"2. Back up\n\n   ```sh sets=\"SNAP\"\n"
		"   echo SNAP=1 >>\"$BRIDGE_OUTPUT\"\n   ```\n"
		"3. Deploy {on=app}\n\n   ```sh parallel=2\n   echo on\n   ```\n\n"
		"   ```sh retries=1 delay=1m\n   echo pull\n   ```\n\n"
		"   ```sh repeatable\n   echo up\n   ```\n\n"
		"### 4.4 Switch {gate=\"Later\"}\n\n"
		"1. Switch over\n\n   ```sh ask on-rollback=wait\n"
		"   echo over\n   ```\n"
		"2. Watch\n\n   ```sh every=10m for=30m\n   echo fine\n   ```\n"
		"3. Look again {evidence}\n\n"
		"## 5 Smoke {.smoke success=\"Success\"}\n\n"
		"| Test | Command / action | Expected result |\n|---|---|---|\n"
		"| API | `echo ok` | `output contains \"ok\"` |\n"
		"| UI {owner=\"Storage\"} | look | fine |\n"
		"| Scan | `echo scan` | `output contains \"scan\"` |\n\n"
		"## 6 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down {on=app}\n\n   ```sh parallel=2\n   echo down\n   ```\n\n"
		"   ```sh retries=1 delay=1m\n   echo away\n   ```\n"
		"2. Restore {owner=\"Storage\"}\n\n   ```sh\n"
		"   echo \"$SNAP\"\n   ```\n"
		"3. Tell people {owner=\"CTO\"}\n"
		"4. Up\n\n   ```sh ask\n   echo up\n   ```\n\n"
		"### 6.5 Undo {gate=\"Undo\"}\n\n"
		"1. Look whether it is worth it\n"
		"2. Undo\n\n   ```sh\n   echo undo\n   ```\n\n"
		"## 7 After {.post}\n\n"
		"- Watch\n\n   ```sh every=10m for=30m\n   echo fine\n   ```\n\n"
		"### 7.2 Clean {gate=\"Later\"}\n\n"
		"1. Clean\n\n   ```sh\n   echo clean\n   ```\n"
		"2. Tell people {owner=\"CTO\"}\n";

/* The gate in front of it has nothing but manual steps behind it. */
static const char looking[] = ROLES GATES
		"## 3 Go {.production plan=\"Plan\"}\n\n"
		"### 3.1 Look {gate=\"Later\"}\n\n1. Look\n2. Look again\n\n"
		"### 3.2 Go\n\n1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n"
		"2. Look\n\n"
		"## 4 Back {.rollback gate=\"Back\"}\n\n"
		"1. Think\n2. Down\n\n   ```sh\n   echo down\n   ```\n";

const char *const chance_texts[CHANCE_TEXTS] = { night_whole, winding, looking,
	night_small };

static uint32_t draw(uint32_t *seed, uint32_t below) {
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

static const char *anybody(uint32_t *seed) {
	static const char *const users[] = { "lead", "lead", "lead", "cto", "cto",
		"rep", "rep", "dep", "other", "guest" };
	return users[draw(seed, 10)];
}

static const char *any_emoji(uint32_t *seed) {
	static const char *const emojis[] = { "white_check_mark",
		"white_check_mark", "white_check_mark", "x" };
	return emojis[draw(seed, 4)];
}

static const char *any_step(const struct night *night, uint32_t *seed) {
	const struct run *run = bridge_current(&night->bridge);
	if (run == NULL) {
		return "1.1";
	}
	size_t step = draw(seed, (uint32_t)run->step_count);
	return run->plan->runbook->steps[step].number;
}

/* The same runbook with other words in its first command. */
static void change_source(struct night *night, const char *text) {
	char changed[8192];
	snprintf(changed, sizeof(changed), "%s", text);
	char *echo = strstr(changed, "echo ");
	if (echo != NULL && strcmp(text, night->source) == 0) {
		memcpy(echo, "true ", 5);
	}
	night_change(night, changed);
}

static void tap_any_gate(struct night *night, uint32_t *seed) {
	const struct bridge *bridge = &night->bridge;
	if (bridge->gate_count == 0) {
		return;
	}
	uint32_t index = draw(seed, (uint32_t)bridge->gate_count);
	char post[32] = "";
	if (bridge->gates[index].post != NULL) {
		snprintf(post, sizeof(post), "%s", bridge->gates[index].post);
		night_tap_post(night, post, anybody(seed), any_emoji(seed));
	}
}

static void spoil_a_post(struct night *night, uint32_t *seed) {
	size_t count = 0;
	const char **posts = bridge_tap_posts(&night->bridge, &count);
	char post[32] = "";
	if (count > 0) {
		snprintf(post, sizeof(post), "%s", posts[draw(seed, (uint32_t)count)]);
	}
	free(posts);
	night_ask(night,
			&(struct request){
					.type = REQUEST_POST_CHANGED,
					.post = post,
					.deleted = draw(seed, 2) == 0,
					.edited = true,
			});
}

/* Every message has an id of its own. */
static void name_post(struct night *night, char post[32]) {
	snprintf(post, 32, "said%llu", (unsigned long long)++night->clock);
}

static void say_of_people(struct night *night, uint32_t *seed) {
	char post[32];
	name_post(night, post);
	static const char *const gates[] = { "t0", "plan", "rollback", "success",
		"step" };
	static const char *const roles[] = { "CTO", "Storage", "DevOps lead" };
	static const char *const people[] = { "other", "dep", "rep" };
	bool overrides = draw(seed, 2) == 0;
	struct request request = {
		.type = overrides ? REQUEST_OVERRIDE : REQUEST_DELEGATE,
		.user = anybody(seed),
		.post = post,
		.command = "said",
		.text = "because",
		.role = overrides ? gates[draw(seed, 5)] : roles[draw(seed, 3)],
		.who = people[draw(seed, 3)],
		.until = "1h",
	};
	night_ask(night, &request);
}

static void say_late(struct night *night, uint32_t *seed) {
	char post[32];
	name_post(night, post);
	static const enum request_type types[] = { REQUEST_ROLLBACK, REQUEST_START,
		REQUEST_DONE, REQUEST_FAIL };
	night_ask(night,
			&(struct request){
					.type = types[draw(seed, 4)],
					.user = anybody(seed),
					.post = post,
					.command = "said",
					.step = any_step(night, seed),
					.text = "because",
					.late_ms = 180000,
			});
}

/* Another config: the CTO is another, and the lead alone is DevOps lead. */
static const struct holders other_holders[] = {
	{ .role = "Cutover lead", .primary = "lead" },
	{ .role = "DevOps lead", .primary = "lead" },
	{ .role = "CTO", .primary = "other" },
	{ .role = "Storage", .primary = "rep" },
};

static void change_the_world(
		struct night *night, const char *text, uint32_t *seed) {
	switch (draw(seed, 11)) {
	case 0:
		night_ask(night, &(struct request){ .type = REQUEST_SERVER_LOST });
		break;
	case 1:
		night_ask(night,
				&(struct request){
						.type = REQUEST_SOURCE_BROKEN,
						.problem = "it does not parse",
				});
		break;
	case 2:
		change_source(night, text);
		break;
	case 3:
		night->files_changed = !night->files_changed;
		break;
	case 4:
		night_ask(night, &(struct request){ .type = REQUEST_BOT_STARTED });
		break;
	case 5:
		spoil_a_post(night, seed);
		break;
	case 6:
		night->unverifiable = true;
		break;
	case 7:
		night->settings.holders = other_holders;
		night->settings.holder_count = 4;
		break;
	case 8:
		night_set_active(night, anybody(seed), false);
		break;
	case 9:
		night->unpostable = true;
		break;
	default:
		night->now_ms -= draw(seed, 2) * 600000; // a clock that was ahead
		break;
	}
}

void chance_mend(struct night *night, const char *text) {
	static const char *const people[] = { "lead", "cto", "rep", "dep", "other",
		"guest" };
	for (size_t i = 0; i < 6; i++) {
		night_set_active(night, people[i], true);
	}
	night_usual_holders(night);
	night->unpostable = false;
	night->slow = false;
	night->away = false;
	night->disobedient = false;
	night->unverifiable = false;
	night->files_changed = false;
	night->fail_count = 0;
	night_change(night, text);
	night_ask(night, &(struct request){ .type = REQUEST_SERVER_BACK });
}

/* The first command that is still to come. */
static const char *next_step(const struct night *night) {
	const struct run *run = bridge_current(&night->bridge);
	for (size_t i = 0; run != NULL && i < run->step_count; i++) {
		const struct step *model = &run->plan->runbook->steps[i];
		if (run->steps[i].status != STEP_ENDED && model->kind == STEP_COMMAND) {
			return model->number;
		}
	}
	return "1.1";
}

static void let_it_fail(struct night *night, uint32_t *seed) {
	static const enum outcome outcomes[] = { OUTCOME_FAILED, OUTCOME_FAILED,
		OUTCOME_UNKNOWN, OUTCOME_TIMED_OUT, OUTCOME_NOT_STARTED };
	const char *step = draw(seed, 2) == 0 ? any_step(night, seed)
										  : next_step(night);
	for (uint32_t i = draw(seed, 4); i < 4; i++) {
		night_will(night, step, outcomes[draw(seed, 5)]);
	}
}

static void change_the_pace(struct night *night, uint32_t *seed) {
	night->slow = draw(seed, 3) == 0;
	night->away = draw(seed, 6) == 0;
	night->disobedient = draw(seed, 4) == 0;
	night_jump(night, 10000);
}

void chance_act(struct night *night, const char *text, uint32_t *seed) {
	uint32_t what = draw(seed, 24);
	if (what < 3) {
		night_tap(night, anybody(seed), any_emoji(seed));
	} else if (what < 4) {
		night_untap(night, anybody(seed), any_emoji(seed));
	} else if (what < 5) {
		tap_any_gate(night, seed);
	} else if (what < 7) {
		night_jump(night, (int64_t)draw(seed, 12) * 60000);
	} else if (what < 9) {
		let_it_fail(night, seed);
	} else if (what < 10) {
		change_the_pace(night, seed);
	} else if (what < 11) {
		change_the_world(night, text, seed);
	} else if (what < 12) {
		chance_mend(night, text);
	} else if (what < 13) {
		say_of_people(night, seed);
	} else if (what < 14) {
		say_late(night, seed);
	} else if (what < 19) {
		crew_help(night, draw(seed, 8));
	} else {
		night_say(night, anybody(seed),
				(enum request_type)draw(seed, REQUEST_DELEGATE),
				any_step(night, seed), "because");
	}
}

void chance_begin(struct night *night, uint32_t number) {
	static const char *const glass[] = { "CTO", "DevOps lead" };
	night->settings.backup_after_ms = number % 5 == 0 ? 300000 : 0;
	night->settings.escalate_after_ms = number % 3 == 0 ? 600000 : 0;
	if (number % 7 == 0) {
		night->settings.override_roles = glass;
		night->settings.override_role_count = 2;
		night->settings.override_count = 2;
	}
	if (number % 5 != 0) {
		night_says(night, "lead", REQUEST_PLAN);
		crew_finish_runs(night, false);
		night_says(night, "lead", REQUEST_REHEARSE);
		crew_finish_runs(night, false);
		night_says(night, "lead", REQUEST_START);
	}
}
