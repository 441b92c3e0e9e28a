/*
 * Keys to bytes. See tty/keymap.h.
 */
#include "tty/keymap.h"

#include <linux/input-event-codes.h>

#include "lib/bits.h"
#include "lib/string.h"

enum { ESC = 0x1b, DEL = 0x7f };

/* By key, plain and with Shift; up to the space bar. */
static const char plain[KEY_SPACE + 1] =
	"\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[KEY_SPACE + 1] =
	"\0\033!@#$%^&*()_+\177\0QWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static bool is_held(const struct keymap *map, uint16_t key)
{
	return map->down[key / 64] & BIT(key % 64);
}

static bool has_shift(const struct keymap *map)
{
	return is_held(map, KEY_LEFTSHIFT) || is_held(map, KEY_RIGHTSHIFT);
}

static bool has_control(const struct keymap *map)
{
	return is_held(map, KEY_LEFTCTRL) || is_held(map, KEY_RIGHTCTRL);
}

static void send(struct keymap_result *result, const char *text)
{
	size_t len = strlen(text);

	memcpy(result->bytes + result->len, text, len);
	result->len += (uint8_t)len;
}

static void send_byte(struct keymap_result *result, uint8_t byte)
{
	result->bytes[result->len++] = byte;
}

/* ESC [ number ~ */
static void send_number(struct keymap_result *result, unsigned int number)
{
	const char text[] = { ESC, '[', (char)('0' + number / 10), (char)('0' + number % 10), '~',
		              0 };

	send(result, text);
}

/* ---- the keypad ------------------------------------------------------------------------------ */

/* By key from KEY_KP7 on. */
static const char keypad_digits[] = "789-456+1230.";
static const char keypad_application[] = "wxyStuvlqrspn"; /* after ESC O */

static const uint16_t keypad_cursor[] = {
	KEY_HOME, KEY_UP, KEY_PAGEUP, KEY_RESERVED, KEY_LEFT, KEY_RESERVED, KEY_RIGHT, KEY_RESERVED,
	KEY_END, KEY_DOWN, KEY_PAGEDOWN, KEY_INSERT, KEY_DELETE,
};

static void press_cursor(uint16_t key, unsigned int modes, struct keymap_result *result)
{
	char letter = key == KEY_UP ? 'A' : key == KEY_DOWN ? 'B' : key == KEY_RIGHT ? 'C' : 'D';

	send(result, modes & KEYMAP_APPLICATION_CURSOR ? "\033O" : "\033[");
	send_byte(result, (uint8_t)letter);
}

/* The keys between letters and keypad. False: none of them. */
static bool press_edit(uint16_t key, unsigned int modes, struct keymap_result *result)
{
	switch (key) {
	case KEY_UP:
	case KEY_DOWN:
	case KEY_LEFT:
	case KEY_RIGHT:
		press_cursor(key, modes, result);
		return true;
	case KEY_HOME:
		send(result, "\033[1~");
		return true;
	case KEY_INSERT:
		send(result, "\033[2~");
		return true;
	case KEY_DELETE:
		send(result, "\033[3~");
		return true;
	case KEY_END:
		send(result, "\033[4~");
		return true;
	case KEY_PAGEUP:
		send(result, "\033[5~");
		return true;
	case KEY_PAGEDOWN:
		send(result, "\033[6~");
		return true;
	default:
		return false;
	}
}

static void press_keypad(const struct keymap *map, uint16_t key, unsigned int modes,
                         struct keymap_result *result)
{
	unsigned int index = key - KEY_KP7;
	char digit = keypad_digits[index];

	if (modes & KEYMAP_APPLICATION_KEYPAD && !has_shift(map)) {
		send(result, "\033O");
		send_byte(result, (uint8_t)keypad_application[index]);
	} else if (map->has_num_lock || digit == '-' || digit == '+') {
		send_byte(result, (uint8_t)digit);
	} else if (key == KEY_KP5) {
		send(result, "\033[G");
	} else {
		press_edit(keypad_cursor[index], modes, result);
	}
}

/* Asterisk, slash, Enter. */
static void press_keypad_other(uint16_t key, unsigned int modes, struct keymap_result *result)
{
	bool is_application = modes & KEYMAP_APPLICATION_KEYPAD;

	if (key == KEY_KPENTER)
		send(result, is_application ? "\033OM" : modes & KEYMAP_NEWLINE ? "\r\n" : "\r");
	else if (key == KEY_KPSLASH)
		send(result, is_application ? "\033OQ" : "/");
	else
		send(result, is_application ? "\033OR" : "*");
}

/* ---- function keys and letters --------------------------------------------------------------- */

