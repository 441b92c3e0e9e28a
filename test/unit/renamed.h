/*
 * New names for those of our functions that the C library has too, forced in front of both the
 * kernel source and its test, so that a test can compare the two.
 */
#pragma once

#define dev_t host_dev_t
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#undef dev_t

/* The C library's, under names of their own. */
static void *(*const host_memcpy)(void *, const void *, size_t) __attribute__((unused)) = memcpy;
static void *(*const host_memmove)(void *, const void *, size_t) __attribute__((unused)) = memmove;
static int (*const host_memcmp)(const void *, const void *, size_t) __attribute__((unused)) =
	memcmp;
static int (*const host_snprintf)(char *, size_t, const char *, ...) __attribute__((unused)) =
	snprintf;

#define memcpy     kernel_memcpy
#define memmove    kernel_memmove
#define memset     kernel_memset
#define memcmp     kernel_memcmp
#define memchr     kernel_memchr
#define strlen     kernel_strlen
#define strnlen    kernel_strnlen
#define strcmp     kernel_strcmp
#define strncmp    kernel_strncmp
#define strcasecmp kernel_strcasecmp
#define strchr     kernel_strchr
#define strrchr    kernel_strrchr
#define strstr     kernel_strstr
#define snprintf   kernel_snprintf
#define vsnprintf  kernel_vsnprintf
