/*
 * The yardstick of `inbound_ratio`: what libwebsockets alone costs to take the
 * events of a server that speaks Mattermost's websocket.  It counts frames and
 * looks into none.
 *
 * usage: reader PORT TOKEN      SIGTERM ends it; it prints the frames it saw
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

struct reader {
	const char *token;
	unsigned long frames;
	int down;
};

static volatile sig_atomic_t ended;

static void on_signal(int number) {
	(void)number;
	ended = 1;
}

static int add_token(
		struct lws *wsi, const struct reader *reader, void *in, size_t len) {
	unsigned char **at = in;
	char bearer[200];
	int size = snprintf(bearer, sizeof(bearer), "Bearer %s", reader->token);
	return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
			(const unsigned char *)bearer, size, at, *at + len);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
		void *user, void *in, size_t len) {
	(void)user;
	struct reader *reader = lws_context_user(lws_get_context(wsi));
	if (reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER) {
		return add_token(wsi, reader, in, len);
	}
	if (reason == LWS_CALLBACK_CLIENT_RECEIVE) {
		reader->frames += lws_is_final_fragment(wsi) &&
				lws_remaining_packet_payload(wsi) == 0;
	}
	if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR ||
			reason == LWS_CALLBACK_CLIENT_CLOSED) {
		reader->down = 1;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
	{ .name = "reader", .callback = on_event, .rx_buffer_size = 16384 },
	{ .name = NULL },
};

static int read_frames(struct reader *reader, int port) {
	const struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.gid = -1,
		.uid = -1,
		.user = reader,
	};
	struct lws_context *context = lws_create_context(&info);
	if (context == NULL) {
		return 1;
	}
	const struct lws_client_connect_info connect = {
		.context = context,
		.address = "127.0.0.1",
		.port = port,
		.path = "/api/v4/websocket",
		.host = "127.0.0.1",
		.protocol = NULL,
		.local_protocol_name = "reader",
	};
	reader->down = lws_client_connect_via_info(&connect) == NULL;
	while (!ended && !reader->down && lws_service(context, 0) >= 0) {
	}
	lws_context_destroy(context);
	return reader->down;
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "usage: reader PORT TOKEN\n");
		return 2;
	}
	struct reader reader = { .token = argv[2] };
	const struct sigaction end = { .sa_handler = on_signal };
	sigaction(SIGTERM, &end, NULL);
	lws_set_log_level(LLL_ERR, NULL);
	int status = read_frames(&reader, (int)strtol(argv[1], NULL, 10));
	printf("%lu\n", reader.frames);
	return status;
}
