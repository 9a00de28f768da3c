#include "app/config_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/config_ini.h"
#include "sys/fd.h"
#include "sys/secret.h"

static const char *const places[] = { "config.ini",
	"/etc/bridgekeeper/config.ini" };

static bool find(struct config_file *file, const char *path, struct err *err) {
	if (path != NULL) {
		file->path = xstrdup(path);
		return true;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], F_OK) == 0) {
			file->path = xstrdup(places[i]);
			return true;
		}
	}
	return err_set(err, ERR_NOT_FOUND,
			"there is no config: neither ./%s nor %s; say --config FILE",
			places[0], places[1]);
}

static char *folder_of(const char *path) {
	const char *slash = strrchr(path, '/');
	if (slash == NULL) {
		return xstrdup(".");
	}
	return slash == path ? xstrdup("/")
						 : xstrndup(path, (size_t)(slash - path));
}

/* The first error, and how many more there are. */
static bool tell_first(const struct config_file *file, struct err *err) {
	size_t errors = findings_errors(&file->findings);
	for (size_t i = 0; i < file->findings.count; i++) {
		const struct finding *finding = &file->findings.list[i];
		if (finding->severity != SEVERITY_ERROR) {
			continue;
		}
		err_set(err, ERR_INVALID, "%s:%u: %s", file->path, finding->place.line,
				finding->text);
		if (errors > 1) {
			return err_wrap(
					err, "%zu errors in the config, the first: ", errors);
		}
		return false;
	}
	return err_set(err, ERR_INVALID, "%s cannot be used", file->path);
}

bool config_file_read(
		struct config_file *file, const char *path, struct err *err) {
	*file = (struct config_file){ 0 };
	findings_init(&file->findings);
	if (!find(file, path, err)) {
		return false;
	}
	file->dir = folder_of(file->path);
	struct str text;
	str_init(&text, 0);
	bool ok = fd_read_file(file->path, CONFIG_MAX_BYTES, &text, err);
	if (ok) {
		file->config = config_parse(str_text(&text), text.len, &file->findings);
		findings_sort(&file->findings);
		ok = file->config != NULL || tell_first(file, err);
	}
	str_finish(&text);
	return ok;
}

void config_file_finish(struct config_file *file) {
	free(file->path);
	free(file->dir);
	config_destroy(file->config);
	findings_finish(&file->findings);
	*file = (struct config_file){ 0 };
}

char *config_file_path(const struct config_file *file, const char *path) {
	return config_path(file->dir, path);
}

struct secret *config_file_token(
		const struct config_file *file, struct err *err) {
	const struct config_mattermost *mattermost = &file->config->mattermost;
	struct secret *token = NULL;
	if (mattermost->token_file != NULL) {
		char *path = config_file_path(file, mattermost->token_file);
		token = secret_read_file(path, err);
		free(path);
	} else {
		token = secret_read_credential(mattermost->token_credential, err);
	}
	if (token == NULL) {
		err_wrap(err, "the token: ");
	}
	return token;
}
