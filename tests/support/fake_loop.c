#include "support/fake_loop.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/xalloc.h"

#define SETTLE_MOST 1000000 // calls at one moment; more is a busy loop

struct loop_timer {
	struct loop *loop;
	struct loop_timer *next;
	loop_fn fn;
	void *data;
	bool armed;
	bool of_run;    // due by the run clock
	int64_t due_ms; // since the start, for both kinds
	uint64_t serial;
};

struct deferred {
	struct deferred *next;
	loop_fn fn;
	void *data;
};

struct loop {
	int64_t start_ms;
	int64_t passed_ms;
	uint64_t serial;
	unsigned holds;
	struct loop_timer *timers;
	struct deferred *head;
	struct deferred *tail;
};

struct loop *fake_loop_create(int64_t start_ms) {
	struct loop *loop = xcalloc(1, sizeof(*loop));
	loop->start_ms = start_ms;
	return loop;
}

void loop_destroy(struct loop *loop) {
	if (loop == NULL) {
		return;
	}
	assert(loop->timers == NULL);
	while (loop->head != NULL) {
		struct deferred *call = loop->head;
		loop->head = call->next;
		free(call);
	}
	free(loop);
}

int64_t loop_now_ms(const struct loop *loop) {
	return loop->start_ms + loop->passed_ms;
}

int64_t loop_real_now_ms(const struct loop *loop) {
	return 1000000 + loop->passed_ms; // some machine's uptime
}

void loop_hold_clock(struct loop *loop) {
	loop->holds++;
}

void loop_release_clock(struct loop *loop) {
	assert(loop->holds > 0);
	loop->holds--;
}

unsigned fake_loop_holds(const struct loop *loop) {
	return loop->holds;
}

unsigned fake_loop_timers(const struct loop *loop) {
	unsigned count = 0;
	for (const struct loop_timer *t = loop->timers; t != NULL; t = t->next) {
		count += t->armed;
	}
	return count;
}

struct loop_timer *loop_timer_create(
		struct loop *loop, loop_fn fn, void *data) {
	struct loop_timer *timer = xcalloc(1, sizeof(*timer));
	timer->loop = loop;
	timer->fn = fn;
	timer->data = data;
	timer->next = loop->timers;
	loop->timers = timer;
	return timer;
}

void loop_timer_destroy(struct loop_timer *timer) {
	if (timer == NULL) {
		return;
	}
	struct loop_timer **link = &timer->loop->timers;
	while (*link != timer) {
		link = &(*link)->next;
	}
	*link = timer->next;
	free(timer);
}

static void start(struct loop_timer *timer, int64_t due_ms) {
	timer->armed = true;
	timer->of_run = false;
	timer->due_ms = due_ms;
	timer->serial = timer->loop->serial++;
}

void loop_timer_start_at(struct loop_timer *timer, int64_t due_ms) {
	start(timer, due_ms - timer->loop->start_ms);
	timer->of_run = true;
}

void loop_timer_start_real(struct loop_timer *timer, int64_t delay_ms) {
	start(timer, timer->loop->passed_ms + (delay_ms > 0 ? delay_ms : 0));
}

void loop_timer_stop(struct loop_timer *timer) {
	timer->armed = false;
}

void loop_defer(struct loop *loop, loop_fn fn, void *data) {
	struct deferred *call = xcalloc(1, sizeof(*call));
	call->fn = fn;
	call->data = data;
	if (loop->tail != NULL && loop->head != NULL) {
		loop->tail->next = call;
	} else {
		loop->head = call;
	}
	loop->tail = call;
}

void loop_cancel_deferred(struct loop *loop, void *data) {
	for (struct deferred *call = loop->head; call != NULL; call = call->next) {
		if (call->data == data) {
			call->fn = NULL;
		}
	}
}

static struct loop_timer *first_timer(const struct loop *loop) {
	struct loop_timer *first = NULL;
	for (struct loop_timer *t = loop->timers; t != NULL; t = t->next) {
		if (t->armed &&
				(first == NULL || t->due_ms < first->due_ms ||
						(t->due_ms == first->due_ms &&
								t->serial < first->serial))) {
			first = t;
		}
	}
	return first;
}

static bool run_one(struct loop *loop) {
	struct deferred *call = loop->head;
	if (call != NULL) {
		struct deferred copy = *call;
		loop->head = call->next;
		free(call);
		if (copy.fn != NULL) {
			copy.fn(copy.data);
		}
		return true;
	}
	struct loop_timer *timer = first_timer(loop);
	if (timer == NULL || timer->due_ms > loop->passed_ms) {
		return false;
	}
	timer->armed = false;
	timer->fn(timer->data);
	return true;
}

void fake_loop_settle(struct loop *loop) {
	unsigned calls = 0;
	while (run_one(loop)) {
		calls++;
		assert(calls < SETTLE_MOST);
	}
}

void fake_loop_go(struct loop *loop, int64_t ms) {
	int64_t until = loop->passed_ms + ms;
	fake_loop_settle(loop);
	for (;;) {
		const struct loop_timer *timer = first_timer(loop);
		if (timer == NULL || timer->due_ms > until) {
			break;
		}
		loop->passed_ms = timer->due_ms;
		fake_loop_settle(loop);
	}
	loop->passed_ms = until;
}

void fake_loop_set_back(struct loop *loop, int64_t ms) {
	loop->start_ms -= ms;
	for (struct loop_timer *t = loop->timers; t != NULL; t = t->next) {
		t->due_ms += t->of_run ? ms : 0;
	}
}
