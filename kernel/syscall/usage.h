/*
 * Times and counts in the forms of the ABI.
 */
#pragma once

struct rusage;
struct usage;

/* getrusage(2); fields that Linux leaves at zero are zero. */
void usage_to_rusage(const struct usage *usage, struct rusage *rusage);
