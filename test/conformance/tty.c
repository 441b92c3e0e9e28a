/*
 * The line discipline of terminals: editing, echo, translation of input and output, raw modes,
 * settings. termios(3), ioctl_tty(2).
 */
#include "terminal.h"

#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>

struct edit {
	const char *name;
	tcflag_t    iflag, oflag, lflag;
	const char *typed;
	const char *read; /* NULL: nothing can be read */
	const char *echo;
};

/* ^U is KILL, ^W WERASE, ^V LNEXT, ^R REPRINT, DEL ERASE, ^D EOF. */
static const struct edit edits[] = {
	{ "line_is_read_with_its_end", ICRNL, 0, ICANON, "abc\n", "abc\n", "" },
	{ "unfinished_line_is_not_read", 0, 0, ICANON, "abc", NULL, "" },
	{ "echo_shows_what_is_typed", 0, 0, ICANON | ECHO, "abc\n", "abc\n", "abc\n" },
	{ "echo_goes_through_output_processing",
	  0, OPOST | ONLCR, ICANON | ECHO, "a\n", "a\n", "a\r\n" },
	{ "echonl_shows_only_newlines", 0, 0, ICANON | ECHONL, "abc\n", "abc\n", "\n" },
	{ "icrnl_makes_newline_of_return", ICRNL, 0, ICANON, "a\r", "a\n", "" },
	{ "inlcr_makes_return_of_newline", INLCR, 0, 0, "a\nb", "a\rb", "" },
	{ "igncr_drops_return", IGNCR, 0, ICANON, "a\rb\n", "ab\n", "" },
	{ "igncr_wins_over_icrnl", IGNCR | ICRNL, 0, ICANON, "a\rb\n", "ab\n", "" },
	{ "istrip_clears_the_eighth_bit", ISTRIP, 0, ICANON, "\xe1\n", "a\n", "" },
	{ "iuclc_makes_lower_case", IUCLC, 0, ICANON | IEXTEN, "ABC\n", "abc\n", "" },
	{ "erase_takes_a_character_back",
	  0, 0, ICANON | ECHO | ECHOE, "abc\x7f\n", "ab\n", "abc\b \b\n" },
	{ "erase_without_echoe_echoes_itself",
	  0, 0, ICANON | ECHO, "ab\x7f\n", "a\n", "ab\x7f\n" },
	{ "erase_at_the_start_does_nothing",
	  0, 0, ICANON | ECHO | ECHOE, "\x7f\x7f" "a\n", "a\n", "a\n" },
	{ "erase_stops_at_the_previous_line", 0, 0, ICANON, "a\n\x7f" "b\n", "a\nb\n", "" },
	{ "erase_of_a_control_takes_two_columns",
	  0, 0, ICANON | ECHO | ECHOE | ECHOCTL, "\x01\x7f\n", "\n", "^A\b \b\b \b\n" },
	{ "erase_of_utf8_takes_all_its_bytes",
	  IUTF8, 0, ICANON | ECHO | ECHOE, "a\xc3\xa9\x7f\n", "a\n", "a\xc3\xa9\b \b\n" },
	{ "erase_without_iutf8_takes_one_byte",
	  0, 0, ICANON, "\xc3\xa9\x7f\n", "\xc3\n", "" },
	{ "erase_of_a_tab_goes_back_to_its_column",
	  0, 0, ICANON | ECHO | ECHOE, "ab\t\x7f" "c\n", "abc\n", "ab\t\b\b\b\b\b\bc\n" },
	{ "kill_takes_the_line_back",
	  0, 0, ICANON | ECHO | ECHOE | ECHOK | ECHOKE,
	  "abc\x15" "d\n", "d\n", "abc\b \b\b \b\b \bd\n" },
	{ "kill_with_echok_starts_a_new_line",
	  0, 0, ICANON | ECHO | ECHOE | ECHOK, "abc\x15" "d\n", "d\n", "abc\x15\nd\n" },
	{ "kill_without_echo_is_silent", 0, 0, ICANON, "abc\x15" "d\n", "d\n", "" },
	{ "werase_takes_a_word_back",
	  0, 0, ICANON | ECHO | ECHOE | IEXTEN,
	  "ab cd \x17" "e\n", "ab e\n", "ab cd \b \b\b \b\b \be\n" },
	{ "werase_needs_iexten", 0, 0, ICANON, "a b\x17\n", "a b\x17\n", "" },
	{ "lnext_takes_the_next_literally",
	  0, 0, ICANON | IEXTEN, "a\x16\x7f" "b\n", "a\x7f" "b\n", "" },
	{ "lnext_shows_a_caret",
	  0, 0, ICANON | ECHO | ECHOCTL | IEXTEN, "\x16\x03\n", "\x03\n", "^\b^C\n" },
	{ "lnext_needs_iexten", 0, 0, ICANON, "a\x16" "b\n", "a\x16" "b\n", "" },
	{ "reprint_shows_the_line_again",
	  0, 0, ICANON | ECHO | ECHOCTL | IEXTEN, "ab\x12" "c\n", "abc\n", "ab^R\nabc\n" },
	{ "echoctl_shows_controls_with_a_caret",
	  0, 0, ICANON | ECHO | ECHOCTL, "\x01\x1f\n", "\x01\x1f\n", "^A^_\n" },
	{ "echoctl_leaves_tabs_alone",
	  0, 0, ICANON | ECHO | ECHOCTL, "\t\n", "\t\n", "\t\n" },
	{ "echoctl_shows_delete_as_caret_question",
	  0, 0, ICANON | ECHO | ECHOCTL | IEXTEN, "\x16\x7f\n", "\x7f\n", "^\b^?\n" },
	{ "echoprt_shows_what_is_erased",
	  0, 0, ICANON | ECHO | ECHOPRT, "abc\x7f\x7f" "d\n", "ad\n", "abc\\cb/d\n" },
	{ "eof_delivers_the_line_without_itself", 0, 0, ICANON, "abc\x04", "abc", "" },
	{ "eof_is_not_echoed", 0, 0, ICANON | ECHO | ECHOCTL, "ab\x04", "ab", "ab" },
	{ "controls_are_ordinary_bytes", 0, 0, ICANON, "\x02\n", "\x02\n", "" },
	{ "signal_characters_are_bytes_without_isig",
	  0, 0, ICANON, "\x03\x1c\x1a\n", "\x03\x1c\x1a\n", "" },
	{ "flow_characters_are_bytes_without_ixon",
	  0, 0, ICANON, "\x13\x11\n", "\x13\x11\n", "" },
	{ "flow_characters_vanish_with_ixon", IXON, 0, ICANON, "\x13\x11\n", "\n", "" },
	{ "raw_input_has_no_editing", 0, 0, 0, "ab\x7f\x15\x04\r", "ab\x7f\x15\x04\r", "" },
	{ "raw_input_may_echo", 0, 0, ECHO, "ab", "ab", "ab" },
	{ "parmrk_doubles_a_byte_of_ones", PARMRK, 0, 0, "a\xff" "b", "a\xff\xff" "b", "" },
	{ "return_is_kept_without_icrnl", 0, 0, ICANON, "a\r\n", "a\r\n", "" },
};

