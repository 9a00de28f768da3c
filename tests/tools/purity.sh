#!/bin/sh
# The pure layers may call only this much of libc and of their codecs.  Anything
# else (a clock, a file, a socket, a random number, a lock, an environment
# variable) is a layering bug.  Hashing, over libcrypto, is the one exemption.
set -eu
allowed='^(abort|free|calloc|realloc|qsort|bsearch|mem(cpy|move|set|cmp|chr|mem)|str(len|cmp|ncmp|casecmp|ncasecmp|chr|chrnul|rchr|str|casestr|spn|cspn|pbrk|nlen|tol|toul|toll|toull|tod)|__isoc99_sscanf|__ctype_(b|tolower|toupper)_loc|tolower|toupper|gmtime_r|timegm|floor|fmod|__assert_fail|__stack_chk_fail|__(asan|ubsan|gcov|sanitizer)_.*|v?snprintf|__v?snprintf_chk|__mem(cpy|move|set)_chk|_GLOBAL_OFFSET_TABLE_|EVP_.*|HMAC|SHA256_(Init|Update|Final)|cJSON_.*|pcre2_.*|cmark_.*)$'
defined=$(nm --defined-only --format=posix "$@" | awk 'NF > 1 { print $1 }' | sort -u)
nm --undefined-only --format=posix "$@" | awk '$2 == "U" { print $1 }' | sort -u |
	grep -vE "$allowed" | grep -vxF "$defined" && {
	echo "the pure layers are not pure: see the symbols above" >&2
	exit 1
}
exit 0
