#ifndef NIGHT_H
#define NIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "core/bridge.h"
#include "core/decide.h"

/*
 * A whole night without a shell: the core alone, under a clock that the test
 * turns.  Requests go in, events come out and are folded, effects are carried
 * out at once by a stand-in, and the invariants of docs/invariants.md are
 * checked after every event.
 *
 * People: "lead" leads and is DevOps lead's primary, "cto", "rep" (the role
 * Storage), "dep" (backup of DevOps lead), "guest" and "other" (no role).
 */

#define NIGHT_START_MS INT64_C(1790000000000)
#define NIGHT_TAPS     1000

struct night_tap {
	char post[32];
	char user[16];
	char emoji[32];
	int64_t server_ms;
};

struct night {
	struct bridge bridge;
	struct settings settings;
	struct people people;
	char *source; // the runbook's text, as on disk
	int64_t now_ms;
	struct str log;   // every event in short, one a line
	struct str shown; // since the last night_shown()
	struct night_tap taps[NIGHT_TAPS];
	size_t tap_count;
	uint64_t clock;     // for post ids and the server's times
	char fails[16][16]; // steps whose next attempt does not go well
	enum outcome fail_as[16];
	size_t fail_count;
	bool slow;             // attempts run until night_end()
	bool away;             // nothing follows by itself: requests pile up
	bool disobedient;      // nor do they end when they are cancelled
	bool unverifiable;     // fresh reads fail
	bool leaves;           // what ends unknown has published what it declares
	const char *workdir;   // where commands start, by the config
	bool files_changed;    // tracked files differ from the plan's
	bool unpostable;       // the server will never have a gate's post
	bool fetching;         // what people attach is not fetched yet
	const char *unfetched; // why it cannot be had; NULL: it can
	size_t started;        // attempts in all
	char violated[256];    // first invariant that did not hold; "": none
	const char *command;   // name that night_say() puts on record; NULL: "said"
	const char *tail;      // what attempts print; NULL: nothing
	const char *reason;    // why they fail; NULL: exit 1
	/* Hears of every event once it is folded, with those that the same
	 * decision has behind it.  NULL: nobody listens. */
	void (*heard)(void *data, const struct world *world,
			const struct event *event, size_t following);
	void *heard_data;
};

/* How a runbook for these people begins. */
#define NIGHT_ROLES \
	"# Small launch\n\n" \
	"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n" \
	"| Cutover lead | a | b | c |\n| DevOps lead | a | b | c |\n" \
	"| CTO | a | b | c |\n| Storage | a | b | c |\n\n"

/* With them, gates of every purpose and one for some part. */
#define NIGHT_GATES \
	"| Step | Required approvers | Record location |\n|---|---|---|\n" \
	"| T0 | DevOps lead + Storage | channel |\n" \
	"| Restore | Storage + CTO | channel |\n" \
	"| Success | DevOps lead + CTO | change |\n" \
	"| Back | DevOps lead + CTO | incident |\n\n"

/* Ten lines with no gate; and one with all four gates, section 3 rehearsal, 4
 * production, 5 smoke, 6 rollback, 7 post. */
extern const char night_small[];
extern const char night_whole[];

/* For cmocka: *state is a struct night; teardown fails if an invariant did. */
int night_setup(void **state);
int night_teardown(void **state);

/* Begin with the runbook in @text, which must have no errors. */
void night_init(struct night *night, const char *text);
void night_finish(struct night *night);

/* @user says command @type; @step and @text may be NULL.  Settles. */
void night_say(struct night *night, const char *user, enum request_type type,
		const char *step, const char *text);

/* The same with neither step nor text. */
void night_says(struct night *night, const char *user, enum request_type type);

/* night_whole, planned, approved, rehearsed and started: the T0 gate is open. */
void night_begin(struct night *night);
void night_approve_t0(struct night *night);

/* The newest gate of @purpose, of the newest run or the plan; NULL. */
const struct gate_state *night_gate(
		const struct night *night, enum gate_purpose purpose);

/* The same up to the gate of success, which is open; none of it is shown. */
void night_reach_success(struct night *night);

/* "lead" and "cto" approve what is open: a plan, success, a rollback. */
void night_approve(struct night *night);

/* @user taps, or takes back, @emoji on the newest open gate, poll or manual
 * step.  Settles. */
void night_tap(struct night *night, const char *user, const char *emoji);
void night_untap(struct night *night, const char *user, const char *emoji);

/* The same on the post that is meant. */
void night_tap_post(struct night *night, const char *post, const char *user,
		const char *emoji);
void night_untap_post(struct night *night, const char *post, const char *user,
		const char *emoji);

/* The account of @name is active, or is not; a member of the channel. */
void night_set_active(struct night *night, const char *name, bool active);

/* The file on disk reads @text from now on, and the bot has noticed. */
void night_change(struct night *night, const char *text);

/* The config names those again that it named at first. */
void night_usual_holders(struct night *night);

/* Time passes, by the minute; settles after each. */
void night_pass(struct night *night, int64_t minutes);

/* Time passes at once. */
void night_jump(struct night *night, int64_t ms);

/* The next attempt of @step ends so. */
void night_will(struct night *night, const char *step, enum outcome outcome);

/* With slow: the running attempt of @step ends so. */
void night_end(struct night *night, const char *step, enum outcome outcome);

/* Carry out whatever follows by itself. */
void night_settle(struct night *night);

/* Put @request to the core as it is, and nothing else. */
void night_put(struct night *night, const struct request *request);

/* The same, then settle. */
void night_ask(struct night *night, const struct request *request);

/* What happened since the last call, one event a line; valid until the next. */
const char *night_shown(struct night *night);

/* The newest run, or NULL. */
const struct run *night_run(const struct night *night);

#endif
