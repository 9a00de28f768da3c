#include "mattermost/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mattermost/api.h"

#define CHUNK     100
#define RETRY_MAX 5

struct text_list {
	char **texts;
	size_t count;
};

/*
 * One read in three stages, each in chunks:
 *
 *	names --> accounts by id --> members --> merged
 */
enum stage {
	STAGE_NAMES,
	STAGE_IDS,
	STAGE_MEMBERS,
};

struct roster_read {
	struct roster *roster;
	struct roster_read *next;
	roster_fn fn;
	void *data;
	bool all;
	enum stage stage;
	size_t at; // first of the list that the next chunk asks for
	size_t asked;
	unsigned tries;
	unsigned long epoch; // of the roster when it began
	struct text_list ids;
	struct people found;
	struct api_request *request;
};

struct roster {
	struct api *api;
	struct roster_sink sink;
	void *data;
	char channel_id[65];
	struct text_list wanted;
	struct text_list met; // ids, whether their accounts were read or not
	struct people people;
	unsigned long epoch; // counts what events changed
	struct roster_read *reads;
};

static void list_clear(struct text_list *list) {
	for (size_t i = 0; i < list->count; i++) {
		free(list->texts[i]);
	}
	free(list->texts);
	*list = (struct text_list){ 0 };
}

static void list_add(struct text_list *list, const char *text) {
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->texts[i], text) == 0) {
			return;
		}
	}
	list->texts = xreallocarray(
			list->texts, list->count + 1, sizeof(*list->texts));
	list->texts[list->count] = xstrdup(text);
	list->count++;
}

static bool list_has_name(const struct text_list *list, const char *name) {
	for (size_t i = 0; i < list->count; i++) {
		if (strcasecmp(list->texts[i], name) == 0) {
			return true;
		}
	}
	return false;
}

struct roster *roster_create(
		struct api *api, const struct roster_sink *sink, void *data) {
	struct roster *roster = xcalloc(1, sizeof(*roster));
	roster->api = api;
	roster->sink = *sink;
	roster->data = data;
	people_init(&roster->people);
	return roster;
}

static void read_free(struct roster_read *read) {
	api_cancel(read->request);
	list_clear(&read->ids);
	people_finish(&read->found);
	free(read);
}

void roster_destroy(struct roster *roster) {
	if (roster == NULL) {
		return;
	}
	while (roster->reads != NULL) {
		struct roster_read *read = roster->reads;
		roster->reads = read->next;
		read_free(read);
	}
	list_clear(&roster->wanted);
	list_clear(&roster->met);
	people_finish(&roster->people);
	free(roster);
}

void roster_set_channel(struct roster *roster, const char *channel_id) {
	snprintf(roster->channel_id, sizeof(roster->channel_id), "%s", channel_id);
}

void roster_want(
		struct roster *roster, const char *const *names, size_t count) {
	list_clear(&roster->wanted);
	for (size_t i = 0; i < count; i++) {
		list_add(&roster->wanted, names[i]);
	}
}

void roster_add(struct roster *roster, const char *id) {
	list_add(&roster->met, id);
}

static bool is_same(const struct person *a, const struct person *b) {
	return strcmp(a->name, b->name) == 0 && a->active == b->active &&
			a->bot == b->bot && a->guest == b->guest && a->member == b->member;
}

/* Returns whether that was news. */
static bool put(struct people *people, const struct person *person) {
	const struct person *known = people_by_id(people, person->id);
	if (known != NULL && is_same(known, person)) {
		return false;
	}
	people_put(people, person);
	return true;
}

static struct person person_of(
		const struct mattermost_user *user, bool member) {
	return (struct person){
		.id = (char *)(uintptr_t)user->id, // only to be copied
		.name = (char *)(uintptr_t)user->name,
		.active = user->active,
		.bot = user->bot,
		.guest = user->guest,
		.member = member,
	};
}

static void unlink_read(struct roster_read *read) {
	struct roster_read **at = &read->roster->reads;
	while (*at != read) {
		at = &(*at)->next;
	}
	*at = read->next;
}

static void finish(struct roster_read *read, bool ok, const struct err *err) {
	struct roster *roster = read->roster;
	bool news = false;
	for (size_t i = 0; ok && i < read->found.count; i++) {
		list_add(&roster->met, read->found.persons[i].id);
		news |= put(&roster->people, &read->found.persons[i]);
	}
	unlink_read(read);
	if (news) {
		roster->sink.changed(roster->data);
	}
	if (read->fn != NULL) {
		read->fn(read->data, ok, err);
	}
	read_free(read);
}

static void go_on(struct roster_read *read);

/* (Re)start with the lists as they are now. */
static void begin(struct roster_read *read) {
	struct roster *roster = read->roster;
	read->epoch = roster->epoch;
	read->stage = read->all ? STAGE_NAMES : STAGE_IDS;
	read->at = 0;
	people_finish(&read->found);
	for (size_t i = 0; read->all && i < roster->met.count; i++) {
		list_add(&read->ids, roster->met.texts[i]);
	}
	go_on(read);
}

