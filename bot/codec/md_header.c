#include "codec/md_header.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmark-gfm.h>

#include "base/str.h"
#include "codec/md_text.h"

struct layout {
	const char *name;
	const char *needed[MD_COLUMN_MAX];
	const char *may[MD_COLUMN_MAX];
};

static const struct layout layouts[MD_TABLE_KIND_COUNT] = {
	[MD_TABLE_ROLES] = { "roles", { "Role", "Primary", "Backup", "Contact" } },
	[MD_TABLE_GROUPS] = { "groups", { "Group", "Roles" } },
	[MD_TABLE_MILESTONES] = { "milestones", { "Time", "Activity", "Owner" } },
	[MD_TABLE_GATES] = { "approvals",
			{ "Step", "Required approvers", "Record location" },
			{ "Open for", "Valid for" } },
	[MD_TABLE_PARAMETERS] = { "parameters",
			{ "Parameter", "Value", "Meaning" } },
	[MD_TABLE_TESTS] = { "smoke tests",
			{ "Test", "Command / action", "Expected result" }, { "Owner" } },
	[MD_TABLE_LOG] = { "rehearsal log",
			{ "Date (UTC)", "What we exercised", "Outcome", "Follow-up" } },
};

/* Whether both say the same but for case and white space. */
static bool alike(const char *a, const char *b) {
	for (;;) {
		a += strspn(a, " \t");
		b += strspn(b, " \t");
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) {
			return false;
		}
		if (*a == '\0') {
			return true;
		}
		a++;
		b++;
	}
}

static size_t find_column(cmark_node *row, const char *name) {
	size_t index = 0;
	for (cmark_node *cell = cmark_node_first_child(row); cell != NULL;
			cell = cmark_node_next(cell)) {
		char *text = md_text_plain(cell);
		bool found = alike(text, name);
		free(text);
		if (found) {
			return index;
		}
		index++;
	}
	return MD_COLUMN_NONE;
}

/* How many of the columns that make the table are not there. */
static size_t match_layout(
		cmark_node *row, enum md_table_kind kind, struct md_header *header) {
	const struct layout *layout = &layouts[kind];
	size_t missing = 0;
	size_t at = 0;
	for (size_t i = 0; i < MD_COLUMN_MAX && layout->needed[i] != NULL; i++) {
		header->columns[at] = find_column(row, layout->needed[i]);
		if (header->columns[at++] == MD_COLUMN_NONE) {
			header->missing = layout->needed[i];
			missing++;
		}
	}
	for (size_t i = 0; at < MD_COLUMN_MAX && layout->may[i] != NULL; i++) {
		header->columns[at++] = find_column(row, layout->may[i]);
	}
	return missing;
}

static size_t needed_count(enum md_table_kind kind) {
	size_t n = 0;
	while (n < MD_COLUMN_MAX && layouts[kind].needed[n] != NULL) {
		n++;
	}
	return n;
}

struct md_header md_header_read(cmark_node *table) {
	struct md_header none = { .kind = MD_TABLE_PROSE };
	cmark_node *row = cmark_node_first_child(table);
	if (row == NULL) {
		return none;
	}
	for (int kind = MD_TABLE_ROLES; kind < MD_TABLE_KIND_COUNT; kind++) {
		struct md_header header = { .kind = (enum md_table_kind)kind };
		for (size_t i = 0; i < MD_COLUMN_MAX; i++) {
			header.columns[i] = MD_COLUMN_NONE;
		}
		size_t missing = match_layout(row, header.kind, &header);
		if (missing == 0) {
			return header;
		}
		if (missing == 1 && needed_count(header.kind) > 2) {
			none.near = header.kind;
			none.missing = header.missing;
		}
	}
	return none;
}

char *md_header_columns(enum md_table_kind kind) {
	struct str out = { 0 };
	for (size_t i = 0; i < needed_count(kind); i++) {
		str_addf(&out, "%s%s", i > 0 ? ", " : "", layouts[kind].needed[i]);
	}
	return str_take(&out);
}

const char *md_header_name(enum md_table_kind kind) {
	return kind == MD_TABLE_PROSE ? "prose" : layouts[kind].name;
}
