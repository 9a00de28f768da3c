/* Making and changing posts. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/xalloc.h"
#include "events.h"
#include "gojson.h"
#include "rest.h"
#include "sandbox.h"
#include "shape.h"

#define MAX_RUNES       16383
#define MAX_PROPS_RUNES 8000   // 5.37
#define MAX_BODY_BYTES  300512 // 11.6
#define PENDING_US      (INT64_C(30) * 1000000)

/* ---- pending_post_id ---- */

struct pending {
	struct pending *next;
	char *key;
	char post_id[ID_ROOM]; // "": in progress
	const void *owner;     // who has it in progress
	int64_t until_us;
};

static struct pending **find_pending(struct sandbox *sandbox, const char *key) {
	struct pending **at = &sandbox->pendings;
	while (*at != NULL && strcmp((*at)->key, key) != 0) {
		at = &(*at)->next;
	}
	return at;
}

static void drop_pending(struct pending **at) {
	struct pending *pending = *at;
	*at = pending->next;
	free(pending->key);
	free(pending);
}

static void drop_old_pendings(struct sandbox *sandbox) {
	int64_t now_us = real_now_us();
	for (struct pending **at = &sandbox->pendings; *at != NULL;) {
		if ((*at)->until_us <= now_us) {
			drop_pending(at);
		} else {
			at = &(*at)->next;
		}
	}
}

static struct pending *add_pending(
		struct sandbox *sandbox, const char *key, const void *owner) {
	struct pending *pending = xcalloc(1, sizeof(*pending));
	pending->key = xstrdup(key);
	pending->owner = owner;
	pending->until_us = real_now_us() + PENDING_US / sandbox->hurry;
	pending->next = sandbox->pendings;
	sandbox->pendings = pending;
	return pending;
}

void rest_note_pending(struct sandbox *sandbox, const struct request *request) {
	struct call call = { .sandbox = sandbox, .request = request };
	if (strcmp(request->method, "POST") != 0 ||
			strcmp(request->path, "/api/v4/posts") != 0) {
		return;
	}
	cJSON *json = rest_json(&call, NULL);
	const char *key = rest_member(json, "pending_post_id");
	if (key != NULL && key[0] != '\0' && *find_pending(sandbox, key) == NULL) {
		add_pending(sandbox, key, request->owner);
	}
	cJSON_Delete(json);
}

void rest_forget_pendings(struct sandbox *sandbox) {
	while (sandbox->pendings != NULL) {
		drop_pending(&sandbox->pendings);
	}
}

static void answer_post(
		struct call *call, const struct post *post, bool repeated) {
	struct shape_post how = {
		.metadata = repeated ? METADATA_NONE : METADATA_FULL,
		.pending = !repeated,
		.reply_count = post->root != NULL ? post->root->reply_count
										  : post->reply_count,
	};
	shape_post(&call->answer->body, NULL, &call->sandbox->world, post, &how);
}

/* Whether a request with this id was seen; if so it is answered. */
static bool is_repeated(struct call *call, const char *key) {
	struct sandbox *sandbox = call->sandbox;
	struct pending *pending = *find_pending(sandbox, key);
	if (pending == NULL) {
		return false;
	}
	if (pending->post_id[0] == '\0') {
		if (pending->owner == call->request->owner) {
			return false; // it is this very request, which was held back
		}
		rest_error(call, 500, "api.post.deduplicate_create_post.pending",
				"Rejected post since another client is making the same "
				"request.");
		return true;
	}
	struct post *post = world_post(&sandbox->world, pending->post_id);
	if (post == NULL || post->delete_at != 0) {
		rest_error(call, 500, "api.post.deduplicate_create_post.failed_to_get",
				"Failed to fetch original post after deduplicating a client "
				"repeating the same request.");
		return true;
	}
	if (sandbox->world.version != VERSION_5_37 &&
			!rest_can_read(call, post->channel)) {
		drop_pending(find_pending(sandbox, key));
		return false;
	}
	call->answer->status = 201;
	answer_post(call, post, true);
	return true;
}

/* ---- creating ---- */

/* What a request to create a post asks for. */
struct wish {
	struct channel *channel;
	struct post *root;
	const char *message;
	const char *type;
	const char *pending_id;
	const cJSON *props;
	const cJSON *file_ids;
	bool has_nul;
};

