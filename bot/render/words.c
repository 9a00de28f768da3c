#include "render/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "render/markdown.h"

#define SECOND_MS 1000
#define MINUTE_MS ((int64_t)60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

char *words_run(const struct world *world, const struct run *run) {
	return xasprintf("%s-%u", world->settings->prefix, run->number);
}

static void split_time(int64_t at_ms, struct tm *tm) {
	time_t at = (time_t)(at_ms / SECOND_MS);
	if (gmtime_r(&at, tm) == NULL) {
		*tm = (struct tm){ .tm_mday = 1 };
	}
}

char *words_clock(int64_t at_ms, int64_t now_ms) {
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm at;
	struct tm now;
	split_time(at_ms, &at);
	split_time(now_ms, &now);
	if (at.tm_yday == now.tm_yday && at.tm_year == now.tm_year) {
		return xasprintf("%02d:%02d", at.tm_hour, at.tm_min);
	}
	return xasprintf("%d %s %02d:%02d", at.tm_mday, months[at.tm_mon % 12],
			at.tm_hour, at.tm_min);
}

char *words_date(int64_t at_ms) {
	struct tm at;
	split_time(at_ms, &at);
	return xasprintf(
			"%04d-%02d-%02d", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday);
}

char *words_relative(int64_t ms) {
	char sign = ms < 0 ? '-' : '+';
	int64_t minutes = (ms < 0 ? -ms : ms) / MINUTE_MS;
	if (minutes < 60) {
		return minutes == 0 ? xstrdup("T0")
							: xasprintf("T%c%dm", sign, (int)minutes);
	}
	if (minutes % 60 == 0) {
		return xasprintf("T%c%dh", sign, (int)(minutes / 60));
	}
	return xasprintf(
			"T%c%dh%02dm", sign, (int)(minutes / 60), (int)(minutes % 60));
}

char *words_span(int64_t ms) {
	int64_t s = ms < 0 ? 0 : ms / SECOND_MS;
	if (s < 60) {
		return xasprintf("%d s", (int)s);
	}
	if (s < 3600) {
		return s % 60 == 0
				? xasprintf("%d min", (int)(s / 60))
				: xasprintf("%d min %02d s", (int)(s / 60), (int)(s % 60));
	}
	return xasprintf("%d h %02d min", (int)(s / 3600), (int)(s / 60 % 60));
}

char *words_age(int64_t ms) {
	if (ms < MINUTE_MS) {
		return xasprintf("%d s", (int)(ms < 0 ? 0 : ms / SECOND_MS));
	}
	if (ms < 2 * HOUR_MS) {
		return xasprintf("%d min", (int)(ms / MINUTE_MS));
	}
	if (ms < 2 * DAY_MS) {
		return xasprintf("%d h", (int)(ms / HOUR_MS));
	}
	return xasprintf("%d days", (int)(ms / DAY_MS));
}

char *words_count(size_t count, const char *noun) {
	return xasprintf("%zu %s%s", count, noun, count == 1 ? "" : "s");
}

const char *words_release(const struct plan *plan) {
	static const char *const names[] = { "RELEASE", "VERSION", "TAG" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t j = 0; j < plan->param_count; j++) {
			if (strcmp(plan->params[j].name, names[i]) == 0 &&
					!plan->params[j].secret) {
				return plan->params[j].value;
			}
		}
	}
	return NULL;
}

char *words_short(const char *text, size_t letters) {
	if (utf8_count(text) <= letters) {
		return xstrdup(text);
	}
	size_t len = utf8_prefix(text, letters > 0 ? letters - 1 : 0);
	while (len > 0 && text[len - 1] == ' ') {
		len--;
	}
	return xasprintf("%.*s…", (int)len, text);
}

char *words_wrapped(const char *text, size_t letters) {
	struct str plain = { 0 };
	struct str lines = { 0 };
	markdown_add_text(&plain, text);
	markdown_add_wrapped(&lines, str_text(&plain), letters, letters);
	str_finish(&plain);
	return str_take(&lines);
}

/* Where the code span that opens at @text closes; NULL: not on this line. */
static const char *span_end(const char *text) {
	size_t len = strcspn(text + 1, "`\n");
	return text[1 + len] == '`' ? text + 1 + len : NULL;
}

char *words_prose(const char *text) {
	struct str out = { 0 };
	while (*text != '\0') {
		const char *end = *text == '`' ? span_end(text) : NULL;
		if (end != NULL) {
			str_add_bytes(&out, text, (size_t)(end + 1 - text));
			text = end + 1;
			continue;
		}
		if (*text == '\n') {
			str_add_char(&out, '\n');
			text++;
			continue;
		}
		size_t len = *text == '`' ? 1 : strcspn(text, "`\n");
		char *piece = xstrndup(text, len);
		markdown_add_text(&out, piece);
		free(piece);
		text += len;
	}
	return str_take(&out);
}

char *words_said(const char *text) {
	struct str out = { 0 };
	if (text != NULL) {
		markdown_add_code(&out, text, MARKDOWN_WORDS);
	}
	return str_take(&out);
}

