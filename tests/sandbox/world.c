#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "base/xalloc.h"

/* Make room for one more of @size bytes in a list of @count. */
static void *more(void *list, size_t count, size_t size) {
	return xreallocarray(list, count + 1, size);
}

void world_init(struct world *world, enum version version,
		int64_t (*clock_ms)(void *data), void *clock_data) {
	*world = (struct world){
		.version = version,
		.clock_ms = clock_ms,
		.clock_data = clock_data,
	};
	id_make(world->team_id);
	world->team_create_at = world_stamp(world);
}

static void free_post(struct post *post) {
	for (size_t i = 0; i < post->reaction_count; i++) {
		free(post->reactions[i].emoji);
	}
	free(post->reactions);
	free(post->files);
	free(post->writers);
	free(post->original_id);
	free(post->message);
	free(post->type);
	free(post->pending_id);
	cJSON_Delete(post->props);
	free(post);
}

static void free_channel(struct channel *channel) {
	free(channel->name);
	free(channel->display_name);
	free(channel->header);
	free(channel->members);
	free(channel->unseen);
	free(channel);
}

static void free_user(struct user *user) {
	free(user->username);
	free(user->first_name);
	free(user->roles);
	free(user->token);
	free(user);
}

void world_finish(struct world *world) {
	for (size_t i = 0; i < world->post_count; i++) {
		free_post(world->posts[i]);
	}
	for (size_t i = 0; i < world->channel_count; i++) {
		free_channel(world->channels[i]);
	}
	for (size_t i = 0; i < world->user_count; i++) {
		free_user(world->users[i]);
	}
	for (size_t i = 0; i < world->file_count; i++) {
		free(world->files[i]->name);
		free(world->files[i]->mime_type);
		free(world->files[i]->bytes);
		free(world->files[i]);
	}
	for (size_t i = 0; i < world->webhook_count; i++) {
		free(world->webhooks[i].id);
	}
	free(world->posts);
	free(world->channels);
	free(world->users);
	free(world->files);
	free(world->webhooks);
	free(world->denied);
	free(world->claimed_version);
	free(world->team_name);
	free(world->team_display_name);
	table_finish(&world->posts_by_id);
}

int64_t world_now(const struct world *world) {
	return world->clock_ms(world->clock_data);
}

int64_t world_stamp(struct world *world) {
	int64_t now_ms = world_now(world);
	if (now_ms <= world->last_stamp) {
		now_ms = world->last_stamp + 1;
	}
	world->last_stamp = now_ms;
	return now_ms;
}

/* ---- people and channels ---- */

struct user *world_add_user(struct world *world, const char *username) {
	struct user *user = xcalloc(1, sizeof(*user));
	char token[ID_ROOM];
	id_make(user->id);
	id_make(user->token_id);
	id_make(token);
	user->username = xstrdup(username);
	user->first_name = xstrdup("");
	user->roles = xstrdup("system_user");
	user->token = xstrdup(token);
	user->in_team = true;
	user->create_at = world_stamp(world);
	user->update_at = user->create_at;
	world->users = more(world->users, world->user_count, sizeof(user));
	world->users[world->user_count++] = user;
	return user;
}

struct user *world_user(const struct world *world, const char *id) {
	for (size_t i = 0; i < world->user_count; i++) {
		if (strcmp(world->users[i]->id, id) == 0) {
			return world->users[i];
		}
	}
	return NULL;
}

struct user *world_user_named(const struct world *world, const char *username) {
	for (size_t i = 0; i < world->user_count; i++) {
		if (strcasecmp(world->users[i]->username, username) == 0) {
			return world->users[i];
		}
	}
	return NULL;
}

struct user *world_user_of_token(const struct world *world, const char *token) {
	for (size_t i = 0; i < world->user_count; i++) {
		struct user *user = world->users[i];
		if (strcmp(user->token, token) == 0) {
			bool good = user->token_state == TOKEN_GOOD && user->delete_at == 0;
			return good ? user : NULL;
		}
	}
	return NULL;
}

