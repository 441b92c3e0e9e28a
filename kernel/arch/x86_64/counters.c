/*
 * The counters that PCs have: HPET, ACPI PM timer, and channel 2 of the interval timer (PIT).
 */
#include "arch/x86_64/clock.h"

#include <arch/acpi.h>
#include <arch/io.h>

#include "core/printk.h"

/* ---- HPET ---------------------------------------------------------------------------------- */

enum { HPET_CAPABILITIES = 0x00, HPET_CONFIG = 0x10, HPET_COUNTER = 0xf0, HPET_SIZE = 0x400,
       HPET_CAP_64BIT = 1 << 13, HPET_ENABLE = 1 };
#define FEMTOSECONDS_PER_SECOND 1000000000000000ul
#define HPET_PERIOD_MAX_FS      100000000ul /* by the specification */

static volatile uint8_t *hpet __ro_after_init;

static uint64_t read_hpet_64(void)
{
	return mmio_read64(hpet + HPET_COUNTER);
}

static uint64_t read_hpet_32(void)
{
	return mmio_read32(hpet + HPET_COUNTER);
}

bool counter_find_hpet(struct counter *counter)
{
	volatile void *base;

	if (!acpi.hpet_paddr || mmio_map(acpi.hpet_paddr, HPET_SIZE, MMIO_UNCACHED, &base) < 0)
		return false;
	hpet = base;
	uint64_t capabilities = mmio_read64(hpet + HPET_CAPABILITIES),
		 period_fs = capabilities >> 32;
	bool is_64bit = capabilities & HPET_CAP_64BIT;

	if (period_fs == 0 || period_fs > HPET_PERIOD_MAX_FS) {
		pr_warn("hpet: impossible period of %lu fs: not used\n", period_fs);
		return false;
	}
	mmio_write64(hpet + HPET_CONFIG, mmio_read64(hpet + HPET_CONFIG) | HPET_ENABLE);
	*counter = (struct counter){
		.name = "hpet", .read = is_64bit ? read_hpet_64 : read_hpet_32,
		.mask = is_64bit ? ~0ul : ~0u, .frequency_hz = FEMTOSECONDS_PER_SECOND / period_fs,
	};
	return true;
}

/* ---- ACPI PM timer -------------------------------------------------------------------------- */

static uint64_t read_pm_timer(void)
{
	return inl(acpi.pm_timer_port);
}

bool counter_find_pm_timer(struct counter *counter)
{
	if (!acpi.pm_timer_port)
		return false;
	*counter = (struct counter){
		.name = "acpi_pm", .read = read_pm_timer,
		.mask = acpi.pm_timer_32bit ? 0xffffffff : 0xffffff, .frequency_hz = 3579545,
	};
	uint64_t start = read_pm_timer();

	for (int i = 0; i < 100000; i++) {
		if (read_pm_timer() != start)
			return true;
	}
	return false;
}

/* ---- PIT ------------------------------------------------------------------------------------ */

enum { PIT_CHANNEL2 = 0x42, PIT_COMMAND = 0x43, SPEAKER = 0x61, SPEAKER_GATE = 1, SPEAKER_DATA = 2,
       PIT_CHANNEL2_RATE = 0xb4 /* both bytes, mode 2: counts down and starts again */,
       PIT_CHANNEL2_LATCH = 0x80 };

static uint64_t read_pit(void)
{
	outb(PIT_COMMAND, PIT_CHANNEL2_LATCH);
	uint64_t low = inb(PIT_CHANNEL2);

	return 0xffff - (low | (uint64_t)inb(PIT_CHANNEL2) << 8);
}

bool counter_find_pit(struct counter *counter)
{
	outb(SPEAKER, (uint8_t)((inb(SPEAKER) & ~SPEAKER_DATA) | SPEAKER_GATE));
	outb(PIT_COMMAND, PIT_CHANNEL2_RATE);
	outb(PIT_CHANNEL2, 0); /* 0 means 65536 */
	outb(PIT_CHANNEL2, 0);
	*counter = (struct counter){ .name = "pit", .read = read_pit, .mask = 0xffff,
	                             .frequency_hz = 1193182 };
	uint64_t start = read_pit(); /* a port without a device always reads the same */

	for (int i = 0; i < 10000; i++) {
		if (read_pit() != start)
			return true;
	}
	return false;
}
