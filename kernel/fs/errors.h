/*
 * Error sequences: an error that happened where nobody waited (write-back), told to everyone once.
 *
 * The word of the object holds the last error, a count, and whether somebody has seen it. Each open
 * file keeps a sample; error_sequence_check() compares, advances the sample and says the error if
 * one came since. An error that nobody has seen yet when a file is opened is told to that file
 * too; one that was seen is not. As Linux's errseq_t.
 *
 * No lock: the word changes by compare-and-exchange; a file's sample belongs to its caller's lock
 * (struct file: files.errors_lock, see disk_sync.c).
 */
#pragma once

#include "lib/types.h"

/* Notes err (a -errno that is not 0). Any context. */
void error_sequence_set(uint32_t *sequence, int err);
/* What to start from: everything seen is old. */
uint32_t error_sequence_sample(const uint32_t *sequence);
/* 0, or the -errno that came since *sample; marks it seen if `advance`, and moves *sample. */
int error_sequence_check_and_advance(uint32_t *sequence, uint32_t *sample);
