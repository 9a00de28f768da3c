/*
 * curl: the options that the runbook uses, and none but the demo's sites.
 * site: the same answers for a real server on loopback, as a status line and
 * the body.
 */
#include <stdio.h>
#include <string.h>

#include "web.h"

static const char *const curl_options[] = { "--max-time", "--output",
	"--write-out", "--header", "--data", NULL };
static const char *const curl_flags[] = { "--fail", "--silent", "--show-error",
	NULL };

static bool is_in(const char *const *names, const char *word) {
	for (; *names != NULL; names++) {
		if (strcmp(*names, word) == 0) {
			return true;
		}
	}
	return false;
}

static bool knows_options(const struct world *world) {
	for (int i = 1; i < world->argc; i++) {
		const char *word = world->argv[i];
		if (is_in(curl_options, word)) {
			i++;
		} else if (word[0] == '-' && !is_in(curl_flags, word)) {
			complain("curl: option %s: is unknown here", word);
			return false;
		}
	}
	return true;
}

static void write_out(const char *format, int status) {
	static const char code[] = "%{http_code}";
	while (*format != '\0') {
		if (strncmp(format, code, sizeof(code) - 1) == 0) {
			printf("%03d", status);
			format += sizeof(code) - 1;
		} else if (strncmp(format, "\\n", 2) == 0) {
			putchar('\n');
			format += 2;
		} else {
			putchar(*format++);
		}
	}
}

int curl_run(struct world *world) {
	const char *url[1];
	const char *data = option(world, "--data");
	if (!knows_options(world)) {
		return 2;
	}
	if (plain_words(world, curl_options, url, 1) != 1) {
		complain("curl: exactly one URL is known here");
		return 2;
	}
	if (data != NULL && data[0] == '@' && !file_exists(data + 1)) {
		complain("curl: (26) Failed to open %s", data + 1);
		return 26;
	}
	struct answer answer;
	web_answer(world, data != NULL ? "POST" : "GET", url[0], &answer);
	if (answer.status == 0) {
		complain("curl: (7) Failed to connect to %s", url[0]);
		return 7;
	}
	if (has_word(world, "--fail") && answer.status >= 400) {
		complain("curl: (22) The requested URL returned error: %d",
				answer.status);
		return 22;
	}
	if (option(world, "--output") == NULL) {
		fputs(answer.body, stdout);
	}
	if (option(world, "--write-out") != NULL) {
		write_out(option(world, "--write-out"), answer.status);
	}
	return 0;
}

int site_run(struct world *world) {
	if (world->argc != 3) {
		return complain("usage: site METHOD URL");
	}
	struct answer answer;
	web_answer(world, world->argv[1], world->argv[2], &answer);
	printf("%d\n%s", answer.status == 0 ? 502 : answer.status, answer.body);
	return 0;
}
