#include "codec/mattermost_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"

#define NAME_MAX_BYTES  64
#define EMOJI_MAX_BYTES 256
#define EXACT_MAX       9007199254740992.0 // 2^53: whole numbers end here

/* A \u0000 that the parser would take for the end of a string. */
static bool has_nul_escape(const char *text) {
	const char *at = strchr(text, '\\');
	while (at != NULL && at[1] != '\0') {
		if (strncmp(at + 1, "u0000", 5) == 0) {
			return true;
		}
		at = strchr(at + 2, '\\');
	}
	return false;
}

static bool is_utf8(const char *text, size_t len) {
	size_t at = 0;
	while (at < len) {
		if ((unsigned char)text[at] < 0x80) {
			at++; // nearly all of it
			continue;
		}
		size_t step = utf8_char_len(text + at, len - at);
		if (step == 0) {
			return false;
		}
		at += step;
	}
	return true;
}

static struct cJSON *parse(const char *text, struct err *err) {
	if (!is_utf8(text, strlen(text))) {
		err_set(err, ERR_INVALID, "not UTF-8");
		return NULL;
	}
	if (has_nul_escape(text)) {
		err_set(err, ERR_INVALID, "a NUL in a string");
		return NULL;
	}
	const char *end = NULL;
	struct cJSON *json = cJSON_ParseWithOpts(text, &end, true);
	if (json == NULL) {
		err_set(err, ERR_INVALID, "not JSON at byte %zu of %zu",
				(size_t)(end != NULL ? end - text : 0), strlen(text));
	}
	return json;
}

static const char *string_of(const struct cJSON *object, const char *name) {
	const struct cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsString(item) ? item->valuestring : "";
}

/* Letters, digits, `_`, `-` and `+`: what can stand in a path as it is. */
static bool is_name_char(char c) {
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			(c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '+';
}

static bool is_name(const char *text) {
	size_t len = 0;
	while (is_name_char(text[len])) {
		len++;
	}
	return text[len] == '\0' && len > 0 && len <= NAME_MAX_BYTES;
}

static bool take_name(const struct cJSON *object, const char *name,
		const char **value, struct err *err) {
	*value = string_of(object, name);
	return is_name(*value) || err_set(err, ERR_INVALID, "no usable `%s`", name);
}

static bool take_name_or_none(const struct cJSON *object, const char *name,
		const char **value, struct err *err) {
	*value = string_of(object, name);
	return **value == '\0' || take_name(object, name, value, err);
}

static bool take_number(const struct cJSON *object, const char *name,
		int64_t *value, struct err *err) {
	const struct cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	if (item == NULL || cJSON_IsNull(item)) {
		*value = 0;
		return true;
	}
	double number = cJSON_IsNumber(item) ? item->valuedouble : -1.0;
	bool whole = number >= 0.0 && number <= EXACT_MAX && // false for a NaN
			(double)(int64_t)number >= number;
	if (!whole) {
		return err_set(err, ERR_INVALID, "`%s` is no usable number", name);
	}
	*value = (int64_t)number;
	return true;
}

static bool is_empty_list(const struct cJSON *item) {
	return item == NULL || cJSON_IsNull(item);
}

/* How many items a list has; false where it is neither list nor null. */
static bool count_of(const struct cJSON *list, const char *name, size_t *count,
		struct err *err) {
	*count = 0;
	if (is_empty_list(list)) {
		return true;
	}
	if (!cJSON_IsArray(list)) {
		return err_set(err, ERR_INVALID, "`%s` is no list", name);
	}
	*count = (size_t)cJSON_GetArraySize(list);
	return true;
}

static bool fill_files(struct mattermost_post *post, const struct cJSON *json,
		struct err *err) {
	const struct cJSON *list = cJSON_GetObjectItemCaseSensitive(
			json, "file_ids");
	size_t count = 0;
	if (!count_of(list, "file_ids", &count, err)) {
		return false;
	}
	post->file_ids = xcalloc(count, sizeof(*post->file_ids));
	const struct cJSON *item = NULL;
	cJSON_ArrayForEach(item, list) {
		if (!cJSON_IsString(item) || !is_name(item->valuestring)) {
			return err_set(err, ERR_INVALID, "no usable id in `file_ids`");
		}
		post->file_ids[post->file_count] = item->valuestring;
		post->file_count++;
	}
	return true;
}

/* Keys of ours are "LB-7/status/12": one word of printable ASCII. */
static const char *key_of(const struct cJSON *props) {
	const char *key = string_of(props, "bridgekeeper");
	for (const char *at = key; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~') {
			return "";
		}
	}
	return strlen(key) <= 200 ? key : "";
}

