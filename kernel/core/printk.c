/*
 * The log ring and its way to the sinks.
 *
 * The ring holds records of variable length, each a header and its text, aligned to eight bytes; a
 * header with len == WRAP says that the next record is at offset 0. Storing drops as many of the
 * oldest as the new one needs. Everything about it is under ring.lock, which is irq-safe and held
 * for a copy only.
 *
 * Printing is a role, not a lock: whoever wins `console.printing` writes out all that is not yet
 * shown, also what others store meanwhile; those others just go on. So messages appear in order, an
 * interrupt that logs while its CPU is printing does not deadlock, and ring.lock is never held
 * while a slow serial line is waited for. The list of sinks and the two buffers belong to that
 * role.
 *
 * In panic mode the other CPUs are stopped, perhaps inside either. The CPU that panics waits a
 * moment for ring.lock before it stops them and then keeps it; if it does not get it, most likely
 * because it holds it itself, the ring may be torn, and messages go straight to the sinks. The
 * printing role is not honoured.
 *
 * An NMI may interrupt the holder of ring.lock, so messages from its handler wait in a queue of
 * their CPU until the next interrupt has ended (core/log_queue.h).
 */
#include "core/printk.h"

#include <arch/percpu.h>

#include "core/cmdline.h"
#include "core/log_queue.h"
#include "core/nmi.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/printf.h"
#include "lib/string.h"

enum { WRAP = 0xffff, LOG_WAKERS_MAX = 2 };

struct header {
	ns_t     time_ns;
	uint16_t len;
	uint8_t  level;
	uint8_t  facility;
	uint32_t pad;
};

static struct {
	struct spinlock lock;
	uint64_t        first __guarded_by(lock); /* sequence number of the oldest record */
	uint64_t        next __guarded_by(lock);
	uint64_t        cleared __guarded_by(lock);
	uint64_t        hint __guarded_by(lock); /* the record at hint_offset, to read on from */
	uint32_t        hint_offset __guarded_by(lock);
	uint32_t        first_offset __guarded_by(lock);
	uint32_t        next_offset __guarded_by(lock);
	ns_t          (*now)(void) __atomic;
	void          (*wake[LOG_WAKERS_MAX])(void) __atomic;
	bool            wake_wanted __atomic;
	uint32_t        panic_cpu __atomic; /* number + 1 of the CPU for which there are no locks */
	bool            is_torn; /* that CPU's; the ring must not be touched any more */
	uint64_t        panic_sequence __const_after_init;
} ring = { .lock = SPINLOCK(RANK_LOG) };

/* Apart from the rest, which is initialised: zeroes need no room in the image. */
static char ring_bytes[LOG_RING_SIZE] __guarded_by(ring.lock) __aligned(8);

static struct {
	bool              printing __atomic;
	bool              is_taken_over __owned_by_cpu; /* the one that panics */
	uint64_t          shown __guarded_by(printing); /* next sequence number to write out */
	struct list       sinks __guarded_by(printing);
	struct log_record record __guarded_by(printing);
	char              line[LOG_RECORD_MAX + 32] __guarded_by(printing);
} console = { .sinks = LIST_INIT(console.sinks) };

int log_is_restricted = 1; /* as on Debian */

struct log_levels log_levels = {
	.console = 7, .message_default = 4, .console_minimum = 1, .console_default = 7,
};

static uint64_t ring_lock(void) __acquires(&ring.lock)
{
	if (log_in_panic()) {
		__acquire(&ring.lock);
		return irq_save();
	}
	return spin_lock_irqsave(&ring.lock);
}

static void ring_unlock(uint64_t flags) __releases(&ring.lock)
{
	if (log_in_panic()) {
		__release(&ring.lock);
		irq_restore(flags);
	} else {
		spin_unlock_irqrestore(&ring.lock, flags);
	}
}

static struct header *header_at(uint32_t offset)
{
	return (struct header *)(void *)(ring_bytes + offset);
}

static uint32_t record_size(size_t len)
{
	return (uint32_t)((sizeof(struct header) + len + 7) & ~7ul);
}

