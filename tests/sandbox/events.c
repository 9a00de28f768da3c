#include "events.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "gojson.h"
#include "sandbox.h"
#include "shape.h"

static bool is_old(const struct sandbox *sandbox) {
	return sandbox->world.version == VERSION_5_37;
}

/* Members of `data` are collected behind a brace, which is dropped. */
static void data_begin(struct str *data) {
	str_init(data, 0);
	str_add_char(data, '{');
}

static char *data_end(struct str *data) {
	char *text = xstrdup(str_text(data) + 1);
	str_finish(data);
	return text;
}

static void add_post(struct str *data, struct sandbox *sandbox,
		const struct post *post, const struct shape_post *how) {
	struct str text;
	str_init(&text, 0);
	shape_post(&text, NULL, &sandbox->world, post, how);
	json_text(data, "post", str_text(&text));
	str_finish(&text);
}

/* ---- mentions ---- */

static bool is_name_char(char c) {
	return isalnum((unsigned char)c) || strchr("._-", c) != NULL;
}

/* Whether @message has @name behind an at sign, as a word of its own. */
static bool has_mention(const char *message, const char *name) {
	size_t len = strlen(name);
	for (const char *at = strchr(message, '@'); at != NULL;
			at = strchr(at + 1, '@')) {
		if ((at > message && is_name_char(at[-1])) ||
				strncasecmp(at + 1, name, len) != 0) {
			continue;
		}
		const char *end = at + 1 + len;
		while (*end == '.' || *end == '-') {
			end++; // "ask @cto." mentions cto
		}
		if (*end == '\0' || !is_name_char(*end)) {
			return true;
		}
	}
	return false;
}

static bool is_mentioned(const struct post *post, const struct user *user) {
	if (post->user == user) {
		return false;
	}
	return post->channel->type == 'D' || post->channel->type == 'G' ||
			has_mention(post->message, user->username) ||
			has_mention(post->message, "all") ||
			has_mention(post->message, "channel") ||
			(has_mention(post->message, "here") && user->online);
}

static void find_mentions(struct event *event, const struct post *post) {
	const struct channel *channel = post->channel;
	event->mentions = xcalloc(channel->member_count, sizeof(struct user *));
	for (size_t i = 0; i < channel->member_count; i++) {
		if (!post->system && is_mentioned(post, channel->members[i])) {
			event->mentions[event->mention_count++] = channel->members[i];
			channel->unseen[i]++;
		} else if (channel->members[i] == post->user && !post->user->bot) {
			channel->unseen[i] = 0; // who speaks has seen the channel
		}
	}
}

/* ---- posts ---- */

static void add_sender(struct str *data, const struct post *post) {
	bool server = strncmp(post->type, "system_", 7) == 0;
	struct str name;
	str_init(&name, 0);
	str_addf(&name, "@%s", post->user->username);
	json_text(data, "sender_name", server ? "System" : str_text(&name));
	str_finish(&name);
}

static char *posted_head(const struct channel *channel) {
	char type[] = { channel->type, '\0' };
	struct str data;
	data_begin(&data);
	json_text(&data, "channel_display_name", channel->display_name);
	json_text(&data, "channel_name", channel->name);
	json_text(&data, "channel_type", type);
	str_add_char(&data, ',');
	return data_end(&data);
}

static char *posted_tail(
		struct sandbox *sandbox, const struct post *post, bool set_online) {
	struct str data;
	const struct channel *channel = post->channel;
	bool direct = channel->type == 'D' || channel->type == 'G';
	data_begin(&data);
	if (post->file_count > 0) {
		json_text(&data, "otherFile", "true");
	}
	int64_t replies = post->root != NULL ? post->root->reply_count : 0;
	add_post(&data, sandbox, post,
			&(struct shape_post){ .metadata = METADATA_FULL,
					.pending = true,
					.keep_text = true,
					.reply_count = replies });
	add_sender(&data, post);
	json_bool(&data, "set_online", set_online);
	json_text(&data, "team_id", direct ? "" : sandbox->world.team_id);
	return data_end(&data);
}

