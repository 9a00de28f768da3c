#!/bin/sh
# The man page and the program's own usages know the same options and
# subcommands.
# usage: man.sh BRIDGEKEEPER PAGE.scd
set -eu
program=$1
page=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" help | awk '/^  [a-z]/ { print $1 }' | sort -u >"$folder/has"
for name in $(cat "$folder/has"); do
	case $name in
	help | version) ;;
	*) "$program" "$name" --help 2>&1 ;;
	esac
done | grep -oE -- '--?[a-z]+' | grep -E -- '^(--|-n$)' | grep -v -- '--help' |
	sort -u >>"$folder/has"
sed -n '/^# SYNOPSIS/,/^# DESCRIPTION/p' "$page" |
	sed -nE 's/^\*bridgekeeper ([a-z]+).*/\1/p' | sort -u >"$folder/told"
sed -n '/^# OPTIONS/,/^# EXIT STATUS/p' "$page" |
	sed -nE 's/^\*(--?[a-z]+)\*.*/\1/p' | sort -u >>"$folder/told"
diff -u "$folder/has" "$folder/told"
