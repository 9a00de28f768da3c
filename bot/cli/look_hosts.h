#ifndef LOOK_HOSTS_H
#define LOOK_HOSTS_H

#include "app/config_file.h"
#include "app/readings.h"
#include "codec/tools.h"

/* Look at each host over ssh that answered in @readings, all at once, and add
 * what codec/host_look.h finds.  Waits; changes nothing there. */
void look_hosts(const struct config_file *file, const struct readings *readings,
		const struct tools *tools, struct findings *findings);

#endif
