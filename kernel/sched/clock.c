/*
 * Clocks: one counter, two multipliers, three offsets, under a sequence count.
 *
 *   monotonic = mono_ns + (counter - base) * mult >> 32
 *
 * The product has 128 bits, so a steady 64-bit counter never needs attention. A narrower one (ACPI
 * PM timer, HPET) is read by a timer often enough that no wrap is missed. Every change (rate, step)
 * first moves the base to now, so that monotonic time is continuous across it.
 *
 * A counter that is a little behind the base (another CPU's TSC) reads as the base: time stands,
 * and does not step back.
 *
 * Locking: writers hold clock.lock with interrupts off; readers retry.
 */
#include "sched/clock.h"

#include <arch/cpu.h>
#include <arch/timer.h>
#include <linux/time.h>

#include "abi/errno.h"
#include "abi/vdso_data.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/seqcount.h"
#include "core/spinlock.h"
#include "lib/math.h"
#include "sched/timer.h"
#include "sched/wait.h"

enum { CLOCK_SHIFT = 32, STEP_HOOKS_MAX = 4 };

static uint64_t counter_none(void)
{
	return 0;
}

static struct {
	struct spinlock lock;
	struct seqcount seq;
	bool     is_tsc __const_after_init;
	uint64_t (*read)(void) __const_after_init;
	uint64_t mask __const_after_init;
	uint64_t base __guarded_by(lock);     /* counter value that mono_ns and raw_ns belong to */
	uint64_t mult __guarded_by(lock);     /* slewed */
	uint64_t raw_mult __const_after_init;
	ns_t     mono_ns __guarded_by(lock);
	ns_t     raw_ns __guarded_by(lock);
	ns_t     wall_offset __guarded_by(lock); /* realtime - monotonic */
	int32_t  tai_offset __guarded_by(lock);  /* seconds */
	uint32_t steps __atomic;
	int32_t  minutes_west __guarded_by(lock), dst_time __guarded_by(lock);
	uint32_t nr_hooks __guarded_by(lock);
	void   (*hooks[STEP_HOOKS_MAX])(void) __guarded_by(lock);
	struct timer keepalive; /* for counters that wrap */
	ns_t     keepalive_ns __const_after_init;
} clock = { .lock = SPINLOCK(RANK_CLOCK), .read = counter_none, .mask = ~0ul };

struct wait_queue clock_step_queue = WAIT_QUEUE(clock_step_queue);

static union {
	struct vdso_data data;
	uint8_t page[PAGE_SIZE];
} vdso __aligned(PAGE_SIZE);

static inline uint64_t counter_read(void)
{
	return likely(clock.is_tsc) ? cpu_cycles() : clock.read();
}

/* Counts since the base; 0 if the counter is behind it. */
static inline uint64_t counter_delta(void)
{
	uint64_t delta = (counter_read() - clock.base) & clock.mask;

	return unlikely(delta > clock.mask / 2) ? 0 : delta;
}

ns_t clock_monotonic(void)
{
	unsigned int seq;
	ns_t now;

	do {
		seq = seqcount_begin(&clock.seq);
		now = clock.mono_ns + (ns_t)mul_shift(counter_delta(), clock.mult, CLOCK_SHIFT);
	} while (seqcount_retry(&clock.seq, seq));
	return now;
}

ns_t clock_monotonic_raw(void)
{
	unsigned int seq;
	ns_t now;

	do {
		seq = seqcount_begin(&clock.seq);
		now = clock.raw_ns + (ns_t)mul_shift(counter_delta(), clock.raw_mult, CLOCK_SHIFT);
	} while (seqcount_retry(&clock.seq, seq));
	return now;
}

ns_t clock_realtime(void)
{
	unsigned int seq;
	ns_t now;

	do {
		seq = seqcount_begin(&clock.seq);
		now = clock.mono_ns + clock.wall_offset +
		      (ns_t)mul_shift(counter_delta(), clock.mult, CLOCK_SHIFT);
	} while (seqcount_retry(&clock.seq, seq));
	return now;
}

/* Not before the last change: a wall clock that was just set shows no less than it was set to. */
static ns_t monotonic_coarse_now(void)
{
	ns_t now = clock.mono_ns + (ns_t)mul_shift(counter_delta(), clock.mult, CLOCK_SHIFT);

	return max(now - now % CLOCK_COARSE_NS, clock.mono_ns);
}