static void set_flags(const struct terminal *terminal, const struct edit *edit)
{
	struct termios settings;

	tcgetattr(terminal->slave, &settings);
	settings.c_iflag = edit->iflag;
	settings.c_oflag = edit->oflag;
	settings.c_lflag = edit->lflag;
	tcsetattr(terminal->slave, TCSANOW, &settings);
}

static void check_edit(const struct edit *edit)
{
	struct terminal terminal;
	bool holds;

	terminal_open(&terminal);
	set_flags(&terminal, edit);
	type(&terminal, edit->typed, strlen(edit->typed));
	holds = comes(terminal.master, edit->echo, strlen(edit->echo));
	if (edit->read)
		holds = comes(terminal.slave, edit->read, strlen(edit->read)) && holds;
	else
		holds = !is_ready(terminal.slave, POLLIN, MOMENT_MS) && holds;
	check_report(edit->name, holds, __LINE__, "what is read and echoed");
	terminal_close(&terminal);
}

struct expansion {
	const char *name;
	tcflag_t    oflag;
	const char *written, *seen;
};

static const struct expansion expansions[] = {
	{ "output_is_untouched_without_opost", ONLCR, "a\nb", "a\nb" },
	{ "onlcr_adds_a_return", OPOST | ONLCR, "a\nb\n", "a\r\nb\r\n" },
	{ "ocrnl_makes_newline_of_return", OPOST | OCRNL, "a\rb", "a\nb" },
	{ "onocr_drops_return_in_column_0", OPOST | ONOCR, "\ra\r\rb", "a\rb" },
	{ "onlret_lets_newline_return", OPOST | ONLRET | ONOCR, "a\n\rb", "a\nb" },
	{ "olcuc_makes_upper_case", OPOST | OLCUC, "abC1", "ABC1" },
	{ "xtabs_makes_blanks", OPOST | XTABS, "ab\tc\t\bd", "ab      c       \bd" },
	{ "xtabs_counts_from_the_start_of_the_line",
	  OPOST | XTABS | ONLCR, "abc\n\tx", "abc\r\n        x" },
	{ "tabs_stay_without_xtabs", OPOST, "a\tb", "a\tb" },
};

