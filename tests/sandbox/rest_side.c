/* The side door: what tests, players and the terminal front ask of a sandbox. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "acts.h"
#include "gojson.h"
#include "net.h"
#include "rest.h"
#include "sandbox.h"
#include "sys/clock.h"
#include "sys/runclock.h"

#define REAL_WAIT_MS 30000
#define EVENTS_MOST  2000

/* ---- showing ---- */

static const char *token_word(enum token_state state) {
	static const char *const words[] = {
		[TOKEN_GOOD] = "good",
		[TOKEN_DISABLED] = "disabled",
		[TOKEN_REVOKED] = "revoked",
	};
	return words[state];
}

static void show_person(struct str *out, const struct user *user) {
	json_open(out, NULL, '{');
	json_text(out, "id", user->id);
	json_text(out, "username", user->username);
	json_text(out, "token", user->token);
	json_text(out, "token_id", user->token_id);
	json_text(out, "token_state", token_word(user->token_state));
	json_bool(out, "bot", user->bot);
	json_bool(out, "guest", user->guest);
	json_bool(out, "admin", user_is_admin(user));
	json_bool(out, "active", user->delete_at == 0);
	json_close(out, '}');
}

static void show_channel(struct str *out, const struct channel *channel) {
	char type[] = { channel->type, '\0' };
	json_open(out, NULL, '{');
	json_text(out, "id", channel->id);
	json_text(out, "name", channel->name);
	json_text(out, "display_name", channel->display_name);
	json_text(out, "type", type);
	json_bool(out, "archived", channel->delete_at != 0);
	json_open(out, "members", '[');
	for (size_t i = 0; i < channel->member_count; i++) {
		json_text(out, NULL, channel->members[i]->username);
	}
	json_close(out, ']');
	json_close(out, '}');
}

static void get_info(struct call *call) {
	const struct sandbox *sandbox = call->sandbox;
	const struct world *world = &sandbox->world;
	struct str *out = &call->answer->body;
	json_open(out, NULL, '{');
	json_text(out, "like", world->version == VERSION_5_37 ? "5.37" : "11.6");
	json_text(out, "url", sandbox->url);
	json_text(out, "team", world->team_name);
	json_text(out, "team_id", world->team_id);
	json_number(out, "now_ms", world_now(world));
	json_number(out, "last_event", (int64_t)sandbox->hub.last_record);
	json_bool(out, "run_clock", sandbox->clock != NULL);
	json_open(out, "channels", '[');
	for (size_t i = 0; i < world->channel_count; i++) {
		show_channel(out, world->channels[i]);
	}
	json_close(out, ']');
	json_open(out, "people", '[');
	for (size_t i = 0; i < world->user_count; i++) {
		show_person(out, world->users[i]);
	}
	json_close(out, ']');
	json_close(out, '}');
}

static void show_post(struct str *out, const struct post *post) {
	json_open(out, NULL, '{');
	json_text(out, "id", post->id);
	json_text(out, "channel", post->channel->name);
	json_text(out, "user", post->user->username);
	json_text(out, "root_id", post->root != NULL ? post->root->id : "");
	json_text(out, "message", post->message);
	json_text(out, "type", post->type);
	json_node(out, "props", post->props);
	json_number(out, "create_at", post->create_at);
	json_number(out, "update_at", post->update_at);
	json_number(out, "edit_at", post->edit_at);
	json_number(out, "delete_at", post->delete_at);
	json_number(out, "edits", (int64_t)post->edits);
	json_bool(out, "is_pinned", post->pinned);
	json_open(out, "files", '[');
	for (size_t i = 0; i < post->file_count; i++) {
		json_open(out, NULL, '{');
		json_text(out, "id", post->files[i]->id);
		json_text(out, "name", post->files[i]->name);
		json_number(out, "size", (int64_t)post->files[i]->size);
		json_close(out, '}');
	}
	json_close(out, ']');
	json_open(out, "reactions", '[');
	for (size_t i = 0; i < post->reaction_count; i++) {
		const struct reaction *reaction = &post->reactions[i];
		if (!reaction->gone) {
			json_open(out, NULL, '{');
			json_text(out, "user", reaction->user->username);
			json_text(out, "emoji", reaction->emoji);
			json_number(out, "create_at", reaction->create_at);
			json_number(out, "update_at", reaction->update_at);
			json_close(out, '}');
		}
	}
	json_close(out, ']');
	json_close(out, '}');
}

