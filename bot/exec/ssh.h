#ifndef EXEC_SSH_H
#define EXEC_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct loop;

/*
 * Runs commands on other machines with the system's ssh, and nothing of its
 * user's: no config, no agent, no password, one key and one known_hosts file.
 * A host that is not in that file, or has another key, is refused.  Calls to
 * one host by the same files share a connection, which outlives them by a
 * minute.
 *
 *	(start) --> under way --> ended
 *	                └── ssh_call_cancel() --> (gone)
 */

struct ssh;
struct ssh_call;

struct ssh_host {
	const char *name;        // or its address
	const char *user;        // NULL: the name of who runs the bot
	uint16_t port;           // 0: 22
	const char *key;         // a file
	const char *known_hosts; // a file
};

enum ssh_end {
	SSH_DONE,        // the command ran: its exit status counts
	SSH_UNREACHABLE, // trying again may help
	SSH_REFUSED,     // nothing helps but that somebody mends it
};

struct ssh_result {
	enum ssh_end end;
	int exit_status;  // SSH_DONE; -1: killed
	const char *said; // SSH_DONE: what it said on stderr; else why, for people
};

struct ssh_sink {
	/* What it says on stdout, as it comes. */
	void (*output)(void *data, const char *bytes, size_t len);
	/* Called once, from the loop; the call is gone by then. */
	void (*ended)(void *data, const struct ssh_result *result);
};

/* @state_dir/ssh, made if need be, is where connections are shared; NULL: they
 * are not. */
struct ssh *ssh_create(struct loop *loop, const char *state_dir)
		__attribute__((warn_unused_result));

/* No call may be under way.  Accepts NULL. */
void ssh_destroy(struct ssh *ssh);

/*
 * Run the sh script @script there, with @args (NULL-terminated) as $1 and so
 * on.  @stdin_fd is read from its beginning by ssh, and borrowed; -1: nothing.
 * @timeout_ms is real time; 0: for ever.  NULL with @err: not begun.
 */
struct ssh_call *ssh_call_start(struct ssh *ssh, const struct ssh_host *host,
		const char *script, const char *const *args, int stdin_fd,
		int64_t timeout_ms, const struct ssh_sink *sink, void *data,
		struct err *err) __attribute__((warn_unused_result));

/* End it; nothing is called any more.  Accepts NULL. */
void ssh_call_cancel(struct ssh_call *call);

#endif