static void check_output(const struct expansion *expansion)
{
	struct edit edit = { .oflag = expansion->oflag };
	struct terminal terminal;

	terminal_open(&terminal);
	set_flags(&terminal, &edit);
	bool holds = write(terminal.slave, expansion->written, strlen(expansion->written)) ==
	             (ssize_t)strlen(expansion->written);
	holds = holds && comes(terminal.master, expansion->seen, strlen(expansion->seen));
	check_report(expansion->name, holds, __LINE__, "what the master sees");
	terminal_close(&terminal);
}

static void check_lines(void)
{
	struct terminal terminal;
	char buffer[64];

	terminal_open(&terminal);
	settings_change(&terminal, 0, 0, ECHO, 0);
	TYPE(&terminal, "one\ntwo\n");
	is_ready(terminal.slave, POLLIN, WAIT_MS);
	CHECK_EQ(read_returns_one_line, read(terminal.slave, buffer, sizeof(buffer)), 4);
	CHECK_EQ(short_read_leaves_the_rest, read(terminal.slave, buffer, 2), 2);
	CHECK_EQ(rest_of_the_line_follows, read(terminal.slave, buffer, sizeof(buffer)), 2);
	CHECK(rest_is_the_right_one, buffer[0] == 'o' && buffer[1] == '\n');
	TYPE(&terminal, "\x04");
	is_ready(terminal.slave, POLLIN, WAIT_MS);
	CHECK_EQ(eof_alone_reads_zero, read(terminal.slave, buffer, sizeof(buffer)), 0);
	TYPE(&terminal, "abc\x04x\n");
	is_ready(terminal.slave, POLLIN, WAIT_MS);
	usleep(MOMENT_MS * 1000);
	CHECK_EQ(read_of_exactly_a_line_takes_its_eof, read(terminal.slave, buffer, 3), 3);
	CHECK_EQ(next_read_gets_the_next_line, read(terminal.slave, buffer, sizeof(buffer)), 2);
	TYPE(&terminal, "ab\ncd\x04");
	int count = 0;
	is_ready(terminal.slave, POLLIN, WAIT_MS);
	usleep(MOMENT_MS * 1000);
	CHECK_EQ(fionread_works, ioctl(terminal.slave, FIONREAD, &count), 0);
	CHECK_EQ(fionread_counts_without_eof, count, 5);
	CHECK_EQ(read_of_nothing_returns_0, read(terminal.slave, buffer, 0), 0);
	CHECK_EQ(tcflush_discards_input, tcflush(terminal.slave, TCIFLUSH), 0);
	CHECK(nothing_is_left, !is_ready(terminal.slave, POLLIN, 0));
	CHECK_ERRNO(tcflush_refuses_other_queues, tcflush(terminal.slave, 77), EINVAL);
	terminal_close(&terminal);
}

