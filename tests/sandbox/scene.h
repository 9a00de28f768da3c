#ifndef SCENE_H
#define SCENE_H

#include <stdbool.h>

#include "base/err.h"

struct sandbox;

/*
 * Fill the world from the scene file @path (README.md), or with a small scene
 * of its own for NULL.
 */
bool scene_load(struct sandbox *sandbox, const char *path, struct err *err);

#endif
