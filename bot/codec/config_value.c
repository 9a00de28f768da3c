#include "codec/config_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/duration.h"
#include "base/xalloc.h"

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define CAPITAL "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT   "0123456789"

static bool consists_of(const char *text, const char *bytes) {
	return text[0] != '\0' && strspn(text, bytes) == strlen(text);
}

static void set(char **field, const char *value) {
	char *copy = xstrdup(value);
	free(*field);
	*field = copy;
}

bool config_value_text(const char *value, char **field, struct err *err) {
	(void)err;
	set(field, value);
	return true;
}

/* Addresses */

/* A URL's host and port, cut out of it. */
struct address {
	char host[256]; // an IPv6 address with its brackets
	long port;      // 0: none given
	const char *rest;
};

static bool split_address(
		const char *text, struct address *address, struct err *err) {
	size_t len = strcspn(text, "/?#");
	const char *end = text + len;
	if (memchr(text, '@', len) != NULL) {
		return err_set(err, ERR_INVALID,
				"no user and no password may stand in an address");
	}
	const char *host_end = text[0] == '[' ? memchr(text, ']', len)
										  : memchr(text, ':', len);
	if (text[0] == '[' && host_end != NULL) {
		host_end++;
	}
	if (host_end == NULL) {
		host_end = end;
	}
	size_t host_len = (size_t)(host_end - text);
	if (host_len == 0 || host_len >= sizeof(address->host)) {
		return err_set(err, ERR_INVALID, "the host is missing or too long");
	}
	memcpy(address->host, text, host_len);
	address->host[host_len] = '\0';
	address->port = 0;
	address->rest = end;
	if (host_end == end) {
		return true;
	}
	char port[8] = { 0 };
	size_t port_len = (size_t)(end - host_end) - 1;
	if (host_end[0] == ':' && port_len > 0 && port_len < sizeof(port)) {
		memcpy(port, host_end + 1, port_len);
	}
	address->port = consists_of(port, DIGIT) ? strtol(port, NULL, 10) : 0;
	if (address->port < 1 || address->port > 65535) {
		return err_set(
				err, ERR_INVALID, "the port is no number from 1 to 65535");
	}
	return true;
}

static bool is_host_name(const char *host) {
	if (host[0] == '[') {
		size_t len = strlen(host);
		return len > 3 && host[len - 1] == ']' &&
				strspn(host + 1, DIGIT "abcdefABCDEF:.") == len - 2;
	}
	return consists_of(host, LOWER CAPITAL DIGIT ".-_") && host[0] != '-' &&
			host[0] != '.';
}

/* An address, not a name that begins like one: 127.0.0.1.example.org. */
static bool is_loopback_host(const char *host) {
	unsigned parts[3];
	int end = 0;
	return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
			(sscanf(host, "127.%3u.%3u.%3u%n", &parts[0], &parts[1], &parts[2],
					 &end) == 3 &&
					host[end] == '\0' && consists_of(host, DIGIT "."));
}

bool config_is_loopback(const struct config *config) {
	const char *host = strstr(config->mattermost.url, "://");
	struct address address;
	struct err ignored;
	return host != NULL && split_address(host + 3, &address, &ignored) &&
			is_loopback_host(address.host);
}

bool config_value_url(const char *value, char **field, struct err *err) {
	bool tls = strncasecmp(value, "https://", 8) == 0;
	if (!tls && strncasecmp(value, "http://", 7) != 0) {
		return err_set(err, ERR_INVALID,
				"an address begins with https://, as in "
				"https://chat.example.org");
	}
	struct address address;
	if (!split_address(value + (tls ? 8 : 7), &address, err)) {
		return false;
	}
	if (!is_host_name(address.host)) {
		return err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` is no name of a host", address.host);
	}
	if (!tls && !is_loopback_host(address.host)) {
		return err_set(err, ERR_INVALID,
				"http:// would send the token in the clear: write "
				"https://" CONFIG_SHOWN,
				address.host);
	}
	if (tls && address.host[0] == '[') {
		/* libwebsockets 4.1 cuts a host at its first colon before that. */
		return err_set(err, ERR_INVALID,
				"a certificate cannot be checked for an IPv6 address: write "
				"the server's name");
	}
	if (strpbrk(address.rest, "?# \t") != NULL) {
		return err_set(err, ERR_INVALID,
				"only a path may follow the host, no `?`, `#` or blank");
	}
	set(field, value);
	for (size_t len = strlen(*field); (*field)[len - 1] == '/'; len--) {
		(*field)[len - 1] = '\0';
	}
	return true;
}

