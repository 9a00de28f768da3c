#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>

#include "base/sha256.h"
#include "core/plan.h"
#include "core/runbook.h"

/*
 * What a plan's digest covers, as a list of facts, hashed; and the same list
 * compared.  Behind plan_seal(), plan_document_digest() and plan_difference(),
 * where what it promises stands.
 */

void digest_plan(const struct plan *plan, char hex[SHA256_HEX]);
void digest_document(const struct runbook *runbook, char hex[SHA256_HEX]);
char *digest_difference(
		const struct plan *then, const struct plan *now, size_t most);

#endif
