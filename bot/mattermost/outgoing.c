#include "mattermost/outgoing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "codec/mattermost_json.h"
#include "loop/loop.h"
#include "mattermost/api.h"
#include "mattermost/walk.h"

#define UPLOAD_TIMEOUT_MS ((int64_t)120 * 1000)

/* One thing asked for, until it is answered. */
struct deed {
	struct outgoing *outgoing;
	struct deed *next;
	server_reply_fn fn;
	server_taps_fn taps_fn; // of read_taps
	void *data;
	struct api_request *request;
	struct walk *walk;
	char *key;
	char *mark;
	void (*then)(struct deed *deed); // once it is known in which channel
	char channel_id[65];
	char *file_path;
	char *file_name;
	char *post_id;
	char *root_id;
	char *message;
	int64_t first_try_ms; // post
	char found[65];       // find
	int64_t found_at_ms;
	struct err refused; // why, while it is found out whether for good
	bool uploading;     // the file that is to be attached
};

struct outgoing {
	struct loop *loop;
	struct api *api;
	char *team;
	char own_id[65];
	char channel_id[65];
	size_t max_message;
	struct deed *deeds;
};

struct outgoing *outgoing_create(
		struct loop *loop, struct api *api, const char *team) {
	struct outgoing *outgoing = xcalloc(1, sizeof(*outgoing));
	outgoing->team = xstrdup(team);
	outgoing->loop = loop;
	outgoing->api = api;
	return outgoing;
}

static void deed_free(struct deed *deed) {
	loop_cancel_deferred(deed->outgoing->loop, deed);
	api_cancel(deed->request);
	walk_cancel(deed->walk);
	free(deed->key);
	free(deed->mark);
	free(deed->file_path);
	free(deed->file_name);
	free(deed->post_id);
	free(deed->root_id);
	free(deed->message);
	free(deed);
}

void outgoing_destroy(struct outgoing *outgoing) {
	if (outgoing == NULL) {
		return;
	}
	while (outgoing->deeds != NULL) {
		struct deed *deed = outgoing->deeds;
		outgoing->deeds = deed->next;
		deed_free(deed);
	}
	free(outgoing->team);
	free(outgoing);
}

void outgoing_set_place(struct outgoing *outgoing, const char *own_id,
		const char *channel_id, size_t max_message) {
	snprintf(outgoing->own_id, sizeof(outgoing->own_id), "%s", own_id);
	snprintf(outgoing->channel_id, sizeof(outgoing->channel_id), "%s",
			channel_id);
	outgoing->max_message = max_message;
}

static struct deed *deed_add(
		struct outgoing *outgoing, server_reply_fn fn, void *data) {
	struct deed *deed = xcalloc(1, sizeof(*deed));
	deed->outgoing = outgoing;
	deed->fn = fn;
	deed->data = data;
	deed->next = outgoing->deeds;
	outgoing->deeds = deed;
	return deed;
}

static void deed_unlink(struct deed *deed) {
	struct deed **at = &deed->outgoing->deeds;
	while (*at != deed) {
		at = &(*at)->next;
	}
	*at = deed->next;
}

static void reply(struct deed *deed, const struct server_reply *with) {
	deed_unlink(deed);
	deed->fn(deed->data, with);
	deed_free(deed);
}

static struct server_reply reply_of(const struct api_answer *answer) {
	return (struct server_reply){
		.result = answer->result,
		.retry_ms = answer->retry_ms,
		.post_id = "",
		.message = "",
		.err = answer->err,
	};
}

/* An answer of 2xx that cannot be read: done, but what came of it? */
static void doubt(struct server_reply *with, const struct err *err) {
	with->result = SERVER_DOUBT;
	with->err = *err;
}

static void ask(struct deed *deed, enum http_method method, const char *path,
		const char *body, api_fn fn) {
	const struct api_call call = {
		.method = method,
		.path = path,
		.body = body,
	};
	deed->request = api_start(deed->outgoing->api, &call, fn, deed);
}

/*
 * Refused.  In an archived channel, and where we are not a member, all is
 * refused until that changes: only in a channel that is open to us is it for
 * good.
 *
 *	refused --> channel live? --> are we in it? --> NEVER
 *	                 +----no------------+--no-----> AGAIN
 */
