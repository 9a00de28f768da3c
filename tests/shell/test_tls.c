#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "loop/http.h"
#include "loop/loop.h"
#include "mattermost/socket.h"
#include "support/test.h"
#include "sys/clock.h"
#include "sys/secret.h"

/*
 * Both ways to the server against openssl's own, with a certificate made for
 * this run, for the name "localhost".  It answers any request with a page: so
 * a websocket that gets HTTP 200 has accepted the certificate.
 */
struct scene {
	struct clock *clock;
	struct loop *loop;
	struct secret *token;
	struct loop_timer *limit;
	pid_t server;
	int port;
	char folder[64];
	char cert[96];
	bool ok;
	bool sent;
	int status;
	char why[256];
};

static pid_t spawn(const char *const argv[], int out) {
	pid_t pid = fork();
	if (pid != 0) {
		return pid;
	}
	int nothing = open("/dev/null", O_RDWR);
	dup2(nothing, STDIN_FILENO);
	dup2(out >= 0 ? out : nothing, STDOUT_FILENO);
	dup2(nothing, STDERR_FILENO);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static bool make_certificate(const char *key, const char *cert) {
	const char *const argv[] = { "openssl", "req", "-x509", "-newkey", "ec",
		"-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
		"/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days",
		"1", "-keyout", key, "-out", cert, NULL };
	int status = 0;
	pid_t pid = spawn(argv, -1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* It says "ACCEPT 127.0.0.1:PORT". */
static int read_port(int fd) {
	FILE *file = fdopen(fd, "r");
	char line[256];
	int port = 0;
	while (port == 0 && fgets(line, sizeof(line), file) != NULL) {
		sscanf(line, "ACCEPT 127.0.0.1:%d", &port);
	}
	fclose(file);
	return port;
}

static bool start_server(struct scene *scene) {
	char key[96];
	int out[2];
	snprintf(scene->folder, sizeof(scene->folder), "/tmp/bridgekeeper-XXXXXX");
	if (mkdtemp(scene->folder) == NULL || pipe2(out, O_CLOEXEC) != 0) {
		return false;
	}
	snprintf(key, sizeof(key), "%s/key.pem", scene->folder);
	snprintf(scene->cert, sizeof(scene->cert), "%s/cert.pem", scene->folder);
	if (!make_certificate(key, scene->cert)) {
		return false;
	}
	const char *const argv[] = { "openssl", "s_server", "-accept",
		"127.0.0.1:0", "-cert", scene->cert, "-key", key, "-www", NULL };
	scene->server = spawn(argv, out[1]);
	close(out[1]);
	scene->port = read_port(out[0]);
	unlink(key);
	return scene->port > 0;
}

static void on_limit(void *data) {
	struct scene *scene = data;
	loop_stop(scene->loop);
	fail_msg("nothing happened for ten seconds");
}

static int setup(void **state) {
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct err err = { 0 };
	scene->clock = clock_create_real();
	scene->loop = loop_create(scene->clock, &err);
	scene->token = secret_create("token", 5);
	scene->limit = loop_timer_create(scene->loop, on_limit, scene);
	*state = scene;
	return start_server(scene) ? 0 : -1;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	kill(scene->server, SIGTERM);
	while (waitpid(scene->server, NULL, 0) < 0 && errno == EINTR) {
	}
	unlink(scene->cert);
	rmdir(scene->folder);
	loop_timer_destroy(scene->limit);
	loop_destroy(scene->loop);
	clock_destroy(scene->clock);
	secret_destroy(scene->token);
	free(scene);
	return 0;
}

static void turn(struct scene *scene) {
	loop_timer_start_real(scene->limit, 10000);
	loop_run(scene->loop);
	loop_timer_stop(scene->limit);
}

static void on_answer(void *data, const struct http_answer *answer) {
	struct scene *scene = data;
	scene->ok = answer->ok;
	scene->sent = answer->sent;
	scene->status = answer->status;
	snprintf(scene->why, sizeof(scene->why), "%s", answer->err.text);
	loop_stop(scene->loop);
}

static void get(struct scene *scene, const char *host, const char *ca_file) {
	struct err err = { 0 };
	const struct http_options options = { .ca_file = ca_file };
	struct http *http = http_create(scene->loop, &options, &err);
	assert_non_null(http);
	char url[96];
	snprintf(url, sizeof(url), "https://%s:%d/", host, scene->port);
	const struct http_call call = { .url = url };
	http_start(http, &call, on_answer, scene);
	turn(scene);
	http_destroy(http);
}

static void a_request_takes_only_a_certificate_that_it_can_verify(
		void **state) {
	struct scene *scene = *state;
	get(scene, "localhost", NULL);
	assert_false(scene->ok);
	assert_false(scene->sent);
	assert_non_null(strstr(scene->why, "certificate"));
	get(scene, "localhost", scene->cert);
	assert_true(scene->ok);
	assert_int_equal(scene->status, 200);
}

static void a_request_takes_no_certificate_of_another_host(void **state) {
	struct scene *scene = *state;
	get(scene, "127.0.0.1", scene->cert);
	assert_false(scene->ok);
	assert_false(scene->sent);
	assert_non_null(strstr(scene->why, "127.0.0.1"));
}

static void on_upgraded(void *data) {
	(void)data;
	fail_msg("this server upgrades nothing");
}

static void on_frame(void *data, const char *text, size_t len) {
	(void)data;
	(void)text;
	(void)len;
}

static void on_bad(void *data, const char *why) {
	(void)data;
	(void)why;
}

static void on_down(void *data, const char *why, int64_t retry_ms) {
	struct scene *scene = data;
	(void)retry_ms;
	snprintf(scene->why, sizeof(scene->why), "%s", why);
	loop_stop(scene->loop);
}

static void knock(struct scene *scene, const char *host, const char *ca_file) {
	static const struct socket_sink sink = {
		.upgraded = on_upgraded,
		.frame = on_frame,
		.bad = on_bad,
		.down = on_down,
	};
	struct err err = { 0 };
	struct socket_options options = {
		.token = scene->token,
		.ca_file = ca_file,
	};
	char url[96];
	snprintf(url, sizeof(url), "https://%s:%d", host, scene->port);
	assert_true(address_parse(url, &options.address, &err));
	struct socket *socket = socket_create(
			scene->loop, &options, &sink, scene, &err);
	assert_non_null(socket);
	socket_connect(socket, "");
	turn(scene);
	socket_destroy(socket);
}

static void a_websocket_takes_only_a_certificate_that_it_can_verify(
		void **state) {
	struct scene *scene = *state;
	knock(scene, "localhost", NULL);
	assert_memory_equal(scene->why, "SSL error: self-signed certificate", 34);
	knock(scene, "localhost", scene->cert);
	assert_string_equal(scene->why, "the upgrade was answered with HTTP 200");
}

static void a_websocket_takes_no_certificate_of_another_host(void **state) {
	struct scene *scene = *state;
	knock(scene, "127.0.0.1", scene->cert);
	assert_memory_equal(scene->why, "SSL error: IP address mismatch", 30);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(a_request_takes_only_a_certificate_that_it_can_verify),
		CASE(a_request_takes_no_certificate_of_another_host),
		CASE(a_websocket_takes_only_a_certificate_that_it_can_verify),
		CASE(a_websocket_takes_no_certificate_of_another_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
