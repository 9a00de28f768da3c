#ifndef RUNBOOK_H
#define RUNBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A runbook as the bot understands it: what docs/runbook-format.md takes from
 * the document, and nothing else.  Built by codec/runbook_md from Markdown,
 * checked by runbook_lint(), then never changed.  All cross-references are
 * indexes into the arrays here; RUNBOOK_NONE means "none".
 *
 * Ownership: the runbook owns everything below it; runbook_destroy() frees it.
 */

#define RUNBOOK_NONE SIZE_MAX

/* Where something stands in the document, both from 1. */
struct place {
	uint32_t line;
	uint32_t column;
};

enum severity {
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};

/* One thing that `check` found.  @rule is a string constant, stable. */
struct finding {
	enum severity severity;
	const char *rule;
	struct place place;
	char *text; // what is wrong, what to write instead
	bool first; // said before all others, wherever it stands
};

struct findings {
	struct finding *list;
	size_t count;
};

enum phase_kind {
	PHASE_REHEARSAL,
	PHASE_PRODUCTION,
	PHASE_SMOKE,
	PHASE_ROLLBACK,
	PHASE_POST,
};
#define PHASE_KIND_COUNT 5

/* Several roles of which any one will do: an owner, one slot of a gate. */
struct role_set {
	size_t *roles; // indexes into runbook.roles, in the order written
	size_t count;
	char *text; // as written: "DevOps + module reps"
};

/* `when="NAME=VALUE"`; several (inherited) ones must all hold. */
struct when {
	char *name;
	char *value;
	struct place place;
};

enum block_kind {
	BLOCK_SH,
	BLOCK_HTTP,
};

/* What a rollback does to a block that is running. */
enum on_rollback {
	ON_ROLLBACK_STOP,
	ON_ROLLBACK_WAIT,
};

struct block {
	enum block_kind kind;
	char *text;              // byte for byte what runs
	struct place place;      // of the opening fence, or of the cell
	struct place text_place; // of the text's first byte
	int64_t timeout_ms;      // 0: the config's default
	bool timeout_given;      // by the block or its item, for the rule `endless`
	char *on;                // target; never NULL ("local")
	bool on_given;           // by the block or by what it stands under
	uint32_t retries;        // repeated by itself so often
	int64_t delay_ms;        // between those
	bool repeatable;         // safe to run again when the outcome is unknown
	bool ask;                // never by itself: the owner answers run or pass
	int64_t every_ms;        // 0: not a monitor
	int64_t for_ms;
	uint32_t parallel;
	enum on_rollback on_rollback;
	char **sets; // names that it publishes; with sets on the item see step
	size_t set_count;
	struct place sets_place;
	char **conditions; // as written; "exit 0" / "http 2xx" are implied
	struct place *condition_places;
	size_t condition_count;
};

enum step_kind {
	STEP_COMMAND,
	STEP_MANUAL,
};

struct step {
	char *number; // what a reader would call it: "4.2.1"
	char *title;  // attributes stripped, plain text
	char *detail; // what else the item says, as Markdown; "" if nothing
	enum step_kind kind;
	struct place place;
	size_t phase;   // index
	size_t section; // index: the heading, or the group, that it stands under
	struct role_set owner; // empty: the lead
	struct when *when;
	size_t when_count;
	char *env;   // name of an [env NAME], or NULL
	char *on;    // target of its blocks where they name no other; never NULL
	size_t gate; // index into gates, inherited; RUNBOOK_NONE: none
	bool evidence;
	bool ask;       // any of its blocks is marked so
	bool test;      // a row of a test table
	char *expected; // a test's Expected cell, for people; NULL
	struct block *blocks;
	size_t block_count;
	char **sets; // names on the item: once, by any of its blocks
	size_t set_count;
	struct place sets_place;
};

/* A heading inside a phase (the phase's own is the first), or a group item. */
struct section {
	char *number; // "4.2"
	char *title;
	size_t phase;
	uint32_t level; // of the heading; 7 and more for groups
	size_t first_step;
	size_t step_count; // directly or deeper below it
	struct place place;
};

struct phase {
	enum phase_kind kind;
	char *number;
	char *title;
	struct place place;
	size_t plan_gate;    // of .production: approves the plan; or RUNBOOK_NONE
	size_t success_gate; // turns all green into success; or RUNBOOK_NONE
	size_t first_step;
	size_t step_count;
};

