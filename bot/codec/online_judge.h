#ifndef ONLINE_JUDGE_H
#define ONLINE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/config.h"
#include "core/people.h"
#include "core/runbook.h"

/*
 * What to ask of a server before the night, and what its answers mean for the
 * bot, as findings at the lines of the config that they are about.  Nothing is
 * asked here, and nothing that is asked changes anything.
 *
 *	account -> version -> team -> team member -> channel -> channel member
 *	        -> roles -> (contact -> contact member)... -> (no more)
 *
 * The contacts are the channels into which a silence is told, each asked about
 * once; what is wrong with them stops no night.
 * An answer behind which no other can be had ends it.
 */

enum online_question {
	ONLINE_ACCOUNT,
	ONLINE_VERSION,
	ONLINE_TEAM,
	ONLINE_TEAM_MEMBER,
	ONLINE_CHANNEL,
	ONLINE_CHANNEL_MEMBER,
	ONLINE_ROLES,
	ONLINE_CONTACT,
	ONLINE_CONTACT_MEMBER,
	ONLINE_NO_MORE,
};

struct online_judge {
	const struct config *config;
	const struct runbook *runbook; // NULL: no contacts
	struct findings *findings;
	enum online_question question;
	size_t contact; // the role whose contact is asked about
	char contact_id[65];
	char own_name[65];
	char team_id[65];
	char channel_id[65];
	struct str roles; // names of the bot's roles, a blank behind each
};

struct online_answer {
	int status;       // of HTTP
	const char *body; // "" if none
	const char *text; // of a refusal, in words
};

void online_judge_init(struct online_judge *judge, const struct config *config,
		const struct runbook *runbook, struct findings *findings);
void online_judge_finish(struct online_judge *judge);

/*
 * What to ask now: the path behind /api/v4, and a body where it is to be
 * posted, else *@body is NULL.  Caller frees both.  NULL: no more.
 */
char *online_judge_ask(const struct online_judge *judge, char **body)
		__attribute__((warn_unused_result));

/* The answer to what was asked; a 2xx is a good one. */
void online_judge_take(
		struct online_judge *judge, const struct online_answer *answer);

/* Whether all was answered well enough for a bot to begin. */
bool online_judge_is_ready(const struct online_judge *judge);

/* The answers to other questions, each of which adds what it finds. */

/* @person, NULL where the server knows no such name, holds @role. */
void online_judge_person(struct online_judge *judge,
		const struct config_role *role, const char *name, bool primary,
		const struct person *person);

/* @off_ms: this machine's clock less the server's. */
void online_judge_clock(struct online_judge *judge, int64_t off_ms);

/* What is free of the disk that @folder is on. */
void online_judge_disk(
		struct online_judge *judge, const char *folder, uint64_t free_bytes);

/* @type: f_type of statfs(2). */
void online_judge_file_system(
		struct online_judge *judge, const char *folder, uint64_t type);

#endif
