#include "sys/clock.h"

#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"
#include "sys/runclock.h"

struct clock {
	struct runclock_seat *seat; // NULL: the system's clock
};

struct clock *clock_create_real(void) {
	return xcalloc(1, sizeof(struct clock));
}

struct clock *clock_join(const char *path, const char *name,
		enum clock_role role, struct err *err) {
	struct runclock_seat *seat = runclock_join(path, name, role, err);
	if (seat == NULL) {
		return NULL;
	}
	struct clock *clock = clock_create_real();
	clock->seat = seat;
	return clock;
}

void clock_destroy(struct clock *clock) {
	if (clock == NULL) {
		return;
	}
	runclock_leave(clock->seat);
	free(clock);
}

int64_t clock_now_ms(const struct clock *clock) {
	if (clock->seat != NULL) {
		return runclock_seat_now_ms(clock->seat);
	}
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool clock_is_shared(const struct clock *clock) {
	return clock->seat != NULL;
}

void clock_set_idle(struct clock *clock, int64_t due_ms) {
	if (clock->seat != NULL) {
		runclock_seat_idle(clock->seat, due_ms);
	}
}

void clock_set_busy(struct clock *clock) {
	if (clock->seat != NULL) {
		runclock_seat_busy(clock->seat);
	}
}