ns_t clock_monotonic_coarse(void)
{
	unsigned int seq;
	ns_t now;

	do {
		seq = seqcount_begin(&clock.seq);
		now = monotonic_coarse_now();
	} while (seqcount_retry(&clock.seq, seq));
	return now;
}

ns_t clock_realtime_coarse(void)
{
	unsigned int seq;
	ns_t now;

	do {
		seq = seqcount_begin(&clock.seq);
		now = monotonic_coarse_now() + clock.wall_offset;
	} while (seqcount_retry(&clock.seq, seq));
	return now;
}

ns_t clock_boottime(void)
{
	return clock_monotonic();
}

ns_t clock_tai(void)
{
	return clock_realtime() + READ_ONCE(clock.tai_offset) * NS_PER_SEC;
}

ns_t clock_realtime_offset(void)
{
	return READ_ONCE(clock.wall_offset);
}

uint32_t clock_step_count(void)
{
	/* pairs with the increment in clock_set_realtime() */
	return atomic_load_acquire(&clock.steps);
}

/*
 * ---- changing ----------------------------------------------------------------------------------
 */

/* Copies the state to the page that user space reads. */
static void vdso_publish(void)
{
	struct vdso_data *data = &vdso.data;

	WRITE_ONCE(data->seq, data->seq + 1);
	smp_wmb(); /* pairs with the vDSO's reading of seq before the data */
	data->mode = clock.is_tsc ? VDSO_CLOCK_TSC : VDSO_CLOCK_NONE;
	data->cycle_base = clock.base;
	data->mult = clock.mult;
	data->raw_mult = clock.raw_mult;
	data->shift = CLOCK_SHIFT;
	data->coarse_ns = CLOCK_COARSE_NS;
	data->mono_ns = clock.mono_ns;
	data->raw_ns = clock.raw_ns;
	data->wall_offset_ns = clock.wall_offset;
	data->tai_offset_ns = clock.tai_offset * NS_PER_SEC;
	data->minutes_west = clock.minutes_west;
	data->dst_time = clock.dst_time;
	smp_wmb(); /* pairs with the vDSO's reading of seq after the data */
	WRITE_ONCE(data->seq, data->seq + 1);
}

/* A change begins: the base moves to now. */
static uint64_t clock_change_begin(void) __acquires(&clock.lock)
{
	uint64_t flags = spin_lock_irqsave(&clock.lock);
	uint64_t delta = counter_delta();

	seqcount_write_begin(&clock.seq);
	clock.mono_ns += (ns_t)mul_shift(delta, clock.mult, CLOCK_SHIFT);
	clock.raw_ns += (ns_t)mul_shift(delta, clock.raw_mult, CLOCK_SHIFT);
	clock.base = (clock.base + delta) & clock.mask;
	return flags;
}

static void clock_change_end(uint64_t flags) __releases(&clock.lock)
{
	seqcount_write_end(&clock.seq);
	vdso_publish();
	spin_unlock_irqrestore(&clock.lock, flags);
}

void clock_set_rate(int64_t rate)
{
	uint64_t change = mul_div(clock.raw_mult, (uint64_t)(rate < 0 ? -rate : rate),
	                          (uint64_t)NS_PER_SEC << 32);
	uint64_t flags = clock_change_begin();

	clock.mult = rate < 0 ? clock.raw_mult - change : clock.raw_mult + change;
	clock_change_end(flags);
}

int clock_set_realtime(ns_t now_ns)
{
	void (*hooks[STEP_HOOKS_MAX])(void);
	uint32_t nr_hooks;
	uint64_t flags;

	/* As Linux: not before the epoch, not before the monotonic clock's zero. */
	if (now_ns < 0 || now_ns < clock_monotonic())
		return -EINVAL;
	flags = clock_change_begin();
	clock.wall_offset = now_ns - clock.mono_ns;
	nr_hooks = clock.nr_hooks;
	for (uint32_t i = 0; i < nr_hooks; i++)
		hooks[i] = clock.hooks[i];
	clock_change_end(flags);
	atomic_add_return(&clock.steps, 1);
	wake_up_all(&clock_step_queue);
	for (uint32_t i = 0; i < nr_hooks; i++)
		hooks[i]();
	return 0;
}

void clock_on_step(void (*hook)(void))
{
	uint64_t flags = spin_lock_irqsave(&clock.lock);

	assert(clock.nr_hooks < STEP_HOOKS_MAX);
	clock.hooks[clock.nr_hooks++] = hook;
	spin_unlock_irqrestore(&clock.lock, flags);
}

