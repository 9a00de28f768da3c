#include "codec/host_look.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define CLOCK_OFF_MS 5000
#define ROOM_LEAST   INT64_C(100) // MB
#define ROOM_GOOD    INT64_C(1000)
#define TOOLS_MOST   500

/* $1: the workdir; then names.  A line a finding, between `begin` and `end`. */
const char host_look_script[] =
		"LC_ALL=C; export LC_ALL; printf '\\nbegin\\n'\n"
		"printf 'machine %s\\n' \"$(uname -sm)\"\n"
		"printf 'clock %s\\n' \"$(date +%s)\"\n"
		"cd \"$HOME\" 2>/dev/null &&\n"
		"b=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null) &&\n"
		"printf 'place %s %s %s %s\\n' \"$b\" \"$(uname -n)\" \"$PWD\" \\\n"
		"\"$(cat /etc/machine-id 2>/dev/null)\"\n"
		"cd \"$HOME\" 2>/dev/null && if [ -e .bridgekeeper ]; then\n"
		"[ -d .bridgekeeper ] && [ -w .bridgekeeper ]; else [ -w . ]; fi ||\n"
		"echo homeless\n"
		"df -Pk . 2>/dev/null | { read -r x; read -r x x x free x at\n"
		"printf 'free %s\\n' \"$free\"; n=\n"
		"while read -r x p x o x; do [ \"$p\" = \"$at\" ] &&\n"
		"case ,$o, in *,noexec,*) n=1;; *) n=;; esac; done < /proc/mounts\n"
		"[ \"$n\" ] && echo noexec; }\n"
		"w=$1; shift; i=0; for t; do case $t in /*) [ -x \"$t\" ];;\n"
		"*/*) [ -x \"$w/$t\" ];; *) command -v \"$t\" >/dev/null 2>&1;; esac ||\n"
		"echo \"lacks $i\"; i=$((i + 1)); done; echo end";

/* What every step needs there. */
static const char *const always[] = { "bash", "sha256sum" };

#define ALWAYS_COUNT (sizeof(always) / sizeof(always[0]))

static bool is_of_target(const struct host_look *look, size_t tool) {
	return strcmp(look->tools->list[tool].on, look->target->name) == 0;
}

const char **host_look_words(const struct host_look *look) {
	size_t known = look->tools != NULL ? look->tools->count : 0;
	const char **words = xcalloc(known + ALWAYS_COUNT + 2, sizeof(*words));
	size_t count = 0;
	words[count++] = look->target->workdir;
	for (size_t i = 0; i < ALWAYS_COUNT; i++) {
		words[count++] = always[i];
	}
	for (size_t i = 0; i < known && count < TOOLS_MOST; i++) {
		if (is_of_target(look, i)) {
			words[count++] = look->tools->list[i].name;
		}
	}
	return words;
}

/* --- judging --- */

static void add(const struct host_look *look, struct findings *findings,
		enum severity severity, const char *rule, char *take_text) {
	uint32_t line = look->target->line;
	findings_add(findings, severity, rule,
			(struct place){ line > 0 ? line : 1, 1 }, "%s of [target %s]%s",
			look->host, look->target->name, take_text);
	free(take_text);
}

static void judge_machine(const struct host_look *look,
		struct findings *findings, const char *machine) {
	if (strcmp(machine, look->machine) != 0) {
		add(look, findings, SEVERITY_ERROR, "host",
				xasprintf(" is %s, and steprun is for %s, so no step can run "
						  "there: run a bot on a machine of its kind",
						machine, look->machine));
	}
}

static void judge_clock(const struct host_look *look, struct findings *findings,
		int64_t there_ms) {
	int64_t behind = look->asked_ms - there_ms;
	int64_t ahead = there_ms - look->answered_ms;
	if (behind > CLOCK_OFF_MS || ahead > CLOCK_OFF_MS) {
		add(look, findings, SEVERITY_WARNING, "clock",
				xasprintf(" has a clock %" PRId64 " s %s this machine's: set "
						  "them by one time server, for logs tell times by it",
						(ahead > 0 ? ahead : behind) / 1000,
						ahead > 0 ? "ahead of" : "behind"));
	}
}

