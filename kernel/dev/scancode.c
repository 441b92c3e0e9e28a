/*
 * Scan codes of set 1. See dev/scancode.h; numbers of keys are those of set 1 up to F12, by design
 * of Linux's; those behind 0xe0 have numbers of their own.
 */
#include "dev/scancode.h"

#include <linux/input-event-codes.h>

enum { RELEASED = 0x80, EXTENDED = 0xe0, PAUSE = 0xe1, PAUSE_MORE = 5, ALT_SYSRQ = 0x54 };

static const uint8_t extended[128] = {
	[0x1c] = KEY_KPENTER, [0x1d] = KEY_RIGHTCTRL, [0x35] = KEY_KPSLASH, [0x37] = KEY_SYSRQ,
	[0x38] = KEY_RIGHTALT, [0x46] = KEY_PAUSE, [0x47] = KEY_HOME, [0x48] = KEY_UP,
	[0x49] = KEY_PAGEUP, [0x4b] = KEY_LEFT, [0x4d] = KEY_RIGHT, [0x4f] = KEY_END,
	[0x50] = KEY_DOWN, [0x51] = KEY_PAGEDOWN, [0x52] = KEY_INSERT, [0x53] = KEY_DELETE,
	[0x5b] = KEY_LEFTMETA, [0x5c] = KEY_RIGHTMETA, [0x5d] = KEY_COMPOSE,
};

static uint16_t key_of(uint8_t prefix, uint8_t code)
{
	if (prefix)
		return extended[code];
	if (code == ALT_SYSRQ)
		return KEY_SYSRQ;
	return code <= KEY_KPDOT || (code >= KEY_102ND && code <= KEY_F12) ? code : KEY_RESERVED;
}

bool scancode_decode(struct scancode_decoder *decoder, uint8_t byte, uint16_t *key, bool *is_down)
{
	uint8_t prefix = decoder->prefix;

	if (decoder->to_skip) {
		decoder->to_skip--;
		return false;
	}
	decoder->prefix = byte == EXTENDED ? EXTENDED : 0;
	if (byte == EXTENDED)
		return false;
	if (byte == PAUSE) {
		decoder->to_skip = PAUSE_MORE;
		*key = KEY_PAUSE;
		*is_down = true;
		return true;
	}
	*key = key_of(prefix, byte & ~RELEASED & 0xff);
	*is_down = !(byte & RELEASED);
	return *key != KEY_RESERVED;
}