static void get_state(struct call *call) {
	const struct sandbox *sandbox = call->sandbox;
	const struct world *world = &sandbox->world;
	struct str *out = &call->answer->body;
	char name[128] = "";
	char after[ID_ROOM] = "";
	rest_query(call, "channel", name, sizeof(name));
	rest_query(call, "after", after, sizeof(after));
	const struct post *from = world_post(world, after);
	json_open(out, NULL, '{');
	json_number(out, "now_ms", world_now(world));
	json_number(out, "requests", (int64_t)sandbox->requests);
	json_number(out, "faults_fired", (int64_t)sandbox->faults.fired);
	net_show(sandbox, out);
	json_open(out, "posts", '[');
	for (size_t i = from != NULL ? from->row + 1 : 0; i < world->post_count;
			i++) {
		const struct post *post = world->posts[i];
		bool wanted = post->original_id[0] == '\0' &&
				(name[0] == '\0' || strcmp(post->channel->name, name) == 0);
		if (wanted) {
			show_post(out, post);
		}
	}
	json_close(out, ']');
	json_close(out, '}');
}

/* ---- events and waiting ---- */

static void add_data(struct str *out, const struct event *event) {
	struct str data;
	str_init(&data, 0);
	str_add_char(&data, '{');
	str_add(&data, event->head);
	if (event->deleted_by != NULL) {
		json_text(&data, "delete_by", event->deleted_by->id);
		str_add_char(&data, ',');
	}
	str_add(&data, event->tail);
	str_add_char(&data, '}');
	json_raw(out, "data", str_text(&data));
	str_finish(&data);
}

static void add_events(
		struct str *out, const struct sandbox *sandbox, uint64_t after) {
	const struct hub *hub = &sandbox->hub;
	uint64_t last = after;
	json_open(out, "events", '[');
	for (uint64_t n = after + 1;
			n <= hub->last_record && n <= after + EVENTS_MOST; n++) {
		const struct record *record = hub_record(hub, n);
		last = n;
		if (record == NULL) {
			continue; // too old to be kept
		}
		const struct channel *channel = record->event->channel;
		json_open(out, NULL, '{');
		json_number(out, "n", (int64_t)n);
		json_number(out, "at_ms", record->at_ms);
		json_text(out, "event", record->event->name);
		json_text(out, "channel_id", channel != NULL ? channel->id : "");
		add_data(out, record->event);
		json_close(out, '}');
	}
	json_close(out, ']');
	json_number(out, "last", (int64_t)last);
}

static void get_events(struct call *call) {
	char text[24] = "0";
	rest_query(call, "after", text, sizeof(text));
	struct str *out = &call->answer->body;
	json_open(out, NULL, '{');
	json_number(out, "now_ms", world_now(&call->sandbox->world));
	add_events(out, call->sandbox, strtoull(text, NULL, 10));
	json_close(out, '}');
}

void rest_end_wait(
		struct sandbox *sandbox, struct answer *answer, const char *why) {
	const struct wait *wait = &answer->until;
	struct str *out = &answer->body;
	answer->wait = false;
	json_open(out, NULL, '{');
	json_text(out, "why", why);
	json_number(out, "now_ms", world_now(&sandbox->world));
	add_events(out, sandbox,
			wait->has_after ? wait->after : sandbox->hub.last_record);
	json_close(out, '}');
}

static bool number_in(const cJSON *json, const char *key, double *number) {
	const cJSON *node = cJSON_GetObjectItemCaseSensitive(json, key);
	if (!cJSON_IsNumber(node)) {
		return false;
	}
	*number = node->valuedouble;
	return true;
}

static void begin_wait(struct call *call) {
	struct wait wait = { .until_ms = CLOCK_NEVER };
	struct err err = { 0 };
	double number = 0;
	double real_ms = REAL_WAIT_MS;
	cJSON *json = rest_json(call, NULL);
	const char *player = rest_member(json, "player");
	if (player != NULL && strlen(player) < sizeof(wait.player)) {
		strcpy(wait.player, player);
	}
	if (number_in(json, "after", &number)) {
		wait.has_after = true;
		wait.after = (uint64_t)number;
	}
	if (number_in(json, "until_ms", &number)) {
		wait.until_ms = (int64_t)number;
	}
	number_in(json, "real_ms", &real_ms);
	wait.real_until_us = real_now_us() + (int64_t)real_ms * 1000;
	if (!cJSON_IsObject(json)) {
		rest_side_error(call, "a wait is a JSON object");
	} else if (!players_begin_wait(call->sandbox, &wait, &err)) {
		rest_side_error(call, err.text);
	} else {
		call->answer->wait = true;
		call->answer->until = wait;
	}
	cJSON_Delete(json);
}

static void leave(struct call *call) {
	if (players_leave(&call->sandbox->players, call->args[0])) {
		rest_ok(call);
	} else {
		rest_side_error(call, "no such player");
	}
}

