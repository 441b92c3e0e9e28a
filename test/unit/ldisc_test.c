/*
 * tty/ldisc: the line discipline without a kernel around it: whatever comes in, its ring stays
 * sound, nothing is read that was not received, and pausing output loses no echo that fits.
 *
 * sources: tty/ldisc.c tty/ldisc_input.c tty/ldisc_erase.c tty/ldisc_output.c lib/ring.c
 */
#include "unit.h"

#include "tty/ldisc.h"

struct fixture {
	struct ldisc ldisc;
	uint8_t      out[1 << 16];
	size_t       used, limit;
	int          last_signal;
	unsigned int flushed;
};

static struct fixture fixture;

static size_t fixture_room(struct ldisc *ldisc)
{
	return ldisc->is_stopped ? 0 : fixture.limit - fixture.used;
}

static size_t fixture_output(struct ldisc *ldisc, const uint8_t *bytes, size_t n)
{
	assert_true(fixture.used + n <= fixture.limit);
	memcpy(fixture.out + fixture.used, bytes, n);
	fixture.used += n;
	return n;
}

static void fixture_flush(struct ldisc *ldisc)
{
	fixture.flushed++;
}

static void fixture_stopped(struct ldisc *ldisc, bool stopped)
{
	assert_int_equal(ldisc->is_stopped, stopped);
}

static void fixture_signal(struct ldisc *ldisc, int sig)
{
	fixture.last_signal = sig;
}

static void fixture_nothing(struct ldisc *ldisc)
{
}

static const struct ldisc_ops fixture_ops = {
	.room = fixture_room,
	.output = fixture_output,
	.flush_output = fixture_flush,
	.set_stopped = fixture_stopped,
	.signal = fixture_signal,
	.readable = fixture_nothing,
	.input_flushed = fixture_nothing,
};

static const struct termios2 usual = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = { [VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
	          [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VWERASE] = 23,
	          [VLNEXT] = 22 },
};

static struct ldisc *fixture_begin(const struct termios2 *settings)
{
	memset(&fixture, 0, sizeof(fixture));
	fixture.limit = sizeof(fixture.out);
	ldisc_init(&fixture.ldisc, &fixture_ops, settings);
	return &fixture.ldisc;
}

static size_t feed(struct ldisc *ldisc, const char *text)
{
	return ldisc_receive(ldisc, (const uint8_t *)text, NULL, strlen(text));
}

TEST(line_is_edited_and_echoed)
{
	struct ldisc *ldisc = fixture_begin(&usual);
	uint8_t line[16];
	bool ended;

	feed(ldisc, "heo\x7fllo\r");
	assert_int_equal(ldisc_read(ldisc, line, sizeof(line), &ended), 6);
	assert_true(ended);
	assert_memory_equal(line, "hello\n", 6);
	assert_int_equal(fixture.used, 11);
	assert_memory_equal(fixture.out, "heo\b \bllo\r\n", 11);
}

TEST(interrupt_discards_and_signals)
{
	struct ldisc *ldisc = fixture_begin(&usual);

	feed(ldisc, "abc\x03");
	assert_int_equal(fixture.last_signal, 2);
	assert_int_equal(fixture.flushed, 1);
	assert_false(ldisc_is_readable(ldisc, 0));
	feed(ldisc, "x\n");
	assert_int_equal(ldisc_readable_count(ldisc), 2);
}

TEST(raw_stream_waits_when_the_ring_is_full)
{
	struct termios2 settings = usual;
	struct ldisc *ldisc;
	uint8_t bytes[300] = { 0 };
	size_t taken = 0, n;
	bool ended;

	settings.c_lflag = 0;
	settings.c_iflag = 0;
	ldisc = fixture_begin(&settings);
	while ((n = ldisc_receive(ldisc, bytes, NULL, sizeof(bytes))) > 0)
		taken += n;
	assert_int_equal(taken, LDISC_SIZE - 1);
	assert_int_equal(ldisc_receive_room(ldisc), 0);
	assert_int_equal(ldisc_read(ldisc, bytes, 10, &ended), 10);
	assert_int_equal(ldisc_receive_room(ldisc), 10);
}

