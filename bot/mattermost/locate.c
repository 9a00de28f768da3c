#include "mattermost/locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/xalloc.h"
#include "codec/mattermost_json.h"
#include "loop/loop.h"
#include "mattermost/api.h"

#define MAX_MESSAGE_DEFAULT 16383
#define MAX_MESSAGE_LEAST   1000 // a server that says less is not believed

enum question {
	QUESTION_ACCOUNT,
	QUESTION_CHANNEL,
	QUESTION_LIMITS,
	QUESTION_NONE, // all is known
};

struct locate {
	struct loop *loop;
	struct api *api;
	struct locate_options options;
	char *team;
	char *channel;
	struct locate_sink sink;
	void *data;
	struct locate_place place;
	enum question question;
	bool refused;
	unsigned failures;
	struct api_request *request;
	struct loop_timer *timer;
};

static void ask(void *data);

struct locate *locate_create(struct loop *loop, struct api *api,
		const struct locate_options *options, const struct locate_sink *sink,
		void *data) {
	struct locate *locate = xcalloc(1, sizeof(*locate));
	locate->loop = loop;
	locate->api = api;
	locate->options = *options;
	locate->team = xstrdup(options->team);
	locate->channel = xstrdup(options->channel);
	locate->sink = *sink;
	locate->data = data;
	locate->place.max_message = MAX_MESSAGE_DEFAULT;
	locate->timer = loop_timer_create(loop, ask, locate);
	return locate;
}

void locate_destroy(struct locate *locate) {
	if (locate == NULL) {
		return;
	}
	api_cancel(locate->request);
	loop_timer_destroy(locate->timer);
	free(locate->team);
	free(locate->channel);
	free(locate);
}

bool locate_is_known(const struct locate *locate) {
	return locate->question == QUESTION_NONE;
}

bool locate_is_refused(const struct locate *locate) {
	return locate->refused;
}

const struct locate_place *locate_place(const struct locate *locate) {
	return &locate->place;
}

static void ask_in(struct locate *locate, int64_t wait_ms) {
	loop_timer_start_real(locate->timer, wait_ms);
}

static int64_t next_delay(struct locate *locate) {
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		abort();
	}
	int64_t longest = locate->options.backoff_ms;
	for (unsigned i = 0; i < locate->failures && i < 8; i++) {
		longest *= 2;
	}
	if (longest > locate->options.backoff_max_ms) {
		longest = locate->options.backoff_max_ms;
	}
	locate->failures++;
	return (int64_t)(random % (uint64_t)(longest + 1));
}

static bool take(struct locate *locate, const char *body, struct err *err) {
	struct locate_place *place = &locate->place;
	size_t runes = 0;
	switch (locate->question) {
	case QUESTION_ACCOUNT:
		locate->question = QUESTION_CHANNEL;
		return mattermost_json_read_id(body, place->own_id, NULL, err);
	case QUESTION_CHANNEL:
		locate->question = QUESTION_LIMITS;
		return mattermost_json_read_id(
				body, place->channel_id, &place->archived, err);
	case QUESTION_LIMITS:
		locate->question = QUESTION_NONE;
		runes = mattermost_json_read_max_post(body);
		if (runes >= MAX_MESSAGE_LEAST) {
			place->max_message = runes;
		}
		return true;
	case QUESTION_NONE:
		return true;
	}
	return true;
}

static void fail(struct locate *locate, const struct api_answer *answer) {
	char why[240];
	snprintf(why, sizeof(why), "%s", answer->err.text);
	bool lasting = answer->result == SERVER_NEVER;
	if (lasting && locate->question == QUESTION_CHANNEL) {
		snprintf(why, sizeof(why),
				"the bot does not see channel %.40s of team %.40s: %.100s",
				locate->channel, locate->team, answer->err.text);
	}
	int64_t wait_ms = next_delay(locate);
	ask_in(locate, answer->retry_ms > wait_ms ? answer->retry_ms : wait_ms);
	locate->sink.failed(locate->data, why, lasting);
}

static void accept(struct locate *locate) {
	if (locate->refused) {
		locate->refused = false;
		locate->sink.accepted(locate->data);
	}
}

static void on_answer(void *data, const struct api_answer *answer) {
	struct locate *locate = data;
	locate->request = NULL;
	enum question asked = locate->question;
	struct api_answer judged = *answer;
	if (answer->status == 401) {
		ask_in(locate, locate->options.refused_ms);
		return; // locate_refuse() follows
	}
	if (answer->result != SERVER_OK ||
			!take(locate, answer->body, &judged.err)) {
		locate->question = asked;
		fail(locate, &judged);
		return;
	}
	locate->failures = 0;
	accept(locate);
	if (locate->question != QUESTION_NONE) {
		ask(locate);
		return;
	}
	ask_in(locate, locate->options.me_ms);
	locate->sink.found(locate->data, &locate->place);
}

/* Our account again, with all known. */
static void on_account(void *data, const struct api_answer *answer) {
	struct locate *locate = data;
	locate->request = NULL;
	bool good = answer->result == SERVER_OK;
	if (answer->status == 401 || (locate->refused && !good)) {
		ask_in(locate, locate->options.refused_ms);
		return; // locate_refuse() follows a 401
	}
	ask_in(locate, locate->options.me_ms);
	accept(locate);
}

static void ask(void *data) {
	struct locate *locate = data;
	char path[300] = "/users/me";
	const struct api_call call = { .method = HTTP_GET, .path = path };
	if (locate->request != NULL) {
		return;
	}
	if (locate->question == QUESTION_CHANNEL) {
		snprintf(path, sizeof(path), "/teams/name/%.120s/channels/name/%.120s",
				locate->team, locate->channel);
	} else if (locate->question == QUESTION_LIMITS) {
		snprintf(path, sizeof(path), "/config/client?format=old");
	}
	locate->request = api_start(locate->api, &call,
			locate_is_known(locate) ? on_account : on_answer, locate);
}

void locate_start(struct locate *locate) {
	ask_in(locate, 0);
}

void locate_doubt(struct locate *locate) {
	if (locate_is_known(locate)) {
		ask_in(locate, 0);
	}
}

void locate_refuse(struct locate *locate) {
	if (!locate->refused) {
		locate->refused = true;
		api_cancel(locate->request);
		locate->request = NULL;
		ask_in(locate, locate->options.refused_ms);
	}
	locate->sink.refused(locate->data);
}