static bool is_typed_right(const cJSON *json) {
	static const char *const texts[] = { "channel_id", "message", "root_id",
		"type", "pending_post_id" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const cJSON *node = cJSON_GetObjectItemCaseSensitive(json, texts[i]);
		if (node != NULL && !cJSON_IsString(node) && !cJSON_IsNull(node)) {
			return false;
		}
	}
	return cJSON_IsObject(json);
}

static bool too_long(struct call *call, const struct wish *wish) {
	bool old = call->sandbox->world.version == VERSION_5_37;
	if (json_runes(wish->message) > MAX_RUNES) {
		rest_error(call, 400,
				old ? "model.post.is_valid.msg.app_error"
					: "model.post.is_valid.message_length.app_error",
				old ? "Invalid message."
					: "Post Message property is longer than the maximum "
					  "permitted length.");
		return true;
	}
	if (!old || wish->props == NULL) {
		return false;
	}
	struct str props;
	str_init(&props, 0);
	json_node(&props, NULL, wish->props);
	bool over = json_runes(str_text(&props)) > MAX_PROPS_RUNES;
	str_finish(&props);
	if (over) {
		rest_error(call, 400, "model.post.is_valid.props.app_error",
				"Invalid props.");
	}
	return over;
}

/* 11.6 reads no longer bodies. */
static bool body_too_large(struct call *call) {
	if (call->sandbox->world.version == VERSION_5_37 ||
			call->request->body_len <= MAX_BODY_BYTES) {
		return false;
	}
	rest_error(call, 413, "api.context.request_body_too_large.app_error",
			"Request body too large. Use API endpoint that supports larger "
			"payload.");
	return true;
}

static bool find_root(
		struct call *call, const char *root_id, struct wish *wish) {
	if (root_id == NULL || root_id[0] == '\0') {
		return true;
	}
	struct post *root = world_post(&call->sandbox->world, root_id);
	if (root == NULL || root->root != NULL || root->delete_at != 0) {
		rest_error(call, 400, "api.post.create_post.root_id.app_error",
				"Invalid RootId parameter.");
		return false;
	}
	if (root->channel != wish->channel) {
		rest_error(call, 400, "api.post.create_post.channel_root_id.app_error",
				"Invalid ChannelId for RootId parameter.");
		return false;
	}
	wish->root = root;
	return true;
}

static bool is_allowed(
		struct call *call, const cJSON *json, struct wish *wish) {
	const char *channel_id = rest_member(json, "channel_id");
	wish->channel = channel_id != NULL
			? world_channel(&call->sandbox->world, channel_id)
			: NULL;
	if (wish->channel == NULL ||
			!rest_may(call, wish->channel, "create_post")) {
		rest_forbidden(call);
		return false;
	}
	return true;
}

static bool is_valid(struct call *call, const cJSON *json, struct wish *wish) {
	if (wish->channel->delete_at != 0) {
		rest_error(call, 400,
				"api.post.create_post.can_not_post_to_deleted.error",
				"Can not post to deleted channel.");
		return false;
	}
	if (strncmp(wish->type, "system_", 7) == 0) {
		rest_error(call, 400, "api.context.invalid_param.app_error",
				"Invalid post.type parameter.");
		return false;
	}
	if (!find_root(call, rest_member(json, "root_id"), wish) ||
			too_long(call, wish)) {
		return false;
	}
	if (wish->has_nul) {
		rest_error(call, 500, "app.post.save.app_error",
				"Unable to save the Post.");
		return false;
	}
	return true;
}

static void attach_files(
		struct call *call, struct post *post, const cJSON *ids) {
	const cJSON *id;
	cJSON_ArrayForEach(id, ids) {
		struct file *file = cJSON_IsString(id)
				? world_file(&call->sandbox->world, id->valuestring)
				: NULL;
		if (file != NULL && file->post == NULL && file->owner == call->user) {
			post_attach(post, file);
		} else {
			post->files_lost = true;
		}
	}
}

static struct post *create(struct call *call, const struct wish *wish) {
	struct post *post = world_add_post(&call->sandbox->world, wish->channel,
			call->user, wish->root, wish->message);
	free(post->type);
	post->type = xstrdup(wish->type);
	free(post->pending_id);
	post->pending_id = xstrdup(wish->pending_id);
	if (cJSON_IsObject(wish->props)) {
		cJSON_Delete(post->props);
		post->props = cJSON_Duplicate(wish->props, true);
	}
	if (call->user->bot) {
		cJSON_DeleteItemFromObjectCaseSensitive(post->props, "from_bot");
		cJSON_AddStringToObject(post->props, "from_bot", "true");
	}
	attach_files(call, post, wish->file_ids);
	return post;
}

