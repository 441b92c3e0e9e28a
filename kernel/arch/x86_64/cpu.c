/*
 * What CPUID says, what the kernel makes of it, and the control registers that follow from it.
 * Everything is read once on the boot CPU; other CPUs get the same control registers.
 */
#include <arch/cpu.h>

#include <cpuid.h>

#include "arch/x86_64/regs.h"
#include "arch/x86_64/setup.h"
#include "lib/bits.h"
#include "lib/string.h"

#define TCG_SIGNATURE 0x54474354 /* "TCGT": QEMU's emulator says TCGTCGTCGTCG */

struct cpu_identity cpu_identity __ro_after_init;
uint64_t cpu_feature_bits __ro_after_init;

static void set_feature(enum cpu_feature feature, bool present)
{
	if (present)
		cpu_feature_bits |= BIT(feature);
}

static void read_basic(struct cpu_identity *id)
{
	uint32_t a, b, c, d;

	__cpuid(0, id->cpuid_level, b, c, d);
	memcpy(id->vendor, &b, 4);
	memcpy(id->vendor + 4, &d, 4);
	memcpy(id->vendor + 8, &c, 4);

	__cpuid(1, a, b, id->features_1c, id->features_1d);
	id->stepping = a & 15;
	id->model = a >> 4 & 15;
	id->family = a >> 8 & 15;
	if (id->family == 6 || id->family == 15)
		id->model |= (a >> 16 & 15) << 4;
	if (id->family == 15)
		id->family += a >> 20 & 255;
	id->clflush_size = (b >> 8 & 255) * 8;
	id->apic_id = b >> 24;
	if (id->cpuid_level >= 7)
		__cpuid_count(7, 0, a, id->features_7b, id->features_7c, id->features_7d);
	if (id->cpuid_level >= 13)
		__cpuid_count(13, 1, id->features_xsave, b, c, d);
}

static void read_extended(struct cpu_identity *id)
{
	uint32_t last, a, b, c, d;

	id->phys_bits = 36;
	id->virt_bits = 48;
	__cpuid(0x80000000, last, b, c, d);
	if (last >= 0x80000001)
		__cpuid(0x80000001, a, b, id->features_81c, id->features_81d);
	if (last >= 0x80000004) {
		for (uint32_t i = 0; i < 3; i++) {
			uint32_t words[4];

			__cpuid(0x80000002 + i, words[0], words[1], words[2], words[3]);
			memcpy(id->model_name + 16 * i, words, 16);
		}
	}
	if (last >= 0x80000006) {
		__cpuid(0x80000006, a, b, c, d);
		id->cache_kb = c >> 16;
	}
	if (last >= 0x80000007) {
		__cpuid(0x80000007, a, b, c, d);
		set_feature(CPU_TSC_INVARIANT, d & BIT(8));
	}
	if (last >= 0x80000008) {
		__cpuid(0x80000008, a, b, c, d);
		id->phys_bits = a & 255;
		id->virt_bits = a >> 8 & 255;
	}
}

static void read_hypervisor(const struct cpu_identity *id)
{
	uint32_t a, b, c, d;

	if (!(id->features_1c & BIT(31)))
		return;
	set_feature(CPU_HYPERVISOR, true);
	__cpuid(0x40000000, a, b, c, d);
	set_feature(CPU_EMULATOR, b == TCG_SIGNATURE);
}

static void read_features(const struct cpu_identity *id)
{
	set_feature(CPU_PGE, id->features_1d & BIT(13));
	set_feature(CPU_PAT, id->features_1d & BIT(16));
	set_feature(CPU_PCID, id->features_1c & BIT(17) && id->features_1d & BIT(13) &&
	            !(cr3_read() & ~PAGE_MASK)); /* or it could not be turned on */
	set_feature(CPU_X2APIC, id->features_1c & BIT(21));
	set_feature(CPU_TSC_DEADLINE, id->features_1c & BIT(24));
	set_feature(CPU_XSAVE, id->features_1c & BIT(26));
	set_feature(CPU_AVX, id->features_1c & BIT(28));
	set_feature(CPU_RDRAND, id->features_1c & BIT(30));
	set_feature(CPU_FSGSBASE, id->features_7b & BIT(0));
	set_feature(CPU_SMEP, id->features_7b & BIT(7));
	set_feature(CPU_ERMS, id->features_7b & BIT(9));
	set_feature(CPU_INVPCID, id->features_7b & BIT(10));
	set_feature(CPU_AVX512, id->features_7b & BIT(16));
	set_feature(CPU_RDSEED, id->features_7b & BIT(18));
	set_feature(CPU_SMAP, id->features_7b & BIT(20));
	set_feature(CPU_UMIP, id->features_7c & BIT(2));
	set_feature(CPU_RDPID, id->features_7c & BIT(22));
	set_feature(CPU_FSRM, id->features_7d & BIT(4));
	set_feature(CPU_NX, id->features_81d & BIT(20));
	set_feature(CPU_PAGE_1G, id->features_81d & BIT(26));
	set_feature(CPU_RDTSCP, id->features_81d & BIT(27));
	set_feature(CPU_XSAVEOPT, id->features_xsave & BIT(0));
}

void cpu_init_registers(void)
{
	uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	cr4 |= cpu_has(CPU_PGE) ? CR4_PGE : 0;
	cr4 |= cpu_has(CPU_PCID) ? CR4_PCIDE : 0;
	cr4 |= cpu_has(CPU_SMEP) ? CR4_SMEP : 0;
	cr4 |= cpu_has(CPU_SMAP) ? CR4_SMAP : 0;
	cr4 |= cpu_has(CPU_UMIP) ? CR4_UMIP : 0;
	cr4 |= cpu_has(CPU_XSAVE) ? CR4_OSXSAVE : 0;
	cr4 |= cpu_has(CPU_FSGSBASE) ? CR4_FSGSBASE : 0;
	cr0_write(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
	cr4_write(cr4);
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE | (cpu_has(CPU_NX) ? EFER_NXE : 0));
	if (cpu_has(CPU_PAT))
		msr_write(MSR_PAT, PAT_VALUE);
}

void cpu_init(void)
{
	struct cpu_identity *id = &cpu_identity;

	read_basic(id);
	read_extended(id);
	read_hypervisor(id);
	read_features(id);
	cpu_bugs_init();
	cpu_init_registers();
}

uint64_t cpu_hwcap(void)
{
	return cpu_identity.features_1d;
}

uint64_t cpu_hwcap2(void)
{
	return cpu_has(CPU_FSGSBASE) ? BIT(1) : 0;
}

bool cpu_random(uint64_t *word)
{
	bool ok = false;

	if (cpu_has(CPU_RDSEED))
		__asm__ volatile("rdseed %0" : "=r"(*word), "=@ccc"(ok));
	for (int tries = 0; tries < 10 && !ok && cpu_has(CPU_RDRAND); tries++)
		__asm__ volatile("rdrand %0" : "=r"(*word), "=@ccc"(ok));
	return ok;
}

__noreturn void cpu_halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}
