#include "app/alarm.h"

#include <stdlib.h>
#include <string.h>

#include "app/voice.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "mattermost/server.h"
#include "sys/id.h"
#include "sys/log.h"

#define WAIT_MS  5000 // shorter trouble is not spoken of, real
#define AGAIN_MS 3000

struct alarm {
	struct loop *loop;
	struct server *server;
	struct voice *voice;
	struct loop_timer *timer;
	char *why;   // it cannot be written; NULL: it can
	bool told;   // that it cannot, and not yet that it can again
	bool busy;   // a request is in flight
	bool doubt;  // the last may have been posted: look for it first
	char *key;   // of what is being said; NULL: nothing is
	char *words; // likewise
	bool bad;    // it says that it cannot
};

static void say(struct alarm *alarm);

static void on_timer(void *data) {
	say(data);
}

static void forget_words(struct alarm *alarm) {
	free(alarm->key);
	free(alarm->words);
	alarm->key = NULL;
	alarm->words = NULL;
	alarm->doubt = false;
}

static void said(struct alarm *alarm) {
	alarm->told = alarm->bad;
	forget_words(alarm);
	if (alarm->told != (alarm->why != NULL)) {
		loop_timer_start_real(alarm->timer, 1); // it has changed meanwhile
	}
}

static void on_reply(void *data, const struct server_reply *reply) {
	struct alarm *alarm = data;
	bool looked = alarm->doubt;
	alarm->busy = false;
	if (reply->result == SERVER_OK &&
			(!looked ||
					(reply->post_id != NULL && reply->post_id[0] != '\0'))) {
		said(alarm);
	} else if (reply->result == SERVER_NEVER && !looked) {
		log_error("alarm.unsaid", "why=\"%s\"", reply->err.text);
		said(alarm); // not again for the same trouble
	} else {
		alarm->doubt = reply->result == SERVER_DOUBT ||
				(looked && reply->result == SERVER_AGAIN);
		loop_timer_start_real(alarm->timer, AGAIN_MS);
	}
}

static void find_words(struct alarm *alarm) {
	char id[ID_ROOM];
	id_make(id);
	alarm->bad = alarm->why != NULL;
	alarm->key = xasprintf("bot/journal/%s", id);
	alarm->words = alarm->voice->api->alarm(alarm->voice, alarm->why);
}

static void say(struct alarm *alarm) {
	if (alarm->busy ||
			(alarm->key == NULL && alarm->told == (alarm->why != NULL))) {
		return;
	}
	if (alarm->key != NULL && !alarm->doubt &&
			alarm->bad != (alarm->why != NULL)) {
		forget_words(alarm); // never posted, and no longer true
		if (alarm->told == (alarm->why != NULL)) {
			return;
		}
	}
	if (alarm->key == NULL) {
		find_words(alarm);
	}
	const struct server_new_post post = {
		.key = alarm->key,
		.root_id = "",
		.message = alarm->words,
	};
	const struct server_api *api = alarm->server->api;
	alarm->busy = true;
	if (alarm->doubt) {
		api->find(alarm->server, &post, on_reply, alarm);
	} else {
		api->post(alarm->server, &post, on_reply, alarm);
	}
}

struct alarm *alarm_create(
		struct loop *loop, struct server *server, struct voice *voice) {
	struct alarm *alarm = xcalloc(1, sizeof(*alarm));
	alarm->loop = loop;
	alarm->server = server;
	alarm->voice = voice;
	alarm->timer = loop_timer_create(loop, on_timer, alarm);
	return alarm;
}

void alarm_destroy(struct alarm *alarm) {
	if (alarm == NULL) {
		return;
	}
	loop_timer_destroy(alarm->timer);
	forget_words(alarm);
	free(alarm->why);
	free(alarm);
}

void alarm_note(struct alarm *alarm, const char *why) {
	if ((why != NULL) == (alarm->why != NULL)) {
		return;
	}
	free(alarm->why);
	alarm->why = xstrdup(why);
	loop_timer_start_real(alarm->timer, why != NULL ? WAIT_MS : 1);
}
