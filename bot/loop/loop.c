#include "loop/loop.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/xalloc.h"
#include "sys/clock.h"

/* How long a sleep lasts at most before the clocks are looked at again: a run
 * clock is moved by another process, the system's can be set. */
#define SHARED_SLICE_MS 1
#define REAL_SLICE_MS   1000
#define NS_PER_MS       1000000

struct loop_timer {
	struct loop *loop;
	loop_fn fn;
	void *data;
	struct timer_list *armed; // the list it stands in, NULL when disarmed
	struct loop_timer *next;
	struct loop_timer *prev;
	int64_t due_ms;
	uint64_t serial; // order of starting, for equal times
};

/* Sorted by due time, then by order of starting. */
struct timer_list {
	struct loop_timer *head;
};

struct deferred {
	loop_fn fn; // NULL: cancelled
	void *data;
};

struct loop {
	uv_loop_t uv;
	uv_async_t keeper; // so that libuv never thinks it has nothing to wait for
	struct clock *clock;
	bool shared;
	bool stopped;
	bool settling;
	unsigned holds;
	struct timer_list run_timers;
	struct timer_list real_timers;
	size_t timer_count;
	uint64_t serial;
	struct deferred *queue; // deferred calls, [queue_head, queue_count)
	size_t queue_head;
	size_t queue_count;
	size_t queue_room;
};

struct loop_watch {
	uv_poll_t poll; // first: freed when libuv has closed it
	struct loop *loop;
	loop_fn fn;
	void *data;
};

struct loop_signal {
	uv_signal_t signal; // first: freed when libuv has closed it
	struct loop *loop;
	loop_fn fn;
	void *data;
};

static void on_keeper(uv_async_t *keeper) {
	(void)keeper;
}

static void on_closed_free(uv_handle_t *handle) {
	free(handle);
}

