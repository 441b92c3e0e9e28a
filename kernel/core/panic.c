/*
 * Panic, assertions, warnings.
 *
 * The first CPU to panic wins `panic_state.cpu` and tells; another one that panics leaves its
 * message and halts, to be found by the winner's NMI; the same one panicking again (while it tells)
 * skips what is left and goes to the end, and a third time just ends. Nothing here takes a lock:
 * the log is in panic mode, and the arch functions promise not to.
 */
#include "core/panic.h"

#include <arch/layout.h>
#include <arch/percpu.h>
#include <arch/power.h>
#include <arch/trace.h>
#include <linux/errno.h>

#include "core/backtrace.h"
#include "core/cmdline.h"
#include "core/lockdep.h"
#include "core/nmi.h"
#include "core/printk.h"
#include "core/symbols.h"
#include "lib/atomic.h"
#include "lib/printf.h"
#include "lib/string.h"

enum { UNSHOWN_LINES = 40, DEEPEST = 512 };

static struct {
	uint32_t cpu __atomic;   /* number + 1 of the CPU that panicked first */
	uint32_t depth __owned_by_cpu;
	char     message[LOG_LINE_MAX - 64];
	uint32_t loser __atomic; /* number + 1 of the first that came too late, and what it said */
	char     lost[160];
	/* a whole stack of small frames: an overflow ends where it began */
	uint64_t addresses[DEEPEST];
} panic_state;

struct panic_hooks panic_hooks;
struct panic_settings panic_settings = { .on_oops = 1 };

static void __noreturn panic_end(void)
{
	if (panic_settings.timeout > 0) {
		pr_emerg("Rebooting in %d seconds..\n", panic_settings.timeout);
		for (int left = panic_settings.timeout; left > 0 && panic_hooks.delay_ms; left--)
			panic_hooks.delay_ms(1000);
	}
	if (panic_settings.timeout != 0)
		system_reset();
	system_halt();
}

static void __noreturn panic_lose(const char *fmt, va_list args)
{
	uint32_t nobody = 0;

	if (atomic_cmpxchg(&panic_state.loser, &nobody, cpu_id() + 1))
		vscnprintf(panic_state.lost, sizeof(panic_state.lost), fmt, args);
	cpu_halt_forever();
}

/* Claim the right to tell; who has lost it does not come back. */
static void panic_enter(const char *fmt, va_list args)
{
	uint32_t nobody = 0;
	uint32_t me = cpu_id() + 1;

	irq_disable();
	if (!atomic_cmpxchg(&panic_state.cpu, &nobody, me) && nobody != me)
		panic_lose(fmt, args);
	panic_state.depth++;
	if (panic_state.depth > 2) {
		if (panic_settings.timeout != 0)
			system_reset();
		system_halt();
	}
}

static void print_backtrace(const struct pt_regs *regs)
{
	size_t nr;

	if (!regs) {
		backtrace_print(LOG_EMERG);
		return;
	}
	nr = backtrace_collect(regs, panic_state.addresses, DEEPEST);
	backtrace_print_addresses(LOG_EMERG, panic_state.addresses, nr, true);
}

/* For whoever looks the addresses up in the ELF. */
static void print_slide(void)
{
	if (image_slide() == 0)
		pr_emerg("Kernel Offset: disabled\n");
	else
		pr_emerg("Kernel Offset: %#lx from %#lx (relocation range: %#lx-%#lx)\n",
		         image_slide(), KERNEL_IMAGE_BASE + KERNEL_LINK_OFFSET, KERNEL_IMAGE_BASE,
		         KERNEL_IMAGE_BASE + KERNEL_IMAGE_SIZE - 1);
}

static void panic_tell(const struct pt_regs *regs)
{
	pr_emerg("Kernel panic - not syncing: %s\n", panic_state.message);
	print_where(LOG_EMERG);
	if (regs) {
		regs_print(LOG_EMERG, regs);
		regs_print_control();
	}
	print_backtrace(regs);
	lockdep_print_held(cpu_id());
	if (panic_hooks.print_calls)
		panic_hooks.print_calls();
	cpus_stopped_print();
	if (panic_state.loser)
		pr_emerg("CPU %u panicked as well: %s\n", panic_state.loser - 1, panic_state.lost);
	log_print_unshown(UNSHOWN_LINES);
	print_slide();
	pr_emerg("---[ end Kernel panic - not syncing: %s ]---\n", panic_state.message);
}

static void __noreturn panic_with(const struct pt_regs *regs, const char *fmt, va_list args)
{
	char again[160];

	panic_enter(fmt, args);
	if (panic_state.depth == 1) {
		vscnprintf(panic_state.message, sizeof(panic_state.message), fmt, args);
		log_enter_panic();
		cpus_stop();
		panic_tell(regs);
	} else {
		vscnprintf(again, sizeof(again), fmt, args);
		pr_emerg("Kernel panic inside a panic: %s\n", again);
	}
	panic_end();
}

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	panic_with(trap_regs_current(), fmt, args);
}

void panic_regs(const struct pt_regs *regs, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	panic_with(regs, fmt, args);
}

void panic_undefined(const struct pt_regs *regs)
{
	struct source_line where = { "?", 0 };

	symbol_find_line(regs->rip, &where);
	panic_regs(regs, "undefined behaviour at %s:%u", where.file, where.line);
}

void __stack_chk_fail(void)
{
	char where[160];

	symbol_format((uintptr_t)__builtin_return_address(0), true, where, sizeof(where));
	panic("stack-protector: Kernel stack is corrupted in: %s", where);
}

void assert_failed(const char *condition, const char *file, int line)
{
	panic("assertion failed: %s at %s:%d", condition, file, line);
}

void warn_print(const char *condition, const char *file, int line)
{
	pr_warn("------------[ cut here ]------------\n");
	pr_warn("WARNING: %s at %s:%d\n", condition, file, line);
	print_where(LOG_WARN);
	backtrace_print(LOG_WARN);
	pr_warn("---[ end trace 0000000000000000 ]---\n");
	if (panic_settings.on_warn) {
		panic_settings.on_warn = 0; /* the panic may warn, too */
		panic("kernel: panic_on_warn set ...");
	}
}

static int parse_panic(const char *value)
{
	return cmdline_int(value, &panic_settings.timeout);
}

static int parse_panic_on_warn(const char *value)
{
	panic_settings.on_warn = 1;
	return 0;
}

/* An exception of the kernel is always a panic here: nothing is left to choose. */
static int parse_oops(const char *value)
{
	return value && !strcmp(value, "panic") ? 0 : -EINVAL;
}

CMDLINE_PARAM("panic", parse_panic);
CMDLINE_PARAM("panic_on_warn", parse_panic_on_warn);
CMDLINE_PARAM("oops", parse_oops);
