#include "render/templates.h"

/*
 * What each message has to say it with.  Written once, used three times: an
 * overriding template is held to these names, the tests look at what they
 * become, docs/messages.md lists them.
 */
static const struct template_sample samples[] = {
	{ "abort_asked", "abort is asked for while a command runs",
			"{\"run\":\"LB-7\",\"running\":\"4.2.2\"}" },
	{ "aborted", "a run is aborted",
			"{\"run\":\"LB-7\",\"user\":\"devops-lead\","
			"\"why\":\"md:`wrong release`\",\"can_roll_back\":true,"
			"\"locked\":true,\"closes\":false}" },
	{ "answer", "any other answer", "{\"text\":\"md:nothing is red\"}" },
	{ "attempt_failed",
			"a command has not ended well; in the card's thread, its output as a file",
			"{\"icon\":\"🔴\",\"number\":\"4.2.2\",\"host\":\"node2\",\"try\":1,"
			"\"lines\":\"last 4 of 412 lines\",\"reason\":\"exit 1\","
			"\"output\":\"md:```\\nmanifest not found\\n```\\n\"}" },
	{ "attempt_log",
			"more long output of such a step, as a file; in the card's thread",
			"{\"run\":\"LB-7\",\"number\":\"4.2.1\",\"part\":\"node2,"
			" part 2 of 2\",\"count\":\"412 lines\"}" },
	{ "attempt_ok", "a command step has ended well; in the card's thread",
			"{\"run\":\"LB-7\",\"number\":\"4.2.1\","
			"\"title\":\"Pull the images\",\"took\":\"2 min 06 s\","
			"\"lines\":[{\"line\":\"node1: 11 pulled, 0 failed\"}]}" },
	{ "begins", "a run's first step may begin",
			"{\"run\":\"LB-7\",\"rehearsal\":false,\"at\":\"02:00\","
			"\"held\":false,\"first\":\"4.1.1 Production secrets\"}" },
	{ "bot_behind",
			"the channel has posts of the bot that its journal does not know, "
			"and no run could be held for it",
			"{\"at\":\"02:10 UTC\"}" },
	{ "card", "one a run: pinned, and edited whenever it says something else",
			"{\"run\":\"LB-7\",\"kind\":\"production\","
			"\"release\":\"2025.09.2\",\"t0\":\"02:00\",\"icon\":\"▶️\","
			"\"state\":\"T+20m\",\"progress\":\"9 of 23 steps\","
			"\"gate\":{\"name\":\"T0\",\"filled\":2,\"needed\":5,"
			"\"until\":\"02:30\",\"missing\":\"md:DevOps lead,"
			" Scanner / Queue\"},\"open\":true,"
			"\"waiting\":\"md:nobody\",\"next\":\"T+45m, 02:45\","
			"\"phases\":[{\"icon\":\"✅\",\"number\":\"4.1\","
			"\"title\":\"Pre-flight\",\"note\":\"7 min\"}],"
			"\"gates\":\"md:plan ✅ · T0 ✅ · success ⬜\","
			"\"lead\":\"devops-lead\","
			"\"rollback\":\"Rollback ready: 3 undo values,"
			" 31 min old\",\"interventions\":\"0 interventions\","
			"\"digest\":\"3f9a1c2b\"}" },
	{ "closed", "a run is closed",
			"{\"run\":\"LB-7\",\"outcome\":\"succeeded\","
			"\"kind\":\"Production\",\"release\":\"2025.09.2\","
			"\"took\":\"52 min\",\"steps\":\"23 of 23 steps\","
			"\"interventions\":\"0 interventions\","
			"\"evidence\":\"3 evidence files\","
			"\"approvals\":[{\"gate\":\"T0\",\"names\":\"md:devops-lead,"
			" storage-rep\"}],\"owed\":\"md:7.5\","
			"\"digest\":\"3f9a1c2b77d0\",\"head\":\"7f3ac019\","
			"\"log\":\"md:```\\n| 2026-01-01 | LB-7 | succeeded | |\\n```\"}" },
	{ "contact", "nobody answers: said in the channel of the role's contact",
			"{\"run\":\"LB-7\",\"title\":\"4.2.2 Deploy changes\","
			"\"slots\":[{\"role\":\"Storage\",\"who\":\"md:@storage-rep\"}],"
			"\"bridge\":\"md:~launch-bridge\",\"since\":\"02:20\"}" },
	{ "decide", "`!cutover decide` while not all is green",
			"{\"run\":\"LB-7\",\"red\":[{\"number\":\"5.3\","
			"\"title\":\"Runtime event ingest\"}],"
			"\"open\":[{\"number\":\"5.6\",\"title\":\"Web UI\"}],"
			"\"gate\":\"2 of 5\","
			"\"commands\":[{\"command\":\"!retry 5.3\"}]}" },
	{ "deciding", "the last smoke test has ended",
			"{\"run\":\"LB-7\",\"red\":1,\"green\":5,\"all\":6,"
			"\"who\":\"md:@devops-lead\",\"tests\":[{\"number\":\"5.3\","
			"\"title\":\"Runtime event ingest\"}],"
			"\"commands\":[{\"command\":\"!retry 5.3\"}],\"gate\":true}" },
	{ "deputy", "somebody stands in for a role",
			"{\"role\":\"Storage\",\"who\":\"md:@anna\","
			"\"by\":\"storage-rep\",\"until\":\"06:00\"}" },
	{ "dropped", "a run whose gate did not pass gives way to another",
			"{\"run\":\"LB-7\",\"why\":\"md:another run took its place\"}" },
	{ "file_kept", "a file that somebody attached is kept with the run",
			"{\"run\":\"LB-7\",\"number\":\"4.1.1\","
			"\"name\":\"md:`secrets-checked.png`\",\"size\":\"12 kB\","
			"\"digest\":\"3f9a1c2b77d0\"}" },
	{ "file_lost", "such a file cannot be had",
			"{\"run\":\"LB-7\",\"number\":\"4.1.1\","
			"\"name\":\"md:`secrets-checked.png`\","
			"\"who\":\"md:@devops-lead\","
			"\"why\":\"md:it is gone from the server (HTTP 404)\","
			"\"waits\":true}" },
	{ "gate", "a gate opens (any but a rollback)",
			"{\"name\":\"T0\",\"title\":\"T0\",\"kind\":\"Production\","
			"\"release\":\"2025.09.2\",\"run\":\"LB-7\",\"until\":\"02:30\","
			"\"slots\":[{\"role\":\"DevOps lead\","
			"\"who\":\"md:@devops-lead\"}],\"alone\":\"\","
			"\"facts\":[{\"fact\":\"14 steps,"
			" 2 hosts · 3 undo values\"}],\"digest\":\"3f9a1c2b77d0\"}" },
	{ "gate_backups", "a gate's backups begin to count",
			"{\"name\":\"T0\",\"title\":\"T0\","
			"\"slots\":[{\"role\":\"Storage\",\"who\":\"md:@db-admin\"}],"
			"\"until\":\"02:30\"}" },
	{ "gate_closed", "what an open gate's post is edited to once it is closed",
			"{\"name\":\"T0\",\"title\":\"T0\",\"run\":\"LB-7\","
			"\"passed\":true,\"overridden\":false,\"at\":\"01:58\",\"filled\":5,\"needed\":5,"
			"\"names\":\"md:authority-rep, devops-lead\","
			"\"digest\":\"3f9a1c2b77d0\",\"icon\":\"❌\","
			"\"outcome\":\"refused\"}" },
	{ "gate_escalated", "nobody answers at an open gate",
			"{\"name\":\"T0\",\"title\":\"T0\","
			"\"slots\":[{\"role\":\"Storage\",\"who\":\"md:@db-admin\"}],"
			"\"until\":\"02:30\"}" },
	{ "gate_expired", "a gate was not filled in time, or its approval not used",
			"{\"name\":\"T0\",\"title\":\"T0\",\"who\":\"md:@devops-lead\","
			"\"missing\":\"md:Storage, Observability\",\"passed\":false,"
			"\"again\":\"!cutover start\"}" },
	{ "gate_objection", "a ❌ was seen on an open gate",
			"{\"user\":\"storage-rep\",\"name\":\"T0\",\"title\":\"T0\"}" },
	{ "gate_objection_lifted", "that ❌ is gone before it counted",
			"{\"user\":\"storage-rep\",\"name\":\"T0\",\"title\":\"T0\","
			"\"filled\":2,\"needed\":5}" },
	{ "gate_refused", "a gate was refused",
			"{\"name\":\"T0\",\"title\":\"T0\",\"who\":\"md:@storage-rep\","
			"\"nothing_ran\":true,\"again\":\"!cutover start\"}" },
	{ "gate_rollback", "somebody asks to roll back",
			"{\"run\":\"LB-7\",\"until\":\"02:51\",\"asker\":\"devops-lead\","
			"\"why\":\"md:`ingest returns 503, queue growing`\","
			"\"slots\":[{\"role\":\"CTO\",\"who\":\"md:@cto\","
			"\"filled\":false}],\"alone\":\"\",\"undo\":[{\"name\":\"SNAPSHOT_DIR\","
			"\"state\":\"39 min old\"}],"
			"\"facts\":[{\"fact\":\"Stops: 5.5\"}]}" },
	{ "gate_tap_refused", "a tap on a gate or step does not count",
			"{\"user\":\"anna\","
			"\"why\":\"md:needs Storage: storage-rep or db-admin\"}" },
	{ "gate_void", "a gate became void",
			"{\"name\":\"T0\",\"title\":\"T0\",\"who\":\"md:@devops-lead\","
			"\"why\":\"md:who holds its roles has changed\","
			"\"again\":\"!cutover start\"}" },
	{ "gate_withdrawn", "an approval that counted is gone",
			"{\"who\":\"md:@storage-rep\",\"name\":\"T0\",\"title\":\"T0\"}" },
	{ "held", "a run is held",
			"{\"run\":\"LB-7\",\"user\":\"cto\",\"who\":\"md:@devops-lead\","
			"\"why\":\"md:`queue is growing`\",\"running\":\"4.2.2\","
			"\"gate\":false}" },
	{ "help", "`!help`",
			"{\"asked\":[{\"what\":\"md:T0 gate, 2 of 5\"}],"
			"\"may\":[{\"usage\":\"!cutover start\",\"summary\":\"check,"
			" then the T0 gate\"}],"
			"\"always\":\"md:`!status` `!who` `!why` `!note TEXT`\"}" },
	{ "help_command", "`!help COMMAND`",
			"{\"known\":true,\"usage\":\"!cutover start\","
			"\"summary\":\"check, then the T0 gate\","
			"\"who\":\"the lead\",\"asked\":\"md:`dance`\"}" },
	{ "host_found", "a host answers again, after it was said that it did not",
			"{\"host\":\"node2\",\"number\":\"4.2.2\",\"away\":\"2 min\"}" },
	{ "host_lost", "a host on which a command was started does not answer",
			"{\"host\":\"node2\",\"number\":\"4.2.2\","
			"\"who\":\"md:@devops-lead\",\"title\":\"Deploy changes\","
			"\"reason\":\"Connection refused\","
			"\"may_run\":true}" },
	{ "journal_back", "the journal can be written again", "{\"why\":\"\"}" },
	{ "journal_lost", "the journal cannot be written",
			"{\"why\":\"md:the journal cannot be written: the disk is full\"}" },
	{ "nothing_runs", "`!status` or `!why` while no run is open",
			"{\"plan\":\"3f9a1c2b\",\"gate\":\"approved\","
			"\"last\":\"LB-6, production rolled back\","
			"\"locked\":true}" },
	{ "overridden", "a gate passed by break-glass",
			"{\"name\":\"T0\",\"title\":\"T0\",\"by\":\"md:cto, dora\","
			"\"slots\":[{\"role\":\"Storage\","
			"\"who\":\"md:@storage-rep\"}]}" },
	{ "override_said", "one of those whom break-glass takes has said so",
			"{\"user\":\"cto\",\"name\":\"T0\",\"title\":\"T0\","
			"\"why\":\"md:`nobody of storage can be reached`\","
			"\"said\":1,\"needed\":2,\"more\":true}" },
	{ "plan", "a plan is fixed",
			"{\"release\":\"2025.09.2\",\"user\":\"devops-lead\","
			"\"title\":\"Launch cutover\",\"phases\":[{\"number\":\"4\","
			"\"title\":\"Production cutover\",\"count\":\"14 steps\"}],"
			"\"gates\":[{\"name\":\"T0\","
			"\"approvers\":\"DevOps lead + Module reps\"}],"
			"\"values\":\"md:RELEASE=2025.09.2, PLATFORM=compose\","
			"\"warnings\":[{\"warning\":\"md:line 309: a rollback step has the word stage\"}],"
			"\"more\":1,\"next\":\"!cutover rehearse\","
			"\"digest\":\"3f9a1c2b77d0\"}" },
	{ "plan_approved", "the plan's gate has passed",
			"{\"who\":\"md:@devops-lead\",\"digest\":\"3f9a1c2b77d0\","
			"\"next\":\"!cutover start\"}" },
	{ "plan_same", "`!cutover plan` while that plan is in force",
			"{\"digest\":\"3f9a1c2b77d0\",\"gate\":\"approved,"
			" good till 02:30 UTC\",\"next\":\"!cutover start\"}" },
	{ "poll", "a poll opens",
			"{\"group\":\"Guild leads\",\"slots\":[{\"role\":\"Storage\","
			"\"who\":\"md:@storage-rep\"}],\"asker\":\"devops-lead\"}" },
	{ "poll_closed", "what a poll's post is edited to at T0",
			"{\"group\":\"Guild leads\",\"tally\":\"3 go, 1 no-go,"
			" 1 silent\",\"go\":\"md:authority-rep, scanner-rep\","
			"\"no\":\"md:storage-rep\",\"silent\":\"md:telemetry-rep\"}" },
	{ "poll_no", "somebody is no-go",
			"{\"who\":\"md:@storage-rep\",\"group\":\"Guild leads\","
			"\"tally\":\"3 go, 1 no-go, 1 silent\"}" },
	{ "refused", "a command is refused, or was not understood",
			"{\"text\":\"md:**Not started:** rehearsal LB-5 too old\"}" },
	{ "rehearsed", "a rehearsal has ended",
			"{\"run\":\"LB-6\",\"passed\":true,\"took\":\"14 min\","
			"\"steps\":\"9 steps\",\"digest\":\"3f9a1c2b\","
			"\"until\":\"2026-01-02 00:10\",\"asked\":\"1 of 2\","
			"\"why\":\"md:step 3.5 was skipped\"}" },
	{ "resumed", "a held run goes on",
			"{\"run\":\"LB-7\",\"user\":\"devops-lead\"}" },
	{ "rollback_asked", "`!rollback` once it has been asked for",
			"{\"run\":\"LB-7\",\"filled\":1,\"needed\":2,"
			"\"missing\":\"md:CTO\",\"until\":\"02:51\"}" },
	{ "rolled_back", "a rollback has ended",
			"{\"run\":\"LB-7\",\"took\":\"in 6 min\",\"left\":\"md:6.3\","
			"\"unneeded\":\"md:6.4, 6.5\",\"locked\":true}" },
	{ "rolling_back", "a rollback has been approved",
			"{\"run\":\"LB-7\",\"at\":\"02:31\",\"names\":\"md:devops-lead,"
			" cto\",\"running\":\"5.5\",\"lost\":\"5.5\","
			"\"first\":\"6.1.1 Of the containers\"}" },
	{ "server_back",
			"the server is back after more than a minute, while a run goes on",
			"{\"lost\":\"3 min 10 s\",\"run\":\"LB-7\","
			"\"held\":false,\"rolls_back\":false,\"goes_on\":true}" },
	{ "smoke", "the board of smoke tests: posted at the first, then edited",
			"{\"run\":\"LB-7\",\"summary\":\"3 of 6 green, 1 red\","
			"\"red\":[{\"number\":\"5.3\","
			"\"title\":\"Runtime event ingest\",\"note\":\"exit 1\"}],"
			"\"green\":[{\"number\":\"5.1\",\"title\":\"API health\","
			"\"note\":\"1 s\"}],\"rest\":[{\"icon\":\"⬜\",\"number\":\"5.6\","
			"\"title\":\"Web UI\",\"note\":\"by hand\"}]}" },
	{ "source_broken", "the new runbook or config cannot be read",
			"{\"why\":\"md:launch-cutover.md:12:3: error: no such gate\"}" },
	{ "source_changed", "runbook or config was read again",
			"{\"what\":\"md:launch-cutover.md\"}" },
	{ "status", "on the grid, every 10 minutes while a run goes on",
			"{\"run\":\"LB-7\",\"clock\":\"T+20m\","
			"\"progress\":\"9 of 23 steps\",\"late\":\"7 min\","
			"\"missed\":\"2 posts\",\"steps\":[{\"icon\":\"▶️\","
			"\"number\":\"4.2.2\",\"title\":\"Deploy changes\","
			"\"note\":\"3 of 15 min\"}],\"monitors\":\"7.1.1 ok,"
			" 7.1.2 red\",\"waiting\":\"md:nobody\",\"next\":\"T+45m,"
			" 02:45\",\"rollback\":\"Rollback ready, 31 min old\","
			"\"head\":\"7f3ac019\"}" },
	{ "step_answered", "what a step's post is edited to once it is answered",
			"{\"icon\":\"✅\",\"number\":\"4.1.1\","
			"\"title\":\"Production secrets\",\"outcome\":\"done\","
			"\"user\":\"devops-lead\",\"at\":\"02:03\","
			"\"text\":\"md:`all four stores checked`\"}" },
	{ "step_asked", "a manual step's turn",
			"{\"number\":\"4.1.1\",\"who\":\"md:@devops-lead\","
			"\"title\":\"Production secrets hold every key\","
			"\"detail\":\"md:They are in four stores.\","
			"\"expected\":\"the UI loads in under 2 seconds\","
			"\"why\":\"md:\",\"evidence\":false}" },
	{ "step_confirmed",
			"a step of unknown outcome that publishes values is taken as done",
			"{\"number\":\"4.2.2\",\"title\":\"Deploy changes\","
			"\"user\":\"devops-lead\",\"taken\":[{\"name\":\"REVISION\"}],"
			"\"lost\":[{\"name\":\"SNAPSHOT\",\"steps\":\"6.2, 6.4\"}]}" },
	{ "step_escalated", "nobody answers for a step that waits",
			"{\"run\":\"LB-7\",\"number\":\"4.2.2\",\"title\":\"Deploy\","
			"\"who\":\"md:@sre-lead\",\"since\":\"02:20\",\"asks\":true}" },
	{ "step_failed", "a step has failed",
			"{\"run\":\"LB-7\",\"number\":\"4.2.2\",\"host\":\"node2\","
			"\"who\":\"md:@devops-lead\",\"title\":\"Deploy changes\","
			"\"reason\":\"md:exit 1 after 3 min 41 s\",\"long\":false,"
			"\"output\":\"md:```\\nmanifest not found\\n```\\n\","
			"\"commands\":[{\"command\":\"!retry 4.2.2\"}]}" },
	{ "step_question",
			"a step marked `ask` is due, or one whose need only its owner knows",
			"{\"number\":\"6.4\",\"who\":\"md:@storage-rep\","
			"\"title\":\"Restore the Mongo…\","
			"\"detail\":\"md:Only if data is inconsistent.\","
			"\"why\":\"md:\"}" },
	{ "step_skipped", "a step is skipped or passed over",
			"{\"number\":\"4.2.3\",\"outcome\":\"skipped\","
			"\"user\":\"devops-lead\","
			"\"title\":\"Every container is healthy\","
			"\"text\":\"md:`no such container`\"}" },
	{ "step_unknown", "nobody saw how a step's command ended",
			"{\"number\":\"4.2.2\",\"who\":\"md:@devops-lead\","
			"\"title\":\"Deploy changes\",\"begun\":\"02:11\","
			"\"reason\":\"the step runner is gone\","
			"\"left\":[{\"value\":\"md:`REVISION=41`\"}],"
			"\"lacks\":\"SNAPSHOT\"}" },
	{ "succeeded", "a run has succeeded",
			"{\"run\":\"LB-7\",\"took\":\"52 min\","
			"\"names\":\"md:devops-lead, product-owner\","
			"\"watch\":\"7.1.1 Latency · 2 more\",\"next\":\"\","
			"\"held\":false,\"ends\":false}" },
	{ "texts_broken",
			"a template of yours is broken: when it is read again, or when the "
			"bot comes back to a run",
			"{\"why\":\"md:begins.mustache:3: {{#steps}} is never closed\"}" },
	{ "watched", "the watch after success is over",
			"{\"run\":\"LB-7\",\"who\":\"md:@devops-lead\"}" },
	{ "who", "`!who`",
			"{\"roles\":[{\"role\":\"Storage\",\"primary\":\"storage-rep\","
			"\"backups\":\"db-admin\",\"wide\":false,"
			"\"deputy\":\"anna\",\"until\":\"06:00\"}]}" },
	{ "why", "`!why`",
			"{\"waiting\":[{\"what\":\"T0 gate, 2 of 5\","
			"\"names\":\"md:storage-rep\"}],\"state\":\"4.2.2 runs\"}" },
};

const struct template_sample *template_samples(size_t *count) {
	*count = sizeof(samples) / sizeof(samples[0]);
	return samples;
}
