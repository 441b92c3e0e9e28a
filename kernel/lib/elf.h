/*
 * ELF executables for x86-64: from untrusted bytes to a checked plan of what to map.
 *
 * elf_read() reads the header and the program headers through the caller's reader, validates every
 * field (overflow, order, alignment, bounds of user memory and of the file) and fills a struct
 * elf_image. Whoever maps by that plan needs no further checks. Section headers are never read. The
 * limits are Linux's (fs/binfmt_elf.c): program headers fit a page, an interpreter path PATH_MAX;
 * what Linux would only find out half-way and kill the program for is refused here.
 *
 * struct elf_image is some 3 KiB: allocate it, or keep it static.
 */
#pragma once

#include "lib/types.h"

#define ELF_MAX_SEGMENTS 73 /* 4096 bytes of program headers */

struct elf_reader {
	/*
	 * Reads size bytes at offset. Fewer: end of file. A count or -errno. May sleep if it likes.
	 */
	ssize_t (*read)(const struct elf_reader *reader, void *to, size_t size, uint64_t offset);
	uint64_t file_size;
};

/* A reader of bytes in memory. */
struct elf_buffer {
	struct elf_reader reader;
	const void *data;
};

/*
 * One PT_LOAD, in ascending order of vaddr, the bytes not overlapping (two may share a page).
 * vaddr and offset agree modulo the page size; file_size <= mem_size; vaddr + mem_size is below
 * the address limit; offset + file_size does not overflow (but may lie behind the end of the file,
 * as on Linux: touching it is SIGBUS).
 */
struct elf_segment {
	uint64_t vaddr;
	uint64_t offset;
	uint64_t file_size;
	uint64_t mem_size;
	uint32_t flags; /* PF_R PF_W PF_X */
};

struct elf_image {
	bool is_position_independent; /* ET_DYN: addresses below are relative to a base */
	bool has_interpreter;
	bool has_stack_header;        /* PT_GNU_STACK was there ... */
	bool wants_executable_stack;  /* ... and asked for PF_X */
	bool has_tls;
	uint64_t entry;
	uint64_t align;               /* the largest p_align of the segments, at least a page */
	uint64_t low, high;           /* all segments lie in [low, high), not rounded to pages */
	/* AT_PHDR: where the program headers get mapped, 0: nowhere */
	uint64_t phdr_vaddr;
	uint16_t nr_phdrs;            /* AT_PHNUM */
	uint64_t interpreter_offset;  /* in the file */
	uint32_t interpreter_size;    /* with its NUL: 2 to PATH_MAX */
	uint64_t tls_vaddr, tls_file_size, tls_mem_size, tls_align;
	unsigned nr_segments;
	struct elf_segment segments[ELF_MAX_SEGMENTS];
};

void elf_buffer_init(struct elf_buffer *buffer, const void *data, size_t size);

/*
 * Fills image; addresses stay below limit. 0; -ENOEXEC if this is no ELF executable of ours or a
 * malformed one; what the reader returned, if it failed.
 */
int __must_check elf_read(const struct elf_reader *reader, uint64_t limit, struct elf_image *image);

/*
 * Reads the path of the interpreter, terminated, into path[size], size at least interpreter_size.
 * 0, -ENOEXEC if it is not terminated in the file, or the reader's error.
 */
int __must_check elf_read_interpreter(const struct elf_reader *reader,
                                      const struct elf_image *image, char *path, size_t size);