static void create_bare(struct deed *deed, const struct err *why);

static void reply_refused(struct deed *deed, bool for_good) {
	if (for_good && deed->uploading) {
		create_bare(deed, &deed->refused);
		return;
	}
	const struct server_reply with = {
		.result = for_good ? SERVER_NEVER : SERVER_AGAIN,
		.post_id = "",
		.message = "",
		.err = deed->refused,
	};
	reply(deed, &with);
}

static void on_own_member(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->request = NULL;
	struct mattermost_ids members = { 0 };
	struct err err = { 0 };
	bool in = answer->result == SERVER_OK &&
			mattermost_json_read_members(answer->body, &members, &err) &&
			members.count > 0;
	mattermost_json_finish_ids(&members);
	reply_refused(deed, in);
}

static void on_own_channel(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->request = NULL;
	const char *own_id = deed->outgoing->own_id;
	bool archived = false;
	struct err err = { 0 };
	if (answer->result != SERVER_OK ||
			!mattermost_json_read_id(answer->body, NULL, &archived, &err) ||
			archived) {
		reply_refused(deed, false);
		return;
	}
	char path[128];
	snprintf(path, sizeof(path), "/channels/%s/members/ids",
			deed->outgoing->channel_id);
	char *body = mattermost_json_write_list(&own_id, 1);
	ask(deed, HTTP_POST, path, body, on_own_member);
	free(body);
}

/* True when the answer is a refusal: it is replied to later. */
static bool look_around(struct deed *deed, const struct api_answer *answer) {
	if (answer->result != SERVER_NEVER || answer->status == 404) {
		return false;
	}
	deed->refused = answer->err;
	char path[128];
	snprintf(path, sizeof(path), "/channels/%s", deed->outgoing->channel_id);
	ask(deed, HTTP_GET, path, NULL, on_own_channel);
	return true;
}

static void on_plain(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->request = NULL;
	struct server_reply with = reply_of(answer);
	if (look_around(deed, answer)) {
		return;
	}
	if (with.result == SERVER_DOUBT) {
		with.result = SERVER_AGAIN; // doing it twice changes nothing
	}
	reply(deed, &with);
}

static void reply_unplaced(void *data) {
	const struct server_reply with = {
		.result = SERVER_AGAIN,
		.post_id = "",
		.message = "",
		.err = { .code = ERR_IO, .text = "the channel is not found yet" },
	};
	reply(data, &with);
}

/* False, and answered soon, while it is not known who and where we are. */
static bool is_placed(struct deed *deed) {
	struct outgoing *outgoing = deed->outgoing;
	if (outgoing->channel_id[0] != '\0') {
		return true;
	}
	loop_defer(outgoing->loop, reply_unplaced, deed);
	return false;
}

/* --- another channel --- */

static void reply_closed(struct deed *deed) {
	const struct server_reply with = {
		.result = SERVER_NEVER,
		.post_id = "",
		.message = "",
		.err = { .code = ERR_REFUSED, .text = "the channel is archived" },
	};
	reply(deed, &with);
}

static void on_elsewhere(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->request = NULL;
	struct server_reply with = reply_of(answer);
	bool archived = false;
	if (look_around(deed, answer)) {
		return;
	}
	if (answer->result == SERVER_OK &&
			mattermost_json_read_id(
					answer->body, deed->channel_id, &archived, &with.err)) {
		if (archived) {
			reply_closed(deed);
		} else {
			deed->then(deed);
		}
		return;
	}
	if (with.result == SERVER_OK || with.result == SERVER_DOUBT) {
		with.result = SERVER_AGAIN; // nothing is posted yet
	}
	reply(deed, &with);
}

/* Go on with @then where the deed is to be done: in our channel, or in another
 * by its name, which is looked up each time, as people would. */
static void go_to(
		struct deed *deed, const char *name, void (*then)(struct deed *deed)) {
	const struct outgoing *outgoing = deed->outgoing;
	deed->then = then;
	if (name == NULL || name[0] == '\0') {
		snprintf(deed->channel_id, sizeof(deed->channel_id), "%s",
				outgoing->channel_id);
		then(deed);
		return;
	}
	char *path = xasprintf(
			"/teams/name/%s/channels/name/%s", outgoing->team, name);
	ask(deed, HTTP_GET, path, NULL, on_elsewhere);
	free(path);
}

