#include "shape.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "gojson.h"

static bool is_old(const struct world *world) {
	return world->version == VERSION_5_37;
}

void shape_reaction(struct str *out, const char *key, const struct world *world,
		const struct post *post, const struct reaction *reaction) {
	json_open(out, key, '{');
	json_text(out, "user_id", reaction->user->id);
	json_text(out, "post_id", post->id);
	json_text(out, "emoji_name", reaction->emoji);
	json_number(out, "create_at", reaction->create_at);
	json_number(out, "update_at", reaction->update_at);
	json_number(out, "delete_at", 0);
	json_text(out, "remote_id", "");
	if (!is_old(world)) {
		/* A removal does not know its channel. */
		json_text(out, "channel_id",
				reaction->create_at != 0 ? post->channel->id : "");
	}
	json_close(out, '}');
}

static bool was_there(const struct reaction *reaction, int64_t as_of) {
	if (reaction->create_at > as_of) {
		return false;
	}
	return reaction->update_at > as_of ? reaction->gone : !reaction->gone;
}

void shape_reactions(struct str *out, const char *key,
		const struct world *world, const struct post *post, int64_t as_of) {
	json_open(out, key, '[');
	for (size_t i = 0; i < post->reaction_count; i++) {
		if (was_there(&post->reactions[i], as_of)) {
			shape_reaction(out, NULL, world, post, &post->reactions[i]);
		}
	}
	json_close(out, ']');
}

static void shape_metadata(
		struct str *out, const struct world *world, const struct post *post) {
	json_open(out, "metadata", '{');
	if (post->file_count > 0) {
		json_open(out, "files", '[');
		for (size_t i = 0; i < post->file_count; i++) {
			shape_file(out, NULL, world, post->files[i]);
		}
		json_close(out, ']');
	}
	if (post->has_reactions) {
		shape_reactions(out, "reactions", world, post, INT64_MAX);
	}
	json_close(out, '}');
}

static void shape_file_ids(
		struct str *out, const struct world *world, const struct post *post) {
	if (is_old(world) && post->file_count == 0) {
		return;
	}
	if (post->files_lost && post->file_count == 0) {
		json_null(out, "file_ids");
		return;
	}
	json_open(out, "file_ids", '[');
	for (size_t i = 0; i < post->file_count; i++) {
		json_text(out, NULL, post->files[i]->id);
	}
	json_close(out, ']');
}

void shape_post(struct str *out, const char *key, const struct world *world,
		const struct post *post, const struct shape_post *how) {
	bool hidden = post->delete_at != 0 && !how->keep_text;
	const char *root = post->root != NULL ? post->root->id : "";
	json_open(out, key, '{');
	json_text(out, "id", post->id);
	json_number(out, "create_at", post->create_at);
	json_number(out, "update_at", post->update_at);
	json_number(out, "edit_at", post->edit_at);
	json_number(out, "delete_at", post->delete_at);
	json_bool(out, "is_pinned", post->pinned);
	json_text(out, "user_id", post->user->id);
	json_text(out, "channel_id", post->channel->id);
	json_text(out, "root_id", root);
	if (is_old(world)) {
		json_text(out, "parent_id", root);
	}
	json_text(out, "original_id", post->original_id);
	json_text(out, "message", hidden ? "" : post->message);
	json_text(out, "type", post->type);
	json_node(out, "props", post->props);
	json_text(out, "hashtags", "");
	shape_file_ids(out, world, post);
	json_text(out, "pending_post_id", how->pending ? post->pending_id : "");
	if (post->has_reactions) {
		json_bool(out, "has_reactions", true);
	}
	if (!is_old(world) && !post->system) {
		json_text(out, "remote_id", "");
	}
	json_number(out, "reply_count", how->reply_count);
	json_number(out, "last_reply_at", 0);
	json_null(out, "participants");
	if (how->metadata == METADATA_EMPTY) {
		json_raw(out, "metadata", "{}");
	} else if (how->metadata == METADATA_FULL) {
		shape_metadata(out, world, post);
	}
	json_close(out, '}');
}

static const char notify_props[] =
		"{\"channel\":\"true\",\"comments\":\"never\",\"desktop\":\"mention\","
		"\"desktop_sound\":\"true\",\"email\":\"true\",\"first_name\":\"false\","
		"\"mention_keys\":\"\",\"push\":\"mention\",\"push_status\":\"away\"}";

static const char timezone_utc[] =
		"{\"automaticTimezone\":\"\",\"manualTimezone\":\"\","
		"\"useAutomaticTimezone\":\"true\"}";

void shape_user(struct str *out, const char *key, const struct world *world,
		const struct user *user, bool self) {
	struct str email;
	str_init(&email, 0);
	str_addf(&email, "%s@%s", user->username,
			user->bot ? "localhost" : "example.test");
	json_open(out, key, '{');
	json_text(out, "id", user->id);
	json_number(out, "create_at", user->create_at);
	json_number(out, "update_at", user->update_at);
	json_number(out, "delete_at", user->delete_at);
	json_text(out, "username", user->username);
	json_text(out, "auth_data", "");
	json_text(out, "auth_service", "");
	json_text(out, "email", str_text(&email));
	json_text(out, "nickname", "");
	json_text(out, "first_name", user->first_name);
	json_text(out, "last_name", "");
	json_text(out, "position", "");
	json_text(out, "roles", user->roles);
	if (self) {
		json_raw(out, "notify_props", notify_props);
		json_number(out, "last_password_update", user->create_at);
	}
	json_text(out, "locale", "en");
	json_raw(out, "timezone", timezone_utc);
	if (user->bot) {
		json_bool(out, "is_bot", true);
		json_text(out, "bot_description", "");
	} else if (!is_old(world)) {
		json_text(out, "remote_id", "");
	}
	json_bool(out, "disable_welcome_email", false);
	json_close(out, '}');
	str_finish(&email);
}

