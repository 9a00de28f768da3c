#include "exec/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sha256.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "exec/child.h"
#include "loop/loop.h"
#include "sys/fd.h"
#include "sys/log.h"

#define SAID_MAX    ((size_t)4096) // the banner of a changed key is long
#define POLL_MS     50             // real, where there are no pidfds
#define ARGS_MAX    64
#define SOCKET_LEN  40
#define CONTROL_LEN 58  // of "/" and that, and what ssh adds for a moment
#define EXIT_OF_SSH 255 // ssh's own, ssh(1)

struct ssh {
	struct loop *loop;
	char *control; // folder; NULL: connections are not shared
	struct ssh_call *calls;
};

struct ssh_call {
	struct ssh_call *next;
	struct ssh *ssh;
	struct ssh_sink sink;
	void *data;
	char *known_hosts; // for words, as the next two
	char *key;
	char *user;
	pid_t pid;
	int pidfd;
	int out_fd;
	int err_fd;
	struct loop_watch *watch;
	struct loop_watch *out_watch;
	struct loop_watch *err_watch;
	struct loop_timer *poll;
	struct loop_timer *limit;
	int64_t timeout_ms;
	bool late;
	bool cancelled; // reaped, but nothing is told
	struct str said;
};

/* ---- its life ---- */

struct ssh *ssh_create(struct loop *loop, const char *state_dir) {
	struct ssh *ssh = xcalloc(1, sizeof(*ssh));
	struct sockaddr_un address;
	ssh->loop = loop;
	if (state_dir == NULL) {
		return ssh;
	}
	char *folder = xasprintf("%s/ssh", state_dir);
	bool fits = strlen(folder) + CONTROL_LEN < sizeof(address.sun_path);
	if (fits && (mkdir(folder, 0700) == 0 || errno == EEXIST)) {
		ssh->control = folder;
	} else {
		log_warn("ssh.unshared", "folder=%s why=\"%s\"", folder,
				fits ? strerror(errno) : "its path is too long for a socket");
		free(folder);
	}
	return ssh;
}

static void call_free(struct ssh_call *call) {
	struct ssh_call **at = &call->ssh->calls;
	while (*at != call) {
		at = &(*at)->next;
	}
	*at = call->next;
	loop_watch_destroy(call->watch);
	loop_watch_destroy(call->out_watch);
	loop_watch_destroy(call->err_watch);
	loop_timer_destroy(call->poll);
	loop_timer_destroy(call->limit);
	fd_close(&call->pidfd);
	fd_close(&call->out_fd);
	fd_close(&call->err_fd);
	str_finish(&call->said);
	free(call->known_hosts);
	free(call->key);
	free(call->user);
	free(call);
}

void ssh_destroy(struct ssh *ssh) {
	if (ssh == NULL) {
		return;
	}
	while (ssh->calls != NULL) {
		kill(ssh->calls->pid, SIGKILL); // not reaped yet: it is that process
		call_free(ssh->calls);
	}
	free(ssh->control);
	free(ssh);
}

void ssh_call_cancel(struct ssh_call *call) {
	if (call == NULL || call->cancelled) {
		return;
	}
	call->cancelled = true;
	loop_watch_destroy(call->out_watch);
	loop_watch_destroy(call->err_watch);
	call->out_watch = NULL;
	call->err_watch = NULL;
	fd_close(&call->out_fd);
	fd_close(&call->err_fd);
	kill(call->pid, SIGKILL);
}

/* ---- words ---- */

static bool has(const struct ssh_call *call, const char *part) {
	return strstr(str_text(&call->said), part) != NULL;
}

/* The last line that is not empty, without what ssh puts first: its name, and
 * that of the host, which people are told anyway. */
static void last_line(const struct ssh_call *call, char *line, size_t size) {
	const char *text = str_text(&call->said);
	size_t end = call->said.len;
	while (end > 0 && strchr("\r\n ", text[end - 1]) != NULL) {
		end--;
	}
	size_t begin = end;
	while (begin > 0 && text[begin - 1] != '\n') {
		begin--;
	}
	snprintf(line, size, "%.*s", (int)(end - begin), text + begin);
	const char *gap = strstr(line, ": ");
	while (gap != NULL &&
			(strncmp(line, "ssh: ", 5) == 0 ||
					strncmp(line, "connect to host ", 16) == 0)) {
		memmove(line, gap + 2, strlen(gap + 2) + 1);
		gap = strstr(line, ": ");
	}
}

/* What ssh's own failure means to people.  Its words are those of OpenSSH's
 * sshconnect.c and sshconnect2.c. */
