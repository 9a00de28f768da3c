#include "cli/check_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "mattermost/api.h"
#include "mattermost/client.h"
#include "sys/clock.h"
#include "sys/secret.h"

#define PATIENCE_MS 5000 // real; for each of the two parts

struct asking {
	const struct config_file *file;
	struct online_judge *judge;
	const struct secret *token;
	struct clock *clock;
	struct loop *loop;
	struct loop_timer *patience;
	struct api *api;
	struct server *server;
	char *ca_file;
	bool online;
	struct err err; // why there was no answer
};

static void on_patience(void *data) {
	loop_stop(((struct asking *)data)->loop);
}

static void add_server(struct asking *self, const char *rule, const char *what,
		const char *why) {
	const struct config *config = self->file->config;
	findings_add(self->judge->findings, SEVERITY_ERROR, rule,
			(struct place){ config_line_of(config, "[mattermost]", "url"), 1 },
			"%s %s: %s", config->mattermost.url, what, why);
}

/* --- questions by REST --- */

static void ask_next(struct asking *self);

static void on_answer(void *data, const struct api_answer *answer) {
	struct asking *self = data;
	if (answer->status == 0) {
		self->err = answer->err;
		loop_stop(self->loop);
		return;
	}
	const struct online_answer plain = {
		.status = answer->status,
		.body = answer->body != NULL ? answer->body : "",
		.text = answer->err.text,
	};
	online_judge_take(self->judge, &plain);
	ask_next(self);
}

static void ask_next(struct asking *self) {
	char *body = NULL;
	char *path = online_judge_ask(self->judge, &body);
	if (path == NULL) {
		loop_stop(self->loop);
		return;
	}
	const struct api_call call = {
		.method = body != NULL ? HTTP_POST : HTTP_GET,
		.path = path,
		.body = body,
		.timeout_ms = PATIENCE_MS,
	};
	api_start(self->api, &call, on_answer, self);
	free(path);
	free(body);
}

static void judge_clock(struct asking *self) {
	int64_t theirs = api_server_time_ms(self->api);
	if (theirs > 0) {
		online_judge_clock(self->judge, clock_now_ms(self->clock) - theirs);
	}
}

static void on_401(void *data) {
	(void)data; // the answer itself is judged
}

/* False: no answer at all, and why is in self->err. */
static bool ask_by_rest(struct asking *self) {
	struct api_options options = {
		.token = self->token,
		.ca_file = self->ca_file,
		.proxy = self->file->config->mattermost.proxy,
		.refused_ms = PATIENCE_MS,
		.refused = on_401,
		.data = self,
	};
	if (!address_parse(self->file->config->mattermost.url, &options.address,
				&self->err)) {
		return false;
	}
	self->api = api_create(self->loop, &options, &self->err);
	if (self->api == NULL) {
		return false;
	}
	err_set(&self->err, ERR_IO, "no answer in %d s", PATIENCE_MS / 1000);
	loop_timer_start_real(self->patience, PATIENCE_MS);
	ask_next(self);
	loop_run(self->loop);
	bool answered = api_server_time_ms(self->api) > 0 ||
			self->judge->question == ONLINE_NO_MORE;
	judge_clock(self);
	api_destroy(self->api);
	return answered;
}

/* --- the websocket and the people, as the bot itself meets them --- */

static void on_people_read(void *data, const struct server_reply *reply) {
	struct asking *self = data;
	self->online = reply->result == SERVER_OK;
	self->err = reply->err;
	loop_stop(self->loop);
}

static void on_online(void *data) {
	struct asking *self = data;
	self->server->api->refresh_people(self->server, on_people_read, self);
}

static void on_offline(void *data, const char *why) {
	struct asking *self = data;
	err_set(&self->err, ERR_IO, "%s", why);
}

static void on_trouble(void *data, const char *what) {
	struct asking *self = data;
	err_set(&self->err, ERR_REFUSED, "%s", what);
	loop_stop(self->loop);
}

static void judge_person(struct asking *self, const struct config_role *role,
		const char *name, bool primary) {
	const struct people *people = self->server->api->people(self->server);
	online_judge_person(
			self->judge, role, name, primary, people_by_name(people, name));
}

