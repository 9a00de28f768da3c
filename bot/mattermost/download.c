#include "mattermost/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/sha256.h"
#include "base/xalloc.h"
#include "codec/mattermost_json.h"
#include "mattermost/api.h"
#include "sys/fd.h"

#define TIMEOUT_MS ((int64_t)10 * 60 * 1000)
#define SAFE_NAME  100
#define SYNC_EVERY \
	((uint64_t)4 << 20) // so that no sync stops the loop for long

/* One file, until it is told of. */
struct download {
	struct downloads *downloads;
	struct download *next;
	server_fetched_fn fn;
	void *data;
	struct api_request *request;
	char *file_id;
	char *folder;
	char *prefix;
	uint64_t cap_bytes;
	uint64_t spare_bytes;
	struct mattermost_file about;
	char *place; // its name in the folder
	char *path;
	char *part;
	int fd;
	struct sha256 *sha;
	uint64_t bytes;
	uint64_t unsynced;
	bool too_large;
	struct err err; // of writing it
	struct server_fetched told;
	char digest[SHA256_HEX];
};

struct downloads {
	struct api *api;
	struct download *list;
};

struct downloads *downloads_create(struct api *api) {
	struct downloads *downloads = xcalloc(1, sizeof(*downloads));
	downloads->api = api;
	return downloads;
}

/* Nothing half-written stays. */
static void leave_part(struct download *download) {
	char unused[SHA256_HEX];
	if (download->fd >= 0) {
		fd_close(&download->fd);
		unlink(download->part);
	}
	if (download->sha != NULL) {
		sha256_end(download->sha, unused);
		download->sha = NULL;
	}
}

static void download_free(struct download *download) {
	api_cancel(download->request);
	leave_part(download);
	free(download->file_id);
	free(download->folder);
	free(download->prefix);
	free(download->place);
	free(download->path);
	free(download->part);
	free(download);
}

void downloads_destroy(struct downloads *downloads) {
	while (downloads != NULL && downloads->list != NULL) {
		struct download *download = downloads->list;
		downloads->list = download->next;
		download_free(download);
	}
	free(downloads);
}

char *download_safe_name(const char *name) {
	size_t len = strlen(name);
	name += len > SAFE_NAME ? len - SAFE_NAME : 0;
	char *safe = xstrdup(name[0] != '\0' ? name : "file");
	for (char *c = safe; *c != '\0'; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= '0' && *c <= '9') || *c == '_' || *c == '-' ||
				(*c == '.' && c != safe);
		*c = (char)(plain ? *c : '_');
	}
	return safe;
}

/* --- telling --- */

static void tell(struct download *download) {
	struct download **at = &download->downloads->list;
	while (*at != download) {
		at = &(*at)->next;
	}
	*at = download->next;
	leave_part(download);
	download->told.name = download->about.name;
	download->told.place = download->place != NULL ? download->place : "";
	download->told.bytes = download->bytes;
	download->told.digest = download->digest;
	download->fn(download->data, &download->told);
	download_free(download);
}

static void refuse(struct download *download, enum server_result result,
		const struct err *err) {
	download->told.result = result;
	download->told.err = *err;
	tell(download);
}

static void refuse_size(struct download *download, uint64_t bytes) {
	char size[BYTES_ROOM];
	char cap[BYTES_ROOM];
	struct err err = { 0 };
	bytes_words(bytes, size);
	bytes_words(download->cap_bytes, cap);
	err_set(&err, ERR_REFUSED, "it is too large: %s%s, and %s can be kept",
			download->about.bytes > download->cap_bytes ? "" : "more than ",
			size, cap);
	refuse(download, SERVER_NEVER, &err);
}

/* What the server's refusal means to whoever attached the file. */
static void refuse_as(
		struct download *download, const struct api_answer *answer) {
	struct err err = answer->err;
	enum server_result result = answer->result;
	if (answer->status == 403) {
		err_set(&err, ERR_REFUSED, "the server does not let me read it (%s)",
				answer->error_id[0] != '\0' ? answer->error_id : "HTTP 403");
	} else if (answer->status == 404) {
		err_set(&err, ERR_NOT_FOUND, "it is gone from the server (HTTP 404)");
	}
	download->told.retry_ms = answer->retry_ms;
	refuse(download, result == SERVER_DOUBT ? SERVER_AGAIN : result, &err);
}

/* --- the bytes --- */

static bool on_bytes(void *data, const void *bytes, size_t len) {
	struct download *download = data;
	if (len > download->cap_bytes - download->bytes) {
		download->too_large = true;
		return false;
	}
	if (!fd_write_all(download->fd, bytes, len, &download->err)) {
		return false;
	}
	sha256_add(download->sha, bytes, len);
	download->bytes += len;
	download->unsynced += len;
	if (download->unsynced >= SYNC_EVERY) {
		download->unsynced = 0;
		fdatasync(download->fd); // what fails here fails at the end again
	}
	return true;
}

