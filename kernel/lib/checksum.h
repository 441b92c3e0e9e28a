/*
 * The checksum of the internet protocols (RFC 1071): the one's complement sum of 16-bit words.
 *
 *	sum = checksum_add(0, header, size);        any number of pieces; only the last may be odd
 *	sum = checksum_add(sum, data, size);
 *	store: ~checksum_fold(sum), as it is in memory; a good packet's folds to 0xffff
 *
 * Words are taken as they lie in memory, which makes the sum independent of the byte order
 * (RFC 1071, section 2 B): what comes out is stored without conversion.
 */
#pragma once

#include "lib/types.h"

/* Adds size bytes, at any alignment. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t size);

/* The sum in 16 bits; not inverted. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
