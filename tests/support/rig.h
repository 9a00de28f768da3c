#ifndef RIG_H
#define RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bridge.h"

/*
 * A bot of real engine, inbox and outbox between a chat, a machine and a
 * journal that the test holds in its hands.  The bot can die at any durable
 * write and a new one be made on the same journal.
 *
 * People: "lead" (Cutover lead, DevOps lead), "cto", "rep" (Storage), "dep"
 * (backup of DevOps lead), "other" (no role).  Their ids are "id-NAME".
 */

#define RIG_START_MS INT64_C(1790000000000)

struct rig {
	struct loop *loop;
	struct journal *journal;
	struct fake_chat *chat;
	struct fake_machine *machine;
	struct rig_sources *sources;
	struct voice *voice;
	char state_dir[32]; // made as it is, and taken away again

	/* the bot, while it lives */
	struct server *server;
	struct runner *runner;
	struct outbox *outbox;
	struct inbox *inbox;
	struct engine *engine;
	bool dead;  // it died in this moment; rig_bury() comes next
	char *fate; // why the engine gave up; NULL
	unsigned drained;
};

/* A world with this runbook, and no bot in it. */
void rig_init(struct rig *rig, const char *runbook);
void rig_finish(struct rig *rig);

/* Make a bot and connect it. */
void rig_start(struct rig *rig);
/* Make a bot that finds no server. */
void rig_start_offline(struct rig *rig);
/* Take away what is left of a bot; the others go on. */
void rig_bury(struct rig *rig);

/* The bot dies right after its @nth durable write from now. */
void rig_kill_after(struct rig *rig, size_t nth);

/* Let real time pass. */
void rig_go(struct rig *rig, int64_t ms);

/* Put another text in the place of the runbook. */
void rig_runbook(struct rig *rig, const char *text);
/* The targets' files, the secrets, cannot be read from now on, or can. */
void rig_break_files(struct rig *rig, bool broken);
/* The targets' files are on other machines, which answer after @ms. */
void rig_far(struct rig *rig, int64_t ms);
/* The targets have another file than before. */
void rig_change_files(struct rig *rig, bool changed);
void rig_break_secrets(struct rig *rig, bool broken);

const struct bridge *rig_bridge(const struct rig *rig);

/* Every event in the journal, one a line, but those that tell of the bot's own
 * affairs: its starts, and the ids that its posts got.  Caller frees. */
char *rig_events(struct rig *rig);

/* Events of this name in the journal. */
size_t rig_count(struct rig *rig, const char *type);

/* All that stands in the channel, by key, with what was done to it; caller
 * frees. */
char *rig_channel(struct rig *rig);

#endif