static uint32_t offset_after(uint32_t offset)
{
	uint32_t next = offset + record_size(header_at(offset)->len);

	if (next + sizeof(struct header) > LOG_RING_SIZE || header_at(next)->len == WRAP)
		return 0;
	return next;
}

static void drop_oldest(void)
{
	ring.first_offset = offset_after(ring.first_offset);
	ring.first++;
	if (ring.first == ring.next)
		ring.first_offset = ring.next_offset = 0;
	if (ring.hint < ring.first) {
		ring.hint = ring.first;
		ring.hint_offset = ring.first_offset;
	}
}

/*
 * Room for size bytes at next_offset: the records in the way are dropped, the end is jumped over.
 */
static void make_room(uint32_t size)
{
	if (ring.next_offset + size + sizeof(struct header) > LOG_RING_SIZE) {
		while (ring.first < ring.next && ring.first_offset >= ring.next_offset)
			drop_oldest();
		if (ring.next_offset + sizeof(struct header) <= LOG_RING_SIZE)
			header_at(ring.next_offset)->len = WRAP;
		ring.next_offset = 0;
	}
	while (ring.first < ring.next && ring.first_offset >= ring.next_offset &&
	       ring.first_offset < ring.next_offset + size + sizeof(struct header))
		drop_oldest();
}

static ns_t log_now(void)
{
	ns_t (*now)(void) = atomic_load_relaxed(&ring.now);

	return now ? now() : 0;
}

static void record_store(unsigned int facility, enum log_level level, const char *text, size_t len)
{
	ns_t now = log_now();
	uint64_t flags = ring_lock();

	make_room(record_size(len));
	struct header *header = header_at(ring.next_offset);

	*header = (struct header){ .time_ns = now, .len = (uint16_t)len, .level = (uint8_t)level,
				   .facility = (uint8_t)facility };
	memcpy(header + 1, text, len);
	if (ring.hint == ring.next)
		ring.hint_offset = ring.next_offset;
	if (ring.first == ring.next)
		ring.first_offset = ring.next_offset;
	ring.next_offset += record_size(len);
	/* Pairs with the acquire in console_has_more(). */
	atomic_store_release(&ring.next, ring.next + 1);
	ring_unlock(flags);
}

bool log_read(uint64_t sequence, struct log_record *record)
{
	uint64_t flags = ring_lock();

	if (sequence < ring.first)
		sequence = ring.first;
	if (sequence >= ring.next) {
		ring_unlock(flags);
		return false;
	}
	if (ring.hint > sequence || ring.hint < ring.first) {
		ring.hint = ring.first;
		ring.hint_offset = ring.first_offset;
	}
	for (; ring.hint < sequence; ring.hint++)
		ring.hint_offset = offset_after(ring.hint_offset);

	const struct header *header = header_at(ring.hint_offset);

	record->sequence = sequence;
	record->time_ns = header->time_ns;
	record->level = header->level;
	record->facility = header->facility;
	record->len = header->len;
	memcpy(record->text, header + 1, header->len);
	ring_unlock(flags);
	return true;
}

uint64_t log_first(void)
{
	return READ_ONCE(ring.first);
}

uint64_t log_next(void)
{
	return READ_ONCE(ring.next);
}

uint64_t log_cleared(void)
{
	return READ_ONCE(ring.cleared);
}

void log_clear(void)
{
	uint64_t flags = ring_lock();

	ring.cleared = ring.next;
	ring_unlock(flags);
}

static size_t prefix_format(const struct log_record *record, bool prefix, char *buf, size_t size)
{
	uint64_t us = (uint64_t)record->time_ns / NS_PER_USEC;
	int used = 0;

	if (prefix)
		used = scnprintf(buf, size, "<%u>", record->facility * 8u + record->level);
	used += scnprintf(buf + used, size - (size_t)used, "[%5lu.%06lu] ", us / 1000000,
			  us % 1000000);
	return (size_t)used;
}

/* Only a program writes records of several lines. Each gets the prefix. */
size_t log_format(const struct log_record *record, bool prefix, char *buf, size_t size)
{
	const char *text = record->text, *end = text + record->len;
	size_t used = 0;

	do {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((newline ? newline : end) - text);

		used += prefix_format(record, prefix, buf + used, size - used);
		if (len > size - used - 1)
			len = size - used - 1;
		memcpy(buf + used, text, len);
		used += len;
		buf[used++] = '\n';
		text = newline ? newline + 1 : end;
	} while (text < end && used + 1 < size);
	return used;
}