static bool fill_post(struct mattermost_post *post, const struct cJSON *json,
		struct err *err) {
	if (!cJSON_IsObject(json)) {
		return err_set(err, ERR_INVALID, "a post is no object");
	}
	const struct cJSON *props = cJSON_GetObjectItemCaseSensitive(json, "props");
	const struct cJSON *message = cJSON_GetObjectItemCaseSensitive(
			json, "message");
	if (!cJSON_IsString(message)) {
		return err_set(err, ERR_INVALID, "a post has no `message`");
	}
	post->message = message->valuestring;
	post->type = string_of(json, "type");
	post->key = key_of(props);
	post->mark = string_of(props, "bridgekeeper_mark");
	post->from_webhook = cJSON_GetObjectItemCaseSensitive(
								 props, "from_webhook") != NULL;
	post->from_bot = cJSON_GetObjectItemCaseSensitive(props, "from_bot") !=
			NULL;
	return take_name(json, "id", &post->id, err) &&
			take_name(json, "channel_id", &post->channel_id, err) &&
			take_name(json, "user_id", &post->user_id, err) &&
			take_name_or_none(json, "root_id", &post->root_id, err) &&
			take_name_or_none(json, "original_id", &post->original_id, err) &&
			take_number(json, "create_at", &post->create_at_ms, err) &&
			take_number(json, "update_at", &post->update_at_ms, err) &&
			take_number(json, "edit_at", &post->edit_at_ms, err) &&
			take_number(json, "delete_at", &post->delete_at_ms, err) &&
			fill_files(post, json, err);
}

void mattermost_json_finish_posts(struct mattermost_posts *posts) {
	for (size_t i = 0; i < posts->count; i++) {
		free(posts->posts[i].file_ids);
	}
	free(posts->posts);
	cJSON_Delete(posts->json);
	*posts = (struct mattermost_posts){ 0 };
}

static bool fill_one(struct mattermost_posts *posts, struct err *err) {
	posts->posts = xcalloc(1, sizeof(*posts->posts));
	posts->count = 1;
	return fill_post(&posts->posts[0], posts->json, err);
}

bool mattermost_json_read_post(
		const char *text, struct mattermost_posts *posts, struct err *err) {
	*posts = (struct mattermost_posts){ .json = parse(text, err) };
	if (posts->json == NULL || !fill_one(posts, err)) {
		mattermost_json_finish_posts(posts);
		return err_wrap(err, "a post: ");
	}
	return true;
}

static bool fill_page(struct mattermost_posts *posts, struct err *err) {
	if (!cJSON_IsObject(posts->json)) {
		return err_set(err, ERR_INVALID, "not an object");
	}
	const struct cJSON *order = cJSON_GetObjectItemCaseSensitive(
			posts->json, "order");
	const struct cJSON *map = cJSON_GetObjectItemCaseSensitive(
			posts->json, "posts");
	size_t count = 0;
	if (!count_of(order, "order", &count, err)) {
		return false;
	}
	posts->posts = xcalloc(count, sizeof(*posts->posts));
	const struct cJSON *id = NULL;
	cJSON_ArrayForEach(id, order) {
		const struct cJSON *post = cJSON_IsString(id)
				? cJSON_GetObjectItemCaseSensitive(map, id->valuestring)
				: NULL;
		posts->count++; // now, so that a half-filled one is freed
		if (!fill_post(&posts->posts[posts->count - 1], post, err)) {
			return err_wrap(err, "number %zu: ", posts->count);
		}
	}
	return true;
}

