#include "core/variable.h"

#include <stddef.h>
#include <string.h>

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS  CAPITALS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS   "0123456789"

static bool consists_of(const char *name, const char *bytes) {
	size_t len = strlen(name);
	return len > 0 && len <= VARIABLE_NAME_MAX && strspn(name, bytes) == len &&
			strchr(DIGITS, name[0]) == NULL;
}

bool variable_is_name(const char *name) {
	return consists_of(name, LETTERS DIGITS "_");
}

bool variable_is_capital(const char *name) {
	return consists_of(name, CAPITALS DIGITS "_");
}

bool variable_is_reserved(const char *name) {
	static const char *const whole[] = { "PATH", "HOME", "USER", "LANG", "IFS",
		"ENV", "BASHOPTS", "BASHPID", "SHELLOPTS", "SHELL", "CDPATH",
		"GLOBIGNORE", "GCONV_PATH", "HOSTALIASES", "LOCPATH", "NLSPATH",
		"OLDPWD", "OPTARG", "OPTERR", "OPTIND", "POSIXLY_CORRECT", "PPID",
		"PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS3", "PS4", "PWD", "RANDOM",
		"REPLY", "SECONDS", "SRANDOM", "UID", "EUID", "GROUPS", "LINENO",
		"FUNCNAME", "DIRSTACK", "PIPESTATUS" };
	static const char *const beginnings[] = { "BASH_", "BRIDGE_", "LD_",
		"GLIBC_", "MALLOC_" };
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (strcmp(name, whole[i]) == 0) {
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0) {
			return true;
		}
	}
	return false;
}
