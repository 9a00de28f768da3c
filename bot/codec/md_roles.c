#include "codec/md_roles.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/near.h"
#include "base/xalloc.h"
#include "codec/md_header.h"

#define COUNT_MAX 50 // of `2 of GROUP`

/* A piece of a text, and where it stands in the document. */
struct piece {
	const char *text;
	size_t len;
	struct place place;
};

static bool is_blank(char c) {
	return c == ' ' || c == '\t';
}

static struct piece trimmed(struct piece piece) {
	while (piece.len > 0 && is_blank(piece.text[0])) {
		piece.text++;
		piece.len--;
		piece.place.column++;
	}
	while (piece.len > 0 && is_blank(piece.text[piece.len - 1])) {
		piece.len--;
	}
	return piece;
}

/* The first @len bytes of @piece, without the white space around them. */
static struct piece head(struct piece piece, size_t len) {
	piece.len = len;
	return trimmed(piece);
}

static struct piece tail(struct piece piece, size_t from) {
	piece.text += from;
	piece.len -= from;
	piece.place.column += (uint32_t)from;
	return trimmed(piece);
}

/* Cut the first part off @rest at one of @marks outside parentheses; false when
 * there is none left. */
static bool next_part(
		struct piece *rest, const char *marks, struct piece *part) {
	if (rest->text == NULL) {
		return false;
	}
	int depth = 0;
	for (size_t i = 0; i < rest->len; i++) {
		depth += rest->text[i] == '(';
		depth -= rest->text[i] == ')';
		if (depth == 0 && strchr(marks, rest->text[i]) != NULL) {
			*part = head(*rest, i);
			*rest = tail(*rest, i + 1);
			return true;
		}
	}
	*part = trimmed(*rest);
	rest->text = NULL;
	return true;
}

static void add_role(struct role_set *set, size_t role) {
	for (size_t i = 0; i < set->count; i++) {
		if (set->roles[i] == role) {
			return;
		}
	}
	set->roles = xreallocarray(set->roles, set->count + 1, sizeof(*set->roles));
	set->roles[set->count++] = role;
}

static void unknown(struct md *md, struct piece piece, const char *what) {
	const struct runbook *runbook = md->runbook;
	size_t count = runbook->role_count + runbook->group_count;
	const char **names = xcalloc(count, sizeof(*names));
	for (size_t i = 0; i < runbook->role_count; i++) {
		names[i] = runbook->roles[i].name;
	}
	for (size_t i = 0; i < runbook->group_count; i++) {
		names[runbook->role_count + i] = runbook->groups[i].name;
	}
	char *name = xstrndup(piece.text, piece.len);
	const char *near = near_word(name, names, count);
	if (runbook->role_count == 0) {
		char *columns = md_header_columns(MD_TABLE_ROLES);
		md_error(md, "role-unknown", piece.place.line, piece.place.column,
				"there is no table of roles with a row for `%s`; its columns "
				"are %s",
				name, columns);
		free(columns);
		goto out;
	}
	md_error(md, "role-unknown", piece.place.line, piece.place.column,
			"`%s` has no row in the %s%s%s%s", name, what,
			near != NULL ? "; did you mean `" : "; add one",
			near != NULL ? near : "", near != NULL ? "`?" : "");
out:
	free(name);
	free(names);
}

static size_t find_role(const struct md *md, struct piece piece) {
	char *name = xstrndup(piece.text, piece.len);
	size_t role = runbook_role(md->runbook, name);
	free(name);
	return role;
}

static size_t find_group(const struct md *md, struct piece piece) {
	char *name = xstrndup(piece.text, piece.len);
	size_t group = runbook_group(md->runbook, name);
	free(name);
	return group;
}

static void add_members(
		const struct md *md, struct role_set *set, size_t group) {
	const struct role_set *members = &md->runbook->groups[group].members;
	for (size_t i = 0; i < members->count; i++) {
		add_role(set, members->roles[i]);
	}
}

static void add_any(struct md *md, struct role_set *set, struct piece piece) {
	size_t role = find_role(md, piece);
	size_t group = find_group(md, piece);
	if (role != RUNBOOK_NONE) {
		add_role(set, role);
	} else if (group != RUNBOOK_NONE) {
		add_members(md, set, group);
	} else {
		unknown(md, piece, "roles table and is no group");
	}
}

static struct piece whole(const char *text, struct place place) {
	return trimmed((struct piece){ text, strlen(text), place });
}

static bool is_named(const struct md *md, struct piece piece) {
	return find_role(md, piece) != RUNBOOK_NONE ||
			find_group(md, piece) != RUNBOOK_NONE;
}

struct role_set md_roles_any(
		struct md *md, const char *text, struct place place) {
	struct role_set set = { .text = xstrdup(text) };
	struct piece rest = whole(text, place);
	if (rest.len == 0) {
		return set;
	}
	if (is_named(md, rest)) { // a name may have a plus in it
		add_any(md, &set, rest);
		return set;
	}
	struct piece part;
	while (next_part(&rest, "+", &part)) {
		add_any(md, &set, part);
	}
	return set;
}

