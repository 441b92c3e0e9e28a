/*
 * cc.h - lwIP's idea of a platform: this machine, with the sanitizers; what it asserts ends the
 * program.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER LITTLE_ENDIAN

#define LWIP_PLATFORM_DIAG(message) ((void)0)
#define LWIP_PLATFORM_ASSERT(what)                                                  \
	do {                                                                        \
		fprintf(stderr, "stackfuzz: assertion: %s (%s:%d)\n", what, __FILE__, __LINE__); \
		abort();                                                            \
	} while (0)

uint32_t stackfuzz_random(void);
#define LWIP_RAND() stackfuzz_random()

typedef unsigned long sys_prot_t;