/* --- people and roles --- */

char *words_calls(
		const struct world *world, const char *const *ids, size_t count) {
	struct str out = { 0 };
	for (size_t i = 0; i < count; i++) {
		if (ids[i] != NULL) {
			str_addf(&out, "%s@%s", out.len > 0 ? " " : "",
					people_name(world->people, ids[i]));
		}
	}
	return str_take(&out);
}

char *words_names(const struct world *world, const char *const *ids,
		size_t count, size_t most) {
	struct str out = { 0 };
	size_t named = 0;
	for (size_t i = 0; i < count; i++) {
		if (ids[i][0] == '\0') {
			continue; // a place that an override left empty
		}
		if (named < most) {
			str_addf(&out, "%s%s", named > 0 ? ", " : "",
					people_name(world->people, ids[i]));
		}
		named++;
	}
	if (named > most) {
		str_addf(&out, " +%zu", named - most);
	}
	return str_take(&out);
}

static bool is_there(const struct world *world, const char *id) {
	const struct person *person = id != NULL ? people_by_id(world->people, id)
											 : NULL;
	return person != NULL && person_counts(person);
}

/* A list of ids, each once. */
struct ids {
	const char **list;
	size_t count;
};

static void ids_add(struct ids *ids, const char *id) {
	for (size_t i = 0; i < ids->count; i++) {
		if (id == NULL || strcmp(ids->list[i], id) == 0) {
			return;
		}
	}
	if (id != NULL) {
		ids->list = xreallocarray(
				ids->list, ids->count + 1, sizeof(*ids->list));
		ids->list[ids->count++] = id;
	}
}

static const struct holders *holders_of(
		const struct world *world, const struct runbook *runbook, size_t role) {
	return settings_holders(world->settings, runbook->roles[role].name);
}

static void add_backups(
		struct ids *ids, const struct world *world, const struct holders *of) {
	for (size_t i = 0; i < of->backup_count; i++) {
		if (is_there(world, of->backups[i])) {
			ids_add(ids, of->backups[i]);
		}
	}
}

char *words_call_roles(const struct world *world, const struct runbook *runbook,
		const struct role_set *roles) {
	struct ids ids = { 0 };
	for (size_t i = 0; i < roles->count; i++) {
		const struct holders *holders = holders_of(
				world, runbook, roles->roles[i]);
		if (holders == NULL) {
			continue;
		}
		const struct deputy *deputy = world_deputy(
				world, runbook->roles[roles->roles[i]].name);
		if (deputy != NULL && is_there(world, deputy->user)) {
			ids_add(&ids, deputy->user);
		} else if (is_there(world, holders->primary)) {
			ids_add(&ids, holders->primary);
		} else {
			add_backups(&ids, world, holders);
		}
	}
	char *text = words_calls(world, ids.list, ids.count);
	free(ids.list);
	return text;
}

char *words_call_backups(const struct world *world,
		const struct runbook *runbook, const struct role_set *roles) {
	struct ids ids = { 0 };
	for (size_t i = 0; i < roles->count; i++) {
		const struct holders *holders = holders_of(
				world, runbook, roles->roles[i]);
		if (holders != NULL) {
			add_backups(&ids, world, holders);
		}
	}
	char *text = words_calls(world, ids.list, ids.count);
	free(ids.list);
	return text;
}

char *words_call_all(const struct world *world, const struct runbook *runbook,
		const struct role_set *roles) {
	struct ids ids = { 0 };
	for (size_t i = 0; i < roles->count; i++) {
		const struct deputy *deputy = world_deputy(
				world, runbook->roles[roles->roles[i]].name);
		const struct holders *holders = holders_of(
				world, runbook, roles->roles[i]);
		if (deputy != NULL && is_there(world, deputy->user)) {
			ids_add(&ids, deputy->user);
		}
		if (holders != NULL && is_there(world, holders->primary)) {
			ids_add(&ids, holders->primary);
		}
		if (holders != NULL) {
			add_backups(&ids, world, holders);
		}
	}
	char *text = words_calls(world, ids.list, ids.count);
	free(ids.list);
	return text;
}

char *words_call_next(const struct world *world, const struct runbook *runbook,
		const struct role_set *roles, uint32_t level) {
	if (level < 2) {
		char *backups = words_call_backups(world, runbook, roles);
		if (*backups != '\0') {
			return backups;
		}
		free(backups);
		return words_call_roles(world, runbook, roles);
	}
	struct str out = { 0 };
	char *lead = words_call_lead(world, runbook);
	str_add(&out, lead);
	free(lead);
	for (size_t i = 0; i < roles->count; i++) {
		const char *channel = runbook->roles[roles->roles[i]].channel;
		if (channel != NULL && strcmp(channel, world->settings->channel) != 0) {
			str_addf(&out, " ~%s", channel);
		}
	}
	return str_take(&out);
}

char *words_roles(const struct runbook *runbook, const struct role_set *roles) {
	struct str out = { 0 };
	for (size_t i = 0; i < roles->count; i++) {
		str_addf(&out, "%s%s", i > 0 ? " or " : "",
				runbook->roles[roles->roles[i]].name);
	}
	return str_take(&out);
}

