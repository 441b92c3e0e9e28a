/*
 * The checksums of ext4: CRC-32C (metadata_csum) and CRC-16 (uninit_bg). Without complements before
 * and after: seeds and results are the bare remainders, as the format stores them.
 */
#pragma once

#include "lib/types.h"

uint32_t ext2_crc32c(uint32_t seed, const void *data, size_t size);
uint16_t ext2_crc16(uint16_t seed, const void *data, size_t size);