/* A copy of at most @max runes; what is cut ends with an ellipsis. */
static char *cut_runes(const char *text, size_t max) {
	size_t len = strlen(text);
	size_t at = 0;
	size_t last = 0; // where rune number @max begins
	for (size_t runes = 0; at < len; runes++) {
		if (runes == max - 1) {
			last = at;
		}
		if (runes == max) {
			return xasprintf("%.*s\xe2\x80\xa6", (int)last, text);
		}
		size_t step = utf8_char_len(text + at, len - at);
		at += step > 0 ? step : 1;
	}
	return xstrdup(text);
}

static char *fit(const struct outgoing *outgoing, const char *message) {
	return outgoing->max_message > 0 ? cut_runes(message, outgoing->max_message)
									 : xstrdup(message);
}

static void on_created(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->request = NULL;
	struct server_reply with = reply_of(answer);
	struct mattermost_posts created = { 0 };
	struct err err = { 0 };
	if (look_around(deed, answer)) {
		return;
	}
	if (answer->result == SERVER_OK &&
			!mattermost_json_read_post(answer->body, &created, &err)) {
		doubt(&with, &err);
	} else if (answer->result == SERVER_OK) {
		with.post_id = created.posts[0].id;
		with.create_at_ms = created.posts[0].create_at_ms;
	}
	reply(deed, &with);
	mattermost_json_finish_posts(&created);
}

static void create(struct deed *deed, const char *file_id) {
	const struct outgoing *outgoing = deed->outgoing;
	char *pending = deed->first_try_ms != 0
			? xasprintf("%s:%s:%" PRId64, outgoing->own_id, deed->key,
					  deed->first_try_ms)
			: xasprintf("%s:%s", outgoing->own_id, deed->key);
	char *body = mattermost_json_write_post(&(struct mattermost_new_post){
			.channel_id = deed->channel_id,
			.root_id = deed->root_id,
			.message = deed->message,
			.pending_post_id = pending,
			.key = deed->key,
			.mark = deed->mark,
			.file_id = file_id,
	});
	ask(deed, HTTP_POST, "/posts", body, on_created);
	free(body);
	free(pending);
}

/* What stands beside a file that cannot be attached is said all the same. */
static void create_bare(struct deed *deed, const struct err *why) {
	char *message = xasprintf(
			"%s\n(its file is not attached: %s)", deed->message, why->text);
	free(deed->message);
	deed->message = fit(deed->outgoing, message);
	deed->uploading = false;
	free(message);
	create(deed, NULL);
}

static void on_uploaded(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->request = NULL;
	struct server_reply with = reply_of(answer);
	struct mattermost_ids files;
	if (look_around(deed, answer)) {
		return;
	}
	if (answer->result == SERVER_NEVER) {
		create_bare(deed, &answer->err);
		return;
	}
	if (answer->result != SERVER_OK) {
		// Nothing is posted yet, whatever became of the file.
		if (with.result == SERVER_DOUBT) {
			with.result = SERVER_AGAIN;
		}
		err_wrap(&with.err, "uploading: ");
		reply(deed, &with);
		return;
	}
	if (!mattermost_json_read_files(answer->body, &files, &with.err) ||
			files.count == 0) {
		with.result = SERVER_AGAIN;
		err_wrap(&with.err, "uploading: ");
		reply(deed, &with);
		return;
	}
	deed->uploading = false;
	create(deed, files.ids[0]);
	mattermost_json_finish_ids(&files);
}

static void upload(struct deed *deed) {
	const char *const form[] = { "channel_id", deed->channel_id, NULL };
	const struct api_call call = {
		.method = HTTP_POST,
		.path = "/files",
		.upload_file = deed->file_path,
		.upload_name = deed->file_name,
		.form = form,
		.timeout_ms = UPLOAD_TIMEOUT_MS,
	};
	deed->uploading = true;
	deed->request = api_start(deed->outgoing->api, &call, on_uploaded, deed);
}

static bool is_file(const char *path, struct err *err) {
	struct stat about;
	if (stat(path, &about) < 0 || access(path, R_OK) < 0) {
		return err_set(err, ERR_IO, "%s", strerror(errno));
	}
	return S_ISREG(about.st_mode) ||
			err_set(err, ERR_INVALID, "no regular file");
}

