/*
 * The image that execve(2) makes of an ELF file: what the dynamic linker and libc take for granted.
 */
#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "check.h"

static char zeroes[10000];
static char nonzero[] = "kept";

static int is_zero(const char *from, const char *to)
{
	for (; from < to; from++) {
		if (*from)
			return 0;
	}
	return 1;
}

/* Where the linker says that .bss ends. */
static char *image_end(void)
{
	char *end;

	__asm__("lea _end(%%rip), %0" : "=r"(end));
	return end;
}

static void memory(void)
{
	char *end = image_end(), *page_end = (char *)(((uintptr_t)end + 4095) & ~4095ul);

	CHECK("data_is_as_in_the_file", !strcmp(nonzero, "kept"));
	CHECK("bss_is_zero", is_zero(zeroes, zeroes + sizeof(zeroes)));
	CHECK("the_page_behind_bss_is_zero_to_its_end", is_zero(end, page_end));
}

static void auxiliary_vector(void)
{
	const Elf64_Phdr *phdr = (const Elf64_Phdr *)getauxval(AT_PHDR);
	const char *name = (const char *)getauxval(AT_EXECFN);
	int loads = 0;

	CHECK("AT_PHDR_shows_the_program_headers", phdr != NULL);
	CHECK("AT_PHENT_is_their_size", getauxval(AT_PHENT) == sizeof(*phdr));
	for (unsigned long i = 0; phdr && i < getauxval(AT_PHNUM); i++)
		loads += phdr[i].p_type == PT_LOAD;
	CHECK("AT_PHNUM_counts_them", loads >= 2);
	CHECK("AT_PAGESZ_is_4096", getauxval(AT_PAGESZ) == 4096);
	CHECK("AT_RANDOM_points_at_something", getauxval(AT_RANDOM) != 0);
	CHECK("AT_EXECFN_names_the_program", name && *name);
	CHECK("AT_SECURE_is_off", getauxval(AT_SECURE) == 0);
	CHECK("AT_CLKTCK_is_100", getauxval(AT_CLKTCK) == 100);
	CHECK("AT_SYSINFO_EHDR_shows_an_ELF",
	      !memcmp((const void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, SELFMAG));
	CHECK("AT_PLATFORM_is_x86_64", !strcmp((const char *)getauxval(AT_PLATFORM), "x86_64"));
	CHECK("AT_MINSIGSTKSZ_is_told", getauxval(51) >= 1024);
}

int main(void)
{
	memory();
	auxiliary_vector();
	return 0;
}