bool config_value_proxy(const char *value, char **field, struct err *err) {
	struct address address;
	if (strncasecmp(value, "http://", 7) != 0) {
		return err_set(err, ERR_INVALID,
				"a proxy is http://HOST:PORT, whatever the server's scheme");
	}
	if (!split_address(value + 7, &address, err)) {
		return false;
	}
	if (!is_host_name(address.host) || address.port == 0 ||
			(strcmp(address.rest, "") != 0 && strcmp(address.rest, "/") != 0)) {
		return err_set(err, ERR_INVALID,
				"a proxy is http://HOST:PORT and nothing behind it");
	}
	set(field, value);
	return true;
}

/* Names */

/* Say that @value is no @what, with the likeliest mistake if it is one. */
static bool no_name(const char *value, const char *what, const char *allowed,
		struct err *err) {
	if (strchr("@~#:", value[0]) != NULL && value[1] != '\0') {
		return err_set(err, ERR_INVALID,
				"%s is written without `%c`: `" CONFIG_SHOWN "`", what,
				value[0], value);
	}
	return err_set(err, ERR_INVALID, "`" CONFIG_SHOWN "` is no %s: it has %s",
			value, what, allowed);
}

bool config_value_team(const char *value, char **field, struct err *err) {
	if (!consists_of(value, LOWER DIGIT "-") || strlen(value) > 64) {
		return no_name(value, "team's name (as in its address)",
				"small letters, digits and `-`", err);
	}
	set(field, value);
	return true;
}

bool config_value_channel(const char *value, char **field, struct err *err) {
	if (!consists_of(value, LOWER DIGIT "-_") || strlen(value) > 64) {
		return no_name(value, "channel's name (as in its address)",
				"small letters, digits, `-` and `_`", err);
	}
	set(field, value);
	return true;
}

bool config_value_user(const char *value, char **field, struct err *err) {
	if (!consists_of(value, LOWER DIGIT "._-") || strlen(value) > 64) {
		return no_name(value, "username",
				"small letters, digits, `.`, `_` and `-`", err);
	}
	set(field, value);
	return true;
}

bool config_value_credential(const char *value, char **field, struct err *err) {
	if (!consists_of(value, LOWER CAPITAL DIGIT "._-") || value[0] == '.' ||
			strlen(value) > 255) {
		return err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` is no credential's name: it has letters, "
				"digits, `.`, `_` and `-`",
				value);
	}
	set(field, value);
	return true;
}

bool config_value_prefix(const char *value, char **field, struct err *err) {
	if (!consists_of(value, CAPITAL DIGIT) || strlen(value) > 8 ||
			strchr(DIGIT, value[0]) != NULL) {
		return err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` is no prefix: one to eight capitals and "
				"digits, a capital first, as in LB",
				value);
	}
	set(field, value);
	return true;
}

/* Lists */

typedef bool (*item_fn)(const char *item, struct err *err);

static bool list_has(const struct config_list *list, const char *item) {
	for (size_t i = 0; i < list->count; i++) {
		if (strcasecmp(list->items[i], item) == 0) {
			return true;
		}
	}
	return false;
}

