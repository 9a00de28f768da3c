#!/bin/sh
# Installs from Debian's packages what building, testing and the demo need; told
# `build`, only what building and running do, for a machine that is no workshop.
# Does nothing, quickly, where nothing is missing.
set -eu
packages='gcc libc6-dev meson ninja-build pkg-config python3
	libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libcurl4-openssl-dev
	libcjson-dev libpcre2-dev libsqlite3-dev libssl-dev
	libcmark-gfm-dev libcmark-gfm-extensions-dev libcmocka-dev
	git scdoc sqlite3 ca-certificates openssh-client'
if [ "${1:-}" != build ]; then
	packages="$packages valgrind openssl openssh-server"
fi
missing=
for package in $packages; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "bridgekeeper builds on Debian 12; install these by hand:$missing" >&2
	exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
	sudo=
elif command -v sudo >/dev/null; then
	sudo=sudo
else
	echo "not root and no sudo; as root: apt-get install$missing" >&2
	exit 1
fi
echo "installing:$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # words on purpose
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq \
	--no-install-recommends $missing >/dev/null
# The tests start servers of their own, on loopback: Debian's, which begins to
# listen for the world when it is installed, has no work here.
case $missing in
*openssh-server*)
	if [ -d /run/systemd/system ]; then
		$sudo systemctl disable --now ssh.service ssh.socket \
			>/dev/null 2>&1 || true
	fi
	;;
esac
