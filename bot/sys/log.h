#ifndef LOG_H
#define LOG_H

/*
 * What operators read: one line an event on stderr,
 *
 *	2026-11-24T00:00:00.123Z info step.started run=LB-7 step=3
 *
 * a stable event name first, then key=value; a value that may hold blanks is
 * quoted by the caller's format ("why=\"%s\"").  Control characters are
 * escaped, so one call is one line whatever a value holds; a line over 4 KiB
 * is cut.  Times are the system's, not the run's: a log is read beside other
 * logs.  Whoever handles an error logs it, once.
 */

void log_info(const char *event, const char *format, ...)
		__attribute__((format(printf, 2, 3)));
void log_warn(const char *event, const char *format, ...)
		__attribute__((format(printf, 2, 3)));
void log_error(const char *event, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

#endif
