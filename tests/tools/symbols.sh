#!/bin/sh
# No name may be defined by two of the libraries: the linker would take the
# first that it meets and say nothing.
set -eu
twice=$(for library in "$@"; do
	nm --defined-only --format=posix "$library" 2>/dev/null |
		awk 'NF > 1 && $2 ~ /^[TDBRC]$/ { print $1 }' | sort -u
done | sort | uniq -d)
if [ -n "$twice" ]; then
	echo "$twice"
	echo "defined twice: see the names above" >&2
	exit 1
fi
