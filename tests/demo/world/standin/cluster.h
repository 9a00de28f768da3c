#ifndef CLUSTER_H
#define CLUSTER_H

#include "world.h"

/*
 * A Kubernetes cluster as helm and kubectl see it.  Which one is said by
 * KUBECONFIG (".../prod.kubeconfig" is cluster "prod"), where in it by the
 * namespace.  It keeps the chart's history, two revisions of it as with
 * `--history-max 2`, so that only the true earlier one can be gone back to:
 *
 *	REVISION STATUS RELEASE		STATUS: deployed or superseded
 */

#define REVISIONS_KEPT 2

struct revision {
	int number; // 0: none
	char status[32];
	char release[64];
};

struct cluster {
	const struct world *world;
	char name[64];
	char folder[TEXT_MAX / 2]; // relative to state/
	struct revision history[REVISIONS_KEPT + 1];
	size_t count;
};

/* Read the cluster that the call is about; complains where there is none. */
bool cluster_open(struct cluster *cluster, const struct world *world);

/* The cluster called @name, its namespace stellaops; false where none is. */
bool cluster_open_named(
		struct cluster *cluster, const struct world *world, const char *name);

/* The revision that is deployed, or NULL. */
const struct revision *cluster_deployed(const struct cluster *cluster);

/* Supersede what is deployed by @release, and keep the history short. */
void cluster_deploy(struct cluster *cluster, const char *release);

/* Path of a file of the cluster's namespace. */
void cluster_path(const struct cluster *cluster, char *path, const char *name);

#endif