static void create_wished(
		struct call *call, const cJSON *json, struct wish *wish) {
	struct sandbox *sandbox = call->sandbox;
	const char *key = wish->pending_id;
	drop_old_pendings(sandbox);
	if (key[0] != '\0' && is_repeated(call, key)) {
		return;
	}
	if (key[0] != '\0' && *find_pending(sandbox, key) == NULL) {
		add_pending(sandbox, key, call->request->owner);
	}
	if (!is_valid(call, json, wish)) {
		if (key[0] != '\0') {
			drop_pending(find_pending(sandbox, key));
		}
		return;
	}
	struct post *post = create(call, wish);
	if (key[0] != '\0') {
		memcpy((*find_pending(sandbox, key))->post_id, post->id, ID_ROOM);
	}
	char online[8] = "";
	rest_query(call, "set_online", online, sizeof(online));
	tell_posted(sandbox, post, strcmp(online, "false") != 0);
	call->answer->status = 201;
	answer_post(call, post, false);
}

static const char *text_or_empty(const cJSON *json, const char *key) {
	const char *text = rest_member(json, key);
	return text != NULL ? text : "";
}

static void create_post(struct call *call) {
	if (body_too_large(call)) {
		return;
	}
	struct wish wish = { 0 };
	cJSON *json = rest_json(call, &wish.has_nul);
	bool old = call->sandbox->world.version == VERSION_5_37;
	if (json == NULL || (!old && !is_typed_right(json))) {
		rest_bad_param(call, "post");
		cJSON_Delete(json);
		return;
	}
	wish.message = text_or_empty(json, "message");
	wish.type = text_or_empty(json, "type");
	wish.pending_id = text_or_empty(json, "pending_post_id");
	wish.props = cJSON_GetObjectItemCaseSensitive(json, "props");
	wish.file_ids = cJSON_GetObjectItemCaseSensitive(json, "file_ids");
	if (is_allowed(call, json, &wish)) {
		create_wished(call, json, &wish);
	}
	cJSON_Delete(json);
}

/* ---- changing ---- */

static struct post *own_post_arg(struct call *call) {
	struct post *post = rest_post_arg(call, 0);
	if (post == NULL) {
		return NULL;
	}
	if (post->user != call->user && !user_is_admin(call->user)) {
		rest_forbidden(call);
		return NULL;
	}
	return post;
}

/* Each change keeps the old row and moves update_at, whether or not anything
 * is different afterwards. */
static void begin_change(struct call *call, struct post *post) {
	int64_t stamp = world_stamp(&call->sandbox->world);
	world_keep_copy(&call->sandbox->world, post, stamp);
	post->update_at = stamp;
	struct fault fault = faults_on_edit(
			&call->sandbox->faults, call->user->username);
	if (fault.kind == FAULT_FORGET_REACTIONS) {
		post->has_reactions = false;
	}
}

static void change_message(struct post *post, const char *message) {
	if (message != NULL && strcmp(message, post->message) != 0) {
		post_set_message(post, message);
		post->edit_at = post->update_at;
	}
}

static void edit(struct call *call, bool whole) {
	bool has_nul = false;
	if (body_too_large(call)) {
		return;
	}
	struct post *post = own_post_arg(call);
	if (post == NULL) {
		return;
	}
	if (!rest_may(call, post->channel, "edit_post")) {
		rest_forbidden(call);
		return;
	}
	cJSON *json = rest_json(call, &has_nul);
	const cJSON *props = cJSON_GetObjectItemCaseSensitive(json, "props");
	const cJSON *pinned = cJSON_GetObjectItemCaseSensitive(json, "is_pinned");
	struct wish wish = {
		.message = text_or_empty(json, "message"),
		.props = props,
	};
	if (!cJSON_IsObject(json)) {
		rest_bad_param(call, "post");
		goto out;
	}
	if (too_long(call, &wish)) {
		goto out;
	}
	if (has_nul) {
		rest_error(call, 500, "app.post.update.app_error",
				"Unable to update the Post.");
		goto out;
	}
	begin_change(call, post);
	change_message(post, rest_member(json, "message"));
	if (cJSON_IsObject(props) || whole) {
		cJSON_Delete(post->props);
		post->props = cJSON_IsObject(props) ? cJSON_Duplicate(props, true)
											: cJSON_CreateObject();
	}
	if (cJSON_IsBool(pinned)) {
		post->pinned = cJSON_IsTrue(pinned);
	}
	tell_edited(call->sandbox, post);
	answer_post(call, post, false);

out:
	cJSON_Delete(json);
}

