/*
 * dev/scancode and tty/keymap: from the bytes of a keyboard to those of a terminal.
 *
 * sources: dev/scancode.c tty/keymap.c
 */
#include "unit.h"

#include <linux/input-event-codes.h>

#include "dev/scancode.h"
#include "tty/keymap.h"

struct board {
	struct scancode_decoder decoder;
	struct keymap           map;
	unsigned int            modes;
	enum keymap_action      action; /* the last one that was one */
	char                    text[128];
	size_t                  len;
};

static void byte(struct board *b, uint8_t code)
{
	struct keymap_result result;
	uint16_t key;
	bool is_down;

	if (!scancode_decode(&b->decoder, code, &key, &is_down))
		return;
	keymap_press(&b->map, key, is_down, b->modes, &result);
	if (result.action)
		b->action = result.action;
	memcpy(b->text + b->len, result.bytes, result.len);
	b->len += result.len;
	b->text[b->len] = 0;
}

static void bytes(struct board *b, const char *codes)
{
	for (; *codes; codes++)
		byte(b, (uint8_t)*codes);
}

/* Down and up. */
static void hit(struct board *b, uint8_t code)
{
	byte(b, code);
	byte(b, code | 0x80);
}

static void hit_extended(struct board *b, uint8_t code)
{
	byte(b, 0xe0);
	byte(b, code);
	byte(b, 0xe0);
	byte(b, code | 0x80);
}

static void assert_typed(struct board *b, const char *text)
{
	assert_string_equal(b->text, text);
	b->len = 0;
	b->text[0] = 0;
}

TEST(letters_digits_and_shift)
{
	struct board b = { 0 };

	hit(&b, 0x1e);
	bytes(&b, "\x2a\x1e\x9e\xaa");
	hit(&b, 0x02);
	bytes(&b, "\x36\x02\x82\xb6");
	hit(&b, 0x1c);
	hit(&b, 0x0e);
	hit(&b, 0x39);
	assert_typed(&b, "aA1!\r\177 ");
}

TEST(caps_lock_is_for_letters_and_toggles_once_a_press)
{
	struct board b = { 0 };

	bytes(&b, "\x3a\x3a\x3a\xba");
	assert_int_equal(b.action, KEYMAP_LIGHTS);
	hit(&b, 0x1e);
	hit(&b, 0x02);
	bytes(&b, "\x2a\x1e\xaa");
	assert_typed(&b, "A1a");
	hit(&b, 0x3a);
	hit(&b, 0x1e);
	assert_typed(&b, "a");
}

TEST(control_and_alt)
{
	struct board b = { 0 };

	bytes(&b, "\x1d\x2e\xae\x1a\x9a\x2b\xab\x0e\x8e\x9d");
	assert_typed(&b, "\003\033\034\b");
	bytes(&b, "\x38\x1e\x9e\xb8");
	assert_typed(&b, "\033a");
	bytes(&b, "\xe0\x38\x1e\x9e\xe0\xb8");
	assert_typed(&b, "a");
	bytes(&b, "\x2a\x0f\x8f\xaa");
	assert_typed(&b, "\033\t");
}

TEST(cursor_keys_follow_the_mode)
{
	struct board b = { 0 };

	hit_extended(&b, 0x48);
	b.modes = KEYMAP_APPLICATION_CURSOR;
	hit_extended(&b, 0x4b);
	assert_typed(&b, "\033[A\033OD");
	hit_extended(&b, 0x47);
	hit_extended(&b, 0x53);
	hit_extended(&b, 0x51);
	assert_typed(&b, "\033[1~\033[3~\033[6~");
}

TEST(function_keys_send_what_terminfo_says)
{
	struct board b = { 0 };

	hit(&b, 0x3b);
	hit(&b, 0x3f);
	hit(&b, 0x40);
	hit(&b, 0x57);
	hit(&b, 0x58);
	assert_typed(&b, "\033[[A\033[[E\033[17~\033[23~\033[24~");
	bytes(&b, "\x2a\x3b\xbb\xaa");
	assert_typed(&b, "\033[25~");
}

TEST(the_keypad_has_three_meanings)
{
	struct board b = { 0 };

	hit(&b, 0x48);
	hit(&b, 0x4c);
	hit(&b, 0x4a);
	assert_typed(&b, "\033[A\033[G-");
	hit(&b, 0x45);
	assert_int_equal(b.action, KEYMAP_LIGHTS);
	hit(&b, 0x48);
	hit(&b, 0x53);
	assert_typed(&b, "8.");
	b.modes = KEYMAP_APPLICATION_KEYPAD;
	hit(&b, 0x48);
	hit_extended(&b, 0x1c);
	assert_typed(&b, "\033Ox\033OM");
}

TEST(ctrl_alt_del_is_told_and_sends_nothing)
{
	struct board b = { 0 };

	bytes(&b, "\x1d\x38\xe0\x53");
	assert_int_equal(b.action, KEYMAP_REBOOT);
	assert_typed(&b, "");
}

TEST(sysrq_takes_the_keys_that_follow)
{
	struct board b = { 0 };

	bytes(&b, "\x38\x54\x23");
	assert_int_equal(b.action, KEYMAP_SYSRQ);
	assert_typed(&b, "");
	b.action = KEYMAP_NONE;
	bytes(&b, "\x23\xa3\x01\x81\xd4");
	assert_int_equal(b.action, KEYMAP_NONE);
	bytes(&b, "\x23\xa3\xb8");
	assert_typed(&b, "\033h");
}

TEST(pause_and_fake_shifts_are_swallowed)
{
	struct board b = { 0 };

	bytes(&b, "\xe1\x1d\x45\xe1\x9d\xc5");
	hit(&b, 0x1e);
	bytes(&b, "\xe0\x2a\xe0\x52\xe0\xd2\xe0\xaa");
	hit(&b, 0x1e);
	assert_typed(&b, "a\033[2~a");
	assert_false(b.map.has_num_lock);
}

TEST(any_bytes_make_little_text)
{
	struct board b = { 0 };
	uint64_t seed = 3;

	for (int i = 0; i < 200000; i++) {
		b.modes = (unsigned int)random_below(&seed, 8);
		byte(&b, (uint8_t)random_next(&seed));
		assert_true(b.len <= KEYMAP_BYTES_MAX);
		b.len = 0;
	}
}

UNIT_TESTS(T(letters_digits_and_shift), T(caps_lock_is_for_letters_and_toggles_once_a_press),
           T(control_and_alt), T(cursor_keys_follow_the_mode),
           T(function_keys_send_what_terminfo_says), T(the_keypad_has_three_meanings),
           T(ctrl_alt_del_is_told_and_sends_nothing),
           T(sysrq_takes_the_keys_that_follow), T(pause_and_fake_shifts_are_swallowed),
           T(any_bytes_make_little_text))
