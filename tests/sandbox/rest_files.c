/* Uploads, as a multipart form or as the body itself, and reading them back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"
#include "gojson.h"
#include "rest.h"
#include "sandbox.h"
#include "shape.h"

static void unreadable(struct call *call) {
	rest_error(call, 400, "api.file.upload_file.read_request.app_error",
			"Unable to upload file(s). Error reading or parsing request data.");
}

/* A part of a form. */
struct part {
	char name[64];
	char file_name[256];
	const char *bytes;
	size_t len;
};

#define PARTS_MAX 16

static const char *find_bytes(const char *in, size_t len, const char *what) {
	return memmem(in, len, what, strlen(what));
}

/* The value of key="…" in the part's header lines. */
static void read_quoted(const char *header, size_t len, const char *key,
		char *value, size_t room) {
	char wanted[32];
	snprintf(wanted, sizeof(wanted), " %s=\"", key);
	const char *at = find_bytes(header, len, wanted);
	if (at == NULL) {
		return;
	}
	at += strlen(wanted);
	const char *end = memchr(at, '"', len - (size_t)(at - header));
	if (end != NULL) {
		snprintf(value, room, "%.*s", (int)(end - at), at);
	}
}

/* Split a multipart body; returns the number of parts, 0 if it is none. */
static size_t split(
		const struct request *request, struct part parts[PARTS_MAX]) {
	const char *boundary = strstr(request->content_type, "boundary=");
	char mark[128];
	size_t count = 0;
	if (boundary == NULL) {
		return 0;
	}
	boundary += strlen("boundary=");
	size_t quote = boundary[0] == '"';
	snprintf(mark, sizeof(mark), "--%.*s",
			(int)strcspn(boundary + quote, "\";"), boundary + quote);
	const char *end = request->body + request->body_len;
	const char *at = find_bytes(request->body, request->body_len, mark);
	while (at != NULL && count < PARTS_MAX) {
		const char *header = at + strlen(mark);
		const char *body = find_bytes(
				header, (size_t)(end - header), "\r\n\r\n");
		if (body == NULL) {
			break;
		}
		body += 4;
		at = find_bytes(body, (size_t)(end - body), mark);
		if (at == NULL || at - body < 2) {
			break;
		}
		struct part *part = &parts[count++];
		*part = (struct part){ .bytes = body, .len = (size_t)(at - body) - 2 };
		size_t header_len = (size_t)(body - header);
		read_quoted(header, header_len, "name", part->name, sizeof(part->name));
		read_quoted(header, header_len, "filename", part->file_name,
				sizeof(part->file_name));
	}
	return count;
}

static struct channel *writable(struct call *call, const char *channel_id) {
	struct channel *channel = world_channel(&call->sandbox->world, channel_id);
	if (channel == NULL || !rest_may(call, channel, "upload_file")) {
		rest_forbidden(call);
		return NULL;
	}
	return channel;
}

static void store(struct call *call, struct channel *channel, const char *name,
		const char *bytes, size_t len) {
	struct world *world = &call->sandbox->world;
	struct file *file = world_add_file(
			world, call->user, channel, name, bytes, len);
	shape_file(&call->answer->body, NULL, world, file);
}

static void upload_form(struct call *call) {
	struct part parts[PARTS_MAX];
	size_t count = split(call->request, parts);
	char channel_id[64] = "";
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(parts[i].name, "channel_id") == 0) {
			snprintf(channel_id, sizeof(channel_id), "%.*s", (int)parts[i].len,
					parts[i].bytes);
		}
		any |= parts[i].file_name[0] != '\0' && parts[i].len > 0;
	}
	if (!any) {
		unreadable(call);
		return;
	}
	struct channel *channel = writable(call, channel_id);
	if (channel == NULL) {
		return;
	}
	struct str *body = &call->answer->body;
	json_open(body, NULL, '{');
	json_open(body, "file_infos", '[');
	for (size_t i = 0; i < count; i++) {
		if (parts[i].file_name[0] != '\0') {
			store(call, channel, parts[i].file_name, parts[i].bytes,
					parts[i].len);
		}
	}
	json_close(body, ']');
	json_open(body, "client_ids", '[');
	for (size_t i = 0; i < count; i++) {
		if (strcmp(parts[i].name, "client_ids") == 0) {
			char *id = xstrndup(parts[i].bytes, parts[i].len);
			json_text(body, NULL, id);
			free(id);
		}
	}
	json_close(body, ']');
	json_close(body, '}');
	call->answer->status = 201;
}

static void upload_raw(struct call *call) {
	char channel_id[64] = "";
	char name[256] = "";
	rest_query(call, "channel_id", channel_id, sizeof(channel_id));
	rest_query(call, "filename", name, sizeof(name));
	if (call->request->body_len == 0 || name[0] == '\0') {
		unreadable(call);
		return;
	}
	struct channel *channel = writable(call, channel_id);
	if (channel == NULL) {
		return;
	}
	struct str *body = &call->answer->body;
	json_open(body, NULL, '{');
	json_open(body, "file_infos", '[');
	store(call, channel, name, call->request->body, call->request->body_len);
	json_close(body, ']');
	json_null(body, "client_ids");
	json_close(body, '}');
	call->answer->status = 201;
}

static void upload(struct call *call) {
	const char *form = "multipart/form-data";
	if (strncasecmp(call->request->content_type, form, strlen(form)) == 0) {
		upload_form(call);
	} else {
		upload_raw(call);
	}
}

static struct file *file_arg(struct call *call) {
	struct file *file = world_file(&call->sandbox->world, call->args[0]);
	/* A post takes its files along. */
	bool gone = file != NULL && file->post != NULL &&
			file->post->delete_at != 0;
	if (file == NULL || gone) {
		rest_error(call, 404, "app.file_info.get.app_error",
				"Unable to get the file info.");
		return NULL;
	}
	if (!rest_can_read(call, file->channel)) {
		rest_forbidden(call);
		return NULL;
	}
	return file;
}

static void get_file(struct call *call) {
	const struct file *file = file_arg(call);
	if (file != NULL) {
		call->answer->content_type = file->mime_type;
		str_addf(&call->answer->headers,
				"Accept-Ranges: bytes\n"
				"Cache-Control: private, no-cache\n"
				"Content-Disposition: attachment;filename=\"%s\"; "
				"filename*=UTF-8''%s\n"
				"X-Content-Type-Options: nosniff\n",
				file->name, file->name);
		str_add_bytes(&call->answer->body, file->bytes, file->size);
	}
}

static void get_file_info(struct call *call) {
	const struct file *file = file_arg(call);
	if (file != NULL) {
		shape_file(&call->answer->body, NULL, &call->sandbox->world, file);
	}
}

const struct route rest_files_routes[] = {
	{ "POST", "/api/v4/files", upload },
	{ "GET", "/api/v4/files/*", get_file },
	{ "GET", "/api/v4/files/*/info", get_file_info },
	{ NULL, NULL, NULL },
};
