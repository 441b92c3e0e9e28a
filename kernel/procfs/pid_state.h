/*
 * What stat and status both tell of a task.
 */
#pragma once

#include "lib/types.h"

struct space;
struct task;

/* R, S, D, T or Z, as ps(1) explains. */
char task_state_letter(const struct task *task);
/* Pages of the program's own text. */
uint64_t space_text_pages(const struct space *space);
