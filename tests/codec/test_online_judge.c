#include "codec/online_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "codec/config_ini.h"
#include "support/test.h"

#define CONFIG \
	"[mattermost]\nurl = https://chat.example.org\nteam = platform\n" \
	"token_file = token\n[bridge]\nchannel = launch\nrunbook = r.md\n" \
	"state_dir = state\n[role Lead]\nprimary = ada\nbackup = bob\n"

struct rig {
	struct config *config;
	struct findings findings;
	struct online_judge judge;
};

static void setup(struct rig *rig) {
	findings_init(&rig->findings);
	rig->config = config_parse(CONFIG, strlen(CONFIG), &rig->findings);
	assert_non_null(rig->config);
	online_judge_init(&rig->judge, rig->config, NULL, &rig->findings);
}

static void teardown(struct rig *rig) {
	online_judge_finish(&rig->judge);
	findings_finish(&rig->findings);
	config_destroy(rig->config);
}

/* The one finding is this, `LINE: severity: text [rule]`; "": there is none. */
static void assert_found(struct rig *rig, const char *wanted) {
	assert_int_equal(rig->findings.count, wanted[0] != '\0');
	if (wanted[0] != '\0') {
		const struct finding *finding = &rig->findings.list[0];
		char *got = xasprintf("%u: %s: %s [%s]", (unsigned)finding->place.line,
				finding->severity == SEVERITY_ERROR ? "error" : "warning",
				finding->text, finding->rule);
		assert_string_equal(got, wanted);
		free(got);
	}
}

struct turn {
	const char *path;
	int status;
	const char *body;
};

/* Ends with one that has no path. */
static const struct turn good_night[] = {
	{ "/users/me", 200,
			"{\"id\":\"b\",\"username\":\"keeper\",\"is_bot\":true,"
			"\"roles\":\"system_user\"}" },
	{ "/config/client?format=old", 200, "{\"Version\":\"11.6.0\"}" },
	{ "/teams/name/platform", 200, "{\"id\":\"t1\"}" },
	{ "/teams/t1/members/me", 200, "{\"roles\":\"team_user\"}" },
	{ "/teams/name/platform/channels/name/launch?include_deleted=true", 200,
			"{\"id\":\"c1\",\"delete_at\":0}" },
	{ "/channels/c1/members/me", 200, "{\"roles\":\"channel_user own\"}" },
	{ "/roles/names", 200,
			"[{\"permissions\":[\"read_channel\",\"create_post\"]},"
			"{\"permissions\":[\"edit_post\",\"add_reaction\","
			"\"upload_file\"]}]" },
	{ 0 },
};

#define TURNS (sizeof(good_night) / sizeof(good_night[0]) - 1)

/* The good night, but for one turn; what was asked of roles is in @roles. */
static void play(struct rig *rig, size_t other, int status, const char *body,
		char **roles) {
	for (size_t i = 0; i < TURNS; i++) {
		const struct turn *turn = &good_night[i];
		char *asked_body = NULL;
		char *asked = online_judge_ask(&rig->judge, &asked_body);
		if (asked == NULL) {
			return; // an answer ended it
		}
		assert_string_equal(asked, turn->path);
		assert_true((asked_body != NULL) == (i == TURNS - 1));
		if (roles != NULL && asked_body != NULL) {
			*roles = asked_body;
			asked_body = NULL;
		}
		const struct online_answer answer = {
			.status = i == other ? status : turn->status,
			.body = i == other ? body : turn->body,
			.text = "why",
		};
		online_judge_take(&rig->judge, &answer);
		free(asked_body);
		free(asked);
	}
	char *asked_body = NULL;
	assert_null(online_judge_ask(&rig->judge, &asked_body));
}

static void a_server_that_is_ready_has_no_finding(void **state) {
	(void)state;
	struct rig rig;
	char *roles = NULL;
	setup(&rig);
	play(&rig, TURNS, 0, NULL, &roles);
	assert_found(&rig, "");
	assert_true(online_judge_is_ready(&rig.judge));
	assert_string_equal(
			roles, "[\"system_user\",\"team_user\",\"channel_user\",\"own\"]");
	free(roles);
	teardown(&rig);
}

