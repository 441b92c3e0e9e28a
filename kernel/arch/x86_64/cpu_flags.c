/*
 * The names of CPU features as /proc/cpuinfo shows them: Linux's words, in Linux's order (the order
 * of its <asm/cpufeatures.h>). A bit that Linux shows no name for has none here.
 */
#include <arch/cpu.h>

#include "lib/printf.h"

struct feature_word {
	const uint32_t *bits;
	const char     *names[32];
};

static const struct feature_word words[] = {
	{ &cpu_identity.features_1d, {
		"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep",
		"mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", NULL, "dts", "acpi",
		"mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe" } },
	{ &cpu_identity.features_81d, {
		[11] = "syscall", [19] = "mp", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt",
		[26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm", [30] = "3dnowext",
		[31] = "3dnow" } },
	{ &cpu_identity.features_1c, {
		"pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2",
		"ssse3", "cid", "sdbg", "fma", "cx16", "xtpr", "pdcm", NULL, "pcid", "dca",
		"sse4_1", "sse4_2", "x2apic", "movbe", "popcnt", "tsc_deadline_timer", "aes",
		"xsave", NULL, "avx", "f16c", "rdrand", "hypervisor" } },
	{ &cpu_identity.features_81c, {
		"lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a",
		"misalignsse", "3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", NULL, "lwp",
		"fma4", "tce", [19] = "nodeid_msr", [21] = "tbm", [22] = "topoext" } },
	{ &cpu_identity.features_7b, {
		"fsgsbase", "tsc_adjust", NULL, "bmi1", "hle", "avx2", NULL, "smep", "bmi2", "erms",
		"invpcid", "rtm", "cqm", NULL, "mpx", "rdt_a", "avx512f", "avx512dq", "rdseed",
		"adx", "smap", "avx512ifma", NULL, "clflushopt", "clwb", "intel_pt", "avx512pf",
		"avx512er", "avx512cd", "sha_ni", "avx512bw", "avx512vl" } },
	{ &cpu_identity.features_xsave, { "xsaveopt", "xsavec", "xgetbv1", "xsaves" } },
	{ &cpu_identity.features_7c, {
		[1] = "avx512vbmi", [2] = "umip", [3] = "pku", [4] = "ospke", [5] = "waitpkg",
		[6] = "avx512_vbmi2", [8] = "gfni", [9] = "vaes", [10] = "vpclmulqdq",
		[11] = "avx512_vnni", [12] = "avx512_bitalg", [14] = "avx512_vpopcntdq",
		[16] = "la57", [22] = "rdpid", [25] = "cldemote", [27] = "movdiri",
		[28] = "movdir64b" } },
	{ &cpu_identity.features_7d, {
		[4] = "fsrm", [10] = "md_clear", [14] = "serialize", [28] = "flush_l1d",
		[29] = "arch_capabilities" } },
};

size_t cpu_flags_string(char *buffer, size_t size)
{
	size_t len = 0;

	if (size)
		buffer[0] = '\0';
	for (size_t word = 0; word < array_size(words); word++) {
		for (unsigned bit = 0; bit < 32; bit++) {
			const char *name = words[word].names[bit];

			if (!name || !(*words[word].bits >> bit & 1))
				continue;
			len += (size_t)snprintf(len < size ? buffer + len : NULL,
			                        len < size ? size - len : 0, "%s%s", len ? " " : "",
			                        name);
		}
	}
	return len;
}
