/*
 * tty/emulator: what programs write ends where TERM=linux says, and nothing ends outside.
 *
 * sources: tty/emulator.c tty/emulator_escape.c tty/emulator_csi.c tty/emulator_style.c
 * sources: tty/charset.c tty/grid.c lib/printf.c lib/errno_name.c
 */
#include "unit.h"

#include "tty/emulator.h"

enum { LINES = 6, COLUMNS = 20, RED = 0xaa0000, GREY = 0xaaaaaa, BLACK = 0 };

struct terminal {
	struct emulator em;
	void *memory;
};

static void start_sized(struct terminal *t, uint32_t lines, uint32_t columns)
{
	t->memory = calloc(1, emulator_memory(lines, columns));
	emulator_init(&t->em, t->memory, lines, columns);
}

static void start(struct terminal *t)
{
	start_sized(t, LINES, COLUMNS);
}

static void stop(struct terminal *t)
{
	free(t->memory);
}

static void put(struct terminal *t, const char *text)
{
	emulator_write(&t->em, (const uint8_t *)text, strlen(text));
}

static struct cell cell_at(const struct terminal *t, uint32_t line, uint32_t column)
{
	return grid_line(t->em.grid, line)[column];
}

/* A line as text without the blanks at its end; what is not ASCII is '#'. */
static const char *line_of(const struct terminal *t, uint32_t line)
{
	static char text[GRID_COLUMNS_MAX + 1];
	uint32_t end = 0;

	for (uint32_t i = 0; i < t->em.grid->nr_columns; i++) {
		uint32_t code = cell_at(t, line, i).code & CELL_CODE;

		text[i] = code < 0x80 ? (char)code : '#';
		if (text[i] != ' ')
			end = i + 1;
	}
	text[end] = 0;
	return text;
}

static void assert_line(const struct terminal *t, uint32_t line, const char *text)
{
	assert_string_equal(line_of(t, line), text);
}

static void assert_cursor(const struct terminal *t, uint32_t line, uint32_t column)
{
	assert_int_equal(t->em.cursor.line, line);
	assert_int_equal(t->em.cursor.column, column);
}

static void assert_answer(struct terminal *t, const char *text)
{
	uint8_t answer[EMULATOR_ANSWER_MAX + 1] = { 0 };

	assert_int_equal(emulator_take_answer(&t->em, answer), strlen(text));
	assert_string_equal((char *)answer, text);
}

TEST(text_wraps_only_when_the_next_character_comes)
{
	struct terminal t;

	start(&t);
	put(&t, "01234567890123456789");
	assert_cursor(&t, 0, COLUMNS - 1);
	put(&t, "\r\nx");
	assert_line(&t, 1, "x");
	put(&t, "\033[1;20HAB");
	assert_cursor(&t, 1, 1);
	assert_line(&t, 1, "B");
	put(&t, "\033[?7l\033[1;20HCDE");
	assert_line(&t, 0, "0123456789012345678E");
	stop(&t);
}

TEST(lines_scroll_at_the_bottom_of_the_region_only)
{
	struct terminal t;

	start(&t);
	put(&t, "a\r\nb\r\nc\r\nd\r\ne\r\nf\r\ng");
	assert_line(&t, 0, "b");
	assert_line(&t, 5, "g");
	put(&t, "\033[2;4r");
	assert_cursor(&t, 0, 0);
	put(&t, "\033[4;1H\nX");
	assert_line(&t, 0, "b");
	assert_line(&t, 1, "d");
	assert_line(&t, 2, "e");
	assert_line(&t, 3, "X");
	assert_line(&t, 4, "f");
	put(&t, "\033[2;1H\033MY");
	assert_line(&t, 1, "Y");
	assert_line(&t, 2, "d");
	assert_line(&t, 4, "f");
	put(&t, "\033[3;9r\033[4;4r\033[5;2r");
	assert_int_equal(t.em.top, 1);
	put(&t, "\033[6;1H\n\n");
	assert_cursor(&t, 5, 0);
	assert_line(&t, 5, "g");
	stop(&t);
}

TEST(lines_and_characters_are_inserted_and_deleted)
{
	struct terminal t;

	start(&t);
	put(&t, "one\r\ntwo\r\nthree\033[1;1H\033[L");
	assert_line(&t, 0, "");
	assert_line(&t, 1, "one");
	put(&t, "\033[2M");
	assert_line(&t, 0, "two");
	assert_line(&t, 1, "three");
	put(&t, "\033[2;2H\033[2@");
	assert_line(&t, 1, "t  hree");
	put(&t, "\033[3P");
	assert_line(&t, 1, "tree");
	put(&t, "\033[2X");
	assert_line(&t, 1, "t  e");
	put(&t, "\033[4hAB\033[4lC");
	assert_line(&t, 1, "tABC e");
	stop(&t);
}