bool mattermost_json_read_page(
		const char *text, struct mattermost_posts *posts, struct err *err) {
	*posts = (struct mattermost_posts){ .json = parse(text, err) };
	if (posts->json == NULL || !fill_page(posts, err)) {
		mattermost_json_finish_posts(posts);
		return err_wrap(err, "a page of posts: ");
	}
	return true;
}

void mattermost_json_finish_taps(struct mattermost_taps *taps) {
	for (size_t i = 0; i < taps->count; i++) {
		free(taps->posts[i].taps);
	}
	free(taps->posts);
	cJSON_Delete(taps->json);
	*taps = (struct mattermost_taps){ 0 };
}

static bool fill_tapped(struct mattermost_tapped *tapped,
		const struct cJSON *list, struct err *err) {
	size_t count = 0;
	if (!count_of(list, tapped->post_id, &count, err)) {
		return false;
	}
	tapped->taps = xcalloc(count, sizeof(*tapped->taps));
	const struct cJSON *item = NULL;
	cJSON_ArrayForEach(item, list) {
		struct mattermost_tap *tap = &tapped->taps[tapped->count];
		int64_t delete_at_ms = 0;
		if (!take_name(item, "user_id", &tap->user_id, err) ||
				!take_number(item, "update_at", &tap->update_at_ms, err) ||
				!take_number(item, "delete_at", &delete_at_ms, err)) {
			return false;
		}
		// 5.37 stores any name at all; a strange one must not hide the rest.
		tap->emoji = string_of(item, "emoji_name");
		bool usable = *tap->emoji != '\0' &&
				strlen(tap->emoji) <= EMOJI_MAX_BYTES;
		tapped->count += delete_at_ms == 0 && usable;
	}
	return true;
}

static bool fill_taps(struct mattermost_taps *taps, struct err *err) {
	if (!cJSON_IsObject(taps->json)) {
		return err_set(err, ERR_INVALID, "not an object");
	}
	size_t count = (size_t)cJSON_GetArraySize(taps->json);
	taps->posts = xcalloc(count, sizeof(*taps->posts));
	const struct cJSON *list = NULL;
	cJSON_ArrayForEach(list, taps->json) {
		struct mattermost_tapped *tapped = &taps->posts[taps->count];
		tapped->post_id = list->string;
		taps->count++;
		if (!is_name(tapped->post_id)) {
			return err_set(err, ERR_INVALID, "no usable post id");
		}
		if (!fill_tapped(tapped, list, err)) {
			return false;
		}
	}
	return true;
}

bool mattermost_json_read_taps(
		const char *text, struct mattermost_taps *taps, struct err *err) {
	*taps = (struct mattermost_taps){ .json = parse(text, err) };
	if (taps->json == NULL || !fill_taps(taps, err)) {
		mattermost_json_finish_taps(taps);
		return err_wrap(err, "reactions: ");
	}
	return true;
}

/* Whether one of the blank-separated words of @list is @word. */
static bool has_word(const char *list, const char *word) {
	size_t len = strlen(word);
	const char *at = list;
	while ((at = strstr(at, word)) != NULL) {
		bool begins = at == list || at[-1] == ' ';
		bool ends = at[len] == ' ' || at[len] == '\0';
		if (begins && ends) {
			return true;
		}
		at += len;
	}
	return false;
}