static void judge_room(
		const struct host_look *look, struct findings *findings, int64_t mb) {
	if (mb < ROOM_GOOD) {
		add(look, findings, mb < ROOM_LEAST ? SEVERITY_ERROR : SEVERITY_WARNING,
				"disk",
				xasprintf(" has %" PRId64 " MB free in the home folder: make "
						  "room, a night's output wants 1000",
						mb));
	}
}

static void judge_lack(
		const struct host_look *look, struct findings *findings, size_t word) {
	if (word < ALWAYS_COUNT) {
		add(look, findings, SEVERITY_ERROR, "tool",
				xasprintf(" has no `%s`, which the bot needs there: install it",
						always[word]));
		return;
	}
	size_t nth = ALWAYS_COUNT;
	for (size_t i = 0; look->tools != NULL && i < look->tools->count; i++) {
		const struct tool *tool = &look->tools->list[i];
		if (is_of_target(look, i) && nth++ == word) {
			add(look, findings, SEVERITY_ERROR, "tool",
					xasprintf(" has no `%s`, which step %s runs: install it, "
							  "or put it into PATH there",
							tool->name, tool->step));
		}
	}
}

/* Milliseconds of a time in seconds as a host tells it, which may be anything. */
static int64_t moment(const char *seconds) {
	static const long long year_9999 = 253402300799;
	long long told = strtoll(seconds, NULL, 10);
	return (told < 0 ? 0 : told > year_9999 ? year_9999 : told) * 1000;
}

/* What follows @word and a blank; NULL: the line is another. */
static const char *after(const char *line, const char *word) {
	size_t len = strlen(word);
	return strncmp(line, word, len) == 0 && line[len] == ' ' ? line + len + 1
															 : NULL;
}

static bool judge_line(const struct host_look *look, struct findings *findings,
		const char *line) {
	const char *rest = NULL;
	if ((rest = after(line, "machine")) != NULL) {
		judge_machine(look, findings, rest);
	} else if ((rest = after(line, "clock")) != NULL) {
		judge_clock(look, findings, moment(rest));
	} else if ((rest = after(line, "free")) != NULL) {
		judge_room(look, findings, strtoll(rest, NULL, 10) / 1024);
	} else if ((rest = after(line, "lacks")) != NULL) {
		judge_lack(look, findings, (size_t)strtoul(rest, NULL, 10));
	} else if (after(line, "place") != NULL) {
		return true; // it is compared with those of others
	} else if (strcmp(line, "homeless") == 0) {
		add(look, findings, SEVERITY_ERROR, "host",
				xstrdup(" has no home folder that its user can write in: "
						"steprun goes to .bridgekeeper there"));
	} else if (strcmp(line, "noexec") == 0) {
		add(look, findings, SEVERITY_ERROR, "host",
				xstrdup(" runs no programs in the home folder (noexec): "
						"steprun must run there"));
	} else {
		return false;
	}
	return true;
}

/* Cut the first line off @rest, which is moved on. */
static char *take_line(char **rest) {
	char *line = *rest;
	size_t len = strcspn(line, "\n");
	*rest = line + len + (line[len] == '\n');
	line[len] = '\0';
	return line;
}

char *host_look_place(const char *answer) {
	const char *begin = strstr(answer, "\nbegin\n");
	const char *line = begin != NULL ? strstr(begin, "\nplace ") : NULL;
	return line != NULL ? xstrndup(line + 7, strcspn(line + 7, "\n")) : NULL;
}

bool host_look_judge(const struct host_look *look, const char *answer,
		struct findings *findings) {
	char *text = xstrdup(answer);
	char *rest = text;
	bool begun = false;
	bool ended = false;
	bool good = true;
	while (rest[0] != '\0' && good && !ended) {
		const char *line = take_line(&rest);
		ended = begun && strcmp(line, "end") == 0;
		good = !begun || ended || judge_line(look, findings, line);
		// Before that a login shell may say what it likes.
		begun = begun || strcmp(line, "begin") == 0;
	}
	free(text);
	return good && ended;
}
