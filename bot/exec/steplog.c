#include "exec/steplog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "sys/fd.h"

#define CAP_DEFAULT ((size_t)50 * 1024 * 1024)
#define TAIL_SHARE  ((size_t)256 * 1024) // of the cap, at most a quarter of it
#define PIECE_MAX   ((size_t)64 * 1024)  // a longer line is written in parts
#define TIME_LEN    24
#define PREFIX_LEN  27 // time, blank, mark of the stream, blank or +
#define TAIL_READ   ((off_t)3 * 64 * 1024) // has the beginning of a piece in it
#define MARK_AT     (TIME_LEN + 1)
#define MARK_OUT    '|'
#define MARK_ERR    '!'
#define MARK_REMARK '#'
#define GOES_ON     '+'

struct steplog {
	int fd;
	const struct mask *mask;
	size_t head_cap;
	size_t tail_cap;
	size_t written;
	struct str pending[2]; // unfinished lines, by stream
	struct str batch;      // formatted, not yet written
	struct str tail;       // formatted, once the head is full
	bool in_tail;
	struct steplog_totals totals;
};

struct steplog *steplog_create(int fd, const struct mask *mask, size_t cap) {
	struct steplog *log = xcalloc(1, sizeof(*log));
	log->fd = fd;
	log->mask = mask;
	cap = cap > 0 ? cap : CAP_DEFAULT;
	log->tail_cap = cap / 4 < TAIL_SHARE ? cap / 4 : TAIL_SHARE;
	log->head_cap = cap - log->tail_cap;
	return log;
}

void steplog_destroy(struct steplog *log) {
	if (log == NULL) {
		return;
	}
	str_finish(&log->pending[STEP_STDOUT]);
	str_finish(&log->pending[STEP_STDERR]);
	str_finish(&log->batch);
	str_finish(&log->tail);
	free(log);
}

static void add_prefix(
		struct str *out, int64_t now_ms, char mark, bool goes_on) {
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm utc;
	char day[24];
	gmtime_r(&seconds, &utc);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
	str_addf(out, "%s.%03dZ %c%c", day, (int)(now_ms % 1000), mark,
			goes_on ? GOES_ON : ' ');
}

/* Keep the youngest of the tail, from the beginning of a line on. */
static void trim_tail(struct steplog *log) {
	if (log->tail.len <= 2 * log->tail_cap) {
		return;
	}
	size_t drop = log->tail.len - log->tail_cap;
	const char *end = memchr(log->tail.data + drop, '\n', log->tail.len - drop);
	drop = end != NULL ? (size_t)(end - log->tail.data) + 1 : log->tail.len;
	log->totals.left_out += drop;
	memmove(log->tail.data, log->tail.data + drop, log->tail.len - drop);
	str_truncate(&log->tail, log->tail.len - drop);
}

/* Write all of it if that is possible; returns how much was written. */
static size_t put(struct steplog *log, const char *bytes, size_t len) {
	size_t done = 0;
	while (done < len) {
		ssize_t n = write(log->fd, bytes + done, len - done);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			if (log->totals.error == 0) {
				log->totals.error = n < 0 ? errno : EIO;
			}
			break;
		}
		done += (size_t)n;
	}
	return done;
}

/* How much of the batch, in whole lines, still belongs to the head. */
static size_t head_share(const struct steplog *log) {
	size_t room = log->head_cap - log->written;
	if (log->in_tail || log->batch.len <= room) {
		return log->in_tail ? 0 : log->batch.len;
	}
	const char *newline = memrchr(log->batch.data, '\n', room);
	return newline != NULL ? (size_t)(newline - log->batch.data) + 1 : 0;
}

/* Write the batch; what cannot be written goes to the tail, with all later. */
static void write_batch(struct steplog *log) {
	size_t share = head_share(log);
	size_t done = put(log, str_text(&log->batch), share);
	log->written += done;
	if (done < log->batch.len) {
		log->in_tail = true;
		str_add_bytes(
				&log->tail, log->batch.data + done, log->batch.len - done);
		trim_tail(log);
	}
	str_clear(&log->batch);
}

/* Write the first @len bytes of what is pending of @stream, as one piece. */
static void emit(struct steplog *log, enum step_stream stream, size_t len,
		bool whole, int64_t now_ms) {
	struct str *pending = &log->pending[stream];
	add_prefix(&log->batch, now_ms, stream == STEP_STDOUT ? MARK_OUT : MARK_ERR,
			!whole);
	size_t taken = mask_add(
			log->mask, str_text(pending), len, true, &log->batch);
	str_add_char(&log->batch, '\n');
	size_t used = taken + (whole ? 1 : 0);
	memmove(pending->data, pending->data + used, pending->len - used);
	str_truncate(pending, pending->len - used);
	if (log->batch.len >= PIECE_MAX) {
		write_batch(log);
	}
}

/*
 * A line too long to wait for: write all of it but what could be the first
 * half of a secret.
 */
