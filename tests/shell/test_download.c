#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "mattermost/client.h"
#include "mattermost/download.h"
#include "support/sandboxed.h"
#include "support/test.h"
#include "sys/clock.h"
#include "sys/filehash.h"
#include "sys/secret.h"

static const char scene_json[] =
		"{\"team\":{\"name\":\"platform\",\"display_name\":\"Platform\"},"
		"\"channels\":[{\"name\":\"bridge\"},"
		"{\"name\":\"closed\",\"type\":\"P\"}],"
		"\"users\":["
		"{\"username\":\"bot\",\"token\":\"t-bot\",\"bot\":true,"
		"\"channels\":[\"bridge\"]},"
		"{\"username\":\"cto\",\"token\":\"t-cto\"}]}";

/* The real client, the real sandbox and a folder. */
struct scene {
	struct clock *clock;
	struct loop *loop;
	struct sandboxed *sandbox;
	struct secret *token;
	struct server *server;
	char folder[40];
	char *open; // channel ids
	char *closed;
	uint64_t spare_bytes;
	/* of the last fetch */
	bool told;
	enum server_result result;
	uint64_t bytes;
	char name[300];
	char place[300];
	char digest[SHA256_HEX];
	char reason[300];
};

static char *channel_id(struct scene *scene, const char *name) {
	char *answer = NULL;
	char *from = xasprintf("\"name\":\"%s\"", name);
	sandboxed_call(
			scene->sandbox, "", HTTP_GET, "/sandbox/info", NULL, &answer);
	/* The id stands in front of the name. */
	char *at = strstr(answer, from);
	assert_non_null(at);
	while (strncmp(at, "\"id\":\"", 6) != 0) {
		assert_true(at > answer);
		at--;
	}
	char *id = xstrndup(at + 6, 26);
	free(from);
	free(answer);
	return id;
}

static int setup_like(void **state, const char *like) {
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct err err = { 0 };
	*state = scene;
	strcpy(scene->folder, "/tmp/bridgekeeper-kept-XXXXXX");
	char *made = mkdtemp(scene->folder);
	scene->clock = clock_create_real();
	scene->loop = loop_create(scene->clock, &err);
	scene->token = secret_create("t-bot", 5);
	scene->sandbox = sandboxed_start(scene->loop, like, scene_json, &err);
	if (made == NULL || scene->sandbox == NULL) {
		printf("# %s\n", err.text);
		return -1;
	}
	scene->open = channel_id(scene, "bridge");
	scene->closed = channel_id(scene, "closed");
	const struct client_options options = {
		.url = sandboxed_url(scene->sandbox),
		.team = "platform",
		.channel = "bridge",
		.token = scene->token,
	};
	scene->server = client_create(
			scene->loop, &options, &(struct server_sink){ 0 }, NULL, &err);
	return scene->server != NULL ? 0 : -1;
}

static int setup_new(void **state) {
	return setup_like(state, "11.6");
}

static int setup_old(void **state) {
	return setup_like(state, "5.37");
}

/* How many files are in the folder, hidden ones too; they are removed. */
static size_t empty_folder(const struct scene *scene) {
	DIR *dir = opendir(scene->folder);
	size_t count = 0;
	for (struct dirent *entry = readdir(dir); entry != NULL;
			entry = readdir(dir)) {
		if (strcmp(entry->d_name, ".") != 0 &&
				strcmp(entry->d_name, "..") != 0) {
			unlinkat(dirfd(dir), entry->d_name, 0);
			count++;
		}
	}
	closedir(dir);
	return count;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	if (scene->server != NULL) {
		scene->server->api->destroy(scene->server);
	}
	sandboxed_stop(scene->sandbox);
	loop_destroy(scene->loop);
	clock_destroy(scene->clock);
	secret_destroy(scene->token);
	empty_folder(scene);
	rmdir(scene->folder);
	free(scene->open);
	free(scene->closed);
	free(scene);
	return 0;
}

static void on_fetched(void *data, const struct server_fetched *fetched) {
	struct scene *scene = data;
	scene->told = true;
	scene->result = fetched->result;
	scene->bytes = fetched->bytes;
	snprintf(scene->name, sizeof(scene->name), "%s", fetched->name);
	snprintf(scene->place, sizeof(scene->place), "%s", fetched->place);
	snprintf(scene->digest, sizeof(scene->digest), "%s", fetched->digest);
	snprintf(scene->reason, sizeof(scene->reason), "%s", fetched->err.text);
	loop_stop(scene->loop);
}

static enum server_result fetch(
		struct scene *scene, const char *file_id, uint64_t cap) {
	const struct server_fetch what = {
		.file_id = file_id,
		.folder = scene->folder,
		.prefix = "3-",
		.cap_bytes = cap,
		.spare_bytes = scene->spare_bytes,
	};
	scene->told = false;
	scene->server->api->fetch(scene->server, &what, on_fetched, scene);
	while (!scene->told) {
		loop_run(scene->loop);
	}
	return scene->result;
}

