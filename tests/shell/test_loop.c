#include "loop/loop.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "support/test.h"
#include "sys/clock.h"

/*
 * A stand-in for sys/clock.c: the test moves the time, and sees when the loop
 * says that it is idle, and until when.
 */
struct clock {
	bool shared;
	bool idle;
	int64_t now_ms;
	int64_t idle_until_ms;
	int idle_count;
	bool jumps; // while idle, straight to the due time
};

int64_t clock_now_ms(const struct clock *clock) {
	return clock->now_ms;
}

bool clock_is_shared(const struct clock *clock) {
	return clock->shared;
}

void clock_set_idle(struct clock *clock, int64_t due_ms) {
	clock->idle = true;
	clock->idle_until_ms = due_ms;
	clock->idle_count++;
	if (clock->jumps && due_ms != CLOCK_NEVER) {
		clock->now_ms = due_ms;
	}
}

void clock_set_busy(struct clock *clock) {
	clock->idle = false;
}

struct scene {
	struct clock clock;
	struct loop *loop;
	struct str said;
	struct loop_timer *timer;
	struct loop_timer *other;
	struct loop_watch *watch;
	int pipe[2];
	int count;
};

static int setup(void **state) {
	static struct scene scene;
	memset(&scene, 0, sizeof(scene));
	scene.clock = (struct clock){ .now_ms = 1000, .shared = true };
	struct err err = { 0 };
	scene.loop = loop_create(&scene.clock, &err);
	if (pipe(scene.pipe) != 0) {
		return -1;
	}
	*state = &scene;
	return scene.loop != NULL ? 0 : -1;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	loop_timer_destroy(scene->timer);
	loop_timer_destroy(scene->other);
	loop_watch_destroy(scene->watch);
	loop_destroy(scene->loop);
	close(scene->pipe[0]);
	close(scene->pipe[1]);
	str_finish(&scene->said);
	return 0;
}

static void stop(void *data) {
	struct scene *scene = data;
	assert_false(scene->clock.idle);
	str_add(&scene->said, "stop ");
	loop_stop(scene->loop);
}

static void say_timer(void *data) {
	struct scene *scene = data;
	assert_false(scene->clock.idle);
	str_addf(&scene->said, "timer@%lld ", (long long)scene->clock.now_ms);
}

static void say_other(void *data) {
	struct scene *scene = data;
	str_addf(&scene->said, "other@%lld ", (long long)scene->clock.now_ms);
}

static void run_timers_fire_in_order_of_their_due_times(void **state) {
	struct scene *scene = *state;
	scene->clock.jumps = true;
	scene->timer = loop_timer_create(scene->loop, say_timer, scene);
	scene->other = loop_timer_create(scene->loop, say_other, scene);
	struct loop_timer *last = loop_timer_create(scene->loop, stop, scene);
	loop_timer_start_at(last, 700000);
	loop_timer_start_at(scene->timer, 600000);
	loop_timer_start_at(scene->other, 1500);
	loop_run(scene->loop);
	assert_string_equal(
			str_text(&scene->said), "other@1500 timer@600000 stop ");
	loop_timer_destroy(last);
}

static void equal_times_keep_the_order_of_starting(void **state) {
	struct scene *scene = *state;
	scene->timer = loop_timer_create(scene->loop, say_timer, scene);
	scene->other = loop_timer_create(scene->loop, say_other, scene);
	struct loop_timer *last = loop_timer_create(scene->loop, stop, scene);
	loop_timer_start_at(scene->timer, 900);
	loop_timer_start_at(scene->other, 900);
	loop_timer_start_at(last, 900);
	loop_timer_start_at(scene->timer, 900); // moved behind the two others
	loop_run(scene->loop);
	assert_string_equal(str_text(&scene->said), "other@1000 stop ");
	loop_timer_destroy(last);
}

static void push_clock(void *data) {
	struct scene *scene = data;
	assert_true(scene->clock.idle_count > 0);
	scene->clock.now_ms = 5000;
}

static void a_run_timer_follows_a_clock_that_others_move(void **state) {
	struct scene *scene = *state;
	scene->timer = loop_timer_create(scene->loop, stop, scene);
	scene->other = loop_timer_create(scene->loop, push_clock, scene);
	loop_timer_start_at(scene->timer, 5000);
	loop_timer_start_real(scene->other, 5);
	loop_run(scene->loop);
	assert_string_equal(str_text(&scene->said), "stop ");
	assert_int_equal(scene->clock.idle_until_ms, 5000);
}

static void an_idle_loop_says_so_again_and_again(void **state) {
	struct scene *scene = *state;
	scene->timer = loop_timer_create(scene->loop, stop, scene);
	loop_timer_start_real(scene->timer, 30);
	loop_run(scene->loop);
	assert_true(scene->clock.idle_count > 5);
}

static void a_held_clock_is_never_told_idle(void **state) {
	struct scene *scene = *state;
	loop_hold_clock(scene->loop);
	scene->timer = loop_timer_create(scene->loop, stop, scene);
	loop_timer_start_real(scene->timer, 5);
	loop_run(scene->loop);
	assert_int_equal(scene->clock.idle_count, 0);
	loop_release_clock(scene->loop);
	loop_timer_start_real(scene->timer, 5);
	loop_run(scene->loop);
	assert_true(scene->clock.idle_count > 0);
	assert_true(scene->clock.idle_until_ms == CLOCK_NEVER);
}

