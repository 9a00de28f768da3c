#include "players.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "sandbox.h"
#include "sys/clock.h"

struct player {
	struct player *next;
	char *name;
	struct clock *clock;
	bool waiting;
	int64_t due_ms;
};

static void free_player(struct player *player) {
	clock_destroy(player->clock);
	free(player->name);
	free(player);
}

void players_finish(struct players *players) {
	while (players->first != NULL) {
		struct player *player = players->first;
		players->first = player->next;
		free_player(player);
	}
}

static struct player *find(const struct players *players, const char *name) {
	struct player *player = players->first;
	while (player != NULL && strcmp(player->name, name) != 0) {
		player = player->next;
	}
	return player;
}

static struct player *join(
		struct sandbox *sandbox, const char *name, struct err *err) {
	struct clock *clock = clock_join(
			sandbox->clock_path, name, CLOCK_ROLE_WORKER, err);
	if (clock == NULL) {
		return NULL;
	}
	struct player *player = xcalloc(1, sizeof(*player));
	player->name = xstrdup(name);
	player->clock = clock;
	player->next = sandbox->players.first;
	sandbox->players.first = player;
	return player;
}

bool players_begin_wait(
		struct sandbox *sandbox, const struct wait *wait, struct err *err) {
	if (sandbox->clock == NULL || wait->player[0] == '\0') {
		return true;
	}
	struct player *player = find(&sandbox->players, wait->player);
	if (player == NULL) {
		player = join(sandbox, wait->player, err);
	}
	if (player == NULL) {
		return false;
	}
	if (player->waiting) {
		return err_set(err, ERR_REFUSED, "%s waits already", wait->player);
	}
	player->waiting = true;
	player->due_ms = wait->until_ms;
	clock_set_idle(player->clock, player->due_ms);
	return true;
}

static const char *why_over(
		const struct sandbox *sandbox, const struct wait *wait) {
	if (wait->has_after && sandbox->hub.last_record > wait->after) {
		return "event";
	}
	if (world_now(&sandbox->world) >= wait->until_ms) {
		return "due";
	}
	return real_now_us() >= wait->real_until_us ? "real" : NULL;
}

const char *players_is_over(struct sandbox *sandbox, const struct wait *wait) {
	const char *why = why_over(sandbox, wait);
	struct player *player = find(&sandbox->players, wait->player);
	if (why != NULL && player != NULL) {
		player->waiting = false;
		clock_set_busy(player->clock);
	}
	return why;
}

void players_turn(struct players *players) {
	for (struct player *player = players->first; player != NULL;
			player = player->next) {
		if (player->waiting) {
			clock_set_idle(player->clock, player->due_ms);
		}
	}
}

bool players_leave(struct players *players, const char *name) {
	struct player **at = &players->first;
	while (*at != NULL && strcmp((*at)->name, name) != 0) {
		at = &(*at)->next;
	}
	struct player *player = *at;
	if (player == NULL) {
		return false;
	}
	*at = player->next;
	free_player(player);
	return true;
}