static void sink_write(struct log_sink *sink, const struct log_record *record)
{
	if (sink->console && record->level >= log_levels.console && !log_in_panic())
		return;
	sink->write(sink, console.line,
		    log_format(record, false, console.line, sizeof(console.line)));
}

static void console_show_record(const struct log_record *record)
{
	struct log_sink *sink;

	list_for_each_entry(sink, &console.sinks, link)
		sink_write(sink, record);
}

static bool console_has_more(void)
{
	/* Pairs with the release in record_store(). */
	return atomic_load(&ring.next) != atomic_load(&console.shown);
}

static void console_print_all(void)
{
	while (log_read(console.shown, &console.record)) {
		atomic_store(&console.shown, console.record.sequence + 1);
		console_show_record(&console.record);
	}
}

/* The panic found somebody printing, who was stopped in the middle of a line: that comes again. */
static void console_take_over(void)
{
	struct log_sink *sink;

	if (console.is_taken_over)
		return;
	console.is_taken_over = true;
	if (!atomic_load(&console.printing) || console.shown == 0)
		return;
	console.shown--;
	list_for_each_entry(sink, &console.sinks, link)
		sink->write(sink, "\n", 1);
}

static void console_flush(void)
{
	if (log_in_panic()) {
		if (ring.is_torn)
			return;
		console_take_over();
		console_print_all();
		return;
	}
	/* Looking again after letting go: who stored meanwhile saw `printing` and left it to us. */
	while (console_has_more() && !atomic_xchg(&console.printing, true)) {
		console_print_all();
		atomic_store(&console.printing, false);
	}
}

static void console_acquire(void)
{
	while (atomic_xchg(&console.printing, true))
		cpu_relax();
}

static void console_release(void)
{
	atomic_store(&console.printing, false);
	console_flush();
}

void log_sink_register(struct log_sink *sink)
{
	console_acquire();
	uint64_t sequence = 0;

	while (sink->replay && sequence < console.shown && log_read(sequence, &console.record)) {
		sink_write(sink, &console.record);
		sequence = console.record.sequence + 1;
	}
	list_add_tail(&console.sinks, &sink->link);
	console_release();
}

void log_sink_unregister(struct log_sink *sink)
{
	console_acquire();
	list_remove(&sink->link);
	console_release();
}

void log_wake_readers(void)
{
	log_queue_flush();
	if (likely(!READ_ONCE(ring.wake_wanted)) || log_in_panic() ||
	    !atomic_load_relaxed(&ring.wake[0]) || !atomic_xchg(&ring.wake_wanted, false))
		return;
	for (int i = 0; i < LOG_WAKERS_MAX; i++) {
		void (*wake)(void) = atomic_load_relaxed(&ring.wake[i]);

		if (wake)
			wake();
	}
}

/* One line of a panic whose ring may be torn. */
static void console_show_line(enum log_level level, const char *text, size_t len)
{
	struct log_record *record = &console.record;

	record->time_ns = log_now();
	record->level = (uint8_t)level;
	record->len = (uint16_t)len;
	memcpy(record->text, text, len);
	console_show_record(record);
}

static void line_store(unsigned int facility, enum log_level level, const char *text, size_t len)
{
	len = len < LOG_RECORD_MAX ? len : LOG_RECORD_MAX;
	if (log_in_panic() && ring.is_torn)
		console_show_line(level, text, len);
	else
		record_store(facility, level, text, len);
}

/* What was stored goes to the console and to readers. */
static void log_announce(void)
{
	console_flush();
	atomic_store(&ring.wake_wanted, true);
	/* The locks that waking takes are only ever held with interrupts off. */
	if (irqs_enabled() && !(LOCK_DEBUG && lockdep_is_spinning()))
		log_wake_readers();
}