static void check_long_lines(void)
{
	static char line[6000], buffer[8192];
	struct terminal terminal;

	terminal_open(&terminal);
	settings_change(&terminal, 0, 0, ECHO, 0);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	CHECK(long_line_can_be_typed, type(&terminal, line, sizeof(line)));
	ssize_t got = collect(terminal.slave, buffer, sizeof(buffer), 4096);
	CHECK_EQ(line_is_cut_at_4096, got, 4096);
	CHECK(cut_line_keeps_its_end, got > 0 && buffer[got - 1] == '\n');
	terminal_close(&terminal);
}

static void check_bursts(void)
{
	static char sent[10000], received[10000];
	struct terminal terminal;
	size_t in = 0, out = 0;

	terminal_open(&terminal);
	settings_raw(&terminal, 1, 0);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + i / 251);
	fcntl(terminal.master, F_SETFL, O_RDWR | O_NONBLOCK);
	while (out < sizeof(received)) {
		ssize_t n = 0;

		if (in < sizeof(sent))
			n = write(terminal.master, sent + in, sizeof(sent) - in);
		in += n > 0 ? (size_t)n : 0;
		if (!is_ready(terminal.slave, POLLIN, WAIT_MS))
			break;
		n = read(terminal.slave, received + out, sizeof(received) - out);
		if (n <= 0)
			break;
		out += (size_t)n;
	}
	CHECK_EQ(burst_arrives_whole, out, sizeof(sent));
	CHECK(burst_arrives_in_order, !memcmp(sent, received, sizeof(sent)));
	terminal_close(&terminal);
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void type_later(const struct terminal *terminal, int delay_ms, const char *text)
{
	if (fork() == 0) {
		usleep((useconds_t)delay_ms * 1000);
		type(terminal, text, strlen(text));
		_exit(0);
	}
}

static void check_minimum_and_time(void)
{
	struct terminal terminal;
	struct timespec start;
	char buffer[16];

	terminal_open(&terminal);
	settings_raw(&terminal, 0, 0);
	CHECK_EQ(vmin_0_vtime_0_returns_at_once, read(terminal.slave, buffer, 10), 0);

	settings_raw(&terminal, 0, 2);
	clock_gettime(CLOCK_MONOTONIC, &start);
	CHECK_EQ(vmin_0_vtime_gives_up_in_time, read(terminal.slave, buffer, 10), 0);
	CHECK(vtime_is_in_tenths_of_seconds,
	      elapsed_ms(&start) >= 180 && elapsed_ms(&start) < 1000);
	type_later(&terminal, 30, "q");
	CHECK_EQ(vmin_0_vtime_takes_the_first_byte, read(terminal.slave, buffer, 10), 1);
	wait(NULL);

	settings_raw(&terminal, 4, 0);
	TYPE(&terminal, "ab");
	usleep(MOMENT_MS * 1000);
	CHECK(poll_waits_for_vmin_bytes, !is_ready(terminal.slave, POLLIN, MOMENT_MS));
	type_later(&terminal, 30, "cd");
	CHECK_EQ(vmin_4_waits_for_four, read(terminal.slave, buffer, 10), 4);
	wait(NULL);
	type_later(&terminal, 0, "abcdef");
	CHECK_EQ(smaller_read_is_satisfied_by_its_size, read(terminal.slave, buffer, 2), 2);
	CHECK_EQ(more_than_vmin_is_read_if_there, read(terminal.slave, buffer, 10), 4);
	wait(NULL);

	settings_raw(&terminal, 5, 1);
	type_later(&terminal, 30, "xyz");
	CHECK_EQ(pause_between_bytes_ends_the_read, read(terminal.slave, buffer, 10), 3);
	wait(NULL);

	settings_raw(&terminal, 5, 0);
	fcntl(terminal.slave, F_SETFL, O_RDWR | O_NONBLOCK);
	CHECK_ERRNO(nonblocking_read_of_nothing, read(terminal.slave, buffer, 10), EAGAIN);
	TYPE(&terminal, "abc");
	usleep(MOMENT_MS * 1000);
	CHECK_EQ(nonblocking_read_takes_what_there_is, read(terminal.slave, buffer, 10), 3);
	terminal_close(&terminal);
}

