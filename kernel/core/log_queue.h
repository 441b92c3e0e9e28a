/*
 * What an NMI says, kept until it can go into the log: a short queue on each CPU.
 *
 * Put by the handler, taken by the same CPU outside of it with interrupts off; each moves its own
 * end, so that the one may interrupt the other. Messages that find the queue full are lost, and the
 * loss is told.
 */
#pragma once

#include "core/printk.h"
#include "lib/types.h"

/* In the NMI handler only. Cut to fit. */
void log_queue_put(enum log_level level, const char *text, size_t len);

/* Logs what is there. Interrupts off, not in an NMI. */
void log_queue_flush(void);
