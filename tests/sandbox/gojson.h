#ifndef GOJSON_H
#define GOJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct str;

/*
 * JSON as Go's encoder writes it, which is what the real server sends: <, > and
 * &, U+2028 and U+2029 escaped, members of a map sorted by name.  Each function
 * puts the comma that it needs; @key is NULL inside a list.
 */
void json_open(struct str *out, const char *key, char bracket);
void json_close(struct str *out, char bracket);
void json_text(struct str *out, const char *key, const char *text);
void json_number(struct str *out, const char *key, int64_t number);
void json_bool(struct str *out, const char *key, bool value);
void json_null(struct str *out, const char *key);
void json_raw(struct str *out, const char *key, const char *json);
void json_node(struct str *out, const char *key, const struct cJSON *node);

/*
 * A copy of a request's body as Go's decoder would understand it: bytes that
 * are no UTF-8 and lone surrogates become U+FFFD.  *@has_nul: a \u0000 is in
 * some string of it, which PostgreSQL refuses.
 */
char *json_clean(const char *body, size_t len, bool *has_nul);

/* Runes in @text, which is UTF-8. */
size_t json_runes(const char *text);

#endif
