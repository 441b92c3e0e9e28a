/*
 * Sets of CPUs as text.
 */
#pragma once

#include "lib/types.h"

struct text;

/* Bit n: CPU n runs; CPU n may come to run. */
uint64_t cpus_online(void);
uint64_t cpus_possible(void);

/* "0-3,8"; "f", or "1,00000000" where more than 32 CPUs may come to run. */
void text_put_cpu_list(struct text *text, uint64_t cpus);
void text_put_cpu_mask(struct text *text, uint64_t cpus);