/* ---- the clock ---- */

static void show_slot(struct str *out, const struct runclock_slot_view *slot) {
	json_open(out, NULL, '{');
	json_text(out, "name", slot->name);
	json_text(out, "role",
			slot->role == CLOCK_ROLE_COMMAND ? "command" : "worker");
	json_number(out, "pid", slot->pid);
	json_bool(out, "busy", slot->busy);
	json_bool(out, "gone", slot->gone);
	json_number(out, "due_ms", slot->due_ms == CLOCK_NEVER ? -1 : slot->due_ms);
	json_close(out, '}');
}

static bool has_clock(struct call *call) {
	if (call->sandbox->clock == NULL) {
		rest_side_error(call, "this sandbox has no run clock (--clock)");
		return false;
	}
	return true;
}

static void get_clock(struct call *call) {
	struct runclock_slot_view slots[RUNCLOCK_SLOTS];
	if (!has_clock(call)) {
		return;
	}
	size_t count = runclock_slots(call->sandbox->clock, slots);
	struct str *out = &call->answer->body;
	json_open(out, NULL, '{');
	json_number(out, "now_ms", world_now(&call->sandbox->world));
	json_text(out, "state", runclock_state_name(call->sandbox->clock_state));
	json_open(out, "slots", '[');
	for (size_t i = 0; i < count; i++) {
		show_slot(out, &slots[i]);
	}
	json_close(out, ']');
	json_close(out, '}');
}

static void change_clock(struct call *call) {
	double pace = 0;
	if (!has_clock(call)) {
		return;
	}
	cJSON *json = rest_json(call, NULL);
	const char *name = rest_member(json, "forgive");
	if (number_in(json, "pace", &pace) && pace >= 0 && pace <= 100000) {
		runclock_set_pace(call->sandbox->clock, (unsigned)pace);
		rest_ok(call);
	} else if (name != NULL && runclock_forgive(call->sandbox->clock, name)) {
		rest_ok(call);
	} else {
		rest_side_error(call,
				"\"pace\": 0 to 100000, or \"forgive\": the name of a slot "
				"whose process is gone");
	}
	cJSON_Delete(json);
}

/* ---- changing people, channels, sockets ---- */

/* Who changes things from the side: the first administrator there is. */
static struct user *somebody(
		const struct world *world, struct user *otherwise) {
	for (size_t i = 0; i < world->user_count; i++) {
		if (user_is_admin(world->users[i])) {
			return world->users[i];
		}
	}
	return otherwise;
}

static bool change_token(
		struct call *call, struct user *user, const char *word) {
	if (strcmp(word, "revoke") == 0) {
		act_set_token(user, TOKEN_REVOKED);
	} else if (strcmp(word, "disable") == 0) {
		act_set_token(user, TOKEN_DISABLED);
	} else if (strcmp(word, "enable") == 0) {
		act_set_token(user, TOKEN_GOOD);
	} else {
		rest_side_error(call, "\"token\" is revoke, disable or enable");
		return false;
	}
	return true;
}

static bool change_membership(
		struct call *call, struct user *user, const cJSON *json) {
	struct world *world = &call->sandbox->world;
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, "member");
	const char *name = rest_member(json, "channel");
	if (!cJSON_IsBool(member)) {
		return true;
	}
	struct channel *channel = name != NULL ? world_channel_named(world, name)
										   : NULL;
	if (channel == NULL) {
		rest_side_error(call, "\"member\" needs the name of a \"channel\"");
		return false;
	}
	struct user *by = somebody(world, user);
	if (cJSON_IsTrue(member) && !channel_has(channel, user)) {
		act_add_member(call->sandbox, channel, user, by);
	} else if (cJSON_IsFalse(member) && channel_has(channel, user)) {
		act_remove_member(call->sandbox, channel, user, by);
	}
	return true;
}

static void change_user(struct call *call) {
	struct sandbox *sandbox = call->sandbox;
	struct user *user = world_user_named(&sandbox->world, call->args[0]);
	cJSON *json = rest_json(call, NULL);
	const char *username = rest_member(json, "username");
	const char *token = rest_member(json, "token");
	const cJSON *active = cJSON_GetObjectItemCaseSensitive(json, "active");
	if (user == NULL || !cJSON_IsObject(json)) {
		rest_side_error(call, user == NULL ? "no such user" : "not JSON");
		goto out;
	}
	if ((token != NULL && !change_token(call, user, token)) ||
			!change_membership(call, user, json)) {
		goto out;
	}
	if (username != NULL) {
		act_rename(sandbox, user, username);
	}
	if (cJSON_IsBool(active)) {
		act_set_active(sandbox, user, cJSON_IsTrue(active));
	}
	rest_ok(call);

out:
	cJSON_Delete(json);
}