static bool put_in_place(struct download *download, struct err *err) {
	sha256_end(download->sha, download->digest);
	download->sha = NULL;
	if (fsync(download->fd) != 0 ||
			rename(download->part, download->path) != 0) {
		return err_set(
				err, ERR_IO, "cannot keep it on disk: %s", strerror(errno));
	}
	fd_close(&download->fd);
	return fd_sync_folder_of(download->path, err);
}

static void on_streamed(void *data, const struct api_answer *answer) {
	struct download *download = data;
	struct err err = { 0 };
	download->request = NULL;
	if (download->too_large) {
		refuse_size(download, download->bytes);
	} else if (download->err.code != ERR_NONE) {
		err_wrap(&download->err, "cannot keep it on disk: ");
		refuse(download, SERVER_AGAIN, &download->err);
	} else if (answer->result != SERVER_OK) {
		refuse_as(download, answer);
	} else if (download->bytes != download->about.bytes) {
		err_set(&err, ERR_IO, "%" PRIu64 " of its %" PRIu64 " bytes came",
				download->bytes, download->about.bytes);
		refuse(download, SERVER_AGAIN, &err);
	} else if (!put_in_place(download, &err)) {
		refuse(download, SERVER_AGAIN, &err);
	} else {
		download->told.result = SERVER_OK;
		tell(download);
	}
}

static bool open_part(struct download *download, struct err *err) {
	unlink(download->part); // of a bot that was killed
	download->fd = open(
			download->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR);
	if (download->fd < 0) {
		return err_set(
				err, ERR_IO, "cannot keep it on disk: %s", strerror(errno));
	}
	download->sha = sha256_begin();
	return true;
}

static void stream(struct download *download) {
	struct err err = { 0 };
	if (!open_part(download, &err)) {
		refuse(download, SERVER_AGAIN, &err);
		return;
	}
	char *path = xasprintf("/files/%s", download->file_id);
	const struct api_call call = {
		.method = HTTP_GET,
		.path = path,
		.timeout_ms = TIMEOUT_MS,
		.body_fn = on_bytes,
		.body_data = download,
	};
	download->request = api_start(
			download->downloads->api, &call, on_streamed, download);
	free(path);
}

/* --- what it is --- */

/* Files of people must not take the room that the journal needs. */
static bool has_room(const struct download *download, struct err *err) {
	struct statvfs disk;
	if (statvfs(download->folder, &disk) != 0) {
		return true; // writing will say what is wrong
	}
	uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (left >= download->spare_bytes &&
			left - download->spare_bytes >= download->about.bytes) {
		return true;
	}
	char size[BYTES_ROOM];
	return err_set(err, ERR_REFUSED,
			"there is no room for it: %s are free on my disk",
			bytes_words(left, size));
}

static void on_about(void *data, const struct api_answer *answer) {
	struct download *download = data;
	struct err err = { 0 };
	download->request = NULL;
	if (answer->result != SERVER_OK) {
		refuse_as(download, answer);
		return;
	}
	if (!mattermost_json_read_file(answer->body, &download->about, &err)) {
		refuse(download, SERVER_AGAIN, &err);
		return;
	}
	if (download->about.deleted) {
		err_set(&err, ERR_NOT_FOUND, "it is deleted on the server");
		refuse(download, SERVER_NEVER, &err);
		return;
	}
	if (download->about.bytes > download->cap_bytes) {
		refuse_size(download, download->about.bytes);
		return;
	}
	if (!has_room(download, &err)) {
		refuse(download, SERVER_NEVER, &err);
		return;
	}
	char *safe = download_safe_name(download->about.name);
	download->place = xasprintf("%s%s", download->prefix, safe);
	download->path = xasprintf("%s/%s", download->folder, download->place);
	download->part = xasprintf(
			"%s/.%spart", download->folder, download->prefix);
	free(safe);
	stream(download);
}

void download_start(struct downloads *downloads,
		const struct server_fetch *fetch, server_fetched_fn fn, void *data) {
	struct download *download = xcalloc(1, sizeof(*download));
	download->downloads = downloads;
	download->next = downloads->list;
	downloads->list = download;
	download->fn = fn;
	download->data = data;
	download->fd = -1;
	download->file_id = xstrdup(fetch->file_id);
	download->folder = xstrdup(fetch->folder);
	download->prefix = xstrdup(fetch->prefix);
	download->cap_bytes = fetch->cap_bytes;
	download->spare_bytes = fetch->spare_bytes;
	char *path = xasprintf("/files/%s/info", fetch->file_id);
	const struct api_call call = { .method = HTTP_GET, .path = path };
	download->request = api_start(downloads->api, &call, on_about, download);
	free(path);
}
