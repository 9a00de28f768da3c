#include "core/people.h"

#include "support/test.h"

static struct person person(const char *id, const char *name) {
	return (struct person){
		.id = (char *)(uintptr_t)id,
		.name = (char *)(uintptr_t)name,
		.active = true,
		.member = true,
	};
}

static void a_person_is_replaced_by_id_not_by_name(void **state) {
	(void)state;
	struct people people;
	people_init(&people);
	struct person ada = person("u1", "ada");
	people_put(&people, &ada);
	struct person renamed = person("u1", "ada.l");
	people_put(&people, &renamed);
	assert_int_equal(people.count, 1);
	assert_null(people_by_name(&people, "ada"));
	assert_string_equal(people_name(&people, "u1"), "ada.l");
	people_finish(&people);
}

static void names_ignore_case_and_ids_do_not(void **state) {
	(void)state;
	struct people people;
	people_init(&people);
	struct person cto = person("U1", "cto");
	people_put(&people, &cto);
	assert_non_null(people_by_name(&people, "CTO"));
	assert_null(people_by_id(&people, "u1"));
	people_finish(&people);
}

static void a_name_taken_again_means_the_active_account(void **state) {
	(void)state;
	struct people people;
	people_init(&people);
	struct person old = person("u1", "cto");
	old.active = false;
	struct person new = person("u2", "cto");
	people_put(&people, &old);
	people_put(&people, &new);
	assert_string_equal(people_by_name(&people, "cto")->id, "u2");
	people_finish(&people);
}

static void who_is_not_known_is_called_by_the_id(void **state) {
	(void)state;
	struct people people;
	people_init(&people);
	assert_string_equal(people_name(&people, "u9"), "u9");
	people_finish(&people);
}

static void only_active_human_members_count(void **state) {
	(void)state;
	struct person someone = person("u1", "ada");
	assert_true(person_counts(&someone));
	someone.guest = true;
	assert_false(person_counts(&someone));
	someone = person("u1", "ada");
	someone.bot = true;
	assert_false(person_counts(&someone));
	someone = person("u1", "ada");
	someone.member = false;
	assert_false(person_counts(&someone));
	someone = person("u1", "ada");
	someone.active = false;
	assert_false(person_counts(&someone));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_person_is_replaced_by_id_not_by_name),
		cmocka_unit_test(names_ignore_case_and_ids_do_not),
		cmocka_unit_test(a_name_taken_again_means_the_active_account),
		cmocka_unit_test(who_is_not_known_is_called_by_the_id),
		cmocka_unit_test(only_active_human_members_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