static void log_store_lines(enum log_level level, const char *text, size_t len)
{
	do {
		const char *newline = memchr(text, '\n', len);
		size_t line = newline ? (size_t)(newline - text) : len;
		size_t used = newline ? line + 1 : line;

		line_store(0, level, text, line);
		text += used;
		len -= used;
	} while (len);
	log_announce();
}

void log_vprintf(enum log_level level, const char *fmt, va_list args)
{
	char text[LOG_LINE_MAX];
	int len = vscnprintf(text, sizeof(text), fmt, args);

	if (unlikely(nmi_is_active()) && !log_in_panic()) {
		log_queue_put(level, text, (size_t)len);
		return;
	}
	log_store_lines(level, text, (size_t)len);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_vprintf(level, fmt, args);
	va_end(args);
}

void log_write_user(unsigned int facility, enum log_level level, const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len--;
	line_store(facility, level, text, len);
	log_announce();
}

/* How many were swallowed in the window that has just ended; 0 within one. */
static uint32_t ratelimit_begin_window(struct ratelimit *limit)
{
	ns_t now = log_now();
	ns_t start = atomic_load_relaxed(&limit->window_start);

	if (now - start < 5 * NS_PER_SEC ||
	    !atomic_cmpxchg_relaxed(&limit->window_start, &start, now))
		return 0;
	atomic_store_relaxed(&limit->count, 0);
	return atomic_xchg(&limit->swallowed, 0);
}

static bool ratelimit_count(struct ratelimit *limit)
{
	enum { BURST = 10 };

	if (atomic_add_return(&limit->count, 1) <= BURST)
		return true;
	atomic_inc(&limit->swallowed);
	return false;
}

bool ratelimit_allow(struct ratelimit *limit)
{
	uint32_t swallowed = ratelimit_begin_window(limit);

	if (swallowed)
		log_printf(LOG_WARN, "%u similar messages left out\n", swallowed);
	return ratelimit_count(limit);
}

bool ratelimit_allow_silently(struct ratelimit *limit)
{
	ratelimit_begin_window(limit);
	return ratelimit_count(limit);
}

/* True: nobody is changing the ring, nor will be. */
static bool ring_seize(void)
{
	enum { LOOKS = 100000 }; /* far longer than a copy takes */

	for (int i = 0; i < LOOKS; i++) {
		if (spin_trylock(&ring.lock)) {
			__release(&ring.lock); /* in words: it stays taken for good */
			return true;
		}
		cpu_relax();
	}
	return false;
}

void log_enter_panic(void)
{
	if (log_in_panic())
		return;
	atomic_store(&ring.panic_cpu, cpu_id() + 1);
	ring.is_torn = !ring_seize();
	ring.panic_sequence = ring.next;
}

bool log_in_panic(void)
{
	uint32_t panic_cpu = atomic_load_relaxed(&ring.panic_cpu);

	return unlikely(panic_cpu) && panic_cpu == cpu_id() + 1;
}

void log_print_unshown(unsigned int lines)
{
	uint64_t end = ring.panic_sequence;
	uint64_t sequence = end > lines ? end - lines : 0;

	if (ring.is_torn || log_levels.console > LOG_INFO || end == ring.first)
		return;
	pr_emerg("Messages before that, of those that the console did not show:\n");
	while (sequence < end && log_read(sequence, &console.record) &&
	       console.record.sequence < end) {
		if (console.record.level >= log_levels.console)
			console_show_record(&console.record);
		sequence = console.record.sequence + 1;
	}
}

void log_set_clock(ns_t (*now)(void))
{
	atomic_store_relaxed(&ring.now, now);
}

void log_add_wake(void (*wake)(void))
{
	int i = 0;

	while (atomic_load_relaxed(&ring.wake[i]))
		assert(++i < LOG_WAKERS_MAX);
	atomic_store_relaxed(&ring.wake[i], wake);
}

static int parse_loglevel(const char *value)
{
	return cmdline_int(value, &log_levels.console);
}

static int parse_quiet(const char *value)
{
	log_levels.console = 4;
	return 0;
}

static int parse_debug(const char *value)
{
	log_levels.console = 10;
	return 0;
}

CMDLINE_EARLY("loglevel", parse_loglevel);
CMDLINE_EARLY("quiet", parse_quiet);
CMDLINE_EARLY("debug", parse_debug);