static bool take_users(
		struct roster_read *read, const char *body, struct err *err) {
	struct mattermost_users users;
	if (!mattermost_json_read_users(body, &users, err)) {
		return false;
	}
	for (size_t i = 0; i < users.count; i++) {
		struct person person = person_of(&users.users[i], false);
		people_put(&read->found, &person);
		list_add(&read->ids, users.users[i].id);
	}
	mattermost_json_finish_users(&users);
	return true;
}

static bool take_members(
		struct roster_read *read, const char *body, struct err *err) {
	struct mattermost_ids ids;
	if (!mattermost_json_read_members(body, &ids, err)) {
		return false;
	}
	for (size_t i = 0; i < ids.count; i++) {
		const struct person *found = people_by_id(&read->found, ids.ids[i]);
		if (found != NULL) {
			struct person person = *found;
			person.member = true;
			people_put(&read->found, &person);
		}
	}
	mattermost_json_finish_ids(&ids);
	return true;
}

static void on_answer(void *data, const struct api_answer *answer) {
	struct roster_read *read = data;
	read->request = NULL;
	struct err err = answer->err;
	bool ok = answer->result == SERVER_OK;
	if (ok) {
		ok = read->stage == STAGE_MEMBERS
				? take_members(read, answer->body, &err)
				: take_users(read, answer->body, &err);
	}
	if (!ok) {
		err_wrap(&err, "reading accounts: ");
		finish(read, false, &err);
		return;
	}
	read->at += read->asked;
	go_on(read);
}

static void ask(struct roster_read *read, const char *path,
		const struct text_list *list) {
	size_t left = list->count - read->at;
	read->asked = left < CHUNK ? left : CHUNK;
	char *body = mattermost_json_write_list(
			(const char *const *)(list->texts + read->at), read->asked);
	const struct api_call call = {
		.method = HTTP_POST,
		.path = path,
		.body = body,
	};
	read->request = api_start(read->roster->api, &call, on_answer, read);
	free(body);
}

static void ask_members(struct roster_read *read) {
	char path[128];
	snprintf(path, sizeof(path), "/channels/%s/members/ids",
			read->roster->channel_id);
	ask(read, path, &read->ids);
}

static void next_stage(struct roster_read *read, enum stage stage) {
	read->stage = stage;
	read->at = 0;
}

static void go_on(struct roster_read *read) {
	struct roster *roster = read->roster;
	if (read->stage == STAGE_NAMES) {
		if (read->at < roster->wanted.count) {
			ask(read, "/users/usernames", &roster->wanted);
			return;
		}
		next_stage(read, STAGE_IDS);
	}
	if (read->stage == STAGE_IDS) {
		if (read->at < read->ids.count) {
			ask(read, "/users/ids", &read->ids);
			return;
		}
		next_stage(read, STAGE_MEMBERS);
	}
	if (read->at < read->ids.count && roster->channel_id[0] != '\0') {
		ask_members(read);
		return;
	}
	read->tries++;
	if (read->epoch != roster->epoch && read->tries < RETRY_MAX) {
		begin(read);
		return;
	}
	struct err none = { 0 };
	finish(read, true, &none);
}

static struct roster_read *add_read(
		struct roster *roster, bool all, roster_fn fn, void *data) {
	struct roster_read *read = xcalloc(1, sizeof(*read));
	read->roster = roster;
	read->all = all;
	read->fn = fn;
	read->data = data;
	people_init(&read->found);
	read->next = roster->reads;
	roster->reads = read;
	return read;
}

struct roster_read *roster_read_all(
		struct roster *roster, roster_fn fn, void *data) {
	struct roster_read *read = add_read(roster, true, fn, data);
	begin(read);
	return read;
}

struct roster_read *roster_read_ids(struct roster *roster,
		const char *const *ids, size_t count, roster_fn fn, void *data) {
	struct roster_read *read = add_read(roster, false, fn, data);
	for (size_t i = 0; i < count && i < CHUNK; i++) {
		list_add(&read->ids, ids[i]);
	}
	begin(read);
	return read;
}

void roster_cancel(struct roster_read *read) {
	if (read != NULL) {
		unlink_read(read);
		read_free(read);
	}
}

void roster_handle_user(
		struct roster *roster, const struct mattermost_user *user) {
	roster->epoch++;
	const struct person *known = people_by_id(&roster->people, user->id);
	if (known == NULL) {
		if (list_has_name(&roster->wanted, user->name)) {
			roster_read_ids(roster, &user->id, 1, NULL, NULL);
		}
		return;
	}
	struct person person = person_of(user, known->member);
	/* The event of 11.6 is shortened for some: what it does not tell stays. */
	person.bot |= known->bot;
	if (put(&roster->people, &person)) {
		roster->sink.changed(roster->data);
	}
}

void roster_handle_member(
		struct roster *roster, const char *user_id, bool member) {
	roster->epoch++;
	const struct person *known = people_by_id(&roster->people, user_id);
	if (known == NULL) {
		if (member) {
			roster_read_ids(roster, &user_id, 1, NULL, NULL);
		}
		return;
	}
	struct person person = *known;
	person.member = member;
	if (put(&roster->people, &person)) {
		roster->sink.changed(roster->data);
	}
}

const struct people *roster_people(const struct roster *roster) {
	return &roster->people;
}
