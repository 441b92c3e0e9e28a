/*
 * Which of the known faults of processors this one has, and what the kernel does about them: the
 * words of /sys/devices/system/cpu/vulnerabilities. The kernel has barriers where an entry decides
 * whether to swap GS, and nothing else: no page-table isolation, no retpolines, no flushing of
 * buffers. So who is affected is vulnerable, and the files say so.
 *
 * An emulated processor does not speculate. A real one is believed when it says that it is not
 * affected (IA32_ARCH_CAPABILITIES); what it does not say counts against it.
 */
#define pr_fmt(fmt) "x86/cpu: " fmt

#include <arch/cpu.h>

#include "arch/x86_64/regs.h"
#include "arch/x86_64/setup.h"
#include "core/printk.h"
#include "lib/bits.h"
#include "lib/printf.h"
#include "lib/string.h"

/* Bits of IA32_ARCH_CAPABILITIES: not affected by ... */
enum {
	RDCL_NO = 0, SSB_NO = 4, MDS_NO = 5, IF_PSCHANGE_MC_NO = 6, TAA_NO = 8, FBSDP_NO = 14,
	GDS_NO = 26, RFDS_NO = 27, NEVER_SAID = 64,
};

enum { AMD_IS_NOT_AFFECTED = 1, INTEL_IS_NOT_AFFECTED = 2 };

static const struct bug {
	const char *name;
	uint32_t    safe_bit, vendors;
} bugs[] = {
	{ "gather_data_sampling", GDS_NO, AMD_IS_NOT_AFFECTED },
	{ "itlb_multihit", IF_PSCHANGE_MC_NO, AMD_IS_NOT_AFFECTED },
	{ "l1tf", RDCL_NO, AMD_IS_NOT_AFFECTED },
	{ "mds", MDS_NO, AMD_IS_NOT_AFFECTED },
	{ "meltdown", RDCL_NO, AMD_IS_NOT_AFFECTED },
	{ "mmio_stale_data", FBSDP_NO, AMD_IS_NOT_AFFECTED },
	{ "reg_file_data_sampling", RFDS_NO, AMD_IS_NOT_AFFECTED },
	{ "retbleed", NEVER_SAID, 0 },
	{ "spec_rstack_overflow", NEVER_SAID, INTEL_IS_NOT_AFFECTED },
	{ "spec_store_bypass", SSB_NO, 0 },
	{ "spectre_v1", NEVER_SAID, 0 },
	{ "spectre_v2", NEVER_SAID, 0 },
	{ "srbds", NEVER_SAID, AMD_IS_NOT_AFFECTED },
	{ "tsx_async_abort", TAA_NO, AMD_IS_NOT_AFFECTED },
};

static bool is_from(const char *vendor)
{
	return !memcmp(cpu_identity.vendor, vendor, 12);
}

static uint64_t capabilities(void)
{
	return cpu_identity.features_7d & BIT(29) ? msr_read(MSR_ARCH_CAPABILITIES) : 0;
}

static bool is_affected(const struct bug *bug)
{
	bool is_amd = is_from("AuthenticAMD") || is_from("HygonGenuine");

	if (cpu_has(CPU_EMULATOR))
		return false;
	if (bug->vendors & (is_amd ? AMD_IS_NOT_AFFECTED : INTEL_IS_NOT_AFFECTED))
		return false;
	return bug->safe_bit == NEVER_SAID || !(capabilities() >> bug->safe_bit & 1);
}

const char *cpu_bug_state(const char *name)
{
	for (size_t i = 0; i < array_size(bugs); i++) {
		if (!strcmp(bugs[i].name, name))
			return is_affected(&bugs[i]) ? "Vulnerable" : "Not affected";
	}
	return "Not affected";
}

void cpu_bugs_init(void)
{
	if (strcmp(cpu_bug_state("meltdown"), "Not affected"))
		cpu_feature_bits |= BIT(CPU_NEEDS_PTI);
}

void cpu_report(void)
{
	pr_info("protection in use:%s%s%s%s\n", cpu_has(CPU_NX) ? " NX" : "",
	        cpu_has(CPU_SMEP) ? " SMEP" : "", cpu_has(CPU_SMAP) ? " SMAP" : "",
	        cpu_has(CPU_UMIP) ? " UMIP" : "");
	if (!cpu_has(CPU_NX))
		pr_warn("no NX: data can be executed\n");
	if (cpu_has(CPU_NEEDS_PTI))
		pr_warn("Meltdown: programs can read kernel memory on this processor\n");
}
