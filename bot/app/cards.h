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
	struct cards_anew *anew; // what was deleted, and when it was made anew
	size_t anew_count;
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
 * Where @post_id, which somebody deleted, is the card or the board of smoke
 * tests of a run that is not closed: let it be posted, and pinned where it was,
 * anew with what it said last.  Where that happens to one again within seconds
 * something deletes all that we say, and it is left.  @now_ms: real.  Whether
 * it is to be posted; @err where the journal could not note it.
 */
bool cards_again(struct cards *cards, struct voice *voice,
		struct journal *journal, const struct bridge *bridge,
		const char *post_id, int64_t now_ms, struct err *err);

void cards_finish(struct cards *cards);

#endif
