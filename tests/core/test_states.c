#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bridge.h"
#include "support/test.h"

/*
 * docs/run-states.md, given as the first argument, has a row for each way out
 * of a state, and no other.
 */

static const char *path;

static bool status_by_name(const char *name, enum run_status *status) {
	for (int i = 0; i < RUN_STATUS_COUNT; i++) {
		if (strcmp(run_status_name((enum run_status)i), name) == 0) {
			*status = (enum run_status)i;
			return true;
		}
	}
	return false;
}

/* The cells of a row "| from | to | by |". */
static bool read_row(char *line, enum run_status *from, enum run_status *to) {
	if (strncmp(line, "| ", 2) != 0) {
		return false;
	}
	char *second = strstr(line + 2, " | ");
	char *third = second != NULL ? strstr(second + 3, " | ") : NULL;
	if (third == NULL) {
		return false;
	}
	*second = '\0';
	*third = '\0';
	return status_by_name(line + 2, from) && status_by_name(second + 3, to);
}

static void the_documented_ways_are_those_of_the_code(void **state) {
	(void)state;
	bool documented[RUN_STATUS_COUNT][RUN_STATUS_COUNT] = { { false } };
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	char line[512];
	while (fgets(line, sizeof(line), file) != NULL) {
		enum run_status from = RUN_PLANNED;
		enum run_status to = RUN_PLANNED;
		if (read_row(line, &from, &to)) {
			assert_false(documented[from][to]);
			documented[from][to] = true;
		}
	}
	fclose(file);
	for (int from = 0; from < RUN_STATUS_COUNT; from++) {
		for (int to = 0; to < RUN_STATUS_COUNT; to++) {
			bool may = run_status_may_follow(
					(enum run_status)from, (enum run_status)to);
			if (may != documented[from][to]) {
				fail_msg("%s -> %s is only in %s",
						run_status_name((enum run_status)from),
						run_status_name((enum run_status)to),
						may ? "the code" : "the table");
			}
		}
	}
}

int main(int argc, char **argv) {
	if (argc != 2) {
		return 2;
	}
	path = argv[1];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_ways_are_those_of_the_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
