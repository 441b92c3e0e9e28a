/*
 * What every unit test begins with: cmocka, the C library's headers in an order that lets kernel
 * headers follow them, seeded random numbers, and the main() of a test program.
 *
 *     #include "unit.h"
 *     #include "lib/heap.h"
 *
 *     TEST(removed_node_is_not_queued) { ... assert_false(...); }
 *
 *     UNIT_TESTS(T(removed_node_is_not_queued), ...)
 *
 * dev_t is 64 bits wide in the C library and 32 in the kernel; here the kernel's wins.
 */
#pragma once

#define dev_t host_dev_t
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef dev_t

#include <cmocka.h>

#define TEST(name) static void name(__attribute__((unused)) void **state)
#define T(name)    cmocka_unit_test(name)

#define UNIT_TESTS(...)                                                     \
	int main(void)                                                      \
	{                                                                   \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };          \
		cmocka_set_message_output(CM_OUTPUT_TAP);                   \
		return cmocka_run_group_tests(tests, NULL, NULL);           \
	}

/* Random numbers that are the same in every run (xorshift64*). */
static inline uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dul;
}

/* 0 to below - 1 */
static inline uint64_t random_below(uint64_t *seed, uint64_t below)
{
	return (random_next(seed) >> 11) % below;
}
