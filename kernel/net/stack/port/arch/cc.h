/*
 * lwIP's idea of a compiler and a platform: freestanding gcc or clang on x86-64.
 *
 * lwIP is one critical section, under the lock of net/stack/stack.h: it needs no protection of its
 * own (SYS_LIGHTWEIGHT_PROT 0).
 */
#pragma once

#include "lib/types.h"

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H   1
#define LWIP_NO_UNISTD_H   1
#define LWIP_NO_CTYPE_H    1
#define INT_MAX            __INT_MAX__
#define SSIZE_MAX          INT64_MAX /* ssize_t is ours */

#define X8_F  "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"

#define BYTE_ORDER    LITTLE_ENDIAN
#define lwip_htons(x) ((uint16_t)__builtin_bswap16(x))
#define lwip_htonl(x) __builtin_bswap32(x)

/* Defined in net/stack/stack.c. */
__noreturn void stack_assertion_failed(const char *what, const char *file, int line);
uint32_t stack_random(void);
/* The debug kernel panics unless this CPU holds the core lock. */
#if DEBUG
void stack_assert_core_locked(void);
#define LWIP_ASSERT_CORE_LOCKED() stack_assert_core_locked()
#endif

#define LWIP_PLATFORM_DIAG(message)  ((void)0)
#define LWIP_PLATFORM_ASSERT(what)   stack_assertion_failed(what, __FILE__, __LINE__)
#define LWIP_RAND()                  stack_random()

/* One's complement sum of bytes, as lwIP wants it: folded, not inverted, in the order of memory. */
uint16_t stack_checksum(const void *data, int size);
#define LWIP_CHKSUM stack_checksum

typedef unsigned long sys_prot_t;