TEST(the_last_line_is_cleared_by_deleting_it)
{
	struct terminal t;

	start(&t);
	put(&t, "\033[6;1Hlast\033[M");
	assert_line(&t, 5, "");
	put(&t, "x\033#8y");
	assert_line(&t, 0, "EEEEEEEEEEEEEEEEEEEE");
	assert_line(&t, 5, "EEEEEyEEEEEEEEEEEEEE");
	stop(&t);
}

TEST(parts_of_lines_and_screen_are_erased)
{
	struct terminal t;

	start(&t);
	for (int i = 0; i < LINES; i++)
		put(&t, i ? "\r\nabcdef" : "abcdef");
	put(&t, "\033[3;3H\033[K");
	assert_line(&t, 2, "ab");
	put(&t, "\033[4;3H\033[1K");
	assert_line(&t, 3, "   def");
	put(&t, "\033[J");
	assert_line(&t, 3, "");
	assert_line(&t, 4, "");
	assert_line(&t, 2, "ab");
	put(&t, "\033[2;2H\033[1J");
	assert_line(&t, 0, "");
	assert_line(&t, 1, "  cdef");
	put(&t, "\033[2J");
	assert_line(&t, 1, "");
	assert_cursor(&t, 1, 1);
	stop(&t);
}

TEST(erasing_leaves_the_colour_of_the_paper)
{
	struct terminal t;

	start(&t);
	put(&t, "\033[41m\033[K");
	assert_int_equal(cell_at(&t, 0, 5).paper, RED);
	put(&t, "\033[7m\033[K");
	assert_int_equal(cell_at(&t, 0, 5).paper, RED);
	put(&t, "\033[m\033[K");
	assert_int_equal(cell_at(&t, 0, 5).paper, BLACK);
	stop(&t);
}

TEST(the_cursor_moves_as_told_and_stays_on_the_screen)
{
	struct terminal t;

	start(&t);
	put(&t, "\033[3;4H\033[A\033[2C");
	assert_cursor(&t, 1, 5);
	put(&t, "\033[B\033[3D");
	assert_cursor(&t, 2, 2);
	put(&t, "\033[99;99H");
	assert_cursor(&t, LINES - 1, COLUMNS - 1);
	put(&t, "\033[99A\033[99D");
	assert_cursor(&t, 0, 0);
	put(&t, "\033[7G\033[3d");
	assert_cursor(&t, 2, 6);
	put(&t, "\0337\033[H\0338");
	assert_cursor(&t, 2, 6);
	put(&t, "\033[2;5r\033[?6h\033[99;1H");
	assert_cursor(&t, 4, 0);
	put(&t, "\033[1;1H");
	assert_cursor(&t, 1, 0);
	put(&t, "\033[6n");
	assert_answer(&t, "\033[1;1R");
	put(&t, "\033[?6l\033[E");
	assert_cursor(&t, 1, 0);
	stop(&t);
}

TEST(tabs_are_set_and_cleared)
{
	struct terminal t;

	start(&t);
	put(&t, "\tx");
	assert_cursor(&t, 0, 9);
	put(&t, "\033[3g\033[1;4H\033H\r\ty");
	assert_line(&t, 0, "   y    x");
	put(&t, "\t");
	assert_cursor(&t, 0, COLUMNS - 1);
	put(&t, "\033[Z");
	assert_cursor(&t, 0, 3);
	stop(&t);
}

TEST(colours_and_styles_show)
{
	struct terminal t;

	start(&t);
	put(&t, "\033[31mr\033[1mb\033[22;39;48;5;196mc\033[0;38;2;1;2;3mt\033[7mi\033[0;4mu\033[24mn");
	assert_int_equal(cell_at(&t, 0, 0).ink, RED);
	assert_int_equal(cell_at(&t, 0, 1).ink, 0xff5555);
	assert_int_equal(cell_at(&t, 0, 2).ink, GREY);
	assert_int_equal(cell_at(&t, 0, 2).paper, 0xff0000);
	assert_int_equal(cell_at(&t, 0, 3).ink, 0x010203);
	assert_int_equal(cell_at(&t, 0, 4).paper, 0x010203);
	assert_int_equal(cell_at(&t, 0, 4).ink, BLACK);
	assert_true(cell_at(&t, 0, 5).code & CELL_UNDERLINE);
	assert_false(cell_at(&t, 0, 6).code & CELL_UNDERLINE);
	put(&t, "\033[0;97;104mB\033[38;5;244mG\033]P1123456\033[31mp\033]R\033[31mq");
	assert_int_equal(cell_at(&t, 0, 7).ink, 0xffffff);
	assert_int_equal(cell_at(&t, 0, 7).paper, 0x5555ff);
	assert_int_equal(cell_at(&t, 0, 8).ink, 0x808080);
	assert_int_equal(cell_at(&t, 0, 9).ink, 0x123456);
	assert_int_equal(cell_at(&t, 0, 10).ink, RED);
	stop(&t);
}