/* 11.6 tells a follower about each new reply in the thread. */
static void tell_thread(
		struct sandbox *sandbox, struct post *reply, struct user *follower) {
	struct post *root = reply->root;
	struct str thread;
	str_init(&thread, 0);
	json_open(&thread, NULL, '{');
	json_text(&thread, "id", root->id);
	json_number(&thread, "reply_count", root->reply_count);
	json_number(&thread, "last_reply_at", reply->create_at);
	json_number(&thread, "last_viewed_at", 0);
	json_open(&thread, "participants", '[');
	shape_user(&thread, NULL, &sandbox->world, reply->user, false);
	json_close(&thread, ']');
	shape_post(&thread, "post", &sandbox->world, root,
			&(struct shape_post){ .metadata = METADATA_NONE });
	json_number(&thread, "unread_replies", reply->user != follower);
	json_number(&thread, "unread_mentions", 0);
	json_bool(&thread, "is_urgent", false);
	json_number(&thread, "delete_at", 0);
	json_close(&thread, '}');

	struct str data;
	data_begin(&data);
	json_number(&data, "previous_unread_mentions", 0);
	json_number(&data, "previous_unread_replies", 0);
	json_text(&data, "thread", str_text(&thread));
	str_finish(&thread);
	struct event *event = event_create("thread_updated", data_end(&data));
	event->user = follower;
	event->team = true;
	hub_publish(&sandbox->hub, event);
}

void tell_posted(struct sandbox *sandbox, struct post *post, bool set_online) {
	struct event *event = event_create(
			"posted", posted_tail(sandbox, post, set_online));
	free(event->head);
	event->head = posted_head(post->channel);
	event->channel = post->channel;
	event->extra = EXTRA_MENTIONS;
	event->followers = post->root != NULL;
	find_mentions(event, post);
	hub_publish(&sandbox->hub, event);
	if (is_old(sandbox) || post->root == NULL) {
		return;
	}
	struct channel *channel = post->channel;
	for (size_t i = 0; i < channel->member_count; i++) {
		if (post_has_writer(post->root, channel->members[i])) {
			tell_thread(sandbox, post, channel->members[i]);
		}
	}
}

void tell_edited(struct sandbox *sandbox, struct post *post) {
	struct str data;
	data_begin(&data);
	add_post(&data, sandbox, post,
			&(struct shape_post){ .metadata = METADATA_FULL,
					.reply_count = post->reply_count });
	struct event *event = event_create("post_edited", data_end(&data));
	event->channel = post->channel;
	hub_publish(&sandbox->hub, event);
}

void tell_deleted(struct sandbox *sandbox, struct post *post, struct user *by) {
	struct str data;
	data_begin(&data);
	add_post(&data, sandbox, post,
			&(struct shape_post){ .metadata = is_old(sandbox) ? METADATA_EMPTY
															  : METADATA_NONE,
					.keep_text = true,
					.reply_count = is_old(sandbox) ? 0 : post->reply_count });
	struct event *event = event_create("post_deleted", data_end(&data));
	event->channel = post->channel;
	event->extra = EXTRA_DELETED_BY;
	event->deleted_by = by;
	event->sanitized = true;
	hub_publish(&sandbox->hub, event);
}

void tell_reaction(struct sandbox *sandbox, struct post *post,
		const struct reaction *reaction, bool added) {
	struct str data, text;
	data_begin(&data);
	str_init(&text, 0);
	shape_reaction(&text, NULL, &sandbox->world, post, reaction);
	json_text(&data, "reaction", str_text(&text));
	str_finish(&text);
	struct event *event = event_create(
			added ? "reaction_added" : "reaction_removed", data_end(&data));
	event->channel = post->channel;
	hub_publish(&sandbox->hub, event);
}