static const struct {
	size_t turn;
	int status;
	const char *body;
	bool ready;
	const char *wanted;
} others[] = {
	{ 0, 401, "", false,
			"4: error: the server refuses the token: make a new one in the "
			"bot's account, or enable it [token]" },
	{ 0, 200, "<html>", false,
			"2: error: the server answers with status 200: what it sends is "
			"none of Mattermost's answers, so `url` may lead elsewhere "
			"[server]" },
	{ 0, 403, "", false,
			"2: error: the server answers with status 403, ask who runs it: why [server]" },
	{ 0, 200,
			"{\"username\":\"k\",\"is_bot\":true,\"roles\":\"system_user "
			"system_manager\"}",
			true,
			"4: warning: k has the role system_manager, more than a bot needs: "
			"leave it system_user alone [account]" },
	{ 1, 200, "{\"Version\":\"5.36.9\"}", true,
			"2: error: the server is Mattermost 5.36, and 5.37 to 11.6 are "
			"meant: upgrade it [version]" },
	{ 1, 200, "{\"Version\":\"5.37.0\"}", true, "" },
	{ 1, 200, "{\"Version\":\"11.7.0\"}", true,
			"2: warning: the server is Mattermost 11.7, newer than any that "
			"was tried (11.6): rehearse on it first [version]" },
	{ 1, 200, "{\"Version\":7}", true,
			"2: warning: the server does not say its version: ask for it, 5.37 to 11.6 "
			"are meant [version]" },
	{ 2, 404, "", false,
			"3: error: there is no team platform that the bot can see: mend "
			"the name, as in the team's address, or add keeper to it [team]" },
	{ 2, 200, "{\"id\":\"../x\"}", false,
			"2: error: the server answers with status 200: what it sends is "
			"none of Mattermost's answers, so `url` may lead elsewhere "
			"[server]" },
	{ 3, 404, "", false,
			"3: error: keeper is not in team platform: add it, then to the "
			"channel [team]" },
	{ 4, 404, "", false,
			"6: error: there is no channel launch in team platform that the "
			"bot can see: mend the name, as in the channel's address, or "
			"/invite @keeper there [channel]" },
	{ 4, 200, "{\"id\":\"c1\",\"delete_at\":5}", false,
			"6: error: channel launch is archived: restore it, or name "
			"another [channel]" },
	{ 5, 403, "", false,
			"6: error: keeper is not in channel launch: say /invite @keeper "
			"there [channel]" },
	{ 6, 501, "", true,
			"6: warning: whether the bot may post and react in launch cannot "
			"be told (why): rehearse there [rights]" },
	{ 6, 200, "[]", true,
			"6: warning: whether the bot may post and react in launch cannot "
			"be told (the server knows none of its roles): rehearse there "
			"[rights]" },
	{ 6, 200,
			"[{\"permissions\":[\"read_channel\",\"create_post\","
			"\"edit_post\",\"upload_file\",7]},null]",
			true,
			"6: error: the bot may not react in launch: give its roles the "
			"permission add_reaction, or look at the channel's moderation "
			"[rights]" },
};

static void each_other_answer_is_told_at_its_line(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct rig rig;
		setup(&rig);
		play(&rig, others[i].turn, others[i].status, others[i].body, NULL);
		assert_found(&rig, others[i].wanted);
		assert_true(online_judge_is_ready(&rig.judge) == others[i].ready);
		teardown(&rig);
	}
}

/* What is asked of contacts, and one answer to each. */
static void contact_turns(struct rig *rig, const struct turn *turns) {
	for (; turns->path != NULL; turns++) {
		char *body = NULL;
		char *asked = online_judge_ask(&rig->judge, &body);
		assert_non_null(asked);
		assert_string_equal(asked, turns->path);
		const struct online_answer answer = {
			.status = turns->status, .body = turns->body, .text = "why"
		};
		online_judge_take(&rig->judge, &answer);
		free(body);
		free(asked);
	}
}

