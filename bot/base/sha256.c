#include "base/sha256.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/xalloc.h"

struct sha256 {
	EVP_MD_CTX *ctx;
};

static void to_hex(const unsigned char *bytes, char hex[SHA256_HEX]) {
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * SHA256_BYTES] = '\0';
}

struct sha256 *sha256_begin(void) {
	struct sha256 *sha = xcalloc(1, sizeof(*sha));
	sha->ctx = EVP_MD_CTX_new();
	if (sha->ctx == NULL ||
			EVP_DigestInit_ex(sha->ctx, EVP_sha256(), NULL) != 1) {
		abort(); // out of memory, or a libcrypto without SHA-256
	}
	return sha;
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t len) {
	if (EVP_DigestUpdate(sha->ctx, bytes, len) != 1) {
		abort();
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
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	if (EVP_DigestFinal_ex(sha->ctx, bytes, &len) != 1) {
		abort();
	}
	assert(len == SHA256_BYTES);
	to_hex(bytes, hex);
	EVP_MD_CTX_free(sha->ctx);
	free(sha);
}

void sha256_of(const void *bytes, size_t len, char hex[SHA256_HEX]) {
	struct sha256 *sha = sha256_begin();
	sha256_add(sha, bytes, len);
	sha256_end(sha, hex);
}

void sha256_hmac(const void *key, size_t key_len, const void *bytes,
		size_t len, char hex[SHA256_HEX]) {
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	if (HMAC(EVP_sha256(), key, (int)key_len, bytes, len, mac, &mac_len) ==
			NULL) {
		abort();
	}
	assert(mac_len == SHA256_BYTES);
	to_hex(mac, hex);
}
