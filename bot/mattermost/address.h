#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>

#include "base/err.h"

/* Where a server is, from its URL: scheme, host, port and a path before /api. */

#define ADDRESS_ROOM 256

struct address {
	bool tls;
	char host[ADDRESS_ROOM];      // name or number, without brackets
	char authority[ADDRESS_ROOM]; // for the Host header: port only if unusual
	int port;
	char path[ADDRESS_ROOM]; // "" or "/mattermost", never ending in a slash
};

/*
 * Refused: another scheme than http and https, user information, a query, and
 * anything that a header or a path could not hold.
 */
bool address_parse(const char *url, struct address *address, struct err *err);

#endif
