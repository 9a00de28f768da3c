#ifndef BOOT_H
#define BOOT_H

#include <stdbool.h>

#define BOOT_ROOM 40

/*
 * The kernel's id of this boot of the machine, which changes when the machine
 * lost its memory; false, and "", where it cannot be read.  random(4).
 */
bool boot_read(char boot[BOOT_ROOM]);

#endif
