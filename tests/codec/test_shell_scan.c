#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/command_text.h"
#include "codec/shell_builtin.h"
#include "codec/shell_scan.h"
#include "support/test.h"

/* What a text needs from outside, each once: "A B". */
static char *needs(const char *text) {
	struct shell_scan scan;
	struct str out = { 0 };
	shell_scan_read(&scan, text);
	for (size_t i = 0; i < scan.use_count; i++) {
		const char *name = scan.uses[i].name;
		char *word = xasprintf(" %s ", name);
		char *so_far = xasprintf(" %s ", str_text(&out));
		if (!shell_scan_sets(&scan, name) && !shell_builtin_is_own(name) &&
				strstr(so_far, word) == NULL) {
			str_addf(&out, "%s%s", out.len > 0 ? " " : "", name);
		}
		free(word);
		free(so_far);
	}
	shell_scan_finish(&scan);
	return str_take(&out);
}

static void assert_needs(const char *text, const char *wanted) {
	char *found = needs(text);
	if (strcmp(found, wanted) != 0) {
		fail_msg("%s\nneeds \"%s\", wanted \"%s\"", text, found, wanted);
	}
	free(found);
}

static void quotes_decide_what_is_a_variable(void **state) {
	(void)state;
	assert_needs("echo $A '$B' \"$C\" \\$D \"\\$E\" $'$F\\'$G'", "A C");
	assert_needs("echo \"a 'quoted $A' b\"", "A");
	assert_needs("echo 'it'\\''s' $A", "A");
	assert_needs("echo $1 $@ $# $? $$ $! $* $- ${1} ${@:2} ${#} ${10}", "");
	assert_needs("echo a$ $", "");
}

static void expansions_with_a_default_need_nothing(void **state) {
	(void)state;
	assert_needs("${A:-x} ${B-x} ${C:+x} ${D+x} ${E:=x} ${F=x} $E $F", "");
	assert_needs("${A:?gone} ${B%.*} ${C//x/y} ${D:0:3} ${#E} ${F[1]}",
			"A B C D E F");
	assert_needs("${A:-$B} ${C:-${D}} ${E%%$G}", "B D E G");
	assert_needs("${!PREFIX*} ${!PREFIX@}", "");
	assert_needs("${!A} ${B: -1} ${C@Q}", "A B C");
	assert_needs("\"${A:-\"$B\"}\" \"${C:-'$D'}\"", "B D");
}

static void substitutions_are_read_like_commands(void **state) {
	(void)state;
	assert_needs("echo $(cat \"$A\" | grep ')' $B) $C", "A B C");
	assert_needs("echo \"$(echo \"$(echo \"$A\")\")\" `echo $B`", "A B");
	assert_needs("diff <(sort $A) <(sort $B) > $C", "A B C");
	assert_needs("x=$(case $A in a) echo $B;; (b) echo $C;; esac); echo $x",
			"A B C");
	assert_needs("(cd $A; y=1); echo $y", "A");
}

static void here_documents_expand_unless_quoted(void **state) {
	(void)state;
	assert_needs("cat <<E\n$A \\$B '$C'\nE\necho $D", "A C D");
	assert_needs("cat <<'E'\n$A\nE\necho $D", "D");
	assert_needs("cat <<\\E\n$A\nE\necho $D", "D");
	assert_needs("cat <<-E\n\t$A\n\tE\necho $D", "A D");
	assert_needs("cat <<A <<'B'\n$X\nA\n$Y\nB\necho $Z", "X Z");
	assert_needs("cat <<< \"$A\"; echo $B", "A B");
	assert_needs("x=$(cat <<E\n$A )\nE\n); echo $B", "A B");
	assert_needs("cat <<E\n$A", "A");
}

static void arithmetic_names_variables_without_a_dollar(void **state) {
	(void)state;
	assert_needs("echo $((A + b * 0x1f)) $(( $C + 1 ))", "A b C");
	assert_needs("((n = 1, n += 2, n++)); echo $n", "");
	assert_needs("for ((i = 0; i < N; i++)); do echo $i; done", "N");
	assert_needs("echo $((1 << 2)) $(((1 + 2) * A))", "A");
}

static void what_sets_a_variable_is_known(void **state) {
	(void)state;
	assert_needs("A=1 B+=x C[0]=y; echo $A $B $C", "");
	assert_needs("export A=1; readonly B=2; export C; echo $A $B $C", "C");
	assert_needs("for a in $B; do echo $a; done", "B");
	assert_needs("while read -r a b; do echo $a $b; done < $C", "C");
	assert_needs("IFS=, read -r -p 'x: ' -t 5 a <<< $B; echo $a", "B");
	assert_needs("read -ra list; echo ${list[0]}", "");
	assert_needs(
			"mapfile -t -n 5 rows < x; readarray more; echo $rows $more", "");
	assert_needs("f() { local a b=1; echo $a $b; }", "");
	assert_needs("function g { declare -i a; typeset b; echo $a $b; }", "");
	assert_needs("getopts ab o; printf -v p %s x; echo $o $p", "");
	assert_needs("echo A=1; echo $A", "A");
	assert_needs("a=(1 $B 'c d'); echo ${a[@]}", "B");
	assert_needs("select s in a b; do echo $s; done", "");
	assert_needs("A=1 echo $B # $C", "B");
}