static void post_there(struct deed *deed) {
	struct err err = { 0 };
	if (deed->file_path == NULL) {
		create(deed, NULL);
	} else if (!is_file(deed->file_path, &err)) {
		create_bare(deed, &err);
	} else {
		// Anew on each try: an id can be attached once only.
		upload(deed);
	}
}

void outgoing_post(struct outgoing *outgoing,
		const struct server_new_post *post, server_reply_fn fn, void *data) {
	struct deed *deed = deed_add(outgoing, fn, data);
	deed->key = xstrdup(post->key);
	deed->mark = xstrdup(post->mark != NULL ? post->mark : "");
	deed->first_try_ms = post->first_try_ms;
	deed->root_id = xstrdup(post->root_id);
	deed->message = fit(outgoing, post->message);
	deed->file_path = xstrdup(post->file_path);
	deed->file_name = xstrdup(post->file_name);
	if (is_placed(deed)) {
		go_to(deed, post->channel, post_there);
	}
}

/* Remember it if it is the post that is looked for.  One of another mark is of
 * a journal that was put back from a copy since. */
static void look_at(struct deed *deed, const struct mattermost_posts *posts) {
	for (size_t i = 0; i < posts->count; i++) {
		const struct mattermost_post *post = &posts->posts[i];
		if (post->create_at_ms > deed->found_at_ms &&
				strcmp(post->key, deed->key) == 0 &&
				strcmp(post->mark, deed->mark) == 0 &&
				post->delete_at_ms == 0 &&
				strcmp(post->user_id, deed->outgoing->own_id) == 0) {
			snprintf(deed->found, sizeof(deed->found), "%s", post->id);
			deed->found_at_ms = post->create_at_ms;
		}
	}
}

static void reply_found(struct deed *deed, const struct api_answer *answer) {
	struct server_reply with = reply_of(answer);
	if (with.result == SERVER_DOUBT) {
		with.result = SERVER_AGAIN; // only reading
	}
	with.post_id = deed->found;
	with.create_at_ms = deed->found_at_ms;
	reply(deed, &with);
}

static bool on_page(void *data, struct mattermost_posts *page) {
	struct deed *deed = data;
	look_at(deed, page);
	return deed->found[0] == '\0';
}

static void on_walked(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->walk = NULL;
	reply_found(deed, answer);
}

static void on_thread(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->request = NULL;
	struct api_answer judged = *answer;
	struct mattermost_posts posts = { 0 };
	if (answer->status == 404) {
		judged.result = SERVER_OK; // no thread, so nothing in it
	} else if (answer->result == SERVER_OK &&
			!mattermost_json_read_page(answer->body, &posts, &judged.err)) {
		judged.result = SERVER_AGAIN;
	}
	look_at(deed, &posts);
	mattermost_json_finish_posts(&posts);
	reply_found(deed, &judged);
}

static void look_there(struct deed *deed) {
	static const struct walk_sink sink = {
		.page = on_page,
		.done = on_walked,
	};
	if (deed->root_id[0] == '\0') {
		deed->walk = walk_start(
				deed->outgoing->api, deed->channel_id, &sink, deed);
		return;
	}
	char *path = xasprintf("/posts/%s/thread", deed->root_id);
	ask(deed, HTTP_GET, path, NULL, on_thread);
	free(path);
}

void outgoing_find(struct outgoing *outgoing,
		const struct server_new_post *post, server_reply_fn fn, void *data) {
	struct deed *deed = deed_add(outgoing, fn, data);
	deed->key = xstrdup(post->key);
	deed->mark = xstrdup(post->mark != NULL ? post->mark : "");
	deed->root_id = xstrdup(post->root_id);
	if (is_placed(deed)) {
		go_to(deed, post->channel, look_there);
	}
}

void outgoing_edit(struct outgoing *outgoing, const char *post_id,
		const char *message, server_reply_fn fn, void *data) {
	struct deed *deed = deed_add(outgoing, fn, data);
	char *path = xasprintf("/posts/%s/patch", post_id);
	char *fitting = fit(outgoing, message);
	char *body = mattermost_json_write_patch(fitting);
	ask(deed, HTTP_PUT, path, body, on_plain);
	free(body);
	free(fitting);
	free(path);
}

