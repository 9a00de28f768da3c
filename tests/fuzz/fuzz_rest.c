/* A REST answer: the first line says what was asked for, the rest is the body.
 * Whatever a server sends is read or refused. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/mattermost_json.h"
#include "fuzz/input.h"
#include "fuzz/mattermost.h"

static bool read_posts(const char *kind, const char *body, struct err *err) {
	struct mattermost_posts posts;
	bool ok = strcmp(kind, "post") == 0
			? mattermost_json_read_post(body, &posts, err)
			: mattermost_json_read_page(body, &posts, err);
	if (ok) {
		check_posts(&posts);
		mattermost_json_finish_posts(&posts);
	}
	return ok;
}

static bool read_taps(const char *body, struct err *err) {
	struct mattermost_taps taps;
	bool ok = mattermost_json_read_taps(body, &taps, err);
	if (ok) {
		check_taps(&taps);
		mattermost_json_finish_taps(&taps);
	}
	return ok;
}

static bool read_users(const char *body, struct err *err) {
	struct mattermost_users users;
	bool ok = mattermost_json_read_users(body, &users, err);
	if (ok) {
		check_users(&users);
		mattermost_json_finish_users(&users);
	}
	return ok;
}

static bool read_ids(const char *kind, const char *body, struct err *err) {
	struct mattermost_ids ids;
	bool ok = strcmp(kind, "members") == 0
			? mattermost_json_read_members(body, &ids, err)
			: mattermost_json_read_files(body, &ids, err);
	if (ok) {
		check_ids(&ids);
		mattermost_json_finish_ids(&ids);
	}
	return ok;
}

static bool read_id(const char *body, struct err *err) {
	char id[65];
	bool archived = false;
	bool ok = mattermost_json_read_id(body, id, &archived, err);
	if (ok) {
		check_id(id);
	}
	return ok;
}

/* A file's name stands in messages and becomes part of one on our disk. */
static bool read_file(const char *body, struct err *err) {
	struct mattermost_file file;
	bool ok = mattermost_json_read_file(body, &file, err);
	for (const char *at = file.name; ok && *at != '\0'; at++) {
		assert((unsigned char)*at >= 0x20 && *at != 0x7f);
	}
	return ok;
}

/* A refusal's words are one line, for people. */
static bool read_error(const char *body, size_t len) {
	struct mattermost_error error;
	mattermost_json_read_error(body, len, &error);
	fuzz_touch(error.id);
	for (const char *at = error.message; *at != '\0'; at++) {
		assert((unsigned char)*at >= 0x20 && *at != 0x7f);
	}
	return true;
}

static bool read_body(
		const char *kind, const char *body, size_t len, struct err *err) {
	switch (kind[0]) {
	case 'p':
		return read_posts(kind, body, err);
	case 't':
		return read_taps(body, err);
	case 'u':
		return read_users(body, err);
	case 'm':
	case 'f':
		return read_ids(kind, body, err);
	case 'i':
		return read_id(body, err);
	case 'd':
		return read_file(body, err);
	case 'e':
		return read_error(body, len);
	default:
		fuzz_touch(mattermost_json_read_max_post(body) > 0 ? body : NULL);
		return true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *kind = fuzz_text(data, size);
	char *body = fuzz_cut(kind, "\n");
	size_t len = (size_t)(kind + size - body);
	struct err err = { 0 };
	if (!read_body(kind, body, len, &err)) {
		assert(err.text[0] != '\0');
	}
	free(kind);
	return 0;
}
