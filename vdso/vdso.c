/*
 * The vDSO: vdso(7). Runs in user mode inside every program, so it knows neither the kernel nor libc; all
 * that it sees is the data page, which the linker script places one page before the image.
 */
#include <linux/time.h>
#include <asm/unistd.h>

#include "kernel/abi/vdso_data.h"

#define NS_PER_SEC 1000000000ul
#define NS_PER_USEC 1000ul

#define EXPORT __attribute__((visibility("default")))

/* Its address is known to the linker alone, relative to the code. Not const: the kernel writes it. */
extern struct vdso_data vdso_page __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct __kernel_timespec *now);
int __vdso_clock_getres(int clock, struct __kernel_timespec *resolution);
int __vdso_gettimeofday(struct __kernel_old_timeval *now, struct timezone *zone);
long __vdso_time(__kernel_old_time_t *now);
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

static long system_call(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c)
		: "rcx", "r11", "memory");
	return result;
}

/* The counter, read not before what stands before it. */
static unsigned long cycles_read(void)
{
	unsigned low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (unsigned long)high << 32 | low;
}

/* a * b >> shift through 128 bits; shift is below 64. By hand: gcc would ask whether it is not. */
static inline unsigned long mul_shift(unsigned long a, unsigned long b, unsigned shift)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	unsigned long low = (unsigned long)product, high = (unsigned long)(product >> 64);

	__asm__("shrdq %%cl, %1, %0" : "+r"(low) : "r"(high), "c"(shift) : "cc");
	return low;
}

/* A counter a little behind (of another CPU) counts as the base. */
static inline long cycles_to_ns(const struct vdso_data *data, unsigned long cycles,
                                unsigned long mult)
{
	unsigned long since = cycles - data->cycle_base;

	if ((long)since < 0)
		since = 0;
	return (long)mul_shift(since, mult, data->shift);
}

/* Not before the last change, see abi/vdso_data.h. */
static inline long round_coarse(const struct vdso_data *data, long ns)
{
	long coarse = ns - ns % data->coarse_ns;

	return coarse > data->mono_ns ? coarse : data->mono_ns;
}

/* The clock's value by the data as they are; they may change meanwhile, and then it is of no use. */
static long clock_value(const struct vdso_data *data, int clock)
{
	unsigned long cycles = cycles_read();
	long ns;

	if (clock == CLOCK_MONOTONIC_RAW)
		return data->raw_ns + cycles_to_ns(data, cycles, data->raw_mult);
	ns = data->mono_ns + cycles_to_ns(data, cycles, data->mult);
	switch (clock) {
	case CLOCK_REALTIME:
		return ns + data->wall_offset_ns;
	case CLOCK_TAI:
		return ns + data->wall_offset_ns + data->tai_offset_ns;
	case CLOCK_REALTIME_COARSE:
		return round_coarse(data, ns) + data->wall_offset_ns;
	case CLOCK_MONOTONIC_COARSE:
		return round_coarse(data, ns);
	default: /* CLOCK_MONOTONIC, CLOCK_BOOTTIME */
		return ns;
	}
}

#define CLOCKS_HERE                                                                       \
	(1u << CLOCK_REALTIME | 1u << CLOCK_MONOTONIC | 1u << CLOCK_MONOTONIC_RAW         \
	 | 1u << CLOCK_REALTIME_COARSE | 1u << CLOCK_MONOTONIC_COARSE | 1u << CLOCK_BOOTTIME \
	 | 1u << CLOCK_TAI)

static int clock_is_here(int clock)
{
	return (unsigned)clock < 32 && CLOCKS_HERE >> clock & 1;
}

/* An even sequence number, for data_has_changed(). */
static inline unsigned data_begin(void)
{
	unsigned seq;

	/* pairs with the writer's release in sched/clock.c */
	while ((seq = __atomic_load_n(&vdso_page.seq, __ATOMIC_ACQUIRE)) & 1)
		__builtin_ia32_pause();
	return seq;
}

static inline int data_has_changed(unsigned seq)
{
	/* pairs with the fence of the writer in sched/clock.c, before it changes the data */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&vdso_page.seq, __ATOMIC_RELAXED) != seq;
}

