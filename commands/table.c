#include <string.h>
#include <strings.h>

#include "commands/command.h"
#include "commands/list.h"

/* As help shows them: questions first, then the run from begin to end, then
 * the steps. */
static const struct command *const table[] = {
	&command_help,
	&command_status,
	&command_why,
	&command_who,
	&command_note,
	&command_plan,
	&command_rehearse,
	&command_poll,
	&command_start,
	&command_hold,
	&command_resume,
	&command_decide,
	&command_abort,
	&command_close,
	&command_rollback,
	&command_done,
	&command_fail,
	&command_claim,
	&command_run,
	&command_pass,
	&command_retry,
	&command_skip,
	&command_delegate,
	&command_override,
	&command_review,
};

const struct command *const *command_table(size_t *count) {
	*count = sizeof(table) / sizeof(table[0]);
	return table;
}

const struct command *command_find(const char *name, size_t len) {
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strlen(table[i]->name) == len &&
				strncasecmp(table[i]->name, name, len) == 0) {
			return table[i];
		}
	}
	return NULL;
}

const struct command *command_of(enum request_type type) {
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i]->type == type) {
			return table[i];
		}
	}
	return NULL;
}
