#include "sys/runclock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/xalloc.h"

#define MAGIC   UINT64_C(0x4c4b434c43524b42) // "BKRCLCKL" in memory
#define VERSION 1u

#define SETTLE_US         3000  // quiet for so long, and everybody turned twice
#define SETTLE_LONGEST_US 40000 // … or for so long, whoever sleeps
#define TURNS_NEEDED      2
#define COMMAND_PACE      10u
#define STRIDE_US         20000 // the most real time that one advance counts

#define JOIN_LOCK_AT RUNCLOCK_SLOTS // byte of the lock that joiners hold
#define JOIN_TRIES   50
#define JOIN_WAIT_US 10000

struct slot {
	_Atomic uint32_t taken;
	_Atomic uint32_t busy;
	_Atomic int64_t due_ms;
	_Atomic uint64_t turns; // times that its process said busy or idle
	int32_t pid;
	uint32_t role;
	char name[RUNCLOCK_NAME_ROOM];
};

struct page {
	_Atomic uint64_t magic; // written last
	uint32_t version;
	uint32_t size;
	_Atomic int64_t now_ms;
	_Atomic uint64_t changes; // joins, leaves, busy <-> idle, new due times
	struct slot slots[RUNCLOCK_SLOTS];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
		"processes can share only lock-free atomics");

struct runclock {
	struct page *page;
	int fd;
	char *path;
	unsigned pace;
	uint64_t changes_seen;
	int64_t quiet_since_us;
	int64_t last_us;     // time is counted from here
	int64_t fraction_us; // of a millisecond of the run, not yet given out
	bool started;
	uint64_t turns_seen[RUNCLOCK_SLOTS];
};

struct runclock_seat {
	struct page *page;
	struct slot *slot;
	int fd;
};

/* ---- locks: one byte a slot ---- */

static struct flock byte_lock(short type, size_t at) {
	return (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)at,
		.l_len = 1,
	};
}