char *words_call_lead(
		const struct world *world, const struct runbook *runbook) {
	size_t lead = runbook_lead(runbook);
	struct role_set set = { .roles = &lead };
	set.count = lead != RUNBOOK_NONE ? 1 : 0;
	return words_call_roles(world, runbook, &set);
}

char *words_lead(const struct world *world, const struct runbook *runbook) {
	size_t lead = runbook_lead(runbook);
	const struct holders *holders = lead != RUNBOOK_NONE
			? holders_of(world, runbook, lead)
			: NULL;
	if (holders == NULL || holders->primary == NULL) {
		return xstrdup("");
	}
	return xstrdup(people_name(world->people, holders->primary));
}

char *words_call_owner(
		const struct world *world, const struct run *run, size_t step) {
	size_t lead = RUNBOOK_NONE;
	struct role_set owner = step_owner(run->plan->runbook, step, &lead);
	return words_call_roles(world, run->plan->runbook, &owner);
}

/* --- gates and attempts --- */

char *words_gate(const struct bridge *bridge, const struct gate_state *gate) {
	switch (gate->purpose) {
	case PURPOSE_PLAN:
		return xstrdup("the plan");
	case PURPOSE_START: {
		const struct gate *model = gate_state_model(bridge, gate);
		bool t0 = model == NULL || strstr(model->name, "T0") != NULL;
		return t0 ? xstrdup("T0") : words_short(model->name, 24);
	}
	case PURPOSE_STEP: {
		const struct gate *model = gate_state_model(bridge, gate);
		return model != NULL ? words_short(model->name, 24)
							 : xstrdup("the gate");
	}
	case PURPOSE_SUCCESS:
		return xstrdup("success");
	case PURPOSE_ROLLBACK:
		return xstrdup("rollback");
	case PURPOSE_FILES:
		return xstrdup("changed files");
	}
	return xstrdup("the gate");
}

char *words_capital(const char *text) {
	char *copy = xstrdup(text);
	if (copy[0] >= 'a' && copy[0] <= 'z') {
		copy[0] = (char)(copy[0] - 'a' + 'A');
	}
	return copy;
}

const char *words_again(const struct run *run, const struct gate_state *gate) {
	switch (gate->purpose) {
	case PURPOSE_PLAN:
		return "!cutover plan";
	case PURPOSE_START:
		/* Where it could not lead back to before the run, that is held. */
		return run != NULL && run->forward_begun ? "!cutover resume"
												 : "!cutover start";
	case PURPOSE_SUCCESS:
		return "!cutover decide";
	case PURPOSE_ROLLBACK:
		return "!rollback WHY";
	case PURPOSE_STEP:
	case PURPOSE_FILES:
		return "!cutover resume";
	}
	return "!help";
}

const char *words_host(
		const struct run *run, size_t step, uint32_t block, uint32_t host) {
	const struct step *model = &run->plan->runbook->steps[step];
	if (block >= model->block_count) {
		return "local";
	}
	const char *on = model->blocks[block].on;
	const struct plan_target *target = plan_target(&run->plan->plan, on);
	return target != NULL && host < target->host_count ? target->hosts[host]
													   : on;
}

static const char *outcome_words(enum outcome outcome) {
	switch (outcome) {
	case OUTCOME_OK:
		return "ended well";
	case OUTCOME_TIMED_OUT:
		return "timed out";
	case OUTCOME_CANCELLED:
		return "stopped";
	case OUTCOME_UNKNOWN:
		return "end not seen";
	case OUTCOME_NOT_STARTED:
		return "could not be started";
	case OUTCOME_NONE:
	case OUTCOME_FAILED:
	case OUTCOME_SKIPPED:
	case OUTCOME_PASSED:
	case OUTCOME_PASSED_OVER:
	case OUTCOME_EXCLUDED:
	case OUTCOME_YES:
	case OUTCOME_NO:
	case OUTCOME_REFUSED:
	case OUTCOME_EXPIRED:
	case OUTCOME_VOID:
		return "failed";
	}
	return "failed";
}

char *words_reason(const struct attempt *attempt) {
	bool told = attempt->reason != NULL && attempt->reason[0] != '\0';
	char *why = words_short(
			told ? attempt->reason : outcome_words(attempt->outcome), 120);
	char *took = words_span(attempt->ended_ms - attempt->started_ms);
	char *text = xasprintf("%s after %s", why, took);
	free(took);
	free(why);
	return text;
}

const char *words_outcome(const struct run *run) {
	if (run->kind == RUN_REHEARSAL) {
		return run->rehearsed_ok             ? "rehearsal passed"
				: run->rehearsed_why != NULL ? "rehearsal does not count"
											 : "rehearsal aborted";
	}
	if (run->closed_from == RUN_SUCCEEDED) {
		return "succeeded";
	}
	if (run->closed_from == RUN_ROLLED_BACK) {
		return "rolled back";
	}
	return run->closed_from == RUN_ABORTED ? "aborted" : "ended";
}