static void emit_part(
		struct steplog *log, enum step_stream stream, int64_t now_ms) {
	struct str *pending = &log->pending[stream];
	struct str masked = { 0 };
	size_t taken = mask_add(
			log->mask, pending->data, pending->len, false, &masked);
	// The masked text has no secret left in it: to be added as it is.
	add_prefix(&log->batch, now_ms, stream == STEP_STDOUT ? MARK_OUT : MARK_ERR,
			true);
	str_add_bytes(&log->batch, str_text(&masked), masked.len);
	str_add_char(&log->batch, '\n');
	str_finish(&masked);
	memmove(pending->data, pending->data + taken, pending->len - taken);
	str_truncate(pending, pending->len - taken);
	write_batch(log);
}

void steplog_add(struct steplog *log, enum step_stream stream,
		const char *bytes, size_t len, int64_t now_ms) {
	struct str *pending = &log->pending[stream];
	log->totals.bytes += len;
	while (len > 0) {
		const char *newline = memchr(bytes, '\n', len);
		size_t piece = newline != NULL ? (size_t)(newline - bytes) + 1 : len;
		str_add_bytes(pending, bytes, piece);
		bytes += piece;
		len -= piece;
		if (newline != NULL) {
			log->totals.lines++;
			emit(log, stream, pending->len - 1, true, now_ms);
		} else if (pending->len > PIECE_MAX) {
			emit_part(log, stream, now_ms);
		}
	}
	write_batch(log);
}

void steplog_remark(struct steplog *log, const char *text, int64_t now_ms) {
	add_prefix(&log->batch, now_ms, MARK_REMARK, false);
	str_add(&log->batch, text);
	str_add_char(&log->batch, '\n');
	write_batch(log);
}

static void add_left_out(struct steplog *log, struct str *out, int64_t now_ms) {
	if (log->totals.error != 0) {
		str_add_char(out, '\n'); // behind a line that was cut off
		add_prefix(out, now_ms, MARK_REMARK, false);
		str_addf(out, "output could not be kept here: %s\n",
				strerror(log->totals.error));
	}
	if (log->totals.left_out > 0) {
		add_prefix(out, now_ms, MARK_REMARK, false);
		str_addf(out, "%" PRIu64 " bytes are left out here\n",
				log->totals.left_out);
	}
}

void steplog_end(struct steplog *log, int64_t now_ms) {
	for (int stream = STEP_STDOUT; stream <= STEP_STDERR; stream++) {
		if (log->pending[stream].len > 0) {
			log->totals.lines++;
			emit(log, (enum step_stream)stream, log->pending[stream].len, false,
					now_ms);
		}
	}
	write_batch(log);
	if (log->in_tail) {
		struct str out = { 0 };
		add_left_out(log, &out, now_ms);
		str_add_bytes(&out, str_text(&log->tail), log->tail.len);
		put(log, out.data, out.len);
		str_finish(&out);
	}
	if (fsync(log->fd) < 0 && log->totals.error == 0) {
		log->totals.error = errno;
	}
}

struct steplog_totals steplog_totals(const struct steplog *log) {
	return log->totals;
}

void steplog_recent(const struct steplog *log, struct str *out, size_t max) {
	size_t len = log->tail.len < max ? log->tail.len : max;
	str_add_bytes(out, str_text(&log->tail) + (log->tail.len - len), len);
}

/* The mark of a line of the log; 0 if it is none. */
static char mark_of(const char *line, size_t len) {
	if (len < PREFIX_LEN || line[TIME_LEN - 1] != 'Z' ||
			line[TIME_LEN] != ' ') {
		return 0;
	}
	char mark = line[MARK_AT];
	return mark == MARK_OUT || mark == MARK_ERR || mark == MARK_REMARK ? mark
																	   : 0;
}

/* The command could have put anything in the log's place. */
static FILE *open_log(const char *path, struct err *err) {
	int fd = fd_open_file(path, err);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (fd >= 0 && file == NULL) {
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		fd_close(&fd);
	}
	return file;
}

bool steplog_read_output(
		const char *path, struct str *output, struct err *err) {
	FILE *file = open_log(path, err);
	if (file == NULL) {
		return false;
	}
	char *line = NULL;
	size_t room = 0;
	ssize_t n = 0;
	while ((n = getline(&line, &room, file)) > 0) {
		size_t len = (size_t)n;
		if (mark_of(line, len) != MARK_OUT) {
			continue;
		}
		bool goes_on = line[MARK_AT + 1] == GOES_ON;
		if (goes_on && line[len - 1] == '\n') {
			len--;
		}
		str_add_bytes(output, line + PREFIX_LEN, len - PREFIX_LEN);
	}
	bool ok = ferror(file) == 0;
	if (!ok) {
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	} else if (output->cut) {
		ok = err_set(err, ERR_INVALID, "more output than fits in memory");
	}
	free(line);
	fclose(file);
	return ok;
}