/* F1 .. F12; with Shift F13 .. F20. Alt changes consoles, of which there is one. */
static void press_function(const struct keymap *map, unsigned int number,
                           struct keymap_result *result)
{
	static const uint8_t numbers[] = { 0, 0, 0, 0, 0, 17, 18, 19, 20, 21, 23, 24, 25, 26,
		                           28, 29, 31, 32, 33, 34 };

	if (is_held(map, KEY_LEFTALT))
		return;
	if (has_shift(map))
		number += 12;
	if (number < 5) {
		send(result, "\033[[");
		send_byte(result, (uint8_t)('A' + number));
	} else if (number < array_size(numbers)) {
		send_number(result, numbers[number]);
	}
}

/* What Ctrl makes of a character; -1: nothing. */
static int control_of(uint8_t byte)
{
	static const uint8_t digits[] = { 0x00, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, DEL };

	if (byte >= '2' && byte <= '8')
		return digits[byte - '2'];
	if (byte == ' ')
		return 0;
	if (byte == DEL)
		return '\b';
	if (byte == '/' || byte == '-')
		return 0x1f;
	if (byte == '?')
		return DEL;
	if (byte >= '@' && byte < DEL)
		return byte & 0x1f;
	return byte < ' ' ? byte : -1;
}

static bool is_letter(char byte)
{
	return byte >= 'a' && byte <= 'z';
}

static void press_text(const struct keymap *map, uint16_t key, unsigned int modes,
                       struct keymap_result *result)
{
	bool shift = has_shift(map) != (map->has_caps_lock && is_letter(plain[key]));
	int byte = (uint8_t)(shift ? shifted : plain)[key];

	if (key == KEY_TAB && shift) {
		send(result, "\033\t");
		return;
	}
	if (!byte)
		return;
	if (has_control(map))
		byte = control_of((uint8_t)byte);
	if (byte < 0)
		return;
	if (is_held(map, KEY_LEFTALT))
		send_byte(result, ESC);
	send_byte(result, (uint8_t)byte);
	if (key == KEY_ENTER && modes & KEYMAP_NEWLINE)
		send_byte(result, '\n');
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool has_alt(const struct keymap *map)
{
	return is_held(map, KEY_LEFTALT) || is_held(map, KEY_RIGHTALT);
}

static bool is_reboot(const struct keymap *map, uint16_t key)
{
	return (key == KEY_DELETE || key == KEY_KPDOT) && has_control(map) &&
	       has_alt(map);
}

static void press(const struct keymap *map, uint16_t key, unsigned int modes,
                  struct keymap_result *result)
{
	if (key >= KEY_F1 && key <= KEY_F10)
		press_function(map, key - KEY_F1, result);
	else if (key == KEY_F11 || key == KEY_F12)
		press_function(map, key - KEY_F11 + 10, result);
	else if (key == KEY_KPASTERISK || key == KEY_KPENTER || key == KEY_KPSLASH)
		press_keypad_other(key, modes, result);
	else if (key >= KEY_KP7 && key <= KEY_KPDOT)
		press_keypad(map, key, modes, result);
	else if (key == KEY_SYSRQ)
		send(result, "\034");
	else if (key == KEY_102ND)
		send(result, has_shift(map) ? ">" : "<");
	else if (key <= KEY_SPACE)
		press_text(map, key, modes, result);
	else
		press_edit(key, modes, result);
}

/* Once a press: no command repeats by itself. */
static void press_sysrq(uint16_t key, bool was_down, struct keymap_result *result)
{
	char command = key <= KEY_SPACE ? plain[key] : 0;

	if (was_down || !(is_letter(command) || (command >= '0' && command <= '9')))
		return;
	result->action = KEYMAP_SYSRQ;
	result->bytes[0] = (uint8_t)command;
}

void keymap_press(struct keymap *map, uint16_t key, bool is_down, unsigned int modes,
                  struct keymap_result *result)
{
	bool was_down;

	*result = (struct keymap_result){ .action = KEYMAP_NONE };
	if (key >= KEYMAP_KEYS)
		return;
	was_down = is_held(map, key);
	map->down[key / 64] &= ~BIT(key % 64);
	if (key == KEY_SYSRQ)
		map->is_sysrq = is_down && (map->is_sysrq || has_alt(map));
	if (!is_down)
		return;
	map->down[key / 64] |= BIT(key % 64);
	if (map->is_sysrq) {
		press_sysrq(key, was_down, result);
		return;
	}
	if (key == KEY_CAPSLOCK || key == KEY_NUMLOCK) {
		if (was_down)
			return;
		map->has_caps_lock ^= key == KEY_CAPSLOCK;
		map->has_num_lock ^= key == KEY_NUMLOCK;
		result->action = KEYMAP_LIGHTS;
	} else if (is_reboot(map, key)) {
		result->action = KEYMAP_REBOOT;
	} else {
		press(map, key, modes, result);
	}
}
