#include "sys/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_ROOM   4096
#define ESCAPE_ROOM 5 // "\x1f" and the NUL

static size_t put_time(char *line, size_t room) {
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t len = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &utc);
	int n = snprintf(
			line + len, room - len, ".%03dZ ", (int)(now.tv_nsec / 1000000));
	return len + (size_t)n;
}

/* Copy @text to @line with control characters escaped; returns the length. */
static size_t put_escaped(char *line, size_t room, const char *text) {
	size_t len = 0;
	for (; *text != '\0' && len + ESCAPE_ROOM < room; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '\n') {
			line[len++] = '\\';
			line[len++] = 'n';
		} else if (c < 0x20 || c == 0x7f) {
			len += (size_t)snprintf(line + len, room - len, "\\x%02x", c);
		} else {
			line[len++] = *text;
		}
	}
	return len;
}

__attribute__((format(printf, 3, 0))) static void put_line(const char *level,
		const char *event, const char *format, va_list args) {
	char text[LINE_ROOM];
	char line[LINE_ROOM + 1];
	vsnprintf(text, sizeof(text), format, args);
	size_t len = put_time(line, LINE_ROOM);
	len += (size_t)snprintf(
			line + len, LINE_ROOM - len, "%s %.100s ", level, event);
	len += put_escaped(line + len, LINE_ROOM - len, text);
	line[len++] = '\n';
	/* One write, so that lines of two processes do not mix. */
	ssize_t written = write(STDERR_FILENO, line, len);
	(void)written; // nobody is left to tell
}

void log_info(const char *event, const char *format, ...) {
	va_list args;
	va_start(args, format);
	put_line("info", event, format, args);
	va_end(args);
}

void log_warn(const char *event, const char *format, ...) {
	va_list args;
	va_start(args, format);
	put_line("warn", event, format, args);
	va_end(args);
}

void log_error(const char *event, const char *format, ...) {
	va_list args;
	va_start(args, format);
	put_line("error", event, format, args);
	va_end(args);
}