void clock_set_timezone(int minutes_west, int dst_time)
{
	uint64_t flags = clock_change_begin();

	clock.minutes_west = minutes_west;
	clock.dst_time = dst_time;
	clock_change_end(flags);
}

void clock_timezone(int *minutes_west, int *dst_time)
{
	*minutes_west = READ_ONCE(clock.minutes_west);
	*dst_time = READ_ONCE(clock.dst_time);
}

void clock_set_tai_offset(int seconds)
{
	uint64_t flags = clock_change_begin();

	clock.tai_offset = seconds;
	clock_change_end(flags);
}

int clock_tai_offset(void)
{
	return READ_ONCE(clock.tai_offset);
}

/*
 * ---- by clock id -------------------------------------------------------------------------------
 */

int clock_read(int clock_id, ns_t *now_ns)
{
	switch (clock_id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
		*now_ns = clock_realtime();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*now_ns = clock_monotonic();
		return 0;
	case CLOCK_MONOTONIC_RAW:
		*now_ns = clock_monotonic_raw();
		return 0;
	case CLOCK_REALTIME_COARSE:
		*now_ns = clock_realtime_coarse();
		return 0;
	case CLOCK_MONOTONIC_COARSE:
		*now_ns = clock_monotonic_coarse();
		return 0;
	case CLOCK_TAI:
		*now_ns = clock_tai();
		return 0;
	default:
		return -EINVAL;
	}
}

int clock_resolution(int clock_id, ns_t *resolution_ns)
{
	ns_t now;
	int err = clock_read(clock_id, &now);
	bool coarse = clock_id == CLOCK_REALTIME_COARSE || clock_id == CLOCK_MONOTONIC_COARSE;

	*resolution_ns = coarse ? CLOCK_COARSE_NS : 1;
	return err;
}

int clock_to_monotonic(int clock_id, ns_t when_ns, ns_t *monotonic_ns)
{
	ns_t offset = 0;

	switch (clock_id) {
	case CLOCK_TAI:
		offset = READ_ONCE(clock.tai_offset) * NS_PER_SEC;
		__fallthrough;
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
		offset += clock_realtime_offset();
		break;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		break;
	default:
		return -EINVAL;
	}
	if (!checked_sub(when_ns, offset, monotonic_ns))
		*monotonic_ns = when_ns < 0 ? 0 : INT64_MAX - 1;
	return 0;
}

struct vdso_data *clock_vdso_page(void)
{
	return &vdso.data;
}

void clock_delay(ns_t ns)
{
	ns_t end = clock_monotonic() + ns;

	while (clock_monotonic() < end)
		cpu_relax();
}

static void delay_ms(unsigned int ms)
{
	clock_delay(ms * NS_PER_MSEC);
}

/* Reads the counter before it wraps. */
static void clock_keepalive(struct timer *timer)
{
	clock_change_end(clock_change_begin());
	timer_start(timer, clock_monotonic() + clock.keepalive_ns);
}

static void clock_start_keepalive(void)
{
	uint64_t wrap_s = clock.mask / arch_clock.frequency_hz;

	if (wrap_s > 365 * 86400ul)
		return;
	clock.keepalive_ns = (ns_t)mul_div(clock.mask, NS_PER_SEC / 4, arch_clock.frequency_hz);
	timer_init(&clock.keepalive, clock_keepalive);
	timer_start(&clock.keepalive, clock_monotonic() + clock.keepalive_ns);
}

static void clock_take_source_locked(void) __must_hold(&clock.lock)
{
	clock.read = arch_clock.read;
	clock.mask = arch_clock.mask;
	clock.is_tsc = arch_clock.is_tsc;
	clock.base = counter_read();
	clock.raw_mult = mul_div(NS_PER_SEC, 1ul << CLOCK_SHIFT, arch_clock.frequency_hz);
	clock.mult = clock.raw_mult;
}

void clock_source_changed(void)
{
	uint64_t flags = clock_change_begin();

	clock_take_source_locked();
	clock_change_end(flags);
	clock_start_keepalive();
}

void clock_init(void)
{
	uint64_t flags = spin_lock_irqsave(&clock.lock);
	int64_t wall_s = 0;

	if (!arch_wall_clock_read(&wall_s))
		wall_s = 0;
	seqcount_write_begin(&clock.seq);
	clock_take_source_locked();
	clock.wall_offset = wall_s * NS_PER_SEC;
	clock_change_end(flags);
	log_set_clock(clock_monotonic);
	panic_hooks.delay_ms = delay_ms;
	clock_start_keepalive();
}
