/*
 * Our terminal emulator on the host: reads sequences as init/vcs.c does, from standard input, and
 * says what it shows. Colours are looked up in the palette of VGA.
 */
#define dev_t host_dev_t
#include <stdlib.h>
#include <string.h>
#undef dev_t

#include "terminal.h"
#include "tty/emulator.h"

enum { LINES = 25, COLUMNS = 80 };

static uint8_t sequences[1 << 20];

/* VGA counts blue as 1 and red as 4. */
static uint8_t vga_of(const struct emulator *em, uint32_t color)
{
	static const uint8_t numbers[EMULATOR_COLORS] = { 0, 4, 2, 6, 1, 5, 3, 7,
		                                          8, 12, 10, 14, 9, 13, 11, 15 };

	for (int i = 0; i < EMULATOR_COLORS; i++) {
		if (em->palette[i] == color)
			return numbers[i];
	}
	return 0;
}

static void show(struct emulator *em, int number)
{
	struct shown shown = { .lines = LINES, .columns = COLUMNS, .line = em->cursor.line,
		               .column = em->cursor.column };
	uint8_t answer[EMULATOR_ANSWER_MAX];
	size_t len = emulator_take_answer(em, answer);

	for (uint32_t i = 0; i < LINES * COLUMNS; i++) {
		struct cell cell = grid_line(em->grid, i / COLUMNS)[i % COLUMNS];

		shown.codes[i] = cell.code & CELL_CODE;
		shown.attributes[i] = (uint8_t)(vga_of(em, cell.paper) << 4 |
		                                vga_of(em, cell.ink));
	}
	terminal_print(number, &shown, answer, len);
}

int main(void)
{
	void *memory = calloc(1, emulator_memory(LINES, COLUMNS));
	size_t size = fread(sequences, 1, sizeof(sequences), stdin), at = 0;
	struct emulator em;
	int number = 0;

	emulator_init(&em, memory, LINES, COLUMNS);
	while (at < size) {
		size_t len = sequences[at] | sequences[at + 1] << 8;

		emulator_write(&em, (const uint8_t *)"\033c", 2);
		emulator_write(&em, sequences + at + 2, len);
		show(&em, number++);
		at += 2 + len;
	}
	puts("end");
	free(memory);
	return 0;
}
