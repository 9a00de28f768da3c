#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

/*
 * SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104), over libcrypto.  The one
 * file of the pure layers that calls a library which could do I/O; it never
 * asks it to.
 */

#define SHA256_BYTES 32
#define SHA256_HEX   65 // hex digits and the NUL

struct sha256; // a hash in progress

/* Begin a hash.  Ends, and is freed, in sha256_end(). */
struct sha256 *sha256_begin(void) __attribute__((warn_unused_result));

void sha256_add(struct sha256 *sha, const void *bytes, size_t len);

/*
 * Add @text with its length before it, so that ("ab","c") and ("a","bc")
 * differ.  NULL and "" differ too.
 */
void sha256_add_field(struct sha256 *sha, const char *text);

/* Add a number, eight bytes, big-endian. */
void sha256_add_number(struct sha256 *sha, uint64_t number);

/* Write the hash as lower-case hex and free @sha. */
void sha256_end(struct sha256 *sha, char hex[SHA256_HEX]);

/* Hash @len bytes at once. */
void sha256_of(const void *bytes, size_t len, char hex[SHA256_HEX]);

/* HMAC-SHA-256 of @bytes under @key, as lower-case hex. */
void sha256_hmac(const void *key, size_t key_len, const void *bytes, size_t len,
		char hex[SHA256_HEX]);

#endif