/* Nanoseconds of a clock that is here; 0 if the kernel has to be asked. */
static int clock_read(int clock, long *ns)
{
	unsigned seq;

	do {
		seq = data_begin();
		if (vdso_page.mode != VDSO_CLOCK_TSC)
			return 0;
		*ns = clock_value(&vdso_page, clock);
	} while (data_has_changed(seq));
	return 1;
}

static void timespec_set(struct __kernel_timespec *to, long ns)
{
	unsigned long seconds = (unsigned long)ns / NS_PER_SEC;

	to->tv_sec = (long)seconds;
	to->tv_nsec = (long)((unsigned long)ns - seconds * NS_PER_SEC);
}

/* Any clock but the two of the fast way. */
static __attribute__((noinline)) int clock_gettime_slow(int clock, struct __kernel_timespec *now)
{
	long ns;

	if (!clock_is_here(clock) || !clock_read(clock, &ns))
		return (int)system_call(__NR_clock_gettime, clock, (long)now, 0);
	timespec_set(now, ns);
	return 0;
}

EXPORT int __vdso_clock_gettime(int clock, struct __kernel_timespec *now)
{
	unsigned seq;
	long ns;

	if ((unsigned)clock > CLOCK_MONOTONIC || vdso_page.mode != VDSO_CLOCK_TSC)
		return clock_gettime_slow(clock, now);
	do {
		seq = data_begin();
		ns = vdso_page.mono_ns + cycles_to_ns(&vdso_page, cycles_read(), vdso_page.mult);
		if (clock == CLOCK_REALTIME)
			ns += vdso_page.wall_offset_ns;
	} while (data_has_changed(seq));
	timespec_set(now, ns);
	return 0;
}

EXPORT int __vdso_clock_getres(int clock, struct __kernel_timespec *resolution)
{
	int is_coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;

	if (!clock_is_here(clock))
		return (int)system_call(__NR_clock_getres, clock, (long)resolution, 0);
	if (resolution) {
		resolution->tv_sec = 0;
		resolution->tv_nsec = is_coarse ? (long)vdso_page.coarse_ns : 1;
	}
	return 0;
}

EXPORT int __vdso_gettimeofday(struct __kernel_old_timeval *now, struct timezone *zone)
{
	long ns;

	if (now) {
		if (!clock_read(CLOCK_REALTIME, &ns))
			return (int)system_call(__NR_gettimeofday, (long)now, (long)zone, 0);
		now->tv_sec = (long)((unsigned long)ns / NS_PER_SEC);
		now->tv_usec = (long)((unsigned long)ns % NS_PER_SEC / NS_PER_USEC);
	}
	if (zone) {
		zone->tz_minuteswest = vdso_page.minutes_west;
		zone->tz_dsttime = vdso_page.dst_time;
	}
	return 0;
}

EXPORT long __vdso_time(__kernel_old_time_t *now)
{
	long ns, seconds;

	if (!clock_read(CLOCK_REALTIME_COARSE, &ns))
		return system_call(__NR_time, (long)now, 0, 0);
	seconds = (long)((unsigned long)ns / NS_PER_SEC);
	if (now)
		*now = seconds;
	return seconds;
}

/* The limit of a segment that each CPU has for the purpose: its number, and its node in bits 12 up. */
EXPORT int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	enum { CPU_SELECTOR = 0x7b, NODE_SHIFT = 12 };
	unsigned limit;

	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(CPU_SELECTOR));
	if (cpu)
		*cpu = limit & ((1u << NODE_SHIFT) - 1);
	if (node)
		*node = limit >> NODE_SHIFT;
	return 0;
}

EXPORT int clock_gettime(int clock, struct __kernel_timespec *now)
	__attribute__((weak, alias("__vdso_clock_gettime")));
EXPORT int clock_getres(int clock, struct __kernel_timespec *resolution)
	__attribute__((weak, alias("__vdso_clock_getres")));
EXPORT int gettimeofday(struct __kernel_old_timeval *now, struct timezone *zone)
	__attribute__((weak, alias("__vdso_gettimeofday")));
EXPORT long time(__kernel_old_time_t *now) __attribute__((weak, alias("__vdso_time")));
EXPORT int getcpu(unsigned *cpu, unsigned *node, void *unused)
	__attribute__((weak, alias("__vdso_getcpu")));
