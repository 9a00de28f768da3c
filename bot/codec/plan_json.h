#ifndef PLAN_JSON_H
#define PLAN_JSON_H

#include <stdbool.h>

#include "base/err.h"
#include "core/event.h"

struct cJSON;

/*
 * Plans as the journal keeps them, for codec/event_json: what a plan was made
 * from, and the digest that it had.  Secret values are HMACs here as they are
 * in the plan.
 */

/* {"name": …, "value": …, "secret": true}, the last only if it is so. */
struct cJSON *plan_json_value(const struct plan_value *value);

/*
 * Read one.  What was read of @value is the caller's to free, on failure too.
 */
bool plan_json_read_value(
		const struct cJSON *item, struct plan_value *value, struct err *err);

struct cJSON *plan_json_record(const struct plan_record *record);

/*
 * Read the document again, fill in parameters, environments and targets, and
 * seal the plan.  NULL with ERR_INVALID where that cannot be done or gives
 * another digest than the one that was written.  Free with
 * plan_record_destroy().
 */
struct plan_record *plan_json_read_record(
		const struct cJSON *item, struct err *err);

#endif
