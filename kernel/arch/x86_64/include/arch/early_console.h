/*
 * The first serial port by polling, from the first line of C until the serial driver takes over.
 * A log sink like any other; also takes text directly for messages before the log works.
 */
#pragma once

#include "lib/types.h"

/* Finds out whether the port exists, sets 115200 8N1, becomes a log sink. */
void early_console_init(void);

/* The real driver has the port now: stops being a sink. */
void early_console_fini(void);

/* Writes without the log. Any context. */
void early_console_write(const char *text, size_t size);