TEST(errors_are_marked_as_asked)
{
	static const uint8_t errors[] = { LDISC_OK, LDISC_PARITY, LDISC_BREAK };
	struct termios2 settings = usual;
	struct ldisc *ldisc;
	uint8_t bytes[16];
	bool ended;

	settings.c_lflag = 0;
	settings.c_iflag = INPCK | PARMRK;
	ldisc = fixture_begin(&settings);
	ldisc_receive(ldisc, (const uint8_t *)"ab\0", errors, 3);
	assert_int_equal(ldisc_read(ldisc, bytes, sizeof(bytes), &ended), 7);
	assert_memory_equal(bytes, "a\xff\0b\xff\0\0", 7);
	settings.c_iflag = INPCK | IGNPAR | IGNBRK;
	ldisc_set_termios(ldisc, &settings);
	ldisc_receive(ldisc, (const uint8_t *)"ab\0", errors, 3);
	assert_int_equal(ldisc_read(ldisc, bytes, sizeof(bytes), &ended), 1);
	settings.c_iflag = BRKINT;
	ldisc_set_termios(ldisc, &settings);
	ldisc_receive(ldisc, (const uint8_t *)"ab\0", errors, 3);
	assert_int_equal(fixture.last_signal, 2);
}

TEST(echo_waits_for_room_and_goes_first)
{
	struct ldisc *ldisc = fixture_begin(&usual);

	fixture.limit = 2;
	feed(ldisc, "abcd");
	assert_int_equal(fixture.used, 2);
	assert_int_equal(ldisc_write(ldisc, (const uint8_t *)"X", 1), 0);
	fixture.limit = 64;
	assert_int_equal(ldisc_write(ldisc, (const uint8_t *)"X", 1), 1);
	assert_memory_equal(fixture.out, "abcdX", 5);
}

/* Any bytes, any settings, reads and writes in between: the ring's invariants hold throughout. */
TEST(random_input_keeps_the_ring_sound)
{
	uint64_t seed = 1;
	struct ldisc *ldisc = fixture_begin(&usual);
	uint8_t bytes[512], errors[512];
	bool ended;

	for (int step = 0; step < 60000; step++) {
		size_t n = random_below(&seed, sizeof(bytes)), done;

		for (size_t i = 0; i < n; i++) {
			bytes[i] = (uint8_t)random_below(&seed, i % 3 ? 32 : 256);
			errors[i] = (uint8_t)random_below(&seed, i % 50 ? 1 : 5);
		}
		if (n > ldisc_receive_room(ldisc))
			n = ldisc_receive_room(ldisc);
		done = ldisc_receive(ldisc, bytes, errors, n);
		assert_int_equal(done, n);
		assert_true(ldisc->head - ldisc->tail <= LDISC_SIZE);
		assert_true(ldisc->canon_head - ldisc->tail <= ldisc->head - ldisc->tail);
		if (!ldisc_receive_room(ldisc))
			assert_true(ldisc_is_readable(ldisc, 0));
		if (random_below(&seed, 3) == 0)
			ldisc_read(ldisc, bytes, random_below(&seed, sizeof(bytes)), &ended);
		if (random_below(&seed, 40) == 0) {
			struct termios2 settings = usual;

			settings.c_lflag = (tcflag_t)random_below(&seed, 1 << 17);
			settings.c_iflag = (tcflag_t)random_below(&seed, 1 << 15);
			settings.c_oflag = (tcflag_t)random_below(&seed, 1 << 14);
			ldisc_set_termios(ldisc, &settings);
		}
		if (fixture.used > sizeof(fixture.out) / 2)
			fixture.used = 0;
		ldisc_start(ldisc, true);
	}
}

UNIT_TESTS(T(line_is_edited_and_echoed), T(interrupt_discards_and_signals),
           T(raw_stream_waits_when_the_ring_is_full), T(errors_are_marked_as_asked),
           T(echo_waits_for_room_and_goes_first), T(random_input_keeps_the_ring_sound))