static void check_mode_switch(void)
{
	struct terminal terminal;

	terminal_open(&terminal);
	settings_change(&terminal, 0, 0, ECHO, 0);
	TYPE(&terminal, "abc");
	usleep(MOMENT_MS * 1000);
	CHECK(unfinished_line_cannot_be_read, !is_ready(terminal.slave, POLLIN, MOMENT_MS));
	settings_change(&terminal, 0, 0, ICANON, 0);
	COMES(raw_mode_gives_the_unfinished_line, terminal.slave, "abc");
	TYPE(&terminal, "de");
	is_ready(terminal.slave, POLLIN, WAIT_MS);
	settings_change(&terminal, 0, 0, 0, ICANON);
	COMES(canonical_mode_gives_what_was_pending, terminal.slave, "de");
	TYPE(&terminal, "f\n");
	COMES(lines_go_on_afterwards, terminal.slave, "f\n");

	struct termios settings;
	TYPE(&terminal, "gone\n");
	is_ready(terminal.slave, POLLIN, WAIT_MS);
	tcgetattr(terminal.slave, &settings);
	CHECK_EQ(tcsaflush_works, tcsetattr(terminal.slave, TCSAFLUSH, &settings), 0);
	CHECK(tcsaflush_discards_input, !is_ready(terminal.slave, POLLIN, MOMENT_MS));
	terminal_close(&terminal);
}

static void check_flow(void)
{
	struct terminal terminal;

	terminal_open(&terminal);
	settings_change(&terminal, 0, IXON, ECHO, 0);
	TYPE(&terminal, "\x13");
	usleep(MOMENT_MS * 1000);
	CHECK(stopped_terminal_is_not_writable, !is_ready(terminal.slave, POLLOUT, 0));
	fcntl(terminal.slave, F_SETFL, O_RDWR | O_NONBLOCK);
	CHECK_ERRNO(stopped_terminal_takes_no_output, write(terminal.slave, "x", 1), EAGAIN);
	TYPE(&terminal, "\x11");
	CHECK(started_terminal_is_writable, is_ready(terminal.slave, POLLOUT, WAIT_MS));
	CHECK_EQ(started_terminal_takes_output, write(terminal.slave, "x", 1), 1);
	COMES(output_arrives_after_start, terminal.master, "x");

	CHECK_EQ(tcoff_works, tcflow(terminal.slave, TCOOFF), 0);
	CHECK_ERRNO(suspended_output_waits, write(terminal.slave, "x", 1), EAGAIN);
	TYPE(&terminal, "\x11");
	usleep(MOMENT_MS * 1000);
	CHECK_ERRNO(start_character_does_not_resume_tcooff, write(terminal.slave, "x", 1), EAGAIN);
	CHECK_EQ(tcoon_works, tcflow(terminal.slave, TCOON), 0);
	CHECK_EQ(resumed_output_goes, write(terminal.slave, "x", 1), 1);
	COMES(resumed_output_arrives, terminal.master, "x");
	CHECK_EQ(tcioff_works, tcflow(terminal.slave, TCIOFF), 0);
	COMES(tcioff_sends_stop, terminal.master, "\x13");
	CHECK_EQ(tcion_works, tcflow(terminal.slave, TCION), 0);
	COMES(tcion_sends_start, terminal.master, "\x11");
	CHECK_ERRNO(tcflow_refuses_others, tcflow(terminal.slave, 9), EINVAL);

	settings_change(&terminal, 0, IXANY, 0, 0);
	TYPE(&terminal, "\x13");
	usleep(MOMENT_MS * 1000);
	TYPE(&terminal, "a\n");
	CHECK(ixany_lets_any_byte_start, is_ready(terminal.slave, POLLOUT, WAIT_MS));
	TYPE(&terminal, "\x13");
	usleep(MOMENT_MS * 1000);
	settings_change(&terminal, IXON, 0, 0, 0);
	CHECK(clearing_ixon_starts_output, is_ready(terminal.slave, POLLOUT, WAIT_MS));
	terminal_close(&terminal);
}