static void patch_post(struct call *call) {
	edit(call, false);
}

/* Without props in it, a whole post has none afterwards. */
static void put_post(struct call *call) {
	edit(call, true);
}

static void set_pinned(struct call *call, bool pinned) {
	struct post *post = rest_post_arg(call, 0);
	if (post == NULL) {
		return;
	}
	if (!rest_can_write(call, post->channel)) {
		rest_forbidden(call);
		return;
	}
	begin_change(call, post);
	post->pinned = pinned;
	tell_edited(call->sandbox, post);
	rest_ok(call);
}

static void pin_post(struct call *call) {
	set_pinned(call, true);
}

static void unpin_post(struct call *call) {
	set_pinned(call, false);
}

static void mark_deleted(struct post *post, int64_t stamp) {
	post->delete_at = stamp;
	post->update_at = stamp;
}

/* The replies of a deleted root go with it, and nobody is told. */
static void delete_replies(
		struct world *world, const struct post *root, int64_t stamp) {
	for (size_t i = root->row; i < world->post_count; i++) {
		struct post *post = world->posts[i];
		if (post->root == root && post->delete_at == 0) {
			mark_deleted(post, stamp);
		}
	}
}

static void delete_post(struct call *call) {
	struct world *world = &call->sandbox->world;
	struct post *post = world_post(world, call->args[0]);
	if (post == NULL || post->delete_at != 0 ||
			(post->user != call->user && !user_is_admin(call->user))) {
		rest_forbidden(call);
		return;
	}
	tell_deleted(call->sandbox, post, call->user);
	int64_t stamp = world_stamp(world);
	mark_deleted(post, stamp);
	if (post->root != NULL) {
		post->root->reply_count--;
		post->root->update_at = stamp;
	} else {
		delete_replies(world, post, stamp);
	}
	rest_ok(call);
}

/* ---- webhooks ---- */

static const struct webhook *find_webhook(
		const struct world *world, const char *id) {
	for (size_t i = 0; i < world->webhook_count; i++) {
		if (strcmp(world->webhooks[i].id, id) == 0) {
			return &world->webhooks[i];
		}
	}
	return NULL;
}

/* Whoever knows the address posts as its owner, who need not know of it. */
static void post_by_webhook(struct call *call) {
	struct world *world = &call->sandbox->world;
	const struct webhook *hook = find_webhook(world, call->args[0]);
	cJSON *json = rest_json(call, NULL);
	const char *text = rest_member(json, "text");
	if (hook == NULL || text == NULL) {
		rest_error(call, 400, "web.incoming_webhook.invalid.app_error",
				"Invalid webhook.");
		cJSON_Delete(json);
		return;
	}
	struct channel *channel = hook->channel;
	const char *name = rest_member(json, "channel");
	if (name != NULL && world_channel_named(world, name) != NULL) {
		channel = world_channel_named(world, name);
	}
	struct post *post = world_add_post(world, channel, hook->owner, NULL, text);
	const cJSON *props = cJSON_GetObjectItemCaseSensitive(json, "props");
	if (cJSON_IsObject(props)) {
		cJSON_Delete(post->props);
		post->props = cJSON_Duplicate(props, true);
	}
	cJSON_DeleteItemFromObjectCaseSensitive(post->props, "from_webhook");
	cJSON_AddStringToObject(post->props, "from_webhook", "true");
	post->system = true;
	tell_posted(call->sandbox, post, world->version == VERSION_5_37);
	call->answer->content_type = "text/plain";
	str_add(&call->answer->body, "ok");
	cJSON_Delete(json);
}

const struct route rest_posts_routes[] = {
	{ "POST", "/api/v4/posts", create_post },
	{ "PUT", "/api/v4/posts/*/patch", patch_post },
	{ "PUT", "/api/v4/posts/*", put_post },
	{ "DELETE", "/api/v4/posts/*", delete_post },
	{ "POST", "/api/v4/posts/*/pin", pin_post },
	{ "POST", "/api/v4/posts/*/unpin", unpin_post },
	{ "POST", "/hooks/*", post_by_webhook },
	{ NULL, NULL, NULL },
};