/* ---- people and channels ---- */

void tell_member_added(
		struct sandbox *sandbox, struct channel *channel, struct user *user) {
	struct str data;
	data_begin(&data);
	json_text(&data, "team_id", sandbox->world.team_id);
	json_text(&data, "user_id", user->id);
	char *tail = data_end(&data);
	if (!is_old(sandbox)) {
		struct event *own = event_create("user_added", xstrdup(tail));
		own->user = user;
		own->channel = channel;
		hub_publish(&sandbox->hub, own);
	}
	struct event *event = event_create("user_added", tail);
	event->channel = channel;
	event->omit = is_old(sandbox) ? NULL : user;
	hub_publish(&sandbox->hub, event);
}

void tell_member_removed(struct sandbox *sandbox, struct channel *channel,
		struct user *user, struct user *by) {
	struct str data;
	data_begin(&data);
	json_text(&data, "channel_id", channel->id);
	json_text(&data, "remover_id", by->id);
	struct event *own = event_create("user_removed", data_end(&data));
	own->user = user;
	hub_publish(&sandbox->hub, own);

	data_begin(&data);
	json_text(&data, "remover_id", by->id);
	json_text(&data, "user_id", user->id);
	struct event *event = event_create("user_removed", data_end(&data));
	event->channel = channel;
	hub_publish(&sandbox->hub, event);
}

void tell_user(struct sandbox *sandbox, struct user *user) {
	struct str data;
	data_begin(&data);
	shape_user(&data, "user", &sandbox->world, user, false);
	struct event *event = event_create("user_updated", data_end(&data));
	event->omit = is_old(sandbox) ? NULL : user;
	event->sanitized = true;
	hub_publish(&sandbox->hub, event);
}

void tell_activation(struct sandbox *sandbox) {
	if (!is_old(sandbox)) {
		hub_publish(&sandbox->hub,
				event_create("user_activation_status_change", xstrdup("")));
	}
}

void tell_channel(struct sandbox *sandbox, struct channel *channel) {
	struct str data, text;
	data_begin(&data);
	str_init(&text, 0);
	shape_channel(&text, NULL, &sandbox->world, channel);
	json_text(&data, "channel", str_text(&text));
	str_finish(&text);
	struct event *event = event_create("channel_updated", data_end(&data));
	event->channel = channel;
	hub_publish(&sandbox->hub, event);
}

void tell_archived(struct sandbox *sandbox, struct channel *channel) {
	struct str data;
	data_begin(&data);
	json_text(&data, "channel_id", channel->id);
	json_number(&data, "delete_at", channel->delete_at);
	struct event *event = event_create("channel_deleted", data_end(&data));
	event->team = true;
	hub_publish(&sandbox->hub, event);
}

void tell_restored(struct sandbox *sandbox, struct channel *channel) {
	struct str data;
	data_begin(&data);
	json_text(&data, "channel_id", channel->id);
	struct event *event = event_create("channel_restored", data_end(&data));
	event->team = true;
	hub_publish(&sandbox->hub, event);
}

void tell_typing(struct sandbox *sandbox, struct channel *channel,
		struct user *user, const char *root_id) {
	struct str data;
	data_begin(&data);
	json_text(&data, "parent_id", root_id);
	json_text(&data, "user_id", user->id);
	struct event *event = event_create("typing", data_end(&data));
	event->channel = channel;
	event->omit = user;
	event->minor = true;
	hub_publish(&sandbox->hub, event);
}

void tell_direct(struct sandbox *sandbox, struct channel *channel) {
	struct str data;
	data_begin(&data);
	json_text(&data, "creator_id", channel->creator->id);
	json_text(&data, "teammate_id", channel->members[1]->id);
	struct event *event = event_create("direct_added", data_end(&data));
	event->channel = channel;
	hub_publish(&sandbox->hub, event);
}
