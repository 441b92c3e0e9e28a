/*
 * The kernel: embedded as an ELF file, put at a 2 MiB boundary, and mapped for the jump.
 */
#include <elf.h>

#include "boot/efi/loader.h"

enum { ENTRIES = 512, PRESENT_WRITE = 3, PRESENT_WRITE_LARGE = 0x83, LOW_GIB = 4 };

static const Elf64_Phdr *segments(const Elf64_Ehdr *elf)
{
	return (const Elf64_Phdr *)(const void *)((const unsigned char *)elf + elf->e_phoff);
}

static void check(const Elf64_Ehdr *elf, uint64_t size)
{
	if (size < sizeof(*elf) || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf->e_machine != EM_X86_64 || elf->e_phentsize != sizeof(Elf64_Phdr) ||
	    elf->e_phoff + elf->e_phnum * sizeof(Elf64_Phdr) > size)
		fail("the embedded kernel is damaged", 0);
	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		const Elf64_Phdr *s = &segments(elf)[i];

		if (s->p_type == PT_LOAD &&
		    (s->p_offset + s->p_filesz > size || s->p_filesz > s->p_memsz ||
		     s->p_vaddr < KERNEL_IMAGE_BASE + KERNEL_LINK_OFFSET))
			fail("the embedded kernel is damaged", 0);
	}
}

uint64_t kernel_load(void)
{
	const Elf64_Ehdr *elf = (const void *)embedded_kernel;
	const uint64_t base = KERNEL_IMAGE_BASE + KERNEL_LINK_OFFSET;
	uint64_t end = base;

	check(elf, (uint64_t)(embedded_kernel_end - embedded_kernel));
	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		const Elf64_Phdr *s = &segments(elf)[i];

		if (s->p_type == PT_LOAD && s->p_vaddr + s->p_memsz > end)
			end = s->p_vaddr + s->p_memsz;
	}
	uint64_t size = (end - base + PAGE - 1) & ~(PAGE - 1);
	unsigned char *to = pages_alloc(size, LARGE_PAGE);

	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		const Elf64_Phdr *s = &segments(elf)[i];

		if (s->p_type == PT_LOAD)
			memcpy(to + (s->p_vaddr - base), embedded_kernel + s->p_offset,
			       s->p_filesz);
	}
	loader.info->kernel_start = (uint64_t)to;
	loader.info->kernel_end = (uint64_t)to + size;
	return elf->e_entry;
}

uint64_t kernel_map(void)
{
	const struct bootinfo *info = loader.info;
	uint64_t *top = pages_alloc((4 + LOW_GIB) * PAGE, PAGE);
	uint64_t *low = top + ENTRIES, *high = low + ENTRIES, *image = high + ENTRIES,
		 *gib = image + ENTRIES;
	uint64_t first = KERNEL_LINK_OFFSET / LARGE_PAGE;
	uint64_t pieces = (info->kernel_end - info->kernel_start + LARGE_PAGE - 1) / LARGE_PAGE;

	top[0] = top[DIRECT_MAP_SLOT] = (uint64_t)low | PRESENT_WRITE;
	top[511] = (uint64_t)high | PRESENT_WRITE;
	high[510] = (uint64_t)image | PRESENT_WRITE;
	for (uint64_t i = 0; i < pieces; i++)
		image[first + i] = (info->kernel_start + i * LARGE_PAGE) | PRESENT_WRITE_LARGE;
	for (uint64_t i = 0; i < LOW_GIB; i++)
		low[i] = (uint64_t)(gib + i * ENTRIES) | PRESENT_WRITE;
	for (uint64_t i = 0; i < LOW_GIB * ENTRIES; i++)
		gib[i] = i * LARGE_PAGE | PRESENT_WRITE_LARGE;
	return (uint64_t)top;
}