struct role_set md_roles_members(
		struct md *md, const char *text, struct place place) {
	struct role_set set = { .text = xstrdup(text) };
	struct piece rest = whole(text, place);
	struct piece part;
	while (next_part(&rest, ",+", &part)) {
		size_t role = find_role(md, part);
		if (role != RUNBOOK_NONE) {
			add_role(&set, role);
		} else {
			unknown(md, part, "roles table");
		}
	}
	return set;
}

struct slots {
	struct slot *list;
	size_t count;
};

static struct slot *add_slot(struct slots *slots, size_t group) {
	slots->list = md_grow(slots->list, slots->count, sizeof(*slots->list));
	struct slot *slot = &slots->list[slots->count++];
	slot->group = group;
	return slot;
}

/* A role: one slot.  A group: one for each of its roles. */
static void add_named(struct md *md, struct slots *slots, struct piece piece) {
	size_t role = find_role(md, piece);
	if (role != RUNBOOK_NONE) {
		struct slot *slot = add_slot(slots, RUNBOOK_NONE);
		add_role(&slot->roles, role);
		slot->roles.text = xstrdup(md->runbook->roles[role].name);
		return;
	}
	size_t group = find_group(md, piece);
	if (group == RUNBOOK_NONE) {
		unknown(md, piece, "roles table and is no group");
		return;
	}
	const struct role_set *members = &md->runbook->groups[group].members;
	for (size_t i = 0; i < members->count; i++) {
		struct slot *slot = add_slot(slots, group);
		add_role(&slot->roles, members->roles[i]);
		slot->roles.text = xstrdup(md->runbook->roles[members->roles[i]].name);
	}
}

/* `2 of GROUP`.  False where @piece does not begin like that. */
static bool add_count_of(
		struct md *md, struct slots *slots, struct piece piece) {
	size_t digits = 0;
	unsigned count = 0;
	while (digits < piece.len && digits < 4 && piece.text[digits] >= '0' &&
			piece.text[digits] <= '9') {
		count = count * 10 + (unsigned)(piece.text[digits] - '0');
		digits++;
	}
	struct piece rest = tail(piece, digits);
	if (digits == 0 || rest.len < 3 || strncasecmp(rest.text, "of ", 3) != 0) {
		return false;
	}
	struct piece name = tail(rest, 3);
	size_t group = find_group(md, name);
	if (group == RUNBOOK_NONE) {
		unknown(md, name, "groups table");
		return true;
	}
	const struct role_set *members = &md->runbook->groups[group].members;
	if (count == 0 || count > members->count || count > COUNT_MAX) {
		md_error(md, "table", piece.place.line, piece.place.column,
				"%u of %s: the group has %zu roles; write a number from 1 to "
				"that",
				count, md->runbook->groups[group].name, members->count);
		return true;
	}
	for (unsigned i = 0; i < count; i++) {
		struct slot *slot = add_slot(slots, group);
		add_members(md, &slot->roles, group);
		slot->roles.text = xstrndup(piece.text, piece.len);
	}
	return true;
}

/* Where " or " stands in @piece; its length if nowhere. */
static size_t find_or(struct piece piece) {
	for (size_t i = 1; i + 3 < piece.len; i++) {
		if (is_blank(piece.text[i - 1]) && is_blank(piece.text[i + 2]) &&
				strncasecmp(piece.text + i, "or", 2) == 0) {
			return i;
		}
	}
	return piece.len;
}

static void add_alternatives(
		struct md *md, struct slots *slots, struct piece piece) {
	struct slot *slot = add_slot(slots, RUNBOOK_NONE);
	slot->roles.text = xstrndup(piece.text, piece.len);
	for (struct piece rest = piece; rest.text != NULL;) {
		size_t at = find_or(rest);
		struct piece part = head(rest, at);
		size_t role = find_role(md, part);
		if (role != RUNBOOK_NONE) {
			add_role(&slot->roles, role);
		} else if (find_group(md, part) != RUNBOOK_NONE) {
			md_error(md, "table", part.place.line, part.place.column,
					"a group beside `or` may mean all of it or any one; write "
					"`1 of %.*s`, or name the roles",
					(int)part.len, part.text);
		} else {
			unknown(md, part, "roles table");
		}
		rest = at < rest.len ? tail(rest, at + 2) : (struct piece){ 0 };
	}
}

static void add_term(struct md *md, struct slots *slots, struct piece piece) {
	if (piece.len > 1 && piece.text[0] == '(' &&
			piece.text[piece.len - 1] == ')') {
		piece = head(tail(piece, 1), tail(piece, 1).len - 1);
	}
	if (is_named(md, piece)) {
		add_named(md, slots, piece);
	} else if (!add_count_of(md, slots, piece)) {
		if (find_or(piece) < piece.len) {
			add_alternatives(md, slots, piece);
		} else {
			add_named(md, slots, piece);
		}
	}
}

struct slot *md_roles_slots(
		struct md *md, const char *text, struct place place, size_t *count) {
	struct slots slots = { 0 };
	struct piece rest = whole(text, place);
	if (is_named(md, rest)) {
		add_named(md, &slots, rest);
		*count = slots.count;
		return slots.list;
	}
	if (rest.len == 0) {
		md_error(md, "table", place.line, place.column,
				"the gate has no approvers; name at least one role");
		rest.text = NULL;
	}
	struct piece part;
	while (next_part(&rest, "+", &part)) {
		add_term(md, &slots, part);
	}
	*count = slots.count;
	return slots.list;
}