static struct ssh_result explain(
		const struct ssh_call *call, char *text, size_t size) {
	struct ssh_result result = { .end = SSH_REFUSED, .said = text };
	if (call->late) {
		result.end = SSH_UNREACHABLE;
		snprintf(text, size, "no answer in %d s",
				(int)(call->timeout_ms / 1000));
	} else if (has(call, "HOST IDENTIFICATION HAS CHANGED")) {
		snprintf(text, size,
				"its host key is not the one in %s: another machine answers "
				"there, or it was set up anew; compare the keys before you "
				"trust it",
				call->known_hosts);
	} else if (has(call, "Host key verification failed")) {
		snprintf(text, size,
				"its host key is not in %s: add it there, after comparing",
				call->known_hosts);
	} else if (has(call, "UNPROTECTED PRIVATE KEY")) {
		snprintf(text, size, "others may read the key %s: chmod 600 it",
				call->key);
	} else if (has(call, "no such identity") || has(call, "Load key")) {
		snprintf(text, size, "the key %s cannot be read", call->key);
	} else if (has(call, "Permission denied")) {
		snprintf(text, size, "it does not let %s in with this key", call->user);
	} else if (has(call, "command-line")) {
		last_line(call, text, size);
	} else {
		result.end = SSH_UNREACHABLE;
		last_line(call, text, size);
	}
	if (text[0] == '\0') {
		snprintf(text, size, "the connection ended");
	}
	return result;
}

/* ---- reading ---- */

static void on_output(void *data) {
	struct ssh_call *call = data;
	char bytes[16384];
	ssize_t n = read(call->out_fd, bytes, sizeof(bytes));
	if (n > 0) {
		call->sink.output(call->data, bytes, (size_t)n); // may cancel it
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		loop_watch_destroy(call->out_watch);
		call->out_watch = NULL;
	}
}

static void read_said(struct ssh_call *call) {
	char bytes[1024];
	ssize_t n = 0;
	while ((n = read(call->err_fd, bytes, sizeof(bytes))) > 0) {
		str_add_bytes(&call->said, bytes, (size_t)n);
	}
	if (n == 0) {
		loop_watch_destroy(call->err_watch);
		call->err_watch = NULL;
	}
}

static void on_said(void *data) {
	read_said(data);
}

/* What it had written before it ended. */
static void read_rest(struct ssh_call *call) {
	char bytes[16384];
	ssize_t n = 0;
	while (!call->cancelled &&
			(n = read(call->out_fd, bytes, sizeof(bytes))) > 0) {
		call->sink.output(call->data, bytes, (size_t)n);
	}
	if (!call->cancelled) {
		read_said(call);
	}
}

static void on_end(void *data) {
	struct ssh_call *call = data;
	int status = 0;
	char text[512] = "";
	if (waitpid(call->pid, &status, WNOHANG) == 0) {
		loop_timer_start_real(call->poll, POLL_MS);
		return;
	}
	read_rest(call);
	if (call->cancelled) {
		call_free(call);
		return;
	}
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	struct ssh_result result = {
		.end = SSH_DONE,
		.exit_status = code,
		.said = text,
	};
	if (call->late || code == EXIT_OF_SSH || code < 0) {
		result = explain(call, text, sizeof(text));
	} else {
		last_line(call, text, sizeof(text));
	}
	struct ssh_sink sink = call->sink;
	void *sink_data = call->data;
	call_free(call);
	sink.ended(sink_data, &result);
}

static void on_limit(void *data) {
	struct ssh_call *call = data;
	call->late = true;
	kill(call->pid, SIGKILL);
}

/* ---- starting ---- */

struct words {
	char *list[ARGS_MAX + 1];
	size_t count;
};

static void add(struct words *words, char *take_word) {
	if (words->count < ARGS_MAX) {
		words->list[words->count++] = take_word;
	} else {
		free(take_word);
	}
}

static void add_option(struct words *words, const char *option) {
	add(words, xstrdup("-o"));
	add(words, xstrdup(option));
}

/* NAME="PATH": in quotes blanks are no end, and %% is a percent sign. */
static void add_path(struct words *words, const char *name, const char *path,
		const char *behind) {
	struct str option = { 0 };
	str_addf(&option, "%s=\"", name);
	for (const char *c = path; *c != '\0'; c++) {
		if (*c == '%') {
			str_add_char(&option, '%');
		} else if (*c == '"' || *c == '\\') {
			str_add_char(&option, '\\');
		}
		str_add_char(&option, *c);
	}
	str_addf(&option, "%s\"", behind);
	add_option(words, str_text(&option));
	str_finish(&option);
}

/* Nothing of the user's or the system's, nothing that asks or forwards. */
static const char *const fixed_options[] = {
	"BatchMode=yes",
	"PreferredAuthentications=publickey",
	"IdentitiesOnly=yes",
	"IdentityAgent=none",
	"StrictHostKeyChecking=yes",
	"GlobalKnownHostsFile=/dev/null",
	"UpdateHostKeys=no",
	"VerifyHostKeyDNS=no",
	"CheckHostIP=no",
	"ClearAllForwardings=yes",
	"ForwardAgent=no",
	"PermitLocalCommand=no",
	"RequestTTY=no",
	"EscapeChar=none",
	"LogLevel=ERROR",
	"ConnectTimeout=10",
	"ConnectionAttempts=1",
	"TCPKeepAlive=yes",
	"ServerAliveInterval=5",
	"ServerAliveCountMax=3",
};

/* Who asks with other files than those a connection was opened by has one of
 * his own: ssh looks at neither where it finds one. */