/* The words of every command: "a b|c". */
static char *commands(const char *text) {
	struct shell_scan scan;
	struct str out = { 0 };
	shell_scan_read(&scan, text);
	for (size_t i = 0; i < scan.command_count; i++) {
		str_add(&out, i > 0 ? "|" : "");
		for (size_t k = 0; k < scan.commands[i].count; k++) {
			str_addf(&out, "%s%s", k > 0 ? " " : "", scan.commands[i].words[k]);
		}
	}
	shell_scan_finish(&scan);
	return str_take(&out);
}

static void assert_commands(const char *text, const char *wanted) {
	char *found = commands(text);
	if (strcmp(found, wanted) != 0) {
		fail_msg("%s\nis \"%s\", wanted \"%s\"", text, found, wanted);
	}
	free(found);
}

static void commands_are_told_apart(void **state) {
	(void)state;
	assert_commands("a b; c && d || e | f & g\nh", "a b|c|d|e|f|g|h");
	assert_commands("a 'b c' \"d\"e \\f", "a b c de f");
	assert_commands("a > b 2>&1 < c &> d e >&- f", "a e - f");
	assert_commands("if a; then b; elif c; then d; else e; fi", "a|b|c|d|e");
	assert_commands("while ! a; do b; done; { c; }", "a|b|c");
	assert_commands("a \\\n  b\nc # d\n", "a b|c");
	assert_commands("X=1 Y=2 a b", "a b");
	assert_commands("a $(b c) d", "b c|a $ d");
	assert_commands("case $x in a|b) c ;; (d) e ;& *) f ;; esac; g", "c|e|f|g");
	assert_commands("f() { a; }; f", "a|f");
}

static void what_does_not_end_is_seen(void **state) {
	(void)state;
	static const char *const endless[] = { "kubectl get pods -w",
		"a; kubectl -n x get pods --watch", "docker logs --follow x",
		"docker compose logs -tf", "tail -F x", "tail -n5f x", "sudo -u x top",
		"/usr/bin/watch x", "journalctl -u x -f", "env A=1 watch x",
		"if true; then tail -f x; fi", "x=$(oc get pods -w=true)",
		"kubectl logs deploy/x -f" };
	static const char *const ends[] = { "kubectl get pods --watch=false",
		"docker compose -f x logs", "kubectl apply -f x", "tail -n 5 x",
		"top -bn 1", "timeout 5 tail -f x", "kubectl top pods", "grep -w x",
		"echo tail -f", "watchman x", "curl -f x", "kubectl logs x -n foo" };
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		struct shell_scan scan;
		size_t offset = 0;
		const char *why = NULL;
		shell_scan_read(&scan, endless[i]);
		if (!command_text_endless(&scan, &offset, &why)) {
			fail_msg("%s is said to end", endless[i]);
		}
		shell_scan_finish(&scan);
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct shell_scan scan;
		size_t offset = 0;
		const char *why = NULL;
		shell_scan_read(&scan, ends[i]);
		if (command_text_endless(&scan, &offset, &why)) {
			fail_msg("%s is said not to end, for its %s", ends[i], why);
		}
		shell_scan_finish(&scan);
	}
}

/* Pieces of shell in every order, and cut off everywhere: nothing is promised
 * of what is found, but reading ends and stays within the text. */
static void no_text_is_too_strange(void **state) {
	(void)state;
	static const char *const pieces[] = { "$(", ")", "${", "}", "\"", "'", "`",
		"<<E\n", "\nE\n", "((", "))", "case x in ", "esac", ";;", "|", "\\",
		"$'", "a=(", "[", "]", "for ", "#", "\n", "<(", "$((", "é", "\x01",
		" " };
	const size_t count = sizeof(pieces) / sizeof(pieces[0]);
	uint32_t random = 12345;
	for (int round = 0; round < 3000; round++) {
		struct str text = { 0 };
		for (int i = 0; i < 20; i++) {
			random = random * 1664525 + 1013904223;
			str_add(&text, pieces[(random >> 16) % count]);
		}
		struct shell_scan scan;
		shell_scan_read(&scan, text.data);
		assert_int_equal(scan.len, text.len);
		for (size_t i = 0; i < scan.use_count; i++) {
			assert_true(scan.uses[i].offset < text.len);
		}
		shell_scan_finish(&scan);
		str_finish(&text);
	}
	struct str deep = { 0 };
	for (int i = 0; i < 5000; i++) {
		str_add(&deep, i % 2 == 0 ? "$(" : "${x:-");
	}
	struct shell_scan scan;
	shell_scan_read(&scan, deep.data);
	shell_scan_finish(&scan);
	str_finish(&deep);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_decide_what_is_a_variable),
		cmocka_unit_test(expansions_with_a_default_need_nothing),
		cmocka_unit_test(substitutions_are_read_like_commands),
		cmocka_unit_test(here_documents_expand_unless_quoted),
		cmocka_unit_test(arithmetic_names_variables_without_a_dollar),
		cmocka_unit_test(what_sets_a_variable_is_known),
		cmocka_unit_test(commands_are_told_apart),
		cmocka_unit_test(what_does_not_end_is_seen),
		cmocka_unit_test(no_text_is_too_strange),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