/* @bytes, sent by the CTO as file @name; its id, to be freed. */
static char *upload(struct scene *scene, const char *channel, const char *name,
		const char *bytes) {
	char *answer = NULL;
	char *path = xasprintf(
			"/api/v4/files?channel_id=%s&filename=%s", channel, name);
	int status = sandboxed_call(
			scene->sandbox, "t-cto", HTTP_POST, path, bytes, &answer);
	if (status != 201) {
		fail_msg("uploading: %d %s", status, answer);
	}
	char *id = sandboxed_text(answer, NULL, "id");
	free(path);
	free(answer);
	return id;
}

static void fault(struct scene *scene, const char *rule) {
	assert_int_equal(sandboxed_call(scene->sandbox, "", HTTP_POST,
							 "/sandbox/faults", rule, NULL),
			200);
}

static void a_file_is_kept_whole_and_hashed(void **state) {
	struct scene *scene = *state;
	char *id = upload(
			scene, scene->open, "How%20it%20looks%2F..%2F%C3%BC.png", "pixels");
	assert_int_equal(fetch(scene, id, 100), SERVER_OK);
	assert_string_equal(scene->name, "How it looks/../\xc3\xbc.png");
	assert_string_equal(scene->place, "3-How_it_looks_..___.png");
	assert_int_equal(scene->bytes, 6);
	char wanted[SHA256_HEX];
	sha256_of("pixels", 6, wanted);
	assert_string_equal(scene->digest, wanted);
	char *path = xasprintf("%s/%s", scene->folder, scene->place);
	struct stat about;
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0400);
	char found[SHA256_HEX];
	uint64_t bytes = 0;
	struct err err = { 0 };
	assert_true(file_hash(path, &bytes, found, &err));
	assert_string_equal(found, wanted);
	assert_int_equal(empty_folder(scene), 1);
	free(path);
	free(id);
}

/* Of a journal that was put back from a copy since: another file had that
 * number. */
static void one_of_that_name_and_size_is_not_taken_for_it(void **state) {
	struct scene *scene = *state;
	char wanted[SHA256_HEX];
	char *id = upload(scene, scene->open, "a.txt", "pixels");
	char *other = upload(scene, scene->open, "a.txt", "PIXELS");
	assert_int_equal(fetch(scene, id, 100), SERVER_OK);
	sha256_of("pixels", 6, wanted);
	assert_string_equal(scene->digest, wanted);
	assert_int_equal(fetch(scene, other, 100), SERVER_OK);
	sha256_of("PIXELS", 6, wanted);
	assert_string_equal(scene->digest, wanted);
	char *path = xasprintf("%s/%s", scene->folder, scene->place);
	char found[SHA256_HEX];
	uint64_t bytes = 0;
	struct err err = { 0 };
	assert_true(file_hash(path, &bytes, found, &err));
	assert_string_equal(found, wanted);
	free(path);
	free(other);
	free(id);
}

static void a_large_file_comes_in_pieces(void **state) {
	struct scene *scene = *state;
	const size_t len = 9 * 1024 * 1024 + 1;
	char *bytes = xcalloc(1, len + 1);
	memset(bytes, 'x', len);
	char *id = upload(scene, scene->open, "big.log", bytes);
	assert_int_equal(fetch(scene, id, len), SERVER_OK);
	char wanted[SHA256_HEX];
	sha256_of(bytes, len, wanted);
	assert_int_equal(scene->bytes, len);
	assert_string_equal(scene->digest, wanted);
	free(bytes);
	free(id);
}

static void what_cannot_be_had_is_refused_in_words(void **state) {
	struct scene *scene = *state;
	char *id = upload(scene, scene->open, "a.txt", "pixels");
	assert_int_equal(fetch(scene, id, 5), SERVER_NEVER);
	assert_string_equal(
			scene->reason, "it is too large: 6 B, and 5 B can be kept");
	assert_int_equal(
			fetch(scene, "aaaaaaaaaaaaaaaaaaaaaaaaaa", 100), SERVER_NEVER);
	assert_string_equal(scene->reason, "it is gone from the server (HTTP 404)");
	char *hidden = upload(scene, scene->closed, "b.txt", "pixels");
	assert_int_equal(fetch(scene, hidden, 100), SERVER_NEVER);
	assert_string_equal(scene->reason,
			"the server does not let me read it "
			"(api.context.permissions.app_error)");
	assert_int_equal(empty_folder(scene), 0);
	free(hidden);
	free(id);
}

