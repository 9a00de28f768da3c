#ifndef BYTES_H
#define BYTES_H

#include <stdint.h>

/* How large something is, in few letters: "900 B", "12 kB", "3.4 MB". */
#define BYTES_ROOM 24

/* Write @bytes as words; powers of 1000.  Returns @words. */
const char *bytes_words(uint64_t bytes, char words[BYTES_ROOM]);

#endif
