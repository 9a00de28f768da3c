#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

/* From a text key to a pointer.  Keys are borrowed; nothing is ever removed. */
struct table {
	struct table_entry *entries;
	size_t room; // a power of two, or 0
	size_t count;
};

void table_finish(struct table *table);

/* @key must outlive the table.  A key that is there gets the new @value. */
void table_put(struct table *table, const char *key, void *value);

/* NULL when it is not there. */
void *table_get(const struct table *table, const char *key);

#endif