struct loop *loop_create(struct clock *clock, struct err *err) {
	struct loop *loop = xcalloc(1, sizeof(*loop));
	loop->clock = clock;
	loop->shared = clock_is_shared(clock);
	int rc = uv_loop_init(&loop->uv);
	if (rc != 0) {
		err_set(err, ERR_IO, "cannot make an event loop: %s", uv_strerror(rc));
		free(loop);
		return NULL;
	}
	rc = uv_async_init(&loop->uv, &loop->keeper, on_keeper);
	if (rc != 0) {
		err_set(err, ERR_IO, "cannot make an event loop: %s", uv_strerror(rc));
		uv_loop_close(&loop->uv);
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_destroy(struct loop *loop) {
	if (loop == NULL) {
		return;
	}
	assert(loop->timer_count == 0);
	loop->settling = true;
	uv_close((uv_handle_t *)&loop->keeper, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	int rc = uv_loop_close(&loop->uv);
	assert(rc == 0);
	free(loop->queue);
	free(loop);
}

void *loop_native(struct loop *loop) {
	return &loop->uv;
}

int64_t loop_now_ms(const struct loop *loop) {
	return clock_now_ms(loop->clock);
}

int64_t loop_real_now_ms(const struct loop *loop) {
	(void)loop;
	return (int64_t)(uv_hrtime() / NS_PER_MS);
}

void loop_hold_clock(struct loop *loop) {
	loop->holds++;
}

void loop_release_clock(struct loop *loop) {
	assert(loop->holds > 0);
	loop->holds--;
}

static bool is_before(const struct loop_timer *a, const struct loop_timer *b) {
	return a->due_ms < b->due_ms ||
			(a->due_ms == b->due_ms && a->serial < b->serial);
}

static void timer_insert(struct timer_list *list, struct loop_timer *timer) {
	struct loop_timer *prev = NULL;
	struct loop_timer *next = list->head;
	while (next != NULL && !is_before(timer, next)) {
		prev = next;
		next = next->next;
	}
	timer->armed = list;
	timer->prev = prev;
	timer->next = next;
	if (prev != NULL) {
		prev->next = timer;
	} else {
		list->head = timer;
	}
	if (next != NULL) {
		next->prev = timer;
	}
}

static void timer_start(
		struct loop_timer *timer, struct timer_list *list, int64_t due_ms) {
	loop_timer_stop(timer);
	timer->due_ms = due_ms;
	timer->serial = timer->loop->serial++;
	timer_insert(list, timer);
}

struct loop_timer *loop_timer_create(
		struct loop *loop, loop_fn fn, void *data) {
	struct loop_timer *timer = xcalloc(1, sizeof(*timer));
	timer->loop = loop;
	timer->fn = fn;
	timer->data = data;
	loop->timer_count++;
	return timer;
}

void loop_timer_destroy(struct loop_timer *timer) {
	if (timer == NULL) {
		return;
	}
	loop_timer_stop(timer);
	timer->loop->timer_count--;
	free(timer);
}

void loop_timer_start_at(struct loop_timer *timer, int64_t due_ms) {
	timer_start(timer, &timer->loop->run_timers, due_ms);
}

void loop_timer_start_real(struct loop_timer *timer, int64_t delay_ms) {
	int64_t delay = delay_ms > 0 ? delay_ms : 0;
	timer_start(timer, &timer->loop->real_timers,
			loop_real_now_ms(timer->loop) + delay);
}

void loop_timer_stop(struct loop_timer *timer) {
	if (timer->armed == NULL) {
		return;
	}
	if (timer->prev != NULL) {
		timer->prev->next = timer->next;
	} else {
		timer->armed->head = timer->next;
	}
	if (timer->next != NULL) {
		timer->next->prev = timer->prev;
	}
	timer->armed = NULL;
	timer->next = NULL;
	timer->prev = NULL;
}

void loop_defer(struct loop *loop, loop_fn fn, void *data) {
	if (loop->queue_count == loop->queue_room && loop->queue_head > 0) {
		loop->queue_count -= loop->queue_head;
		memmove(loop->queue, loop->queue + loop->queue_head,
				loop->queue_count * sizeof(*loop->queue));
		loop->queue_head = 0;
	}
	if (loop->queue_count == loop->queue_room) {
		loop->queue_room = loop->queue_room > 0 ? loop->queue_room * 2 : 16;
		loop->queue = xreallocarray(
				loop->queue, loop->queue_room, sizeof(*loop->queue));
	}
	loop->queue[loop->queue_count] = (struct deferred){ .fn = fn,
		.data = data };
	loop->queue_count++;
}

void loop_cancel_deferred(struct loop *loop, void *data) {
	for (size_t i = loop->queue_head; i < loop->queue_count; i++) {
		if (loop->queue[i].data == data) {
			loop->queue[i].fn = NULL;
		}
	}
}

static void on_poll(uv_poll_t *poll, int status, int events) {
	(void)status; // a broken descriptor is told by reading it
	(void)events;
	struct loop_watch *watch = poll->data;
	if (!watch->loop->settling) {
		watch->fn(watch->data);
	}
}

struct loop_watch *loop_watch_create(
		struct loop *loop, int fd, loop_fn fn, void *data) {
	struct loop_watch *watch = xcalloc(1, sizeof(*watch));
	watch->loop = loop;
	watch->fn = fn;
	watch->data = data;
	watch->poll.data = watch;
	int rc = uv_poll_init(&loop->uv, &watch->poll, fd);
	assert(rc == 0); // an open descriptor that can be polled, not watched yet
	rc = uv_poll_start(&watch->poll, UV_READABLE, on_poll);
	assert(rc == 0);
	return watch;
}

void loop_watch_destroy(struct loop_watch *watch) {
	if (watch == NULL) {
		return;
	}
	uv_poll_stop(&watch->poll);
	uv_close((uv_handle_t *)&watch->poll, on_closed_free);
}

static void on_signal(uv_signal_t *signal, int number) {
	(void)number;
	struct loop_signal *handle = signal->data;
	if (!handle->loop->settling) {
		handle->fn(handle->data);
	}
}

struct loop_signal *loop_signal_create(
		struct loop *loop, int number, loop_fn fn, void *data) {
	struct loop_signal *handle = xcalloc(1, sizeof(*handle));
	handle->loop = loop;
	handle->fn = fn;
	handle->data = data;
	handle->signal.data = handle;
	int rc = uv_signal_init(&loop->uv, &handle->signal);
	assert(rc == 0);
	rc = uv_signal_start(&handle->signal, on_signal, number);
	assert(rc == 0);
	return handle;
}

void loop_signal_destroy(struct loop_signal *handle) {
	if (handle == NULL) {
		return;
	}
	uv_signal_stop(&handle->signal);
	uv_close((uv_handle_t *)&handle->signal, on_closed_free);
}

/* Fire what was due when this began; a timer that is started again meanwhile
 * waits for the next turn, so that descriptors get theirs. */
static void fire_due(struct loop *loop, struct timer_list *list, int64_t now) {
	uint64_t begun = loop->serial;
	struct loop_timer *timer = list->head;
	while (timer != NULL && timer->due_ms <= now && !loop->stopped) {
		if (timer->serial >= begun) {
			timer = timer->next;
			continue;
		}
		loop_timer_stop(timer);
		timer->fn(timer->data);
		timer = list->head; // the callback may have destroyed any of them
	}
}

static void run_deferred(struct loop *loop) {
	size_t left = loop->queue_count - loop->queue_head;
	for (; left > 0 && !loop->stopped; left--) {
		struct deferred call = loop->queue[loop->queue_head];
		loop->queue_head++;
		if (call.fn != NULL) {
			call.fn(call.data);
		}
	}
}

static bool run_is_due(const struct loop *loop) {
	const struct loop_timer *first = loop->run_timers.head;
	return first != NULL && first->due_ms <= loop_now_ms(loop);
}

/* Real milliseconds until something of ours or libuv's is due; -1: never. */
static int64_t real_wait_ms(const struct loop *loop) {
	int64_t wait = uv_backend_timeout(&loop->uv);
	const struct loop_timer *first = loop->real_timers.head;
	if (first != NULL) {
		int64_t left = first->due_ms - loop_real_now_ms(loop);
		left = left > 0 ? left : 0;
		wait = wait < 0 || left < wait ? left : wait;
	}
	return wait;
}

/* How long to sleep before the run's clock must be looked at again. */
static int64_t slice_ms(const struct loop *loop) {
	const struct loop_timer *first = loop->run_timers.head;
	if (loop->shared) {
		return SHARED_SLICE_MS;
	}
	if (first == NULL) {
		return REAL_SLICE_MS;
	}
	int64_t left = first->due_ms - loop_now_ms(loop);
	left = left > 0 ? left : 0;
	return left < REAL_SLICE_MS ? left : REAL_SLICE_MS;
}

/* Whether there is nothing to do at this very moment. */
static bool is_at_rest(struct loop *loop) {
	uv_update_time(&loop->uv);
	return loop->queue_head == loop->queue_count && !run_is_due(loop) &&
			real_wait_ms(loop) != 0;
}

static void say_idle(const struct loop *loop) {
	const struct loop_timer *first = loop->run_timers.head;
	clock_set_idle(loop->clock, first != NULL ? first->due_ms : CLOCK_NEVER);
}

/*
 * Sleep until a descriptor or a timer wants us.  Waiting on the backend's own
 * descriptor, not inside uv_run(), is what lets us say "busy" before the first
 * callback runs, whosever handle woke us.  A run clock is told "idle" before
 * each slice anew: it moves only if everybody looked twice and saw nothing.
 */
static void rest(struct loop *loop) {
	struct pollfd backend = {
		.fd = uv_backend_fd(&loop->uv),
		.events = POLLIN,
	};
	bool idle = loop->holds == 0;
	bool said = false;
	int ready = 0;
	while (ready == 0 && is_at_rest(loop)) {
		int64_t wait = real_wait_ms(loop);
		int64_t slice = slice_ms(loop);
		wait = wait < 0 || slice < wait ? slice : wait;
		if (idle) {
			say_idle(loop);
			said = true;
		}
		ready = poll(&backend, 1, (int)wait);
	}
	if (said) {
		clock_set_busy(loop->clock);
	}
}

void loop_run(struct loop *loop) {
	loop->stopped = false;
	while (!loop->stopped) {
		fire_due(loop, &loop->run_timers, loop_now_ms(loop));
		fire_due(loop, &loop->real_timers, loop_real_now_ms(loop));
		run_deferred(loop);
		if (loop->stopped) {
			break;
		}
		uv_run(&loop->uv, UV_RUN_NOWAIT);
		if (!loop->stopped) {
			rest(loop);
		}
	}
}

void loop_stop(struct loop *loop) {
	loop->stopped = true;
}

static void note_closing(uv_handle_t *handle, void *data) {
	bool *closing = data;
	*closing |= uv_is_closing(handle) != 0;
}

bool loop_settle(struct loop *loop) {
	bool closing = false;
	loop->settling = true;
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	loop->settling = false;
	uv_walk(&loop->uv, note_closing, &closing);
	return !closing;
}

bool loop_is_settling(const struct loop *loop) {
	return loop->settling;
}
