#include "app/cards.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/bridge.h"
#include "core/decide.h"

#define KEY_ROOM 300
#define ANEW_MS  10000 // between two times that one post is made anew, real

struct cards_anew {
	char *key;
	int64_t at_ms; // real
};

static void card_remember(struct cards *cards, uint32_t run, char *text) {
	while (cards->count < run) {
		cards->texts = xreallocarray(
				cards->texts, cards->count + 1, sizeof(cards->texts[0]));
		cards->texts[cards->count] = NULL;
		cards->count++;
	}
	free(cards->texts[run - 1]);
	cards->texts[run - 1] = text;
}

static const char *card_known(const struct cards *cards, uint32_t run) {
	return run <= cards->count ? cards->texts[run - 1] : NULL;
}

static bool touches(const struct decision *decision, uint32_t run) {
	for (size_t i = 0; i < decision->count; i++) {
		if (decision->events[i].run == run ||
				decision->events[i].type == EVENT_BOT_STARTED) {
			return true;
		}
	}
	return false;
}

static void add_card_edit(struct said *said, const char *card, const char *text,
		uint64_t number) {
	char *key = xasprintf("%s/edit/%" PRIu64, card, number);
	const struct outbox_row row = {
		.key = key,
		.kind = OUTBOX_EDIT,
		.target = card,
		.text = text,
	};
	said_add(said, &row);
	free(key);
}

static void say_card(const struct cards *cards, struct voice *voice,
		const struct voice_scene *scene, const struct run *run,
		struct said *said, char **news) {
	char *text = voice->api->card(voice, scene, run);
	char *key = voice->api->card_key(voice, run);
	const char *known = card_known(cards, run->number);
	struct outbox_row *fresh = said_find(said, key);
	if (known != NULL && strcmp(known, text) == 0) {
		free(text);
		text = NULL;
	} else if (fresh != NULL) { // posted by this very commit
		said_take_text(fresh, xstrdup(text));
	} else {
		add_card_edit(said, key, text, scene->bridge->event_count);
	}
	*news = text;
	free(key);
}

void cards_say(const struct cards *cards, struct voice *voice,
		const struct voice_scene *scene, const struct decision *decision,
		struct said *said, struct cards_news *news) {
	const struct bridge *bridge = scene->bridge;
	const struct run *current = bridge_current(bridge);
	news->count = bridge->run_count;
	news->texts = xcalloc(news->count, sizeof(news->texts[0]));
	for (size_t i = 0; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		bool closed = run->status == RUN_CLOSED &&
				(run->put_away || card_known(cards, run->number) == NULL);
		if ((run == current || touches(decision, run->number)) && !closed) {
			say_card(cards, voice, scene, run, said, &news->texts[i]);
		}
	}
}

void cards_settle(
		struct cards *cards, struct cards_news *news, bool committed) {
	for (size_t i = 0; i < news->count; i++) {
		if (committed && news->texts[i] != NULL) {
			card_remember(cards, (uint32_t)i + 1, news->texts[i]);
		} else {
			free(news->texts[i]);
		}
	}
	free(news->texts);
}

static bool is_key(const char *key, char *take_other) {
	bool same = strcmp(key, take_other) == 0;
	free(take_other);
	return same;
}

static bool is_kept(
		struct voice *voice, const struct bridge *bridge, const char *key) {
	for (size_t i = bridge->first_open_run; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		if (run->status != RUN_CLOSED &&
				(is_key(key, voice->api->card_key(voice, run)) ||
						is_key(key, voice->api->board_key(voice, run)))) {
			return true;
		}
	}
	return false;
}

/* When the post under @key was last made anew. */
static int64_t *last_anew(struct cards *cards, const char *key) {
	for (size_t i = 0; i < cards->anew_count; i++) {
		if (strcmp(cards->anew[i].key, key) == 0) {
			return &cards->anew[i].at_ms;
		}
	}
	cards->anew = xreallocarray(
			cards->anew, cards->anew_count + 1, sizeof(cards->anew[0]));
	struct cards_anew *anew = &cards->anew[cards->anew_count++];
	*anew = (struct cards_anew){ .key = xstrdup(key), .at_ms = INT64_MIN };
	return &anew->at_ms;
}

bool cards_again(struct cards *cards, struct voice *voice,
		struct journal *journal, const struct bridge *bridge,
		const char *post_id, int64_t now_ms, struct err *err) {
	char key[KEY_ROOM];
	if (!journal->api->key_of(journal, post_id, key, sizeof(key)) ||
			!is_kept(voice, bridge, key)) {
		return false;
	}
	int64_t *last = last_anew(cards, key);
	if (now_ms - ANEW_MS < *last) {
		return false;
	}
	*last = now_ms;
	if (!journal->api->again(journal, key, err)) {
		err_wrap(err, "%s: ", key);
	}
	return true;
}

void cards_finish(struct cards *cards) {
	for (size_t i = 0; i < cards->count; i++) {
		free(cards->texts[i]);
	}
	for (size_t i = 0; i < cards->anew_count; i++) {
		free(cards->anew[i].key);
	}
	free(cards->texts);
	free(cards->anew);
	*cards = (struct cards){ 0 };
}