static bool try_lock(int fd, size_t at) {
	struct flock lock = byte_lock(F_WRLCK, at);
	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static void unlock(int fd, size_t at) {
	struct flock lock = byte_lock(F_UNLCK, at);
	fcntl(fd, F_OFD_SETLK, &lock);
}

static bool is_locked(int fd, size_t at) {
	struct flock lock = byte_lock(F_WRLCK, at);
	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static bool wait_lock(int fd, size_t at) {
	struct flock lock = byte_lock(F_WRLCK, at);
	int result;
	do {
		result = fcntl(fd, F_OFD_SETLKW, &lock);
	} while (result < 0 && errno == EINTR);
	return result == 0;
}

/* ---- the owner ---- */

static struct page *map_page(int fd) {
	struct page *page = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);
	return page == MAP_FAILED ? NULL : page;
}

struct runclock *runclock_create(
		const char *path, int64_t start_ms, struct err *err) {
	unlink(path);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct page *page = NULL;
	if (fd >= 0 && ftruncate(fd, sizeof(struct page)) == 0) {
		page = map_page(fd);
	}
	if (page == NULL) {
		err_set(err, ERR_IO, "run clock %s: %s", path, strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return NULL;
	}
	page->version = VERSION;
	page->size = sizeof(struct page);
	atomic_store(&page->now_ms, start_ms);
	atomic_store(&page->magic, MAGIC);

	struct runclock *clock = xcalloc(1, sizeof(*clock));
	clock->page = page;
	clock->fd = fd;
	clock->path = xstrdup(path);
	return clock;
}

void runclock_destroy(struct runclock *clock) {
	if (clock == NULL) {
		return;
	}
	unlink(clock->path);
	munmap(clock->page, sizeof(struct page));
	close(clock->fd);
	free(clock->path);
	free(clock);
}

int64_t runclock_now_ms(const struct runclock *clock) {
	return atomic_load(&clock->page->now_ms);
}

void runclock_touch(struct runclock *clock) {
	atomic_fetch_add(&clock->page->changes, 1);
}

void runclock_set_pace(struct runclock *clock, unsigned pace) {
	clock->pace = pace;
}

/* What the slots say together. */
struct census {
	bool gone;
	bool busy;
	bool command;
	bool turned; // every worker has turned often enough since the last change
	int64_t earliest_ms;
};

static void count_slot(
		const struct runclock *clock, size_t i, struct census *census) {
	struct slot *slot = &clock->page->slots[i];
	if (!is_locked(clock->fd, i)) {
		census->gone = true;
		return;
	}
	bool busy = atomic_load(&slot->busy) != 0;
	int64_t due_ms = busy ? CLOCK_NEVER : atomic_load(&slot->due_ms);
	if (due_ms < census->earliest_ms) {
		census->earliest_ms = due_ms;
	}
	if (slot->role == CLOCK_ROLE_COMMAND) {
		census->command = true;
		return;
	}
	census->busy |= busy;
	uint64_t turns = atomic_load(&slot->turns) - clock->turns_seen[i];
	census->turned &= turns >= TURNS_NEEDED;
}

static struct census take_census(const struct runclock *clock) {
	struct census census = { .turned = true, .earliest_ms = CLOCK_NEVER };
	for (size_t i = 0; i < RUNCLOCK_SLOTS; i++) {
		if (atomic_load(&clock->page->slots[i].taken) != 0) {
			count_slot(clock, i, &census);
		}
	}
	return census;
}

/* Begin to settle anew if anything has changed. */
static void notice_changes(struct runclock *clock, int64_t real_us) {
	uint64_t changes = atomic_load(&clock->page->changes);
	if (clock->started && changes == clock->changes_seen) {
		return;
	}
	clock->changes_seen = changes;
	clock->quiet_since_us = real_us;
	for (size_t i = 0; i < RUNCLOCK_SLOTS; i++) {
		clock->turns_seen[i] = atomic_load(&clock->page->slots[i].turns);
	}
}

/* Real time since the last look, but no leap after a long sleep of ours. */
static int64_t stride_us(struct runclock *clock, int64_t real_us) {
	int64_t stride = clock->started ? real_us - clock->last_us : 0;
	clock->last_us = real_us;
	clock->started = true;
	if (stride < 0) {
		return 0;
	}
	return stride < STRIDE_US ? stride : STRIDE_US;
}

static void flow(struct runclock *clock, int64_t run_us, int64_t earliest_ms) {
	clock->fraction_us += run_us;
	int64_t step_ms = clock->fraction_us / 1000;
	clock->fraction_us %= 1000;
	int64_t now_ms = runclock_now_ms(clock);
	if (step_ms > earliest_ms - now_ms) {
		step_ms = earliest_ms - now_ms;
	}
	atomic_store(&clock->page->now_ms, now_ms + step_ms);
}

enum runclock_state runclock_advance(struct runclock *clock, int64_t real_us) {
	int64_t stride = stride_us(clock, real_us);
	notice_changes(clock, real_us);
	struct census census = take_census(clock);
	if (census.gone) {
		return RUNCLOCK_GONE;
	}
	if (census.busy || census.earliest_ms <= runclock_now_ms(clock)) {
		return RUNCLOCK_BUSY;
	}
	if (clock->pace > 0) {
		flow(clock, stride * (int64_t)clock->pace, census.earliest_ms);
		return RUNCLOCK_PACED;
	}
	if (census.command) {
		flow(clock, stride * COMMAND_PACE, census.earliest_ms);
		return RUNCLOCK_COMMAND;
	}
	if (census.earliest_ms == CLOCK_NEVER) {
		return RUNCLOCK_RESTING;
	}
	int64_t quiet_us = real_us - clock->quiet_since_us;
	bool settled = quiet_us >= SETTLE_LONGEST_US ||
			(quiet_us >= SETTLE_US && census.turned);
	/* A last look: a change after the census was taken calls it off. */
	if (!settled || atomic_load(&clock->page->changes) != clock->changes_seen) {
		return RUNCLOCK_SETTLING;
	}
	atomic_store(&clock->page->now_ms, census.earliest_ms);
	clock->fraction_us = 0;
	runclock_touch(clock);
	return RUNCLOCK_JUMPED;
}

bool runclock_forgive(struct runclock *clock, const char *name) {
	bool found = false;
	for (size_t i = 0; i < RUNCLOCK_SLOTS; i++) {
		struct slot *slot = &clock->page->slots[i];
		if (atomic_load(&slot->taken) == 0 || strcmp(slot->name, name) != 0 ||
				!try_lock(clock->fd, i)) {
			continue;
		}
		atomic_store(&slot->taken, 0);
		unlock(clock->fd, i);
		runclock_touch(clock);
		found = true;
	}
	return found;
}

size_t runclock_slots(const struct runclock *clock,
		struct runclock_slot_view views[RUNCLOCK_SLOTS]) {
	size_t count = 0;
	for (size_t i = 0; i < RUNCLOCK_SLOTS; i++) {
		struct slot *slot = &clock->page->slots[i];
		if (atomic_load(&slot->taken) == 0) {
			continue;
		}
		struct runclock_slot_view *view = &views[count++];
		*view = (struct runclock_slot_view){
			.role = (enum clock_role)slot->role,
			.pid = slot->pid,
			.busy = atomic_load(&slot->busy) != 0,
			.gone = !is_locked(clock->fd, i),
			.due_ms = atomic_load(&slot->due_ms),
		};
		memcpy(view->name, slot->name, sizeof(view->name));
	}
	return count;
}

const char *runclock_state_name(enum runclock_state state) {
	static const char *const names[] = {
		[RUNCLOCK_GONE] = "gone",
		[RUNCLOCK_BUSY] = "busy",
		[RUNCLOCK_SETTLING] = "settling",
		[RUNCLOCK_COMMAND] = "command",
		[RUNCLOCK_PACED] = "paced",
		[RUNCLOCK_JUMPED] = "jumped",
		[RUNCLOCK_RESTING] = "resting",
	};
	return names[state];
}

/* ---- those who join ---- */

enum seek_result {
	SEEK_FOUND,
	SEEK_HELD, // by a living process of that name
	SEEK_FULL,
};

/* Find and lock a slot for @name; the join lock is held. */
static enum seek_result seek_slot(
		const struct page *page, int fd, const char *name, size_t *index) {
	size_t free_slot = RUNCLOCK_SLOTS;
	for (size_t i = 0; i < RUNCLOCK_SLOTS; i++) {
		const struct slot *slot = &page->slots[i];
		if (atomic_load(&slot->taken) == 0) {
			free_slot = free_slot == RUNCLOCK_SLOTS ? i : free_slot;
		} else if (strcmp(slot->name, name) == 0) {
			*index = i;
			return try_lock(fd, i) ? SEEK_FOUND : SEEK_HELD;
		}
	}
	*index = free_slot;
	return free_slot < RUNCLOCK_SLOTS && try_lock(fd, free_slot) ? SEEK_FOUND
																 : SEEK_FULL;
}

static void occupy(struct page *page, struct slot *slot, const char *name,
		enum clock_role role) {
	slot->pid = (int32_t)getpid();
	slot->role = role;
	memset(slot->name, 0, sizeof(slot->name));
	memcpy(slot->name, name, strlen(name));
	atomic_store(&slot->due_ms, CLOCK_NEVER);
	atomic_store(&slot->busy, 1);
	atomic_fetch_add(&slot->turns, 1);
	atomic_store(&slot->taken, 1);
	atomic_fetch_add(&page->changes, 1);
}

/*
 * A process that was just killed may hold its lock a moment longer, through a
 * child that has not yet called exec: try again for half a second.
 */
static bool take_slot(struct page *page, int fd, const char *name,
		enum clock_role role, size_t *index, struct err *err) {
	enum seek_result result = SEEK_HELD;
	for (int i = 0; i < JOIN_TRIES && result == SEEK_HELD; i++) {
		if (i > 0) {
			usleep(JOIN_WAIT_US);
		}
		if (!wait_lock(fd, JOIN_LOCK_AT)) {
			return err_set(err, ERR_IO, "cannot lock it: %s", strerror(errno));
		}
		result = seek_slot(page, fd, name, index);
		if (result == SEEK_FOUND) {
			occupy(page, &page->slots[*index], name, role);
		}
		unlock(fd, JOIN_LOCK_AT);
	}
	if (result == SEEK_HELD) {
		return err_set(err, ERR_REFUSED,
				"a living process has joined it as %s already", name);
	}
	if (result == SEEK_FULL) {
		return err_set(err, ERR_REFUSED, "all of its %d slots are taken",
				RUNCLOCK_SLOTS);
	}
	return true;
}

static struct page *open_page(const char *path, int *fd, struct err *err) {
	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd < 0) {
		err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s",
				strerror(errno));
		return NULL;
	}
	/* A shorter file would be a SIGBUS later. */
	struct page *page = NULL;
	if (lseek(*fd, 0, SEEK_END) >= (off_t)sizeof(struct page)) {
		page = map_page(*fd);
	}
	if (page != NULL && atomic_load(&page->magic) == MAGIC &&
			page->version == VERSION && page->size == sizeof(struct page)) {
		return page;
	}
	if (page != NULL) {
		munmap(page, sizeof(struct page));
	}
	close(*fd);
	*fd = -1;
	err_set(err, ERR_INVALID, "no run clock, or of another version");
	return NULL;
}