/* Bytes of the terminal sequence at @text: ESC [ … letter, or ESC and one. */
static size_t escape_len(const char *text, size_t len) {
	if (len < 2) {
		return len;
	}
	if (text[1] != '[') {
		return 2;
	}
	size_t i = 2;
	while (i < len && (unsigned char)text[i] < 0x40) {
		i++;
	}
	return i < len ? i + 1 : len;
}

/* Add one line as a person would have seen it. */
static void add_seen(struct str *out, const char *line, size_t len) {
	while (len > 0 && line[len - 1] == '\r') {
		len--;
	}
	const char *back = memrchr(line, '\r', len);
	if (back != NULL) {
		len -= (size_t)(back + 1 - line);
		line = back + 1;
	}
	struct str plain = { 0 };
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)line[i];
		if (c == 0x1b) {
			i += escape_len(line + i, len - i);
			continue;
		}
		if ((c >= 0x20 && c != 0x7f) || c == '\t') {
			str_add_char(&plain, line[i]);
		}
		i++;
	}
	utf8_add_clean(out, str_text(&plain), plain.len);
	str_finish(&plain);
}

/* Where the last @max bytes begin: at a line's beginning if one is there. */
static size_t last_begin(const struct str *text, size_t max) {
	if (text->len <= max) {
		return 0;
	}
	size_t skip = text->len - max;
	const char *newline = memchr(text->data + skip - 1, '\n', text->len - skip);
	if (newline != NULL) {
		return (size_t)(newline - text->data) + 1;
	}
	while (((unsigned char)text->data[skip] & 0xc0) == 0x80) {
		skip++;
	}
	return skip;
}

static void add_last(struct str *tail, const struct str *text, size_t max) {
	size_t begin = last_begin(text, max);
	str_add_bytes(tail, str_text(text) + begin, text->len - begin);
}

void steplog_tail_of(
		const char *text, size_t len, struct str *tail, size_t max) {
	struct str seen = { 0 };
	size_t begin = len > (size_t)TAIL_READ ? len - (size_t)TAIL_READ : 0;
	for (size_t i = begin; i < len;) {
		const char *newline = memchr(text + i, '\n', len - i);
		size_t end = newline != NULL ? (size_t)(newline - text) : len;
		add_seen(&seen, text + i, end - i);
		if (newline != NULL) {
			str_add_char(&seen, '\n');
		}
		i = end + 1;
	}
	add_last(tail, &seen, max);
	str_finish(&seen);
}

/* Add what the lines of the log in @text say. */
static void add_said(struct str *seen, const char *text, size_t len) {
	char open = 0; // the stream whose line goes on
	for (size_t i = 0; i < len;) {
		const char *newline = memchr(text + i, '\n', len - i);
		size_t end = newline != NULL ? (size_t)(newline - text) : len;
		char mark = mark_of(text + i, end - i);
		if (mark != 0) {
			if (open != 0 && open != mark) {
				str_add_char(seen, '\n');
			}
			add_seen(seen, text + i + PREFIX_LEN, end - i - PREFIX_LEN);
			open = text[i + MARK_AT + 1] == GOES_ON ? mark : 0;
			if (open == 0) {
				str_add_char(seen, '\n');
			}
		}
		i = end + 1;
	}
}

/* The last bytes of the file, from the beginning of a line on. */
static void read_end(const char *path, struct str *text) {
	struct stat about;
	struct err err = { 0 };
	int fd = fd_open_file(path, &err);
	if (fd < 0 || fstat(fd, &about) < 0) {
		fd_close(&fd);
		return;
	}
	off_t from = about.st_size > TAIL_READ ? about.st_size - TAIL_READ : 0;
	char piece[8192];
	ssize_t n = 0;
	while ((n = pread(fd, piece, sizeof(piece), from)) > 0 &&
			text->len < 2 * (size_t)TAIL_READ) {
		str_add_bytes(text, piece, (size_t)n);
		from += n;
	}
	fd_close(&fd);
}

void steplog_tail_of_log(
		const char *text, size_t len, struct str *tail, size_t max) {
	struct str seen = { 0 };
	add_said(&seen, text, len);
	add_last(tail, &seen, max);
	str_finish(&seen);
}

void steplog_read_tail(const char *path, struct str *tail, size_t max) {
	struct str text = { 0 };
	read_end(path, &text);
	steplog_tail_of_log(str_text(&text), text.len, tail, max);
	str_finish(&text);
}

uint64_t steplog_count_lines(const char *path) {
	struct err err = { 0 };
	FILE *file = open_log(path, &err);
	if (file == NULL) {
		return 0;
	}
	uint64_t lines = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t n = 0;
	while ((n = getline(&line, &room, file)) > 0) {
		char mark = mark_of(line, (size_t)n);
		lines += (mark == MARK_OUT || mark == MARK_ERR) &&
				line[MARK_AT + 1] != GOES_ON;
	}
	free(line);
	fclose(file);
	return lines;
}