static void judge_people(struct asking *self) {
	const struct config *config = self->file->config;
	for (size_t i = 0; i < config->role_count; i++) {
		const struct config_role *role = &config->roles[i];
		judge_person(self, role, role->primary, true);
		for (size_t j = 0; j < role->backups.count; j++) {
			judge_person(self, role, role->backups.items[j], false);
		}
	}
}

static void want_everybody(struct asking *self) {
	const struct config *config = self->file->config;
	const char **names = NULL;
	size_t count = 0;
	for (size_t i = 0; i < config->role_count; i++) {
		const struct config_role *role = &config->roles[i];
		names = xreallocarray(
				names, count + 1 + role->backups.count, sizeof(*names));
		names[count++] = role->primary;
		for (size_t j = 0; j < role->backups.count; j++) {
			names[count++] = role->backups.items[j];
		}
	}
	self->server->api->want_people(self->server, names, count);
	free(names);
}

static const struct server_sink sink = {
	.online = on_online,
	.offline = on_offline,
	.trouble = on_trouble,
};

static void meet(struct asking *self) {
	const struct config_mattermost *mattermost =
			&self->file->config->mattermost;
	const struct client_options options = {
		.url = mattermost->url,
		.team = mattermost->team,
		.channel = self->file->config->bridge.channel,
		.token = self->token,
		.ca_file = self->ca_file,
		.proxy = mattermost->proxy,
	};
	err_set(&self->err, ERR_IO, "no hello in %d s", PATIENCE_MS / 1000);
	self->server = client_create(self->loop, &options, &sink, self, &self->err);
	if (self->server != NULL) {
		want_everybody(self);
		self->server->api->start(self->server);
		loop_timer_start_real(self->patience, PATIENCE_MS);
		loop_run(self->loop);
	}
	if (self->online) {
		judge_people(self);
	} else {
		add_server(self, "websocket",
				"answers, but its websocket does not (let proxies pass "
				"Upgrade)",
				self->err.text);
	}
	if (self->server != NULL) {
		self->server->api->destroy(self->server);
	}
}

static bool ask_all(struct asking *self) {
	if (!ask_by_rest(self)) {
		/* libcurl's words: CURLE_PEER_FAILED_VERIFICATION and its like. */
		bool unproved = strstr(self->err.text, "certificate") != NULL;
		add_server(self, "server",
				unproved ? "does not prove who it is (is the address right? an "
						   "authority of your own goes into `ca_file`)"
						 : "cannot be reached from here (is it up? is the "
						   "address right?)",
				self->err.text);
		return false;
	}
	if (online_judge_is_ready(self->judge)) {
		meet(self);
	}
	return true;
}

bool check_server(const struct config_file *file, struct online_judge *judge) {
	const char *ca_file = file->config->mattermost.ca_file;
	struct asking self = { .file = file, .judge = judge };
	struct secret *token = config_file_token(file, &self.err);
	bool reached = true; // nobody tried
	if (token == NULL && file->config->mattermost.token_file == NULL &&
			getenv("CREDENTIALS_DIRECTORY") == NULL) {
		uint32_t line = config_line_of(
				file->config, "[mattermost]", "token_credential");
		findings_add(judge->findings, SEVERITY_ERROR, "token",
				(struct place){ line, 1 }, "%s", self.err.text);
	}
	if (token != NULL) { // else the check without --online has said why
		self.token = token;
		self.clock = clock_create_real();
		self.ca_file = ca_file != NULL ? config_file_path(file, ca_file) : NULL;
		self.loop = loop_create(self.clock, &self.err);
		if (self.loop != NULL) {
			self.patience = loop_timer_create(self.loop, on_patience, &self);
			reached = ask_all(&self);
			loop_timer_destroy(self.patience);
			loop_destroy(self.loop);
		} else {
			add_server(&self, "server", "was not asked", self.err.text);
			reached = false;
		}
		clock_destroy(self.clock);
		free(self.ca_file);
	}
	secret_destroy(token);
	return reached;
}
