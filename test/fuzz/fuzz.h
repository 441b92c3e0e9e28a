/*
 * fuzz.h - what the parts of the fuzzer's init share.
 *
 * The program is the first of its guest. The kernel's command line says what it does (fuzz=WORK)
 * and how (fuzz_seed=, fuzz_seconds=, fuzz_first=, fuzz_count=, fuzz_trace=1, fuzz_leaks=1). All
 * randomness is drawn from the seed, so that the same words repeat the same calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
	uint64_t seed;
	int seconds; /* how long, unless `count` ends it first */
	long first;  /* number of the first child */
	long count;  /* of children; 0: until the time is over */
	bool trace;  /* say every call before it is made */
	bool leaks;  /* compare the gauges after every child */
};

/* One line on the console. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

double seconds_now(void);

/*
 * A child that runs `body(argument)`. Waits until it ends or `limit_s` has passed, kills every
 * other process of the machine and reaps them all. Returns its wait status; a machine on which they
 * do not end within 20 seconds is said to hang, and is powered off.
 */
int child_run(void (*body)(long argument), long argument, double limit_s);

/* A number that the next call does not repeat (xorshift); seeds of one run differ by `stream`. */
void random_seed(uint64_t seed, uint64_t stream);
uint64_t random_word(void);

/* 0 to limit - 1. */
static inline uint64_t random_below(uint64_t limit)
{
	return random_word() % limit;
}

static inline bool random_chance(unsigned int one_in)
{
	return random_below(one_in) == 0;
}

/* The works; each returns how many things it did. */
long fuzz_syscalls(const struct options *options);
long fuzz_elf(const struct options *options);
long fuzz_memory(const struct options *options);
long fuzz_soak(const struct options *options);
