/*
 * A screen as text, the same from Linux's /dev/vcsa1 (init/vcs.c) and from our emulator
 * (terminal_host.c): `#NUMBER LINE COLUMN ANSWER`, then each line that is not blank with the
 * attributes of VGA where they change, `{47}`. The ink of a blank does not count.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

enum { SHOWN_CELLS_MAX = 80 * 25, PLAIN = 7 };

struct shown {
	unsigned int lines, columns, line, column;
	uint32_t     codes[SHOWN_CELLS_MAX];
	uint8_t      attributes[SHOWN_CELLS_MAX];
};

static inline uint8_t seen_attribute(const struct shown *shown, unsigned int at)
{
	uint8_t attribute = shown->attributes[at];

	return shown->codes[at] == ' ' ? (attribute & 0xf0) | PLAIN : attribute;
}

static inline void line_print(const struct shown *shown, unsigned int line)
{
	unsigned int start = line * shown->columns, end = start + shown->columns;
	uint8_t last = PLAIN;

	while (end > start && shown->codes[end - 1] == ' ' &&
	       seen_attribute(shown, end - 1) == PLAIN)
		end--;
	if (end == start)
		return;
	printf("%u:", line);
	for (unsigned int at = start; at < end; at++) {
		if (seen_attribute(shown, at) != last)
			printf("{%02x}", last = seen_attribute(shown, at));
		if (shown->codes[at] >= ' ' && shown->codes[at] < 0x7f)
			putchar((int)shown->codes[at]);
		else
			printf("<%x>", shown->codes[at]);
	}
	putchar('\n');
}

static inline void terminal_print(int number, const struct shown *shown, const uint8_t *answer,
                                  size_t len)
{
	printf("#%d %u %u ", number, shown->line, shown->column);
	for (size_t i = 0; i < len; i++)
		printf("%02x", answer[i]);
	putchar('\n');
	for (unsigned int line = 0; line < shown->lines; line++)
		line_print(shown, line);
}
