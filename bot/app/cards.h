#ifndef CARDS_H
#define CARDS_H

#include <stddef.h>
#include <stdint.h>

#include "app/voice.h"

struct decision;

/*
 * Each run has a card, one post that is edited in place.  Here is what the
 * cards said when last committed, so that an edit is committed only where one
 * says something else.  After a restart nothing is known, and every card that
 * may still change is said once more.
 */
struct cards {
	char **texts; // by run, last committed; NULL: not known
	size_t count;
};

/* What the cards are to say with one commit, by run; NULL: as before. */
struct cards_news {
	char **texts;
	size_t count;
};

/*
 * Add to @said what the cards say otherwise after @decision, whose events are
 * folded: the first text of a card that @said posts, else an edit.  Pair with
 * cards_settle().
 */
void cards_say(const struct cards *cards, struct voice *voice,
		const struct voice_scene *scene, const struct decision *decision,
		struct said *said, struct cards_news *news);

/* @news was committed, or was not. */
void cards_settle(struct cards *cards, struct cards_news *news, bool committed);

/*
 * Where @post_id, which somebody deleted, is the card of a run that is not
 * closed: let it be posted and pinned anew with what it said last.  Whether it
 * is one; @err where the journal could not note it.
 */
bool cards_again(struct voice *voice, struct journal *journal,
		const struct bridge *bridge, const char *post_id, struct err *err);

void cards_finish(struct cards *cards);

#endif