struct runclock_seat *runclock_join(const char *path, const char *name,
		enum clock_role role, struct err *err) {
	int fd = -1;
	size_t index = 0;
	struct page *page = NULL;
	if (name[0] == '\0' || strlen(name) >= RUNCLOCK_NAME_ROOM) {
		err_set(err, ERR_INVALID, "a name has 1 to %d bytes",
				RUNCLOCK_NAME_ROOM - 1);
		goto fail;
	}
	page = open_page(path, &fd, err);
	if (page == NULL || !take_slot(page, fd, name, role, &index, err)) {
		goto fail;
	}
	struct runclock_seat *seat = xcalloc(1, sizeof(*seat));
	seat->page = page;
	seat->slot = &page->slots[index];
	seat->fd = fd;
	return seat;

fail:
	if (page != NULL) {
		munmap(page, sizeof(struct page));
	}
	if (fd >= 0) {
		close(fd);
	}
	err_wrap(err, "run clock %s: ", path);
	return NULL;
}

void runclock_leave(struct runclock_seat *seat) {
	if (seat == NULL) {
		return;
	}
	/* Free it before the lock goes with the descriptor, or it looks dead. */
	atomic_store(&seat->slot->taken, 0);
	atomic_fetch_add(&seat->page->changes, 1);
	munmap(seat->page, sizeof(struct page));
	close(seat->fd);
	free(seat);
}

int64_t runclock_seat_now_ms(const struct runclock_seat *seat) {
	return atomic_load(&seat->page->now_ms);
}

void runclock_seat_idle(struct runclock_seat *seat, int64_t due_ms) {
	struct slot *slot = seat->slot;
	bool changed = atomic_load(&slot->busy) != 0 ||
			atomic_load(&slot->due_ms) != due_ms;
	if (changed) {
		/* The due time first: idle with an old one would be a lie. */
		atomic_store(&slot->due_ms, due_ms);
		atomic_store(&slot->busy, 0);
		atomic_fetch_add(&seat->page->changes, 1);
	}
	atomic_fetch_add(&slot->turns, 1);
}

void runclock_seat_busy(struct runclock_seat *seat) {
	struct slot *slot = seat->slot;
	if (atomic_exchange(&slot->busy, 1) == 0) {
		atomic_fetch_add(&seat->page->changes, 1);
	}
	atomic_fetch_add(&slot->turns, 1);
}