static void each_contact_is_asked_about_once_and_stops_nothing(void **state) {
	(void)state;
	char lead[] = "LEAD", ops[] = "Ops", storage[] = "Storage", db[] = "DB";
	char own[] = "launch", one[] = "ops", two[] = "db";
	struct role roles[] = {
		{ .name = lead, .channel = own },
		{ .name = ops, .channel = one },
		{ .name = storage, .channel = one },
		{ .name = db, .channel = two },
		{ .name = ops },
	};
	const struct runbook runbook = { .roles = roles, .role_count = 5 };
	struct rig rig;
	setup(&rig);
	rig.judge.runbook = &runbook;
	contact_turns(&rig, good_night);
	contact_turns(&rig,
			(const struct turn[]){
					{ "/teams/name/platform/channels/name/ops"
					  "?include_deleted=true",
							200, "{\"id\":\"c2\",\"delete_at\":0}" },
					{ "/channels/c2/members/me", 200, "{\"roles\":\"\"}" },
					{ "/teams/name/platform/channels/name/db"
					  "?include_deleted=true",
							200, "{\"id\":\"c3\",\"delete_at\":0}" },
					{ "/channels/c3/members/me", 404, "" },
					{ 0 },
			});
	char *body = NULL;
	assert_null(online_judge_ask(&rig.judge, &body));
	assert_true(online_judge_is_ready(&rig.judge));
	assert_found(&rig,
			"6: warning: the silence of DB will not be told in ~db, its "
			"contact: keeper is not in that channel; say /invite @keeper there "
			"[contact]");
	teardown(&rig);
}

static void a_person_who_cannot_approve_is_told(void **state) {
	(void)state;
	char id[] = "i";
	char name[] = "ada";
	const struct person good = {
		.id = id, .name = name, .active = true, .member = true
	};
	struct rig rig;
	setup(&rig);
	const struct config_role *role = &rig.config->roles[0];
	online_judge_person(&rig.judge, role, "ada", true, &good);
	assert_found(&rig, "");
	struct person away = good;
	away.member = false;
	online_judge_person(&rig.judge, role, "bob", false, &away);
	assert_found(&rig,
			"11: warning: bob, backup of Lead, is not in the channel: invite "
			"them [person]");
	teardown(&rig);
	setup(&rig);
	struct person guest = good;
	guest.guest = true;
	online_judge_person(&rig.judge, &rig.config->roles[0], "ada", true, &guest);
	assert_found(&rig,
			"10: error: ada, primary of Lead, is a guest, and guests do not "
			"approve: name a member [person]");
	teardown(&rig);
}

static void clocks_may_differ_by_seconds(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	online_judge_clock(&rig.judge, 5000);
	online_judge_clock(&rig.judge, -5000);
	assert_found(&rig, "");
	online_judge_clock(&rig.judge, -61000);
	assert_found(&rig,
			"2: warning: this machine's clock is 61 s behind the server's: "
			"set them by one time server, for posts tell times by it [clock]");
	teardown(&rig);
}

static void a_disk_needs_room(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	online_judge_disk(&rig.judge, "/s", UINT64_C(1000) << 20);
	assert_found(&rig, "");
	online_judge_disk(&rig.judge, "/s", (UINT64_C(1000) << 20) - 1);
	assert_found(&rig,
			"8: warning: only 999 MB are free in /s: make room, a night's "
			"output wants 1000 [disk]");
	teardown(&rig);
	setup(&rig);
	online_judge_disk(&rig.judge, "/s", 0);
	assert_int_equal(rig.findings.list[0].severity, SEVERITY_ERROR);
	teardown(&rig);
}

static void a_journal_is_kept_on_a_local_disk(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	online_judge_file_system(&rig.judge, "/s", 0xef53); // ext4
	assert_found(&rig, "");
	online_judge_file_system(&rig.judge, "/s", 0x6969);
	assert_found(&rig,
			"8: error: /s is on another machine's disk (NFS), where the "
			"journal cannot be kept safe: put it on a local disk "
			"[file-system]");
	teardown(&rig);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_is_ready_has_no_finding),
		cmocka_unit_test(each_other_answer_is_told_at_its_line),
		cmocka_unit_test(each_contact_is_asked_about_once_and_stops_nothing),
		cmocka_unit_test(a_person_who_cannot_approve_is_told),
		cmocka_unit_test(clocks_may_differ_by_seconds),
		cmocka_unit_test(a_disk_needs_room),
		cmocka_unit_test(a_journal_is_kept_on_a_local_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