void shape_channel(struct str *out, const char *key, const struct world *world,
		const struct channel *channel) {
	char type[] = { channel->type, '\0' };
	bool direct = channel->type == 'D' || channel->type == 'G';
	json_open(out, key, '{');
	json_text(out, "id", channel->id);
	json_number(out, "create_at", channel->create_at);
	json_number(out, "update_at", channel->update_at);
	json_number(out, "delete_at", channel->delete_at);
	json_text(out, "team_id", direct ? "" : world->team_id);
	json_text(out, "type", type);
	json_text(out, "display_name", channel->display_name);
	json_text(out, "name", channel->name);
	json_text(out, "header", channel->header);
	json_text(out, "purpose", "");
	json_number(out, "last_post_at", channel->last_post_at);
	json_number(out, "total_msg_count", channel->post_count);
	json_number(out, "extra_update_at", 0);
	json_text(out, "creator_id",
			channel->creator != NULL ? channel->creator->id : "");
	json_null(out, "scheme_id");
	json_null(out, "props");
	json_null(out, "group_constrained");
	if (!is_old(world)) {
		json_bool(out, "autotranslation", false);
	}
	json_null(out, "shared");
	json_number(out, "total_msg_count_root", channel->post_count);
	json_null(out, "policy_id");
	if (!is_old(world)) {
		json_number(out, "last_root_post_at", channel->last_post_at);
		json_null(out, "banner_info");
		json_bool(out, "policy_enforced", false);
		json_bool(out, "policy_is_active", false);
		json_text(out, "default_category_name", "");
	}
	json_close(out, '}');
}

static uint32_t unseen_of(
		const struct channel *channel, const struct user *user) {
	for (size_t i = 0; i < channel->member_count; i++) {
		if (channel->members[i] == user) {
			return channel->unseen[i];
		}
	}
	return 0;
}

void shape_member(struct str *out, const char *key, const struct world *world,
		const struct channel *channel, const struct user *user) {
	json_open(out, key, '{');
	json_text(out, "channel_id", channel->id);
	json_text(out, "user_id", user->id);
	json_text(out, "roles", user->guest ? "channel_guest" : "channel_user");
	json_number(out, "last_viewed_at", is_old(world) ? 0 : -1);
	json_number(out, "msg_count", 0);
	json_number(out, "mention_count", unseen_of(channel, user));
	json_number(out, "mention_count_root", 0);
	if (!is_old(world)) {
		json_number(out, "urgent_mention_count", 0);
	}
	json_number(out, "msg_count_root", 0);
	json_raw(out, "notify_props",
			"{\"desktop\":\"default\",\"email\":\"default\","
			"\"ignore_channel_mentions\":\"default\","
			"\"mark_unread\":\"all\",\"push\":\"default\"}");
	json_number(out, "last_update_at", is_old(world) ? 0 : -1);
	json_bool(out, "scheme_guest", user->guest);
	json_bool(out, "scheme_user", !user->guest);
	json_bool(out, "scheme_admin", false);
	json_text(out, "explicit_roles", "");
	if (!is_old(world)) {
		json_bool(out, "autotranslation_disabled", false);
	}
	json_close(out, '}');
}

void shape_team(struct str *out, const char *key, const struct world *world) {
	json_open(out, key, '{');
	json_text(out, "id", world->team_id);
	json_number(out, "create_at", world->team_create_at);
	json_number(out, "update_at", world->team_create_at);
	json_number(out, "delete_at", 0);
	json_text(out, "display_name", world->team_display_name);
	json_text(out, "name", world->team_name);
	json_text(out, "description", "");
	json_text(out, "email", "");
	json_text(out, "type", "O");
	json_text(out, "company_name", "");
	json_text(out, "allowed_domains", "");
	json_text(out, "invite_id", "");
	json_bool(out, "allow_open_invite", false);
	json_null(out, "scheme_id");
	json_null(out, "group_constrained");
	json_null(out, "policy_id");
	json_close(out, '}');
}

void shape_file(struct str *out, const char *key, const struct world *world,
		const struct file *file) {
	const char *dot = strrchr(file->name, '.');
	json_open(out, key, '{');
	json_text(out, "id", file->id);
	json_text(out, "user_id", file->owner->id);
	if (file->post != NULL) {
		json_text(out, "post_id", file->post->id);
	}
	json_text(out, "channel_id", is_old(world) ? "" : file->channel->id);
	json_number(out, "create_at", file->create_at);
	json_number(out, "update_at", file->create_at);
	json_number(out, "delete_at", 0);
	json_text(out, "name", file->name);
	json_text(out, "extension", dot != NULL ? dot + 1 : "");
	json_number(out, "size", (int64_t)file->size);
	json_text(out, "mime_type", file->mime_type);
	json_null(out, "mini_preview");
	json_text(out, "remote_id", "");
	if (!is_old(world)) {
		json_bool(out, "archived", false);
	}
	json_close(out, '}');
}
