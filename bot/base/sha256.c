/*
 * The plain SHA-256 functions, which OpenSSL 3 would have us reach through EVP:
 * that looks the algorithm up, under a lock, for each hash, and a journal is a
 * million small ones.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/sha256.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/xalloc.h"

/* What is hashed here are many short fields: they are gathered first, for a
 * call into the library costs more than most of them. */
#define GATHER_BYTES 512

struct sha256 {
	SHA256_CTX ctx;
	size_t gathered;
	unsigned char gather[GATHER_BYTES];
};

static void to_hex(const unsigned char *bytes, char hex[SHA256_HEX]) {
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * SHA256_BYTES] = '\0';
}

static void begin(struct sha256 *sha) {
	SHA256_Init(&sha->ctx); // cannot fail, nor can the two below
	sha->gathered = 0;
}

static void end(struct sha256 *sha, char hex[SHA256_HEX]) {
	unsigned char bytes[SHA256_BYTES];
	SHA256_Update(&sha->ctx, sha->gather, sha->gathered);
	SHA256_Final(bytes, &sha->ctx);
	to_hex(bytes, hex);
}

struct sha256 *sha256_begin(void) {
	struct sha256 *sha = xreallocarray(NULL, 1, sizeof(*sha));
	begin(sha);
	return sha;
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t len) {
	if (len > GATHER_BYTES - sha->gathered) {
		SHA256_Update(&sha->ctx, sha->gather, sha->gathered);
		sha->gathered = 0;
	}
	if (len > GATHER_BYTES) {
		SHA256_Update(&sha->ctx, bytes, len);
	} else if (len > 0) {
		memcpy(sha->gather + sha->gathered, bytes, len);
		sha->gathered += len;
	}
}

void sha256_add_number(struct sha256 *sha, uint64_t number) {
	unsigned char bytes[8];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (unsigned char)(number >> (56 - 8 * i));
	}
	sha256_add(sha, bytes, sizeof(bytes));
}

void sha256_add_field(struct sha256 *sha, const char *text) {
	if (text == NULL) {
		sha256_add_number(sha, UINT64_MAX);
		return;
	}
	size_t len = strlen(text);
	sha256_add_number(sha, len);
	sha256_add(sha, text, len);
}

void sha256_end(struct sha256 *sha, char hex[SHA256_HEX]) {
	end(sha, hex);
	free(sha);
}

void sha256_of(const void *bytes, size_t len, char hex[SHA256_HEX]) {
	struct sha256 sha;
	begin(&sha);
	sha256_add(&sha, bytes, len);
	end(&sha, hex);
}

void sha256_hmac(const void *key, size_t key_len, const void *bytes, size_t len,
		char hex[SHA256_HEX]) {
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	if (HMAC(EVP_sha256(), key, (int)key_len, bytes, len, mac, &mac_len) ==
			NULL) {
		abort();
	}
	assert(mac_len == SHA256_BYTES);
	to_hex(mac, hex);
}
