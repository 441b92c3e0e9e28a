/*
 * The hypervisor: its name, and what one of them lacks.
 *
 * QEMU's translator up to 7.2 leaves fences out of code for a machine with one CPU (or several in
 * one thread, with -icount), although devices run in threads of their own. A store may then reach
 * a device after a later load was done. Nothing but a visit to a device orders them: there QEMU
 * takes a lock.
 */
#include "arch/x86_64/hypervisor.h"

#include <cpuid.h>

#include <arch/cpu.h>
#include <arch/io.h>

#include "lib/string.h"

/* Takes bytes that firmware tells its progress by, and does nothing. */
#define PORT_DIAGNOSTICS 0x80

bool hypervisor_is(const char *name)
{
	uint32_t level, words[3];

	if (!cpu_has(CPU_HYPERVISOR))
		return false;
	__cpuid(HYPERVISOR_SIGNATURE, level, words[0], words[1], words[2]);
	return !memcmp(words, name, sizeof(words));
}

static void visit_device(void)
{
	outb(PORT_DIAGNOSTICS, 0);
}

device_fence_fn device_fence(void)
{
	return hypervisor_is("TCGTCGTCGTCG") ? visit_device : NULL;
}