static void check_settings(void)
{
	struct terminal terminal;
	struct termios settings;
	struct winsize size = { 1, 2, 3, 4 };
	char serial[128];
	int value;

	terminal_open(&terminal);
	CHECK_EQ(settings_can_be_read, tcgetattr(terminal.slave, &settings), 0);
	OUT("iflag %o oflag %o cflag %o lflag %o", settings.c_iflag, settings.c_oflag,
	    settings.c_cflag, settings.c_lflag);
	for (int i = 0; i < 17; i++)
		OUT("cc[%d] = %d", i, settings.c_cc[i]);
	CHECK_EQ(new_terminal_has_no_size, ioctl(terminal.slave, TIOCGWINSZ, &size), 0);
	CHECK(size_is_zero, !size.ws_row && !size.ws_col && !size.ws_xpixel && !size.ws_ypixel);
	size.ws_row = 24;
	size.ws_col = 80;
	CHECK_EQ(size_can_be_set, ioctl(terminal.slave, TIOCSWINSZ, &size), 0);
	memset(&size, 0, sizeof(size));
	ioctl(terminal.master, TIOCGWINSZ, &size);
	CHECK(size_is_one_for_both_sides, size.ws_row == 24 && size.ws_col == 80);
	cfsetspeed(&settings, B9600);
	settings.c_cflag = (settings.c_cflag & ~(tcflag_t)CSIZE) | CS7 | PARENB;
	tcsetattr(terminal.slave, TCSANOW, &settings);
	tcgetattr(terminal.slave, &settings);
	CHECK_EQ(speed_is_kept, cfgetospeed(&settings), B9600);
	CHECK(settings_a_pty_cannot_have_are_corrected,
	      (settings.c_cflag & CSIZE) == CS8 && !(settings.c_cflag & PARENB));
	CHECK_EQ(discipline_is_n_tty, ioctl(terminal.slave, TIOCGETD, &value) == 0 ? value : -1, 0);
	value = 0;
	CHECK_EQ(n_tty_can_be_set, ioctl(terminal.slave, TIOCSETD, &value), 0);
	value = 29;
	CHECK_ERRNO(unknown_discipline_fails, ioctl(terminal.slave, TIOCSETD, &value), EINVAL);
	CHECK_EQ(output_queue_is_empty,
	         ioctl(terminal.slave, TIOCOUTQ, &value) == 0 ? value : -1, 0);
	CHECK_EQ(drain_returns, tcdrain(terminal.slave), 0);
	CHECK_EQ(break_is_nothing_here, tcsendbreak(terminal.slave, 0), 0);
	CHECK_ERRNO(ptys_have_no_modem_lines, ioctl(terminal.slave, TIOCMGET, &value), ENOTTY);
	CHECK_ERRNO(ptys_are_no_serial_lines, ioctl(terminal.slave, TIOCGSERIAL, serial), ENOTTY);
	CHECK_EQ(soft_carrier_is_clocal,
	         ioctl(terminal.slave, TIOCGSOFTCAR, &value) == 0 ? value : -1, 0);
	CHECK_ERRNO(unknown_ioctl_fails, ioctl(terminal.slave, 0x54ff, 0), ENOTTY);
	CHECK_ERRNO(seeking_fails, lseek(terminal.slave, 0, SEEK_CUR), ESPIPE);
	CHECK_EQ(isatty_says_yes, isatty(terminal.slave), 1);
	CHECK_ERRNO(bad_pointer_fails, ioctl(terminal.slave, TIOCGWINSZ, 8), EFAULT);
	terminal_close(&terminal);
}

static void unlock_all(struct terminal *terminal)
{
	struct termios none = { 0 };

	CHECK_EQ(what_is_locked_can_be_freed, ioctl(terminal->master, TIOCSLCKTRMIOS, &none), 0);
}

