#include "base/near.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define LONGEST 64

static size_t least(size_t a, size_t b) {
	return a < b ? a : b;
}

static int folded(char c) {
	return tolower((unsigned char)c);
}

/* Optimal string alignment; three rows of the table are enough. */
size_t near_distance(const char *a, const char *b) {
	size_t rows[3][LONGEST + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);
	if (a_len > LONGEST || b_len > LONGEST) {
		return SIZE_MAX;
	}
	for (size_t j = 0; j <= b_len; j++) {
		rows[0][j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *two_above = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			int x = folded(a[i - 1]);
			int y = folded(b[j - 1]);
			size_t changed = above[j - 1] + (x != y);
			row[j] = least(changed, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == folded(b[j - 2]) &&
					folded(a[i - 2]) == y) {
				row[j] = least(row[j], two_above[j - 2] + 1);
			}
		}
	}
	return rows[a_len % 3][b_len];
}

const char *near_word(
		const char *word, const char *const *words, size_t count) {
	const char *nearest = NULL;
	size_t nearest_distance = SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		size_t longer = strlen(word) > strlen(words[i]) ? strlen(word)
														: strlen(words[i]);
		size_t distance = near_distance(word, words[i]);
		if (distance <= longer / 3 && distance < nearest_distance) {
			nearest = words[i];
			nearest_distance = distance;
		}
	}
	return nearest;
}
