/*
 * jail.h - the place a fuzzed child lives in: a small tmpfs with a few names, and open descriptors
 * of every kind. It cannot reach the console, the init or the files of the guest.
 */
#pragma once

#include <stdbool.h>

/* A fresh file system for the next child; the one before is given up. Called by the init. */
void jail_build(void);
void jail_destroy(void);

/*
 * In the child: limits, descriptors, root directory, and (ordinary) user 1000 without privileges.
 */
void jail_enter(bool ordinary);
