#ifndef MD_HEADER_H
#define MD_HEADER_H

#include <stddef.h>

struct cmark_node;

/*
 * Which of the tables that mean something a table is, told by its header row:
 * case, spaces and the order of columns do not matter, further columns are
 * prose.
 */

enum md_table_kind {
	MD_TABLE_PROSE,
	MD_TABLE_ROLES,
	MD_TABLE_GROUPS,
	MD_TABLE_MILESTONES,
	MD_TABLE_GATES,
	MD_TABLE_PARAMETERS,
	MD_TABLE_TESTS,
	MD_TABLE_LOG,
};
#define MD_TABLE_KIND_COUNT (MD_TABLE_LOG + 1)

/* Columns by table, in this order: those that make the table, then those that
 * may stand. */
enum {
	MD_ROLE_NAME = 0,
	MD_ROLE_PRIMARY,
	MD_ROLE_BACKUP,
	MD_ROLE_CONTACT,

	MD_GROUP_NAME = 0,
	MD_GROUP_ROLES,

	MD_MILESTONE_TIME = 0,
	MD_MILESTONE_ACTIVITY,
	MD_MILESTONE_OWNER,

	MD_GATE_STEP = 0,
	MD_GATE_APPROVERS,
	MD_GATE_RECORD,
	MD_GATE_OPEN,
	MD_GATE_VALID,

	MD_PARAMETER_NAME = 0,
	MD_PARAMETER_VALUE,
	MD_PARAMETER_MEANING,

	MD_TEST_NAME = 0,
	MD_TEST_ACTION,
	MD_TEST_EXPECTED,
	MD_TEST_OWNER,
};
#define MD_COLUMN_MAX  5
#define MD_COLUMN_NONE ((size_t)-1)

struct md_header {
	enum md_table_kind kind;
	size_t columns[MD_COLUMN_MAX]; // which cell each is; MD_COLUMN_NONE
	/* Of prose: the table that it misses by one column, and that column's name;
	 * MD_TABLE_PROSE and NULL if none. */
	enum md_table_kind near;
	const char *missing;
};

/* Read the header row of @table. */
struct md_header md_header_read(struct cmark_node *table);

/* The columns that make a table of @kind, one after another: "Role, Primary,
 * …".  Caller frees. */
char *md_header_columns(enum md_table_kind kind);

/* "roles", "smoke tests", … */
const char *md_header_name(enum md_table_kind kind);

#endif
