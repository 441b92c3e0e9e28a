/*
 * CRC-32 as in Ethernet, gzip and GPT (polynomial 0xedb88320, reflected).
 */
#pragma once

#include "lib/types.h"

/* seed: 0, or the result for what came before. */
uint32_t crc32(uint32_t seed, const void *data, size_t size);