TEST(utf8_is_decoded_and_malformed_bytes_are_replaced)
{
	struct terminal t;

	start(&t);
	put(&t, "\xc3\xa9\xe2\x94\x80\xf0\x9f\x98\x80x");
	assert_int_equal(cell_at(&t, 0, 0).code, 0xe9);
	assert_int_equal(cell_at(&t, 0, 1).code, 0x2500);
	assert_int_equal(cell_at(&t, 0, 2).code, 0x1f600);
	assert_int_equal(cell_at(&t, 0, 3).code, 'x');
	put(&t, "\r\n\xc3(\xff\xc0\x80\xed\xa0\x80!");
	assert_int_equal(cell_at(&t, 1, 0).code, 0xfffd);
	assert_int_equal(cell_at(&t, 1, 1).code, '(');
	assert_int_equal(cell_at(&t, 1, 2).code, 0xfffd);
	assert_int_equal(cell_at(&t, 1, 5).code, 0xfffd);
	assert_int_equal(cell_at(&t, 1, 6).code, '!');
	put(&t, "\r\n\xe4\xb8\xad\xcc\x81y\033%@\xe9\033%G");
	assert_int_equal(cell_at(&t, 2, 0).code, 0x4e2d);
	assert_int_equal(cell_at(&t, 2, 2).code, 'y');
	assert_int_equal(cell_at(&t, 2, 3).code, 0xe9);
	stop(&t);
}

TEST(line_graphics_come_by_both_ways)
{
	struct terminal t;

	start(&t);
	put(&t, "\033)0\016lqk\017l\033[11m\332\304\033[10mq\033(0x\033(Bx");
	assert_int_equal(cell_at(&t, 0, 0).code, 0x250c);
	assert_int_equal(cell_at(&t, 0, 1).code, 0x2500);
	assert_int_equal(cell_at(&t, 0, 3).code, 'l');
	assert_int_equal(cell_at(&t, 0, 4).code, 0x250c);
	assert_int_equal(cell_at(&t, 0, 5).code, 0x2500);
	assert_int_equal(cell_at(&t, 0, 6).code, 'q');
	assert_int_equal(cell_at(&t, 0, 7).code, 0x2502);
	assert_int_equal(cell_at(&t, 0, 8).code, 'x');
	stop(&t);
}

TEST(the_alternate_screen_leaves_the_first_as_it_was)
{
	struct terminal t;

	start(&t);
	put(&t, "kept\033[2;3H\033[?1049h");
	assert_line(&t, 0, "");
	put(&t, "\033[Hother");
	assert_line(&t, 0, "other");
	put(&t, "\033[?1049l");
	assert_line(&t, 0, "kept");
	assert_cursor(&t, 1, 2);
	stop(&t);
}

TEST(questions_are_answered)
{
	struct terminal t;

	start(&t);
	put(&t, "\033[c");
	assert_answer(&t, "\033[?6c");
	put(&t, "\033Z\033[5n\033[2;7H\033[6n");
	assert_answer(&t, "\033[?6c\033[0n\033[2;7R");
	for (int i = 0; i < 100; i++)
		put(&t, "\033[c");
	assert_true(t.em.answer_len <= EMULATOR_ANSWER_MAX);
	stop(&t);
}

TEST(unknown_sequences_vanish_whole)
{
	struct terminal t;

	start(&t);
	put(&t, "a\033[?2004hb\033[>0cc\033]0;title\007d\033Pq#0\033\\e\033[4:3mf\033[38:5:1mg\033[!ph");
	assert_line(&t, 0, "abcdefgh");
	assert_false(cell_at(&t, 0, 5).code & CELL_UNDERLINE);
	put(&t, "\r\n\033[12\030i\033[3\nj");
	assert_line(&t, 1, "i");
	stop(&t);
}

TEST(the_log_is_plain_and_disturbs_no_sequence)
{
	struct terminal t;

	start(&t);
	put(&t, "\033[31;7mA\033[3");
	emulator_write_log(&t.em, "log\nmore\n", 9);
	put(&t, "2mB");
	assert_line(&t, 0, "Alog");
	assert_line(&t, 1, "more");
	assert_line(&t, 2, "B");
	assert_int_equal(cell_at(&t, 0, 1).ink, GREY);
	assert_int_equal(cell_at(&t, 2, 0).paper, 0x00aa00);
	stop(&t);
}