/* Take @item over into @list, or free it and say why not. */
static bool list_take(
		struct config_list *list, char *item, item_fn check, struct err *err) {
	bool ok = true;
	if (item[0] == '\0') {
		ok = err_set(err, ERR_INVALID,
				"an item of the list is empty: one comma between two items");
	} else if (list->count == CONFIG_LIST_MAX) {
		ok = err_set(err, ERR_INVALID, "the list has more than %d items",
				CONFIG_LIST_MAX);
	} else if (list_has(list, item)) {
		ok = err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` stands in the list twice", item);
	} else {
		ok = check(item, err);
	}
	if (!ok) {
		free(item);
		return false;
	}
	list->items = xreallocarray(
			list->items, list->count + 1, sizeof(list->items[0]));
	list->items[list->count++] = item;
	return true;
}

static bool read_list(const char *value, struct config_list *field,
		item_fn check, struct err *err) {
	struct config_list list = { 0 };
	const char *at = value;
	for (;;) {
		size_t len = strcspn(at, ",");
		const char *start = at + strspn(at, " \t");
		const char *end = at + len;
		while (end > start && (end[-1] == ' ' || end[-1] == '\t')) {
			end--;
		}
		size_t item_len = end > start ? (size_t)(end - start) : 0;
		if (!list_take(&list, xstrndup(start, item_len), check, err)) {
			config_list_finish(&list);
			return false;
		}
		if (at[len] == '\0') {
			break;
		}
		at += len + 1;
	}
	config_list_finish(field);
	*field = list;
	return true;
}

static bool check_user(const char *item, struct err *err) {
	char *name = NULL;
	bool ok = config_value_user(item, &name, err);
	free(name);
	return ok;
}

bool config_value_users(
		const char *value, struct config_list *field, struct err *err) {
	return read_list(value, field, check_user, err);
}

static bool check_role(const char *item, struct err *err) {
	return strlen(item) <= 64 ||
			err_set(err, ERR_INVALID, "a role's name is over 64 bytes");
}

bool config_value_roles(
		const char *value, struct config_list *field, struct err *err) {
	return read_list(value, field, check_role, err);
}

/* The server keeps what it is sent: ":+1:" would be another emoji. */
static bool check_emoji(const char *item, struct err *err) {
	return (consists_of(item, LOWER DIGIT "_+-") && strlen(item) <= 64) ||
			no_name(item, "emoji's name",
					"small letters, digits, `_`, `+`, `-`", err);
}

bool config_value_emojis(
		const char *value, struct config_list *field, struct err *err) {
	return read_list(value, field, check_emoji, err);
}

static bool has_dot_dot(const char *path) {
	for (const char *part = path; part != NULL;) {
		size_t len = strcspn(part, "/");
		if (len == 2 && strncmp(part, "..", 2) == 0) {
			return true;
		}
		part = part[len] == '/' ? part + len + 1 : NULL;
	}
	return false;
}

static bool check_pattern(const char *item, struct err *err) {
	if (item[0] == '/' || has_dot_dot(item)) {
		return err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` leaves the workdir: write it relative to "
				"that, without `..`",
				item);
	}
	return true;
}

bool config_value_patterns(
		const char *value, struct config_list *field, struct err *err) {
	return read_list(value, field, check_pattern, err);
}

/* Hosts */

/* ssh wants an address without the brackets that tell it from its port. */
static char *bare_name(const char *name) {
	bool in_brackets = name[0] == '[';
	return in_brackets ? xstrndup(name + 1, strlen(name) - 2) : xstrdup(name);
}