struct role {
	char *name;    // as its row writes it
	char *primary; // words for people
	char *backup;
	char *contact;
	char *channel; // "authority" where contact names one (~x or #x); NULL
	struct place contact_place;
	struct place place;
};

struct group {
	char *name;
	struct role_set members;
	struct place place;
};

/* A place that needs one approval: any of its roles fills it. */
struct slot {
	struct role_set roles;
	size_t group; // the group that it came from, or RUNBOOK_NONE
};

/*
 * `A + B`: two slots.  `A or B`: one slot with two roles.  A group: a slot for
 * each of its roles.  `2 of G`: two slots, each with all of G's roles.
 */
struct gate {
	char *name;      // the Step cell
	char *approvers; // as written
	char *record;    // Record location, as written
	struct slot *slots;
	size_t slot_count;
	int64_t open_ms;  // how long it is open
	int64_t valid_ms; // how long an unused approval is good
	struct place place;
};

struct milestone {
	char *label;      // "T-24h"
	int64_t offset_s; // from T0
	char *activity;
	struct role_set owner;
	char *owner_text;
	char *command; // "poll Guild leads", without "!cutover "; NULL: none
	struct place place;
};

enum parameter_kind {
	PARAMETER_DEFAULT, // one code span: may be given
	PARAMETER_CHOICE,  // two or more: one of them, the first by default
	PARAMETER_ASK,     // must be given
	PARAMETER_SECRET,  // comes from an environment's secrets file
};

struct parameter {
	char *name;
	enum parameter_kind kind;
	char **choices; // the default alone, or all choices
	size_t choice_count;
	char *meaning;
	struct place place;
};

struct runbook {
	char *title;
	char *file; // name for findings
	struct phase *phases;
	size_t phase_count;
	struct section *sections;
	size_t section_count;
	struct step *steps; // every step of every phase, in document order
	size_t step_count;
	struct role *roles;
	size_t role_count;
	struct group *groups;
	size_t group_count;
	struct gate *gates;
	size_t gate_count;
	struct milestone *milestones;
	size_t milestone_count;
	struct parameter *parameters;
	size_t parameter_count;
	uint32_t log_line; // line after the rehearsal log's last row; 0: no log
};

/* Free @runbook and all it owns.  Accepts NULL. */
void runbook_destroy(struct runbook *runbook);

void findings_init(struct findings *findings);
void findings_finish(struct findings *findings);
void findings_add(struct findings *findings, enum severity severity,
		const char *rule, struct place place, const char *format, ...)
		__attribute__((format(printf, 5, 6)));
/* By line, then column; errors before warnings at one place.  Past a cap (1,000)
 * further findings are dropped: the first ones must be mended anyway. */
void findings_sort(struct findings *findings);
size_t findings_errors(const struct findings *findings);

/* "rehearsal", "production", … */
const char *phase_kind_name(enum phase_kind kind);

/* Where byte @offset of the block's text stands in the document. */
struct place block_place(const struct block *block, size_t offset);

/* Index of the role, gate, step or parameter, or RUNBOOK_NONE.  Names ignore
 * case; a step is found by its number. */
size_t runbook_role(const struct runbook *runbook, const char *name);
size_t runbook_group(const struct runbook *runbook, const char *name);
size_t runbook_gate(const struct runbook *runbook, const char *name);
size_t runbook_step(const struct runbook *runbook, const char *number);
size_t runbook_parameter(const struct runbook *runbook, const char *name);

/* First phase of @kind, or RUNBOOK_NONE. */
size_t runbook_phase(const struct runbook *runbook, enum phase_kind kind);

/* The role that leads: `Cutover lead`, else the first row.  RUNBOOK_NONE if the
 * document has no roles. */
size_t runbook_lead(const struct runbook *runbook);

/* The gate that approves the plan, that starts production (the first step's),
 * that turns green into success, that starts the rollback; or RUNBOOK_NONE. */
size_t runbook_plan_gate(const struct runbook *runbook);
size_t runbook_start_gate(const struct runbook *runbook);
size_t runbook_success_gate(const struct runbook *runbook);
size_t runbook_rollback_gate(const struct runbook *runbook);

#endif