static void change_channel(struct call *call) {
	struct sandbox *sandbox = call->sandbox;
	struct channel *channel = world_channel_named(
			&sandbox->world, call->args[0]);
	cJSON *json = rest_json(call, NULL);
	const char *display_name = rest_member(json, "display_name");
	const char *header = rest_member(json, "header");
	const cJSON *archived = cJSON_GetObjectItemCaseSensitive(json, "archived");
	if (channel == NULL || channel->member_count == 0) {
		rest_side_error(call, "no such channel, or nobody is in it");
		cJSON_Delete(json);
		return;
	}
	struct user *by = somebody(&sandbox->world, channel->members[0]);
	if (display_name != NULL || header != NULL) {
		act_change_channel(sandbox, channel, display_name, header);
	}
	if (cJSON_IsTrue(archived)) {
		act_archive(sandbox, channel, by);
	} else if (cJSON_IsFalse(archived)) {
		act_restore(sandbox, channel, by);
	}
	rest_ok(call);
	cJSON_Delete(json);
}

static bool find_act(const char *word, enum net_act *act) {
	static const char *const words[] = {
		[NET_KILL] = "kill",
		[NET_RESET] = "reset",
		[NET_DEAFEN] = "deafen",
		[NET_HEAR] = "hear",
		[NET_FREEZE] = "freeze",
		[NET_THAW] = "thaw",
	};
	for (size_t i = 0; word != NULL && i < sizeof(words) / sizeof(*words);
			i++) {
		if (strcmp(words[i], word) == 0) {
			*act = (enum net_act)i;
			return true;
		}
	}
	return false;
}

static void act_on_sockets(struct call *call) {
	enum net_act act = NET_KILL;
	cJSON *json = rest_json(call, NULL);
	const char *name = rest_member(json, "user");
	struct user *user = name != NULL
			? world_user_named(&call->sandbox->world, name)
			: NULL;
	if (!find_act(rest_member(json, "do"), &act)) {
		rest_side_error(
				call, "\"do\" is kill, reset, deafen, hear, freeze or thaw");
	} else if (name != NULL && user == NULL) {
		rest_side_error(call, "no such user");
	} else {
		struct str *out = &call->answer->body;
		json_open(out, NULL, '{');
		json_number(
				out, "sockets", (int64_t)net_act_on(call->sandbox, act, user));
		json_close(out, '}');
	}
	cJSON_Delete(json);
}

/* ---- faults ---- */

static void add_fault(struct call *call) {
	struct err err = { 0 };
	cJSON *json = rest_json(call, NULL);
	unsigned id = faults_add(&call->sandbox->faults, json,
			call->sandbox->world.last_stamp, &err);
	if (id == 0) {
		rest_side_error(call, err.text);
	} else {
		struct str *out = &call->answer->body;
		json_open(out, NULL, '{');
		json_number(out, "id", id);
		json_close(out, '}');
	}
	cJSON_Delete(json);
}

static void get_faults(struct call *call) {
	struct str *out = &call->answer->body;
	json_open(out, NULL, '{');
	faults_show(&call->sandbox->faults, out);
	json_close(out, '}');
}

static void delete_faults(struct call *call) {
	faults_delete(&call->sandbox->faults, 0);
	rest_ok(call);
}

static void delete_fault(struct call *call) {
	unsigned id = (unsigned)strtoul(call->args[0], NULL, 10);
	if (id != 0 && faults_delete(&call->sandbox->faults, id)) {
		rest_ok(call);
	} else {
		rest_side_error(call, "no such fault");
	}
}

const struct route rest_side_routes[] = {
	{ "GET", "/sandbox/info", get_info },
	{ "GET", "/sandbox/state", get_state },
	{ "GET", "/sandbox/events", get_events },
	{ "POST", "/sandbox/wait", begin_wait },
	{ "DELETE", "/sandbox/players/*", leave },
	{ "GET", "/sandbox/clock", get_clock },
	{ "POST", "/sandbox/clock", change_clock },
	{ "POST", "/sandbox/users/*", change_user },
	{ "POST", "/sandbox/channels/*", change_channel },
	{ "POST", "/sandbox/sockets", act_on_sockets },
	{ "POST", "/sandbox/faults", add_fault },
	{ "GET", "/sandbox/faults", get_faults },
	{ "DELETE", "/sandbox/faults", delete_faults },
	{ "DELETE", "/sandbox/faults/*", delete_fault },
	{ NULL, NULL, NULL },
};
