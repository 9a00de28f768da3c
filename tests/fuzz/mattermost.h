#ifndef FUZZ_MATTERMOST_H
#define FUZZ_MATTERMOST_H

#include "codec/mattermost_json.h"

/* What holds of all that was read from a server, checked with assert(). */

void check_id(const char *id);
void check_id_or_none(const char *id); // "" or NULL: none
void check_posts(const struct mattermost_posts *posts);
void check_taps(const struct mattermost_taps *taps);
void check_users(const struct mattermost_users *users);
void check_ids(const struct mattermost_ids *ids);

#endif
