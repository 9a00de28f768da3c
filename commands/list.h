#ifndef LIST_H
#define LIST_H

#include "commands/command.h"

/* Every command, each from the file of its name; table.c puts them in order. */
extern const struct command command_help;
extern const struct command command_plan;
extern const struct command command_rehearse;
extern const struct command command_poll;
extern const struct command command_start;
extern const struct command command_hold;
extern const struct command command_resume;
extern const struct command command_decide;
extern const struct command command_abort;
extern const struct command command_close;
extern const struct command command_rollback;
extern const struct command command_done;
extern const struct command command_fail;
extern const struct command command_run;
extern const struct command command_pass;
extern const struct command command_retry;
extern const struct command command_skip;
extern const struct command command_claim;
extern const struct command command_note;
extern const struct command command_delegate;
extern const struct command command_override;
extern const struct command command_review;
extern const struct command command_status;
extern const struct command command_who;
extern const struct command command_why;

#endif