static bool fill_user(struct mattermost_user *user, const struct cJSON *json,
		struct err *err) {
	int64_t delete_at_ms = 0;
	if (!take_name(json, "id", &user->id, err) ||
			!take_number(json, "delete_at", &delete_at_ms, err)) {
		return false;
	}
	user->name = string_of(json, "username");
	size_t len = strlen(user->name);
	if (len == 0 || len > 2 * NAME_MAX_BYTES) {
		return err_set(err, ERR_INVALID, "no usable `username`");
	}
	user->active = delete_at_ms == 0;
	user->bot = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "is_bot"));
	user->guest = has_word(string_of(json, "roles"), "system_guest");
	return true;
}

/* Fill from @json, a list or one; it stays owned by whoever owns it. */
static bool fill_users(struct mattermost_users *users, const struct cJSON *json,
		struct err *err) {
	if (cJSON_IsObject(json)) {
		users->users = xcalloc(1, sizeof(*users->users));
		users->count = 1;
		return fill_user(&users->users[0], json, err);
	}
	size_t count = 0;
	if (!count_of(json, "users", &count, err)) {
		return false;
	}
	users->users = xcalloc(count, sizeof(*users->users));
	const struct cJSON *item = NULL;
	cJSON_ArrayForEach(item, json) {
		if (!fill_user(&users->users[users->count], item, err)) {
			return false;
		}
		users->count++;
	}
	return true;
}

void mattermost_json_finish_users(struct mattermost_users *users) {
	free(users->users);
	cJSON_Delete(users->json);
	*users = (struct mattermost_users){ 0 };
}

bool mattermost_json_read_users(
		const char *text, struct mattermost_users *users, struct err *err) {
	*users = (struct mattermost_users){ .json = parse(text, err) };
	if (users->json == NULL || !fill_users(users, users->json, err)) {
		mattermost_json_finish_users(users);
		return err_wrap(err, "users: ");
	}
	return true;
}

void mattermost_json_finish_ids(struct mattermost_ids *ids) {
	free(ids->ids);
	cJSON_Delete(ids->json);
	*ids = (struct mattermost_ids){ 0 };
}

static bool fill_ids(struct mattermost_ids *ids, const struct cJSON *list,
		const char *name, struct err *err) {
	size_t count = 0;
	if (!count_of(list, name, &count, err)) {
		return false;
	}
	ids->ids = xcalloc(count, sizeof(*ids->ids));
	const struct cJSON *item = NULL;
	cJSON_ArrayForEach(item, list) {
		if (!take_name(item, name, &ids->ids[ids->count], err)) {
			return false;
		}
		ids->count++;
	}
	return true;
}

bool mattermost_json_read_members(
		const char *text, struct mattermost_ids *ids, struct err *err) {
	*ids = (struct mattermost_ids){ .json = parse(text, err) };
	if (ids->json == NULL || !fill_ids(ids, ids->json, "user_id", err)) {
		mattermost_json_finish_ids(ids);
		return err_wrap(err, "members: ");
	}
	return true;
}

bool mattermost_json_read_files(
		const char *text, struct mattermost_ids *ids, struct err *err) {
	*ids = (struct mattermost_ids){ .json = parse(text, err) };
	const struct cJSON *list = cJSON_GetObjectItemCaseSensitive(
			ids->json, "file_infos");
	if (ids->json == NULL || !fill_ids(ids, list, "id", err)) {
		mattermost_json_finish_ids(ids);
		return err_wrap(err, "uploaded files: ");
	}
	return true;
}

bool mattermost_json_read_id(
		const char *text, char id[65], bool *archived, struct err *err) {
	struct cJSON *json = parse(text, err);
	if (json == NULL) {
		return false;
	}
	const char *value = NULL;
	int64_t delete_at_ms = 0;
	bool ok = take_name(json, "id", &value, err) &&
			take_number(json, "delete_at", &delete_at_ms, err);
	if (ok && id != NULL) {
		memcpy(id, value, strlen(value) + 1);
	}
	if (ok && archived != NULL) {
		*archived = delete_at_ms != 0;
	}
	cJSON_Delete(json);
	return ok;
}

