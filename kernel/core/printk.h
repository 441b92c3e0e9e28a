/*
 * The kernel log: every message is a record in one static ring, and goes on to the registered
 * sinks.
 *
 *	#define pr_fmt(fmt) "pipe: " fmt  before the first #include, if the file wants a prefix
 *	pr_warn("cannot grow to %u pages\n", nr);
 *
 * A record is one line (a trailing newline is dropped; several lines in one call become several
 * records; a call's text is cut at LOG_LINE_MAX bytes), with a sequence number, a level and a time.
 * The ring keeps the newest records; readers address them by sequence number and are told what they
 * missed.
 *
 * All pr_*() work in every context from the first C line on, interrupt handlers, NMIs (whose
 * messages come a moment later) and panics included; they never sleep or allocate. Sinks are called
 * with the ring lock dropped, one message at a time in order; a sink whose `console` is set gets
 * only levels below the console log level (`quiet`, `debug`, `loglevel=N` on the command line,
 * syslog(2) at run time), the others get everything.
 */
#pragma once

#include <stdarg.h>

#include "lib/list.h"
#include "lib/types.h"

enum log_level {
	LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG,
};

enum {
	LOG_LINE_MAX = 480,   /* bytes of text of one pr_*() */
	LOG_RECORD_MAX = 992, /* bytes of text in one record: what /dev/kmsg may write */
	LOG_RING_SIZE = 64 * 1024,
};

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif

#define pr_emerg(fmt, ...)  log_printf(LOG_EMERG, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert(fmt, ...)  log_printf(LOG_ALERT, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_crit(fmt, ...)   log_printf(LOG_CRIT, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err(fmt, ...)    log_printf(LOG_ERR, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)   log_printf(LOG_WARN, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...) log_printf(LOG_NOTICE, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...)   log_printf(LOG_INFO, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...)  log_printf(LOG_DEBUG, pr_fmt(fmt), ##__VA_ARGS__)

/* At most ten of one place in five seconds; what was swallowed is counted and said later. */
#define log_ratelimited(level, fmt, ...)                                      \
	do {                                                                  \
		static struct ratelimit ratelimit_here;                       \
		if (ratelimit_allow(&ratelimit_here))                         \
			log_printf(level, pr_fmt(fmt), ##__VA_ARGS__);        \
	} while (0)
#define pr_err_ratelimited(fmt, ...)  log_ratelimited(LOG_ERR, fmt, ##__VA_ARGS__)
#define pr_warn_ratelimited(fmt, ...) log_ratelimited(LOG_WARN, fmt, ##__VA_ARGS__)
#define pr_info_ratelimited(fmt, ...) log_ratelimited(LOG_INFO, fmt, ##__VA_ARGS__)

/* Once in the life of the kernel. */
#define pr_warn_once(fmt, ...)                                                \
	do {                                                                  \
		static bool said_here;                                        \
		if (!__atomic_exchange_n(&said_here, true, __ATOMIC_RELAXED)) \
			log_printf(LOG_WARN, pr_fmt(fmt), ##__VA_ARGS__);     \
	} while (0)

void log_printf(enum log_level level, const char *fmt, ...) __printf(2, 3) __cold;
void log_vprintf(enum log_level level, const char *fmt, va_list args) __cold;

/*
 * A message from user space by way of /dev/kmsg: one record, with its facility (RFC 5424), never
 * formatted. A last newline is dropped, others stay in it.
 */
void log_write_user(unsigned int facility, enum log_level level, const char *text, size_t len);

struct ratelimit {
	ns_t     window_start __atomic;
	uint32_t count __atomic;
	uint32_t swallowed __atomic;
};

/* True if the caller may speak now. Any context. */
bool ratelimit_allow(struct ratelimit *limit);
/* The same; nothing is said about what was swallowed. */
bool ratelimit_allow_silently(struct ratelimit *limit);

/*
 * Where messages go. write() gets one complete line with its newline; it must not sleep or allocate
 * and takes at most a RANK_SINK lock. In panic mode it may be called while that lock is held by a
 * CPU that will never let it go: a sink must then write without it (log_in_panic()).
 */
struct log_sink {
	const char *name;
	void      (*write)(struct log_sink *sink, const char *text, size_t len);
	bool        console; /* subject to the console log level */
	bool        replay;  /* wants what is already in the ring when it is registered */
	struct list link;    /* of all sinks, kept by printk.c */
};

void log_sink_register(struct log_sink *sink);
void log_sink_unregister(struct log_sink *sink);

/*
 * Panic mode, of the calling CPU: no locks any more, every sink gets everything. Entered by panic()
 * before it stops the other CPUs, and never left; what is not shown yet comes with the next
 * message.
 */
void log_enter_panic(void);
bool log_in_panic(void);

/* Print the newest `lines` records that the console did not show, for a panic after `quiet`. */
void log_print_unshown(unsigned int lines);

/* One record as a reader sees it. */
struct log_record {
	uint64_t       sequence;
	ns_t           time_ns;
	uint8_t        level;
	uint8_t        facility; /* 0 is the kernel */
	uint16_t       len;
	char           text[LOG_RECORD_MAX]; /* not terminated, no newline */
};

/*
 * Copy the record with this sequence number, or the oldest one kept if it is gone already (compare
 * record->sequence to find out). False if there is none yet. Any context.
 */
bool log_read(uint64_t sequence, struct log_record *record);

/*
 * Sequence number of the oldest record kept, of the next one to come, and of syslog(2)'s "clear".
 */
uint64_t log_first(void);
uint64_t log_next(void);
uint64_t log_cleared(void);
void log_clear(void);

/*
 * `[    0.123456] text\n`, as on a Linux console, into buf; with `prefix`, preceded by `<6>` as
 * syslog(2) gives it. Returns the length, at most size.
 */
size_t log_format(const struct log_record *record, bool prefix, char *buf, size_t size);

/* The console log level: messages with a smaller level are shown there. syslog(2), /proc/sys. */
struct log_levels {
	int console, message_default, console_minimum, console_default;
};
extern struct log_levels log_levels;

/* /proc/sys/kernel/dmesg_restrict: only who has CAP_SYSLOG may read the log. */
extern int log_is_restricted __atomic;

/*
 * Hooks of upper floors: the time of a message (any context), and waking readers, which comes with
 * no spinlock held, perhaps from an interrupt handler. Two may want to be woken; while the machine
 * starts.
 */
void log_set_clock(ns_t (*now)(void));
void log_add_wake(void (*wake)(void));

/*
 * Wake readers if a message came where that could not be done: with interrupts off; and take up
 * what NMIs have said. Called at the end of every interrupt, where nobody on this CPU can hold a
 * lock that waking takes.
 */
void log_wake_readers(void);
