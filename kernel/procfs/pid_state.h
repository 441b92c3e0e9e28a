/*
 * What the files about a process share.
 */
#pragma once

#include "lib/types.h"

struct space;

/* Pages of the program's own text. */
uint64_t space_text_pages(const struct space *space);
