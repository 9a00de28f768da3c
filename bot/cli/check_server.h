#ifndef CHECK_SERVER_H
#define CHECK_SERVER_H

#include <stdbool.h>

#include "app/config_file.h"
#include "codec/online_judge.h"

/*
 * Asks the config's server all that @judge wants to know by REST, then comes
 * online as the bot does, to see that a websocket gets through and who the
 * roles' people are.  Nothing is posted; people in the channel see the bot
 * online for a moment.
 *
 * False: it could not be reached, which is a finding too.  Without a token it
 * is not asked.
 */
bool check_server(const struct config_file *file, struct online_judge *judge)
		__attribute__((warn_unused_result));

#endif
