/*
 * Words of /proc/provoke-crash that do what the kernel's memory is protected against: write what is
 * constant, execute what is no code, touch user memory, leave a stack. All end in a panic that
 * names the function, if the protection is there; a line that says that it is not, if not.
 */
#include <arch/layout.h>
#include <arch/thread.h>

#include "core/printk.h"
#include "core/symbols.h"
#include "procfs/provoke.h"

static const uint32_t constant[4] = { 1 };
static uint32_t settled __ro_after_init = 1;

static void survived(const char *what)
{
	pr_err("provoke: %s went unnoticed\n", what);
}

static __noinline void provoke_write_ro(void)
{
	*(volatile uint32_t *)(uintptr_t)constant = 2;
	survived("a write to constant data");
}

static __noinline void provoke_write_ro_after_init(void)
{
	*(volatile uint32_t *)&settled = 2;
	survived("a write to data that is constant after start-up");
}

static __noinline void provoke_write_text(void)
{
	*(volatile uint8_t *)(uintptr_t)provoke_write_ro = 0xc3;
	survived("a write to the kernel's code");
}

/* Where the code lies in the direct map. */
static __noinline void provoke_write_alias(void)
{
	*(volatile uint8_t *)phys_to_virt(image_to_phys(text_start)) = 0xc3;
	survived("a write to the kernel's code by another address");
}

static void execute(uintptr_t address)
{
	__asm__ volatile("call *%0" : : "r"(address) : "memory", "cc", "rax", "rcx", "rdx");
}

static uint8_t code[16] = { 0xc3 };

static __noinline void provoke_exec_data(void)
{
	execute((uintptr_t)code);
	survived("code in data");
}

static __noinline void provoke_exec_user(void)
{
	execute(arch_user_regs(arch_current()->stack_top)->rip);
	survived("user code in kernel mode");
}

static __noinline void provoke_access_user(void)
{
	(void)*(volatile uint8_t *)arch_user_regs(arch_current()->stack_top)->rip;
	survived("a plain load from user memory");
}

/* Past the end: the page before the stack's first. */
static __noinline void provoke_stack_guard(void)
{
	(void)*(volatile uint8_t *)(arch_current()->stack_top - KSTACK_SIZE - 1);
	survived("a load beyond the stack");
}

static __noinline void smash(char *buffer, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((volatile char *)buffer)[i] = 'A';
}

static __noinline void provoke_corrupt_stack(void)
{
	char buffer[32];

	smash(buffer, sizeof(buffer) + 24);
}

const struct provocation protection_provocations[] = {
	{ "WRITE_RO", provoke_write_ro, false },
	{ "WRITE_RO_AFTER_INIT", provoke_write_ro_after_init, false },
	{ "WRITE_KERN", provoke_write_text, false },
	{ "WRITE_KERN_ALIAS", provoke_write_alias, false },
	{ "EXEC_DATA", provoke_exec_data, false },
	{ "EXEC_USERSPACE", provoke_exec_user, false },
	{ "ACCESS_USERSPACE", provoke_access_user, false },
	{ "STACK_GUARD_PAGE_LEADING", provoke_stack_guard, false },
	{ "CORRUPT_STACK", provoke_corrupt_stack, false },
	{ NULL, NULL, false },
};
