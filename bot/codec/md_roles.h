#ifndef MD_ROLES_H
#define MD_ROLES_H

#include "codec/md.h"

/* Words that name roles: an owner, a group's members, a gate's approvers. */

/*
 * Of `A + B`, or a group, any one: an owner.  Unknown names are found at
 * @place, by the byte.  Empty text is an empty set.
 */
struct role_set md_roles_any(
		struct md *md, const char *text, struct place place);

/* Members of a group, joined by `,` or `+`; roles only. */
struct role_set md_roles_members(
		struct md *md, const char *text, struct place place);

/* The slots of a gate (core/runbook.h).  Errors are found at @place. */
struct slot *md_roles_slots(
		struct md *md, const char *text, struct place place, size_t *count);

#endif