bool user_is_admin(const struct user *user) {
	return strstr(user->roles, "system_admin") != NULL;
}

struct channel *world_add_channel(
		struct world *world, const char *name, char type) {
	struct channel *channel = xcalloc(1, sizeof(*channel));
	id_make(channel->id);
	channel->name = xstrdup(name);
	channel->display_name = xstrdup(name);
	channel->header = xstrdup("");
	channel->type = type;
	channel->create_at = world_stamp(world);
	channel->update_at = channel->create_at;
	world->channels = more(
			world->channels, world->channel_count, sizeof(channel));
	world->channels[world->channel_count++] = channel;
	return channel;
}

struct channel *world_channel(const struct world *world, const char *id) {
	for (size_t i = 0; i < world->channel_count; i++) {
		if (strcmp(world->channels[i]->id, id) == 0) {
			return world->channels[i];
		}
	}
	return NULL;
}

struct channel *world_channel_named(
		const struct world *world, const char *name) {
	for (size_t i = 0; i < world->channel_count; i++) {
		if (strcmp(world->channels[i]->name, name) == 0) {
			return world->channels[i];
		}
	}
	return NULL;
}

bool channel_has(const struct channel *channel, const struct user *user) {
	for (size_t i = 0; i < channel->member_count; i++) {
		if (channel->members[i] == user) {
			return true;
		}
	}
	return false;
}

void channel_add(struct channel *channel, struct user *user) {
	if (channel_has(channel, user)) {
		return;
	}
	channel->members = more(
			channel->members, channel->member_count, sizeof(user));
	channel->unseen = more(
			channel->unseen, channel->member_count, sizeof(channel->unseen[0]));
	channel->unseen[channel->member_count] = 0;
	channel->members[channel->member_count++] = user;
}

void channel_remove(struct channel *channel, const struct user *user) {
	for (size_t i = 0; i < channel->member_count; i++) {
		if (channel->members[i] == user) {
			channel->member_count--;
			memmove(&channel->members[i], &channel->members[i + 1],
					(channel->member_count - i) * sizeof(user));
			memmove(&channel->unseen[i], &channel->unseen[i + 1],
					(channel->member_count - i) * sizeof(channel->unseen[0]));
			return;
		}
	}
}

/* ---- posts ---- */

static void add_row(struct world *world, struct post *post) {
	if (world->post_count == world->post_room) {
		world->post_room = world->post_room > 0 ? world->post_room * 2 : 256;
		world->posts = xreallocarray(
				world->posts, world->post_room, sizeof(*world->posts));
	}
	post->row = world->post_count;
	world->posts[world->post_count++] = post;
	table_put(&world->posts_by_id, post->id, post);
}

bool post_has_writer(const struct post *root, const struct user *user) {
	for (size_t i = 0; i < root->writer_count; i++) {
		if (root->writers[i] == user) {
			return true;
		}
	}
	return false;
}

static void add_writer(struct post *root, struct user *user) {
	if (!post_has_writer(root, user)) {
		root->writers = more(root->writers, root->writer_count, sizeof(user));
		root->writers[root->writer_count++] = user;
	}
}

struct post *world_add_post(struct world *world, struct channel *channel,
		struct user *user, struct post *root, const char *message) {
	struct post *post = xcalloc(1, sizeof(*post));
	id_make(post->id);
	post->user = user;
	post->channel = channel;
	post->root = root;
	post->original_id = xstrdup("");
	post->message = xstrdup(message);
	post->type = xstrdup("");
	post->pending_id = xstrdup("");
	post->props = cJSON_CreateObject();
	post->create_at = world_stamp(world);
	post->update_at = post->create_at;
	channel->last_post_at = post->create_at;
	channel->post_count++;
	if (root != NULL) {
		add_writer(root, root->user);
		add_writer(root, user);
		root->reply_count++;
		root->update_at = post->create_at;
	}
	add_row(world, post);
	return post;
}