static void read_and_stop(void *data) {
	struct scene *scene = data;
	char byte = 0;
	assert_false(scene->clock.idle);
	assert_int_equal(read(scene->pipe[0], &byte, 1), 1);
	str_addf(&scene->said, "read:%c ", byte);
	if (byte == '.') {
		loop_stop(scene->loop);
	}
}

static void write_dot(void *data) {
	struct scene *scene = data;
	assert_int_equal(write(scene->pipe[1], "ab.", 3), 3);
}

static void a_descriptor_wakes_the_loop_busy(void **state) {
	struct scene *scene = *state;
	scene->watch = loop_watch_create(
			scene->loop, scene->pipe[0], read_and_stop, scene);
	scene->timer = loop_timer_create(scene->loop, write_dot, scene);
	loop_timer_start_real(scene->timer, 2);
	loop_run(scene->loop);
	assert_string_equal(str_text(&scene->said), "read:a read:b read:. ");
}

static void say_deferred(void *data) {
	struct scene *scene = data;
	scene->count++;
	str_addf(&scene->said, "deferred:%d ", scene->count);
	if (scene->count < 40) {
		loop_defer(scene->loop, say_deferred, scene);
	} else {
		loop_stop(scene->loop);
	}
}

static void a_deferred_call_that_defers_does_not_starve_the_rest(void **state) {
	struct scene *scene = *state;
	scene->watch = loop_watch_create(
			scene->loop, scene->pipe[0], read_and_stop, scene);
	write_dot(scene);
	loop_defer(scene->loop, say_deferred, scene);
	loop_run(scene->loop);
	assert_string_equal(str_text(&scene->said),
			"deferred:1 read:a deferred:2 read:b deferred:3 read:. ");
	loop_run(scene->loop);
	assert_int_equal(scene->count, 40);
	assert_int_equal(scene->clock.idle_count, 0);
}

static void a_cancelled_deferred_call_is_not_made(void **state) {
	struct scene *scene = *state;
	int gone = 0;
	loop_defer(scene->loop, say_deferred, &gone);
	loop_defer(scene->loop, stop, scene);
	loop_cancel_deferred(scene->loop, &gone);
	loop_run(scene->loop);
	assert_string_equal(str_text(&scene->said), "stop ");
}

static void destroy_both(void *data) {
	struct scene *scene = data;
	loop_timer_destroy(scene->timer);
	loop_timer_destroy(scene->other);
	scene->timer = NULL;
	scene->other = NULL;
	loop_defer(scene->loop, stop, scene);
}

static void a_timer_may_destroy_itself_and_its_neighbours(void **state) {
	struct scene *scene = *state;
	scene->timer = loop_timer_create(scene->loop, destroy_both, scene);
	scene->other = loop_timer_create(scene->loop, say_other, scene);
	loop_timer_start_real(scene->timer, 0);
	loop_timer_start_real(scene->other, 0);
	loop_run(scene->loop);
	assert_string_equal(str_text(&scene->said), "stop ");
}

static void raise_usr1(void *data) {
	(void)data;
	raise(SIGUSR1);
}

static void a_signal_is_told_from_the_loop(void **state) {
	struct scene *scene = *state;
	struct loop_signal *handle = loop_signal_create(
			scene->loop, SIGUSR1, stop, scene);
	scene->timer = loop_timer_create(scene->loop, raise_usr1, scene);
	loop_timer_start_real(scene->timer, 2);
	loop_run(scene->loop);
	assert_string_equal(str_text(&scene->said), "stop ");
	loop_signal_destroy(handle);
}

static void settling_calls_nobody(void **state) {
	struct scene *scene = *state;
	scene->watch = loop_watch_create(
			scene->loop, scene->pipe[0], read_and_stop, scene);
	write_dot(scene);
	loop_defer(scene->loop, stop, scene);
	assert_true(loop_settle(scene->loop));
	assert_true(loop_settle(scene->loop));
	assert_string_equal(str_text(&scene->said), "");
}

static void a_real_clock_reaches_its_run_timers(void **state) {
	(void)state;
	struct scene scene = { .clock = { .now_ms = 1000, .jumps = true } };
	struct err err = { 0 };
	scene.loop = loop_create(&scene.clock, &err);
	assert_non_null(scene.loop);
	struct loop_timer *timer = loop_timer_create(scene.loop, stop, &scene);
	loop_timer_start_at(timer, 1004);
	loop_run(scene.loop);
	assert_string_equal(str_text(&scene.said), "stop ");
	loop_timer_destroy(timer);
	loop_destroy(scene.loop);
	str_finish(&scene.said);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(run_timers_fire_in_order_of_their_due_times),
		CASE(equal_times_keep_the_order_of_starting),
		CASE(a_run_timer_follows_a_clock_that_others_move),
		CASE(an_idle_loop_says_so_again_and_again),
		CASE(a_held_clock_is_never_told_idle),
		CASE(a_descriptor_wakes_the_loop_busy),
		CASE(a_deferred_call_that_defers_does_not_starve_the_rest),
		CASE(a_cancelled_deferred_call_is_not_made),
		CASE(a_timer_may_destroy_itself_and_its_neighbours),
		CASE(a_signal_is_told_from_the_loop),
		CASE(settling_calls_nobody),
		cmocka_unit_test(a_real_clock_reaches_its_run_timers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