static void add_control(
		struct words *words, const char *folder, const struct ssh_host *host) {
	char hex[SHA256_HEX];
	char name[SOCKET_LEN + 2];
	struct sha256 *sha = sha256_begin();
	sha256_add_field(sha, host->key);
	sha256_add_field(sha, host->known_hosts);
	sha256_add_field(sha, host->user != NULL ? host->user : "");
	sha256_add_field(sha, host->name);
	sha256_add_number(sha, host->port);
	sha256_end(sha, hex);
	snprintf(name, sizeof(name), "/%.*s", SOCKET_LEN, hex);
	add_option(words, "ControlMaster=auto");
	add_option(words, "ControlPersist=60");
	add_path(words, "ControlPath", folder, name);
}

static void add_options(struct words *words, const struct ssh *ssh,
		const struct ssh_host *host) {
	add(words, xstrdup("ssh"));
	add(words, xstrdup("-F"));
	add(words, xstrdup("none"));
	size_t count = sizeof(fixed_options) / sizeof(fixed_options[0]);
	for (size_t i = 0; i < count; i++) {
		add_option(words, fixed_options[i]);
	}
	add_path(words, "UserKnownHostsFile", host->known_hosts, "");
	add_path(words, "IdentityFile", host->key, "");
	if (ssh->control != NULL) {
		add_control(words, ssh->control, host);
	}
	if (host->user != NULL) {
		add(words, xstrdup("-l"));
		add(words, xstrdup(host->user));
	}
	if (host->port != 0) {
		add(words, xstrdup("-p"));
		add(words, xasprintf("%u", host->port));
	}
	add(words, xstrdup("--"));
	add(words, xstrdup(host->name));
}

/* @text as one word of the shell that runs it there, whichever that is. */
static void add_quoted(struct str *out, const char *text) {
	str_add_char(out, '\'');
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '\'') {
			str_add(out, "'\\''");
		} else {
			str_add_char(out, *c);
		}
	}
	str_add_char(out, '\'');
}

static char *command_of(const char *script, const char *const *args) {
	struct str out = { 0 };
	str_add(&out, "exec /bin/sh -c ");
	add_quoted(&out, script);
	str_add(&out, " bridgekeeper");
	for (size_t i = 0; args[i] != NULL; i++) {
		str_add_char(&out, ' ');
		add_quoted(&out, args[i]);
	}
	return str_take(&out);
}

static bool open_pipes(int out[2], int said[2], struct err *err) {
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(said, O_CLOEXEC) < 0) {
		return err_set(err, ERR_IO, "cannot make a pipe: %s", strerror(errno));
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(said[0], F_SETFL, O_NONBLOCK);
	return true;
}

static void watch(struct ssh_call *call) {
	struct loop *loop = call->ssh->loop;
	call->poll = loop_timer_create(loop, on_end, call);
	call->limit = loop_timer_create(loop, on_limit, call);
	call->out_watch = loop_watch_create(loop, call->out_fd, on_output, call);
	call->err_watch = loop_watch_create(loop, call->err_fd, on_said, call);
	if (call->pidfd >= 0) {
		call->watch = loop_watch_create(loop, call->pidfd, on_end, call);
	} else { // an old kernel, or a sandbox that forbids it
		loop_timer_start_real(call->poll, POLL_MS);
	}
	if (call->timeout_ms > 0) {
		loop_timer_start_real(call->limit, call->timeout_ms);
	}
}

struct ssh_call *ssh_call_start(struct ssh *ssh, const struct ssh_host *host,
		const char *script, const char *const *args, int stdin_fd,
		int64_t timeout_ms, const struct ssh_sink *sink, void *data,
		struct err *err) {
	int out[2] = { -1, -1 };
	int said[2] = { -1, -1 };
	struct words words = { 0 };
	struct ssh_call *call = NULL;
	pid_t pid = 0;
	int code = 0;
	if (!open_pipes(out, said, err)) {
		goto done;
	}
	add_options(&words, ssh, host);
	add(&words, command_of(script, args));
	const int fds[3] = { stdin_fd, out[1], said[1] };
	code = child_spawn(words.list, fds, &pid);
	if (code != 0) {
		err_set(err, ERR_IO, "cannot start ssh: %s", strerror(code));
		goto done;
	}
	call = xcalloc(1, sizeof(*call));
	*call = (struct ssh_call){
		.next = ssh->calls,
		.ssh = ssh,
		.sink = *sink,
		.data = data,
		.known_hosts = xstrdup(host->known_hosts),
		.key = xstrdup(host->key),
		.user = xstrdup(host->user != NULL ? host->user : "the bot's user"),
		.pid = pid,
		.pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
		.out_fd = out[0],
		.err_fd = said[0],
		.timeout_ms = timeout_ms,
	};
	str_init(&call->said, SAID_MAX);
	ssh->calls = call;
	out[0] = -1;
	said[0] = -1;
	watch(call);

done:
	for (size_t i = 0; i < words.count; i++) {
		free(words.list[i]);
	}
	fd_close(&out[0]);
	fd_close(&out[1]);
	fd_close(&said[0]);
	fd_close(&said[1]);
	return call;
}