size_t mattermost_json_read_max_post(const char *text) {
	struct cJSON *json = cJSON_Parse(text);
	const char *value = string_of(json, "MaxPostSize");
	unsigned long runes = strtoul(value, NULL, 10);
	cJSON_Delete(json);
	return runes <= 1000000 ? (size_t)runes : 0;
}

/* One line of @text, without what does not print, into @line. */
static void clean_line(const char *text, char *line, size_t room) {
	struct str clean;
	str_init(&clean, 4096);
	utf8_add_clean(&clean, text, strlen(text));
	size_t len = utf8_cut(str_text(&clean), clean.len, room - 1);
	for (size_t i = 0; i < len; i++) {
		char c = clean.data[i];
		bool control = (c >= 0 && c < ' ') || c == 127;
		line[i] = (char)(control ? ' ' : c);
	}
	while (len > 0 && line[len - 1] == ' ') {
		len--;
	}
	line[len] = '\0';
	str_finish(&clean);
}

bool mattermost_json_read_file(
		const char *text, struct mattermost_file *file, struct err *err) {
	struct cJSON *json = parse(text, err);
	int64_t bytes = 0;
	int64_t delete_at_ms = 0;
	*file = (struct mattermost_file){ 0 };
	bool ok = json != NULL && take_number(json, "size", &bytes, err) &&
			take_number(json, "delete_at", &delete_at_ms, err);
	if (ok) {
		clean_line(string_of(json, "name"), file->name, sizeof(file->name));
		file->bytes = (uint64_t)bytes;
		file->deleted = delete_at_ms != 0;
	}
	cJSON_Delete(json);
	return ok || err_wrap(err, "a file: ");
}

void mattermost_json_read_error(
		const char *text, size_t len, struct mattermost_error *error) {
	*error = (struct mattermost_error){ 0 };
	struct err ignored = { 0 };
	struct cJSON *json = strlen(text) == len ? parse(text, &ignored) : NULL;
	if (!cJSON_IsObject(json)) {
		clean_line(text, error->message, sizeof(error->message));
		cJSON_Delete(json);
		return;
	}
	clean_line(string_of(json, "id"), error->id, sizeof(error->id));
	clean_line(
			string_of(json, "message"), error->message, sizeof(error->message));
	cJSON_Delete(json);
}

void mattermost_json_finish_frame(struct mattermost_frame *frame) {
	mattermost_json_finish_posts(&frame->posts);
	mattermost_json_finish_users(&frame->users);
	cJSON_Delete(frame->inner);
	cJSON_Delete(frame->json);
	*frame = (struct mattermost_frame){ 0 };
}

/* JSON within JSON: a string of the event's data that holds a document. */
static struct cJSON *parse_inner(
		const struct cJSON *data, const char *name, struct err *err) {
	const struct cJSON *item = cJSON_GetObjectItemCaseSensitive(data, name);
	if (!cJSON_IsString(item)) {
		err_set(err, ERR_INVALID, "no `%s`", name);
		return NULL;
	}
	struct cJSON *json = parse(item->valuestring, err);
	if (json == NULL) {
		err_wrap(err, "`%s`: ", name);
	}
	return json;
}

static bool read_post_event(struct mattermost_frame *frame,
		const struct cJSON *data, struct err *err) {
	frame->posts.json = parse_inner(data, "post", err);
	if (frame->posts.json == NULL || !fill_one(&frame->posts, err)) {
		return false;
	}
	frame->channel_id = frame->posts.posts[0].channel_id;
	return true;
}

static bool read_reaction(struct mattermost_frame *frame,
		const struct cJSON *data, struct err *err) {
	frame->inner = parse_inner(data, "reaction", err);
	return frame->inner != NULL &&
			take_name(frame->inner, "post_id", &frame->post_id, err);
}

/* Who was added or removed: data.user_id, or the receiver itself where the
 * server tells it that it was removed; then the channel is in data. */