static void a_fetch_that_fails_leaves_nothing_and_may_be_repeated(
		void **state) {
	struct scene *scene = *state;
	char *id = upload(scene, scene->open, "a.txt", "pixels");
	static const char *const rules[] = {
		/* More often than libcurl tries by itself. */
		"{\"on\":\"request\",\"do\":\"reset\",\"times\":0,"
		"\"path\":\"/files/[a-z0-9]*$\"}",
		"{\"on\":\"request\",\"do\":\"503\",\"path\":\"/files/[a-z0-9]*$\"}",
		"{\"on\":\"request\",\"do\":\"500\",\"path\":\"/files/.*/info$\"}",
	};
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		fault(scene, rules[i]);
		assert_int_equal(fetch(scene, id, 100), SERVER_AGAIN);
		assert_true(scene->reason[0] != '\0');
		assert_int_equal(empty_folder(scene), 0);
		assert_int_equal(sandboxed_call(scene->sandbox, "", HTTP_DELETE,
								 "/sandbox/faults", NULL, NULL),
				200);
	}
	assert_int_equal(fetch(scene, id, 100), SERVER_OK);
	free(id);
}

static void a_disk_that_refuses_is_told_as_that(void **state) {
	struct scene *scene = *state;
	char *id = upload(scene, scene->open, "a.txt", "pixels");
	char kept[sizeof(scene->folder)];
	memcpy(kept, scene->folder, sizeof(kept));
	strcpy(scene->folder, "/nowhere");
	assert_int_equal(fetch(scene, id, 100), SERVER_AGAIN);
	assert_string_equal(
			scene->reason, "cannot keep it on disk: No such file or directory");
	memcpy(scene->folder, kept, sizeof(kept));
	free(id);
}

static void the_journals_room_is_left_to_it(void **state) {
	struct scene *scene = *state;
	char *id = upload(scene, scene->open, "a.txt", "pixels");
	scene->spare_bytes = UINT64_MAX;
	assert_int_equal(fetch(scene, id, 100), SERVER_NEVER);
	assert_non_null(strstr(scene->reason, "there is no room for it: "));
	assert_int_equal(empty_folder(scene), 0);
	scene->spare_bytes = 1;
	assert_int_equal(fetch(scene, id, 100), SERVER_OK);
	free(id);
}

static void a_client_that_goes_leaves_nothing_half(void **state) {
	struct scene *scene = *state;
	char *id = upload(scene, scene->open, "a.txt", "pixels");
	fault(scene,
			"{\"on\":\"request\",\"do\":\"hold\",\"path\":"
			"\"/files/[a-z0-9]*$\"}");
	const struct server_fetch what = {
		.file_id = id,
		.folder = scene->folder,
		.prefix = "3-",
		.cap_bytes = 100,
	};
	scene->server->api->fetch(scene->server, &what, on_fetched, scene);
	sandboxed_pass(scene->sandbox, 200);
	assert_false(scene->told);
	scene->server->api->destroy(scene->server);
	scene->server = NULL;
	assert_int_equal(empty_folder(scene), 0);
	free(id);
}

static void a_name_is_made_safe(void **state) {
	(void)state;
	static const char *const names[][2] = {
		{ "a.png", "a.png" },
		{ "", "file" },
		{ ".", "_" },
		{ "..", "_." },
		{ "../../etc/passwd", "_._.._etc_passwd" },
		{ ".bashrc", "_bashrc" },
		{ "a b;rm -rf $HOME", "a_b_rm_-rf__HOME" },
		{ "\xff\xfe", "__" },
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *safe = download_safe_name(names[i][0]);
		assert_string_equal(safe, names[i][1]);
		free(safe);
	}
	char long_name[300];
	memset(long_name, 'n', sizeof(long_name));
	strcpy(long_name + 250, ".tar.gz");
	char *safe = download_safe_name(long_name);
	assert_int_equal(strlen(safe), 100);
	assert_string_equal(safe + 93, ".tar.gz");
	free(safe);
}

#define NEW(name) cmocka_unit_test_setup_teardown(name, setup_new, teardown)
#define OLD(name) \
	{ "5.37: " #name, name, setup_old, teardown, NULL }

int main(void) {
	const struct CMUnitTest tests[] = {
		NEW(a_file_is_kept_whole_and_hashed),
		OLD(a_file_is_kept_whole_and_hashed),
		NEW(one_of_that_name_and_size_is_not_taken_for_it),
		NEW(a_large_file_comes_in_pieces),
		NEW(what_cannot_be_had_is_refused_in_words),
		OLD(what_cannot_be_had_is_refused_in_words),
		NEW(a_fetch_that_fails_leaves_nothing_and_may_be_repeated),
		NEW(a_disk_that_refuses_is_told_as_that),
		NEW(the_journals_room_is_left_to_it),
		NEW(a_client_that_goes_leaves_nothing_half),
		cmocka_unit_test(a_name_is_made_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