void outgoing_pin(struct outgoing *outgoing, const char *post_id, bool pinned,
		server_reply_fn fn, void *data) {
	struct deed *deed = deed_add(outgoing, fn, data);
	char *path = xasprintf("/posts/%s/%s", post_id, pinned ? "pin" : "unpin");
	ask(deed, HTTP_POST, path, NULL, on_plain);
	free(path);
}

void outgoing_react(struct outgoing *outgoing, const char *post_id,
		const char *emoji, server_reply_fn fn, void *data) {
	struct deed *deed = deed_add(outgoing, fn, data);
	if (!is_placed(deed)) {
		return;
	}
	char *body = mattermost_json_write_reaction(
			outgoing->own_id, post_id, emoji);
	ask(deed, HTTP_POST, "/reactions", body, on_plain);
	free(body);
}

static void on_read(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->request = NULL;
	struct server_reply with = reply_of(answer);
	struct mattermost_posts posts = { 0 };
	struct err err = { 0 };
	if (answer->status == 404) {
		with.result = SERVER_OK;
		with.delete_at_ms = answer->date_ms > 0 ? answer->date_ms : 1;
	} else if (answer->result == SERVER_OK &&
			!mattermost_json_read_post(answer->body, &posts, &err)) {
		doubt(&with, &err);
	} else if (answer->result == SERVER_OK) {
		with.post_id = posts.posts[0].id;
		with.create_at_ms = posts.posts[0].create_at_ms;
		with.message = posts.posts[0].message;
		with.edit_at_ms = posts.posts[0].edit_at_ms;
		with.delete_at_ms = posts.posts[0].delete_at_ms;
	}
	if (with.result == SERVER_DOUBT) {
		with.result = SERVER_AGAIN;
	}
	reply(deed, &with);
	mattermost_json_finish_posts(&posts);
}

void outgoing_read(struct outgoing *outgoing, const char *post_id,
		server_reply_fn fn, void *data) {
	struct deed *deed = deed_add(outgoing, fn, data);
	char *path = xasprintf("/posts/%s", post_id);
	ask(deed, HTTP_GET, path, NULL, on_read);
	free(path);
}

static struct server_tap *others_taps(const struct deed *deed,
		const struct mattermost_taps *read, size_t *count) {
	for (size_t i = 0; i < read->count; i++) {
		const struct mattermost_tapped *post = &read->posts[i];
		if (strcmp(post->post_id, deed->post_id) != 0) {
			continue;
		}
		struct server_tap *taps = xcalloc(post->count, sizeof(*taps));
		for (size_t j = 0; j < post->count; j++) {
			if (strcmp(post->taps[j].user_id, deed->outgoing->own_id) != 0) {
				taps[*count] = (struct server_tap){
					.user_id = post->taps[j].user_id,
					.emoji = post->taps[j].emoji,
					.update_at_ms = post->taps[j].update_at_ms,
				};
				(*count)++;
			}
		}
		return taps;
	}
	return NULL;
}

static void on_taps(void *data, const struct api_answer *answer) {
	struct deed *deed = data;
	deed->request = NULL;
	struct server_taps_reply with = { .err = answer->err };
	struct mattermost_taps read = { 0 };
	struct server_tap *taps = NULL;
	with.ok = answer->result == SERVER_OK &&
			mattermost_json_read_taps(answer->body, &read, &with.err);
	if (with.ok) {
		taps = others_taps(deed, &read, &with.count);
		with.taps = taps;
	}
	deed_unlink(deed);
	deed->taps_fn(deed->data, &with);
	deed_free(deed);
	free(taps);
	mattermost_json_finish_taps(&read);
}

void outgoing_read_taps(struct outgoing *outgoing, const char *post_id,
		server_taps_fn fn, void *data) {
	struct deed *deed = deed_add(outgoing, NULL, data);
	deed->taps_fn = fn;
	deed->post_id = xstrdup(post_id);
	char *body = mattermost_json_write_list(&post_id, 1);
	ask(deed, HTTP_POST, "/posts/ids/reactions", body, on_taps);
	free(body);
}