struct post *world_post(const struct world *world, const char *id) {
	return table_get(&world->posts_by_id, id);
}

void world_keep_copy(struct world *world, struct post *post, int64_t stamp) {
	struct post *copy = xcalloc(1, sizeof(*copy));
	id_make(copy->id);
	copy->user = post->user;
	copy->channel = post->channel;
	copy->root = post->root;
	copy->original_id = xstrdup(post->id);
	copy->message = xstrdup(post->message);
	copy->type = xstrdup(post->type);
	copy->pending_id = xstrdup("");
	copy->props = cJSON_Duplicate(post->props, true);
	copy->create_at = post->create_at;
	copy->edit_at = post->edit_at;
	copy->update_at = stamp;
	copy->delete_at = stamp;
	copy->pinned = post->pinned;
	post->edits++;
	add_row(world, copy);
}

void post_set_message(struct post *post, const char *message) {
	char *copy = xstrdup(message);
	free(post->message);
	post->message = copy;
}

struct reaction *post_reaction(
		const struct post *post, const struct user *user, const char *emoji) {
	for (size_t i = 0; i < post->reaction_count; i++) {
		struct reaction *reaction = &post->reactions[i];
		if (reaction->user == user && strcmp(reaction->emoji, emoji) == 0) {
			return reaction;
		}
	}
	return NULL;
}

struct reaction *post_add_reaction(
		struct post *post, struct user *user, const char *emoji) {
	post->reactions = more(
			post->reactions, post->reaction_count, sizeof(*post->reactions));
	struct reaction *reaction = &post->reactions[post->reaction_count++];
	*reaction = (struct reaction){ .user = user, .emoji = xstrdup(emoji) };
	return reaction;
}

size_t post_reactions_there(const struct post *post) {
	size_t count = 0;
	for (size_t i = 0; i < post->reaction_count; i++) {
		count += !post->reactions[i].gone;
	}
	return count;
}

size_t post_emoji_names(const struct post *post) {
	size_t count = 0;
	for (size_t i = 0; i < post->reaction_count; i++) {
		bool first = !post->reactions[i].gone;
		for (size_t j = 0; j < i && first; j++) {
			first = post->reactions[j].gone ||
					strcmp(post->reactions[i].emoji,
							post->reactions[j].emoji) != 0;
		}
		count += first;
	}
	return count;
}

/* ---- files ---- */

static const char *mime_of(const char *name) {
	static const char *const types[][2] = {
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".log", "text/x-log; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".png", "image/png" },
		{ ".md", "text/markdown; charset=utf-8" },
	};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (dot != NULL && strcasecmp(dot, types[i][0]) == 0) {
			return types[i][1];
		}
	}
	return "application/octet-stream";
}

struct file *world_add_file(struct world *world, struct user *owner,
		struct channel *channel, const char *name, const void *bytes,
		size_t size) {
	struct file *file = xcalloc(1, sizeof(*file));
	id_make(file->id);
	file->owner = owner;
	file->channel = channel;
	file->name = xstrdup(name);
	file->mime_type = xstrdup(mime_of(name));
	file->bytes = xcalloc(1, size);
	memcpy(file->bytes, bytes, size);
	file->size = size;
	file->create_at = world_stamp(world);
	world->files = more(world->files, world->file_count, sizeof(file));
	world->files[world->file_count++] = file;
	return file;
}

struct file *world_file(const struct world *world, const char *id) {
	for (size_t i = 0; i < world->file_count; i++) {
		if (strcmp(world->files[i]->id, id) == 0) {
			return world->files[i];
		}
	}
	return NULL;
}

void post_attach(struct post *post, struct file *file) {
	post->files = more(post->files, post->file_count, sizeof(file));
	post->files[post->file_count++] = file;
	file->post = post;
}