TEST(reset_brings_everything_back)
{
	struct terminal t;

	start(&t);
	put(&t, "x\033[?25l\033[?5h\033[?7l\033[2;3r\033[31m\033[?1h\033=\033[?1049h\033c");
	assert_line(&t, 0, "");
	assert_true(t.em.wraps && !t.em.is_cursor_hidden && !t.em.is_reversed);
	assert_false(t.em.has_application_cursor || t.em.has_application_keypad);
	assert_int_equal(t.em.bottom, LINES);
	assert_ptr_equal(t.em.grid, &t.em.primary);
	stop(&t);
}

TEST(the_cursor_and_reverse_video_are_composed)
{
	struct cell line[COLUMNS];
	struct terminal t;

	start(&t);
	put(&t, "ab\033[?5h");
	emulator_compose(&t.em, 0, line);
	assert_true(line[2].code & CELL_CURSOR);
	assert_int_equal(line[0].ink, BLACK);
	assert_int_equal(line[0].paper, GREY);
	put(&t, "\033[?25l");
	emulator_compose(&t.em, 0, line);
	assert_false(line[2].code & CELL_CURSOR);
	stop(&t);
}

/* What is drawn by dirty lines alone is what is there. */
TEST(every_change_marks_its_line)
{
	static const char *const pieces[] = {
		"text", "\n", "\r", "\033[A", "\033[5;5H", "\033[L", "\033[M", "\033[2J", "\033[K",
		"\033M", "\033[2;5r", "\033[3@", "\033[2P", "\b", "\t", "\033[S", "\033[T",
		"\033[?1049h", "\033[?1049l", "\033[?25l", "\033[?25h", "\033[?5h", "\033[?5l",
		"\0337", "\0338", "\033#8", "\033c", "\033[4h", "\033[X", "\033[?6h", "\033[?6l",
	};
	struct cell seen[LINES][COLUMNS] = { 0 }, now[COLUMNS];
	uint64_t seed = 7;
	struct terminal t;

	start(&t);
	for (int step = 0; step < 20000; step++) {
		put(&t, pieces[random_below(&seed, sizeof(pieces) / sizeof(*pieces))]);
		for (uint32_t line = 0; line < LINES; line++) {
			emulator_compose(&t.em, line, now);
			if (t.em.grid->is_dirty[line])
				memcpy(seen[line], now, sizeof(now));
			t.em.grid->is_dirty[line] = 0;
			assert_memory_equal(seen[line], now, sizeof(now));
		}
	}
	stop(&t);
}

/* Bytes at random, most of them from the alphabet of sequences: ASan watches. */
TEST(no_bytes_reach_outside_the_grid)
{
	static const char alphabet[] =
		"\033\033[[[?;;0123456789HJKLMPX@mrhlcnsudGdABCDEFSTZIg()#%]P7890\n\r\t\b";
	static const uint32_t sizes[][2] = {
		{ 2, 16 }, { 1, 1 }, { 7, 2 }, { 50, 160 }, { 512, 1024 },
	};
	uint8_t bytes[64], answer[EMULATOR_ANSWER_MAX];
	uint64_t seed = 11;

	for (size_t size = 0; size < sizeof(sizes) / sizeof(*sizes); size++) {
		struct terminal t;

		start_sized(&t, sizes[size][0], sizes[size][1]);
		for (int step = 0; step < 1000; step++) {
			size_t n = random_below(&seed, sizeof(bytes));

			for (size_t i = 0; i < n; i++)
				bytes[i] = random_below(&seed, 4) ? (uint8_t)alphabet[random_below(
					&seed, sizeof(alphabet) - 1)] : (uint8_t)random_next(&seed);
			emulator_write(&t.em, bytes, n);
			emulator_write_log(&t.em, (char *)bytes, n / 4);
			emulator_take_answer(&t.em, answer);
			assert_true(t.em.cursor.line < sizes[size][0]);
			assert_true(t.em.cursor.column < sizes[size][1]);
			assert_true(t.em.top < t.em.bottom && t.em.bottom <= sizes[size][0]);
		}
		stop(&t);
	}
}

UNIT_TESTS(T(text_wraps_only_when_the_next_character_comes),
           T(lines_scroll_at_the_bottom_of_the_region_only),
           T(lines_and_characters_are_inserted_and_deleted),
           T(the_last_line_is_cleared_by_deleting_it),
           T(parts_of_lines_and_screen_are_erased), T(erasing_leaves_the_colour_of_the_paper),
           T(the_cursor_moves_as_told_and_stays_on_the_screen), T(tabs_are_set_and_cleared),
           T(colours_and_styles_show), T(utf8_is_decoded_and_malformed_bytes_are_replaced),
           T(line_graphics_come_by_both_ways),
           T(the_alternate_screen_leaves_the_first_as_it_was), T(questions_are_answered),
           T(unknown_sequences_vanish_whole), T(the_log_is_plain_and_disturbs_no_sequence),
           T(reset_brings_everything_back), T(the_cursor_and_reverse_video_are_composed),
           T(every_change_marks_its_line), T(no_bytes_reach_outside_the_grid))
