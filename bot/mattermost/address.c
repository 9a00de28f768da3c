#include "mattermost/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool bad(const char *url, const char *why, struct err *err) {
	return err_set(err, ERR_INVALID,
			"url `%s`: %s; write it like https://chat.example.org", url, why);
}

/* Take "host", "host:port" or "[v6]:port" of @len bytes. */
static bool split_authority(
		const char *text, size_t len, struct address *address) {
	const char *end = text + len;
	const char *host = text;
	const char *host_end = memchr(text, ':', len);
	if (len > 0 && text[0] == '[') {
		host = text + 1;
		host_end = memchr(text, ']', len);
		if (host_end == NULL) {
			return false;
		}
	}
	if (host_end == NULL) {
		host_end = end;
	}
	size_t host_len = (size_t)(host_end - host);
	snprintf(address->host, sizeof(address->host), "%.*s", (int)host_len, host);
	const char *rest = *host_end == ']' ? host_end + 1 : host_end;
	if (rest == end) {
		return host_len > 0;
	}
	char *port_end = NULL;
	long port = rest[0] == ':' ? strtol(rest + 1, &port_end, 10) : 0;
	address->port = (int)port;
	return host_len > 0 && port_end == end && port > 0 && port < 65536;
}

bool address_parse(const char *url, struct address *address, struct err *err) {
	static const char allowed[] =
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789-._~:/[]";
	*address = (struct address){ 0 };
	if (strlen(url) >= ADDRESS_ROOM) {
		return err_set(err, ERR_INVALID, "url: longer than %d bytes",
				ADDRESS_ROOM - 1);
	}
	if (strspn(url, allowed) != strlen(url)) {
		return bad(url, "only scheme, host, port and path can be in it", err);
	}
	const char *at = url;
	if (strncmp(at, "https://", 8) == 0) {
		address->tls = true;
		at += 8;
	} else if (strncmp(at, "http://", 7) == 0) {
		at += 7;
	} else {
		return bad(url, "neither http:// nor https://", err);
	}
	int usual_port = address->tls ? 443 : 80;
	address->port = usual_port;
	size_t len = strcspn(at, "/");
	if (!split_authority(at, len, address)) {
		return bad(url, "no usable host and port", err);
	}
	bool v6 = strchr(address->host, ':') != NULL;
	snprintf(address->authority, sizeof(address->authority), "%s%.200s%s",
			v6 ? "[" : "", address->host, v6 ? "]" : "");
	if (address->port != usual_port) {
		size_t used = strlen(address->authority);
		snprintf(address->authority + used, sizeof(address->authority) - used,
				":%d", address->port);
	}
	snprintf(address->path, sizeof(address->path), "%s", at + len);
	size_t path_len = strlen(address->path);
	while (path_len > 0 && address->path[path_len - 1] == '/') {
		path_len--;
		address->path[path_len] = '\0';
	}
	return true;
}
