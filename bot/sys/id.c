#include "sys/id.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

void id_make(char id[ID_ROOM]) {
	/* 32 signs: five bits each, 130 in all. */
	static const char signs[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
	unsigned char bytes[ID_LEN];
	ssize_t n;
	do {
		n = getrandom(bytes, sizeof(bytes), 0);
	} while (n < 0 && errno == EINTR);
	assert(n == (ssize_t)sizeof(bytes)); // up to 256 bytes come whole
	for (int i = 0; i < ID_LEN; i++) {
		id[i] = signs[bytes[i] & 31];
	}
	id[ID_LEN] = '\0';
}