bool config_value_host(
		const char *text, struct config_host *host, struct err *err) {
	const char *at = strchr(text, '@');
	const char *name = at != NULL ? at + 1 : text;
	struct address address;
	if (!split_address(name, &address, err)) {
		return err_wrap(err, "host `" CONFIG_SHOWN "`: ", text);
	}
	char *user = at != NULL ? xstrndup(text, (size_t)(at - text)) : NULL;
	bool ok = is_host_name(address.host) && address.rest[0] == '\0' &&
			(user == NULL ||
					(consists_of(user, LOWER CAPITAL DIGIT "._-") &&
							user[0] != '-'));
	if (!ok) {
		free(user);
		return err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` is no host: write `local`, or node1 or "
				"deploy@node2:2222",
				text);
	}
	*host = (struct config_host){
		.text = xstrdup(text),
		.user = user,
		.name = bare_name(address.host),
		.port = (uint16_t)address.port,
	};
	return true;
}

static bool check_host(const char *item, struct err *err) {
	struct config_target one = { 0 };
	struct config_host host = { 0 };
	bool ok = config_value_host(item, &host, err);
	if (ok) {
		one.hosts = xcalloc(1, sizeof(host));
		one.hosts[0] = host;
		one.host_count = 1;
	}
	config_hosts_finish(&one);
	return ok;
}

static bool is_same_text(const char *a, const char *b) {
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Where ssh goes to the same place for both: a step would run there twice. */
static bool is_same_host(
		const struct config_host *a, const struct config_host *b) {
	return strcasecmp(a->name, b->name) == 0 &&
			is_same_text(a->user, b->user) &&
			(a->port != 0 ? a->port : 22) == (b->port != 0 ? b->port : 22);
}

/* Read @text into @target, if it is not one of its hosts already. */
static bool add_host(
		struct config_target *target, const char *text, struct err *err) {
	struct config_host *host = &target->hosts[target->host_count++];
	bool ok = config_value_host(text, host, err);
	for (size_t i = 0; ok && &target->hosts[i] != host; i++) {
		ok = !is_same_host(&target->hosts[i], host) ||
				err_set(err, ERR_INVALID,
						"`" CONFIG_SHOWN "` is `" CONFIG_SHOWN
						"`, which stands in the list already",
						text, target->hosts[i].text);
	}
	return ok;
}

static bool read_hosts(const struct config_list *list,
		struct config_target *target, struct err *err) {
	struct config_target read = {
		.hosts = xcalloc(list->count, sizeof(read.hosts[0])),
	};
	for (size_t i = 0; i < list->count; i++) {
		if (!add_host(&read, list->items[i], err)) {
			config_hosts_finish(&read);
			return false;
		}
	}
	config_hosts_finish(target);
	target->hosts = read.hosts;
	target->host_count = read.host_count;
	return true;
}

bool config_value_hosts(
		const char *value, struct config_target *target, struct err *err) {
	struct config_list list = { 0 };
	if (!read_list(value, &list, check_host, err)) {
		return false;
	}
	bool ok = list.count == 1 || !list_has(&list, "local")
			? read_hosts(&list, target, err)
			: err_set(err, ERR_INVALID,
					  "`local` stands alone: a target is this machine or hosts "
					  "over ssh");
	config_list_finish(&list);
	return ok;
}

/* Quantities */

static void duration_shown(int64_t ms, char *text, size_t room) {
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" },
		{ 1000, "s" } };
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ms > 0 && ms % units[i].ms == 0) {
			snprintf(text, room, "%" PRId64 "%s", ms / units[i].ms,
					units[i].name);
			return;
		}
	}
	snprintf(text, room, "%" PRId64 "%s", ms, ms == 0 ? "" : "ms");
}

bool config_value_time(const char *value, int64_t min, int64_t max,
		int64_t *field, struct err *err) {
	int64_t ms;
	if (!duration_parse(value, &ms)) {
		return err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` is no time: write 90s, 10m or 24h", value);
	}
	if (ms < min || ms > max) {
		char low[24];
		char high[24];
		duration_shown(min, low, sizeof(low));
		duration_shown(max, high, sizeof(high));
		return err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` is out of range: %s to %s", value, low,
				high);
	}
	*field = ms;
	return true;
}

bool config_value_number(const char *value, int64_t min, int64_t max,
		int64_t *field, struct err *err) {
	long long number = consists_of(value, DIGIT) && strlen(value) < 10
			? strtoll(value, NULL, 10)
			: -1;
	if (number < min || number > max) {
		return err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` is no number from %" PRId64 " to %" PRId64,
				value, min, max);
	}
	*field = number;
	return true;
}

bool config_value_yes_no(const char *value, bool *field, struct err *err) {
	bool yes = strcasecmp(value, "yes") == 0;
	if (!yes && strcasecmp(value, "no") != 0) {
		return err_set(err, ERR_INVALID,
				"`" CONFIG_SHOWN "` is neither yes nor no", value);
	}
	*field = yes;
	return true;
}