static bool read_member(struct mattermost_frame *frame,
		const struct cJSON *data, const struct cJSON *broadcast,
		struct err *err) {
	if (*string_of(data, "channel_id") != '\0' &&
			!take_name(data, "channel_id", &frame->channel_id, err)) {
		return false;
	}
	const struct cJSON *who = *string_of(data, "user_id") != '\0' ? data
																  : broadcast;
	return take_name_or_none(who, "user_id", &frame->user_id, err);
}

static bool read_channel(struct mattermost_frame *frame,
		const struct cJSON *data, struct err *err) {
	return *string_of(data, "channel_id") == '\0' ||
			take_name(data, "channel_id", &frame->channel_id, err);
}

static bool read_user(struct mattermost_frame *frame, const struct cJSON *data,
		struct err *err) {
	const struct cJSON *user = cJSON_GetObjectItemCaseSensitive(data, "user");
	if (!cJSON_IsObject(user)) {
		return err_set(err, ERR_INVALID, "no `user`");
	}
	return fill_users(&frame->users, user, err);
}

static enum mattermost_frame_kind kind_of(const char *event) {
	static const struct {
		const char *event;
		enum mattermost_frame_kind kind;
	} kinds[] = {
		{ "hello", MATTERMOST_FRAME_HELLO },
		{ "posted", MATTERMOST_FRAME_POSTED },
		{ "post_edited", MATTERMOST_FRAME_POST_EDITED },
		{ "post_deleted", MATTERMOST_FRAME_POST_DELETED },
		{ "reaction_added", MATTERMOST_FRAME_REACTION },
		{ "reaction_removed", MATTERMOST_FRAME_REACTION },
		{ "user_added", MATTERMOST_FRAME_USER_ADDED },
		{ "user_removed", MATTERMOST_FRAME_USER_REMOVED },
		{ "user_updated", MATTERMOST_FRAME_USER_UPDATED },
		{ "channel_deleted", MATTERMOST_FRAME_CHANNEL_DELETED },
		{ "channel_restored", MATTERMOST_FRAME_CHANNEL_RESTORED },
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(event, kinds[i].event) == 0) {
			return kinds[i].kind;
		}
	}
	return MATTERMOST_FRAME_OTHER;
}

static bool read_event_data(struct mattermost_frame *frame, struct err *err) {
	const struct cJSON *data = cJSON_GetObjectItemCaseSensitive(
			frame->json, "data");
	const struct cJSON *broadcast = cJSON_GetObjectItemCaseSensitive(
			frame->json, "broadcast");
	if (!take_name_or_none(broadcast, "channel_id", &frame->channel_id, err)) {
		return false;
	}
	switch (frame->kind) {
	case MATTERMOST_FRAME_HELLO:
		return take_name_or_none(
				data, "connection_id", &frame->connection_id, err);
	case MATTERMOST_FRAME_POSTED:
	case MATTERMOST_FRAME_POST_EDITED:
	case MATTERMOST_FRAME_POST_DELETED:
		return read_post_event(frame, data, err);
	case MATTERMOST_FRAME_REACTION:
		return read_reaction(frame, data, err);
	case MATTERMOST_FRAME_USER_ADDED:
	case MATTERMOST_FRAME_USER_REMOVED:
		return read_member(frame, data, broadcast, err);
	case MATTERMOST_FRAME_USER_UPDATED:
		return read_user(frame, data, err);
	case MATTERMOST_FRAME_CHANNEL_DELETED:
	case MATTERMOST_FRAME_CHANNEL_RESTORED:
		return read_channel(frame, data, err);
	case MATTERMOST_FRAME_REPLY:
	case MATTERMOST_FRAME_OTHER:
		return true;
	}
	return true;
}

