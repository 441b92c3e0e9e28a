/*
 * ELF executables: header, then program headers in batches, each checked as it is read and noted in
 * the image. What follows from all of them together is computed at the end.
 */
#include <linux/elf-em.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/limits.h>

#include "lib/elf.h"

#include "lib/math.h"
#include "lib/string.h"

/* An alignment is a wish: one that is no power of two, or beyond this, is passed over. */
#define MAX_ALIGN (1ul << 30)

#define BATCH 8u

static_assert(ELF_MAX_SEGMENTS == PAGE_SIZE / sizeof(Elf64_Phdr), "as Linux limits them");

static ssize_t buffer_read(const struct elf_reader *reader, void *to, size_t size, uint64_t offset)
{
	const struct elf_buffer *buffer = container_of(reader, struct elf_buffer, reader);

	if (offset >= reader->file_size)
		return 0;
	size = min(size, reader->file_size - offset);
	memcpy(to, (const uint8_t *)buffer->data + offset, size);
	return (ssize_t)size;
}

void elf_buffer_init(struct elf_buffer *buffer, const void *data, size_t size)
{
	buffer->reader.read = buffer_read;
	buffer->reader.file_size = size;
	buffer->data = data;
}

static int read_exactly(const struct elf_reader *reader, void *to, size_t size, uint64_t offset)
{
	ssize_t n = reader->read(reader, to, size, offset);

	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -ENOEXEC;
}

static bool header_is_valid(const Elf64_Ehdr *header)
{
	return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
	       header->e_machine == EM_X86_64 && header->e_phentsize == sizeof(Elf64_Phdr) &&
	       header->e_phnum >= 1 && header->e_phnum <= ELF_MAX_SEGMENTS &&
	       header->e_phoff <= INT64_MAX - PAGE_SIZE;
}

/* first + size does not overflow and is at most limit. */
static bool range_is_valid(uint64_t first, uint64_t size, uint64_t limit)
{
	uint64_t end;

	return checked_add(first, size, &end) && end <= limit;
}

static int add_segment(struct elf_image *image, const Elf64_Phdr *phdr, uint64_t limit)
{
	struct elf_segment *segment = &image->segments[image->nr_segments];
	uint64_t offset = phdr->p_offset;

	if (phdr->p_filesz > phdr->p_memsz || !range_is_valid(phdr->p_vaddr, phdr->p_memsz, limit))
		return -ENOEXEC;
	if (!phdr->p_memsz)
		return 0;
	if (!phdr->p_filesz)
		offset = phdr->p_vaddr % PAGE_SIZE;
	if (!range_is_valid(offset, phdr->p_filesz, INT64_MAX - PAGE_SIZE) ||
	    (phdr->p_vaddr - offset) % PAGE_SIZE)
		return -ENOEXEC;
	if (image->nr_segments && phdr->p_vaddr < image->high)
		return -ENOEXEC;
	*segment = (struct elf_segment){
		.vaddr = phdr->p_vaddr,
		.offset = offset,
		.file_size = phdr->p_filesz,
		.mem_size = phdr->p_memsz,
		.flags = phdr->p_flags & (PF_R | PF_W | PF_X),
	};
	if (is_power_of_two(phdr->p_align) && phdr->p_align <= MAX_ALIGN)
		image->align = max(image->align, phdr->p_align);
	if (!image->nr_segments++)
		image->low = phdr->p_vaddr;
	image->high = phdr->p_vaddr + phdr->p_memsz;
	return 0;
}

static int add_interpreter(struct elf_image *image, const Elf64_Phdr *phdr)
{
	if (image->has_interpreter)
		return 0;
	if (phdr->p_filesz < 2 || phdr->p_filesz > PATH_MAX ||
	    !range_is_valid(phdr->p_offset, phdr->p_filesz, INT64_MAX))
		return -ENOEXEC;
	image->has_interpreter = true;
	image->interpreter_offset = phdr->p_offset;
	image->interpreter_size = (uint32_t)phdr->p_filesz;
	return 0;
}

static int add_tls(struct elf_image *image, const Elf64_Phdr *phdr, uint64_t limit)
{
	if (phdr->p_filesz > phdr->p_memsz || !range_is_valid(phdr->p_vaddr, phdr->p_memsz, limit))
		return -ENOEXEC;
	image->has_tls = true;
	image->tls_vaddr = phdr->p_vaddr;
	image->tls_file_size = phdr->p_filesz;
	image->tls_mem_size = phdr->p_memsz;
	image->tls_align = phdr->p_align;
	return 0;
}

static int add_phdr(struct elf_image *image, const Elf64_Phdr *phdr, uint64_t limit)
{
	switch (phdr->p_type) {
	case PT_LOAD:
		return add_segment(image, phdr, limit);
	case PT_INTERP:
		return add_interpreter(image, phdr);
	case PT_TLS:
		return add_tls(image, phdr, limit);
	case PT_GNU_STACK:
		image->has_stack_header = true;
		image->wants_executable_stack = phdr->p_flags & PF_X;
		return 0;
	default:
		return 0;
	}
}

/* Where the program headers lie in memory, going by the segment that maps their bytes. */
static uint64_t find_phdrs(const struct elf_image *image, uint64_t offset)
{
	for (unsigned i = 0; i < image->nr_segments; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (offset >= segment->offset && offset - segment->offset < segment->file_size)
			return offset - segment->offset + segment->vaddr;
	}
	return 0;
}

static int read_phdrs(const struct elf_reader *reader, const Elf64_Ehdr *header, uint64_t limit,
                      struct elf_image *image)
{
	Elf64_Phdr batch[BATCH];
	unsigned n;

	for (unsigned i = 0; i < header->e_phnum; i += n) {
		int err;

		n = min(header->e_phnum - i, BATCH);
		err = read_exactly(reader, batch, n * sizeof(*batch),
		                   header->e_phoff + i * sizeof(*batch));
		for (unsigned j = 0; !err && j < n; j++)
			err = add_phdr(image, &batch[j], limit);
		if (err)
			return err;
	}
	return 0;
}

int elf_read(const struct elf_reader *reader, uint64_t limit, struct elf_image *image)
{
	Elf64_Ehdr header;
	int err = read_exactly(reader, &header, sizeof(header), 0);

	if (err)
		return err;
	if (!header_is_valid(&header) || header.e_entry >= limit)
		return -ENOEXEC;
	memset(image, 0, sizeof(*image));
	image->is_position_independent = header.e_type == ET_DYN;
	image->entry = header.e_entry;
	image->align = PAGE_SIZE;
	image->nr_phdrs = header.e_phnum;
	err = read_phdrs(reader, &header, limit, image);
	if (err)
		return err;
	if (!image->nr_segments)
		return -ENOEXEC;
	image->phdr_vaddr = find_phdrs(image, header.e_phoff);
	return 0;
}

int elf_read_interpreter(const struct elf_reader *reader, const struct elf_image *image, char *path,
                         size_t size)
{
	int err;

	if (!image->has_interpreter || image->interpreter_size > size)
		return -ENOEXEC;
	err = read_exactly(reader, path, image->interpreter_size, image->interpreter_offset);
	if (err)
		return err;
	return path[image->interpreter_size - 1] ? -ENOEXEC : 0;
}
