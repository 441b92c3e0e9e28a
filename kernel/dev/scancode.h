/*
 * Scan codes of set 1, as a PS/2 controller gives them, to Linux's key numbers.
 *
 * Pure and for one keyboard: the caller's lock guards the struct.
 */
#pragma once

#include "lib/types.h"

struct scancode_decoder {
	uint8_t prefix;  /* 0xe0 came before, or 0 */
	uint8_t to_skip; /* bytes of Pause that are still to come */
};

/* One byte. True: a key (KEY_* below 128) went down or up. */
bool scancode_decode(struct scancode_decoder *decoder, uint8_t byte, uint16_t *key, bool *is_down);