static bool read_event(struct mattermost_frame *frame, struct err *err) {
	const struct cJSON *event = cJSON_GetObjectItemCaseSensitive(
			frame->json, "event");
	const struct cJSON *seq = cJSON_GetObjectItemCaseSensitive(
			frame->json, "seq");
	if (!cJSON_IsString(event) || !cJSON_IsNumber(seq)) {
		return err_set(err, ERR_INVALID, "neither an event nor a reply");
	}
	frame->kind = kind_of(event->valuestring);
	if (!take_number(frame->json, "seq", &frame->seq, err) ||
			!read_event_data(frame, err)) {
		char name[40];
		clean_line(event->valuestring, name, sizeof(name));
		return err_wrap(err, "%s: ", name);
	}
	return true;
}

static bool read_reply(struct mattermost_frame *frame, struct err *err) {
	frame->kind = MATTERMOST_FRAME_REPLY;
	frame->reply_ok = strcmp(string_of(frame->json, "status"), "OK") == 0;
	frame->error_id = string_of(
			cJSON_GetObjectItemCaseSensitive(frame->json, "error"), "id");
	return take_number(frame->json, "seq_reply", &frame->seq_reply, err);
}

static bool read_object(struct mattermost_frame *frame, struct err *err) {
	if (!cJSON_IsObject(frame->json)) {
		return err_set(err, ERR_INVALID, "not an object");
	}
	bool reply = cJSON_GetObjectItemCaseSensitive(frame->json, "seq_reply") !=
					NULL ||
			cJSON_GetObjectItemCaseSensitive(frame->json, "status") != NULL;
	return reply ? read_reply(frame, err) : read_event(frame, err);
}

bool mattermost_json_read_frame(const char *text, size_t len,
		struct mattermost_frame *frame, struct err *err) {
	*frame = (struct mattermost_frame){
		.connection_id = "",
		.error_id = "",
		.channel_id = "",
		.post_id = "",
		.user_id = "",
	};
	if (strlen(text) != len) {
		return err_set(err, ERR_INVALID, "a frame with a NUL");
	}
	frame->json = parse(text, err);
	if (frame->json == NULL || !read_object(frame, err)) {
		mattermost_json_finish_frame(frame);
		return err_wrap(err, "a frame: ");
	}
	return true;
}

static char *print_and_delete(struct cJSON *json) {
	char *text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	assert(text != NULL); // out of memory
	return text;
}

char *mattermost_json_write_post(const struct mattermost_new_post *post) {
	struct cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "channel_id", post->channel_id);
	cJSON_AddStringToObject(json, "root_id", post->root_id);
	cJSON_AddStringToObject(json, "message", post->message);
	cJSON_AddStringToObject(json, "pending_post_id", post->pending_post_id);
	struct cJSON *props = cJSON_AddObjectToObject(json, "props");
	cJSON_AddStringToObject(props, "bridgekeeper", post->key);
	if (post->mark != NULL && post->mark[0] != '\0') {
		cJSON_AddStringToObject(props, "bridgekeeper_mark", post->mark);
	}
	if (post->file_id != NULL) {
		struct cJSON *files = cJSON_AddArrayToObject(json, "file_ids");
		cJSON_AddItemToArray(files, cJSON_CreateString(post->file_id));
	}
	return print_and_delete(json);
}

char *mattermost_json_write_patch(const char *message) {
	struct cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "message", message);
	return print_and_delete(json);
}

char *mattermost_json_write_reaction(
		const char *user_id, const char *post_id, const char *emoji) {
	struct cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "user_id", user_id);
	cJSON_AddStringToObject(json, "post_id", post_id);
	cJSON_AddStringToObject(json, "emoji_name", emoji);
	return print_and_delete(json);
}

char *mattermost_json_write_list(const char *const *texts, size_t count) {
	struct cJSON *json = cJSON_CreateArray();
	for (size_t i = 0; i < count; i++) {
		cJSON_AddItemToArray(json, cJSON_CreateString(texts[i]));
	}
	return print_and_delete(json);
}

char *mattermost_json_write_action(const char *action, int64_t seq) {
	struct cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "action", action);
	cJSON_AddNumberToObject(json, "seq", (double)seq);
	return print_and_delete(json);
}