static void check_locked_settings(void)
{
	struct termios locked = { 0 }, settings, wanted;
	struct terminal terminal;

	terminal_open(&terminal);
	memset(&settings, -1, sizeof(settings));
	CHECK_EQ(locks_can_be_read, ioctl(terminal.slave, TIOCGLCKTRMIOS, &settings), 0);
	CHECK(nothing_is_locked_at_first, !settings.c_iflag && !settings.c_oflag &&
	      !settings.c_cflag && !settings.c_lflag && !settings.c_cc[VINTR]);
	locked.c_lflag = ECHO | ICANON;
	locked.c_iflag = ICRNL;
	locked.c_cc[VINTR] = 1;
	CHECK_EQ(settings_can_be_locked, ioctl(terminal.slave, TIOCSLCKTRMIOS, &locked), 0);
	ioctl(terminal.master, TIOCGLCKTRMIOS, &settings);
	CHECK(locks_are_one_for_both_sides, settings.c_lflag == (ECHO | ICANON));
	tcgetattr(terminal.slave, &settings);
	wanted = settings;
	wanted.c_lflag = 0;
	wanted.c_iflag = 0;
	wanted.c_cc[VINTR] = wanted.c_cc[VQUIT] = 7;
	CHECK_EQ(setting_them_is_no_error, tcsetattr(terminal.slave, TCSANOW, &wanted), 0);
	tcgetattr(terminal.slave, &wanted);
	OUT("locked: lflag %o iflag %o intr %d quit %d", wanted.c_lflag, wanted.c_iflag,
	    wanted.c_cc[VINTR], wanted.c_cc[VQUIT]);
	unlock_all(&terminal);
	wanted.c_lflag = 0;
	tcsetattr(terminal.slave, TCSANOW, &wanted);
	tcgetattr(terminal.slave, &wanted);
	CHECK_EQ(unlocked_settings_change, wanted.c_lflag, 0);
	if (fork() == 0) {
		if (setuid(1000) == 0 && ioctl(terminal.slave, TIOCGLCKTRMIOS, &locked) == 0)
			_exit(ioctl(terminal.slave, TIOCSLCKTRMIOS, &locked) == -1 ? errno : 0);
		_exit(255);
	}
	int status = 0;

	wait(&status);
	CHECK_EQ(only_the_privileged_may_lock, WEXITSTATUS(status), EPERM);
	CHECK_ERRNO(locks_of_no_terminal_fail, ioctl(open("/dev/null", O_RDWR | O_CLOEXEC),
	            TIOCGLCKTRMIOS, &locked), ENOTTY);
	terminal_close(&terminal);
}

static void check_simulated_input(void)
{
	struct terminal terminal;

	terminal_open(&terminal);
	settings_change(&terminal, 0, 0, ECHO, 0);
	CHECK_EQ(tiocsti_works_for_root, ioctl(terminal.slave, TIOCSTI, "y"), 0);
	ioctl(terminal.slave, TIOCSTI, "\n");
	COMES(tiocsti_types, terminal.slave, "y\n");
	terminal_close(&terminal);
}

static void check_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET }, got;
	struct terminal terminal;
	int epoll = epoll_create1(0);

	terminal_open(&terminal);
	settings_change(&terminal, 0, 0, ECHO, 0);
	CHECK_EQ(terminal_can_be_in_epoll,
	         epoll_ctl(epoll, EPOLL_CTL_ADD, terminal.slave, &event), 0);
	CHECK_EQ(epoll_is_quiet_at_first, epoll_wait(epoll, &got, 1, 0), 0);
	TYPE(&terminal, "a");
	CHECK_EQ(epoll_ignores_half_a_line, epoll_wait(epoll, &got, 1, MOMENT_MS), 0);
	TYPE(&terminal, "\n");
	CHECK_EQ(epoll_reports_a_line, epoll_wait(epoll, &got, 1, WAIT_MS), 1);
	terminal_close(&terminal);
	close(epoll);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		check_edit(&edits[i]);
	for (size_t i = 0; i < sizeof(expansions) / sizeof(expansions[0]); i++)
		check_output(&expansions[i]);
	check_lines();
	check_long_lines();
	check_bursts();
	check_minimum_and_time();
	check_mode_switch();
	check_flow();
	check_settings();
	check_locked_settings();
	check_simulated_input();
	check_epoll();
	return 0;
}
