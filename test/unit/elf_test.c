/*
 * lib/elf: real programs give a plan, malformed ones ENOEXEC, and whatever plan comes out of
 * mutated bytes keeps the promises of elf.h.
 *
 * sources: lib/elf.c
 */
#include "unit.h"

#include <elf.h>
#include <errno.h>

#include "lib/elf.h"

#define LIMIT 0x7ffffffff000ul

/* A small position-independent program: two segments, interpreter, TLS, stack. */
static struct file {
	Elf64_Ehdr header;
	Elf64_Phdr phdrs[6];
	char interpreter[16];
	uint8_t rest[4096];
} good;

static struct elf_image image;

static void make_good(void)
{
	good = (struct file){
		.header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_DYN,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_entry = 0x1040,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 6,
		},
		.phdrs = {
			{ .p_type = PT_PHDR, .p_offset = 64, .p_vaddr = 64, .p_memsz = 336 },
			{ .p_type = PT_INTERP, .p_offset = offsetof(struct file, interpreter),
			  .p_filesz = 12, .p_memsz = 12 },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = 0x500,
			  .p_memsz = 0x500, .p_align = 0x1000 },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x600,
			  .p_vaddr = 0x201600, .p_filesz = 0x100, .p_memsz = 0x3000,
			  .p_align = 0x200000 },
			{ .p_type = PT_TLS, .p_vaddr = 0x201600, .p_filesz = 8, .p_memsz = 16,
			  .p_align = 8 },
			{ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W },
		},
		.interpreter = "/lib/ld.so.1",
	};
	good.interpreter[11] = '\0';
}

static int read_file(const void *data, size_t size)
{
	struct elf_buffer buffer;

	elf_buffer_init(&buffer, data, size);
	return elf_read(&buffer.reader, LIMIT, &image);
}

TEST(a_good_program_gives_its_plan)
{
	struct elf_buffer buffer;
	char path[64];

	make_good();
	assert_int_equal(read_file(&good, sizeof(good)), 0);
	assert_true(image.is_position_independent);
	assert_int_equal(image.entry, 0x1040);
	assert_int_equal(image.nr_segments, 2);
	assert_int_equal(image.low, 0);
	assert_int_equal(image.high, 0x204600);
	assert_int_equal(image.align, 0x200000);
	assert_int_equal(image.phdr_vaddr, 64);
	assert_int_equal(image.nr_phdrs, 6);
	assert_true(image.has_tls);
	assert_int_equal(image.tls_mem_size, 16);
	assert_true(image.has_stack_header);
	assert_false(image.wants_executable_stack);
	assert_int_equal(image.segments[1].offset, 0x600);
	assert_int_equal(image.segments[1].mem_size, 0x3000);
	assert_int_equal(image.segments[0].flags, PF_R | PF_X);
	elf_buffer_init(&buffer, &good, sizeof(good));
	assert_int_equal(elf_read_interpreter(&buffer.reader, &image, path, sizeof(path)), 0);
	assert_string_equal(path, "/lib/ld.so.");
	good.interpreter[11] = 'x';
	assert_int_equal(elf_read_interpreter(&buffer.reader, &image, path, sizeof(path)),
	                 -ENOEXEC);
}

static void check_refused(void)
{
	assert_int_equal(read_file(&good, sizeof(good)), -ENOEXEC);
	make_good();
}

TEST(a_foreign_header_is_refused)
{
	make_good();
	good.header.e_ident[0] = 'x';
	check_refused();
	good.header.e_ident[EI_CLASS] = ELFCLASS32;
	check_refused();
	good.header.e_ident[EI_DATA] = ELFDATA2MSB;
	check_refused();
	good.header.e_type = ET_REL;
	check_refused();
	good.header.e_type = ET_CORE;
	check_refused();
	good.header.e_machine = EM_386;
	check_refused();
	good.header.e_phentsize = 32;
	check_refused();
	good.header.e_phnum = 0;
	check_refused();
	good.header.e_phnum = 74;
	check_refused();
	good.header.e_phoff = UINT64_MAX;
	check_refused();
	good.header.e_phoff = INT64_MAX;
	check_refused();
	good.header.e_phoff = sizeof(good) - 10;
	check_refused();
	good.header.e_entry = LIMIT;
	check_refused();
	assert_int_equal(read_file(&good, sizeof(good)), 0);
}

TEST(a_malformed_segment_is_refused)
{
	make_good();
	good.phdrs[3].p_filesz = 0x3001;
	check_refused();
	good.phdrs[3].p_vaddr = 0x201601;
	check_refused();
	good.phdrs[3].p_vaddr = 0x400;
	good.phdrs[3].p_offset = 0x400;
	check_refused();
	good.phdrs[3].p_memsz = UINT64_MAX;
	check_refused();
	good.phdrs[3].p_vaddr = LIMIT - 0x1000 + 0x600;
	check_refused();
	good.phdrs[3].p_vaddr = UINT64_MAX - 0x1ff;
	good.phdrs[3].p_offset = 0xe00;
	check_refused();
	good.phdrs[3].p_offset = 0x7ffffffffffff600;
	check_refused();
	good.phdrs[2].p_type = good.phdrs[3].p_type = PT_NULL;
	check_refused();
	good.phdrs[4].p_memsz = UINT64_MAX;
	check_refused();
	good.phdrs[1].p_filesz = 1;
	check_refused();
	good.phdrs[1].p_filesz = 4097;
	check_refused();
	good.phdrs[1].p_offset = UINT64_MAX;
	check_refused();
}

TEST(wishes_for_odd_alignment_are_passed_over)
{
	make_good();
	good.phdrs[3].p_align = 0x201000;
	assert_int_equal(read_file(&good, sizeof(good)), 0);
	assert_int_equal(image.align, 0x1000);
	good.phdrs[3].p_align = 1ul << 62;
	assert_int_equal(read_file(&good, sizeof(good)), 0);
	assert_int_equal(image.align, 0x1000);
}

TEST(segments_without_file_bytes_keep_page_and_offset_congruent)
{
	make_good();
	good.phdrs[3].p_filesz = 0;
	good.phdrs[3].p_offset = 0x123;
	assert_int_equal(read_file(&good, sizeof(good)), 0);
	assert_int_equal(image.segments[1].offset % PAGE_SIZE, 0x600);
	assert_int_equal(image.segments[1].file_size, 0);
	good.phdrs[3].p_memsz = 0;
	assert_int_equal(read_file(&good, sizeof(good)), 0);
	assert_int_equal(image.nr_segments, 1);
}

TEST(every_truncation_is_ENOEXEC)
{
	make_good();
	for (size_t size = 0; size < sizeof(Elf64_Ehdr) + sizeof(good.phdrs); size++) {
		uint8_t *copy = malloc(size ? size : 1);

		memcpy(copy, &good, size);
		assert_int_equal(read_file(copy, size), -ENOEXEC);
		free(copy);
	}
}

static ssize_t failing_read(const struct elf_reader *reader, void *to, size_t size, uint64_t offset)
{
	return -EIO;
}

TEST(errors_of_the_reader_come_through)
{
	struct elf_reader reader = { .read = failing_read, .file_size = 100 };

	assert_int_equal(elf_read(&reader, LIMIT, &image), -EIO);
}

/* What elf.h promises of every image that elf_read() accepts. */
static void check_promises(void)
{
	uint64_t end = 0;

	assert_in_range(image.nr_segments, 1, ELF_MAX_SEGMENTS);
	assert_true(image.low < image.high && image.high <= LIMIT);
	assert_true(image.entry < LIMIT);
	assert_true(image.align >= PAGE_SIZE && !(image.align & (image.align - 1)));
	for (unsigned i = 0; i < image.nr_segments; i++) {
		const struct elf_segment *s = &image.segments[i];

		assert_true(s->vaddr >= end);
		assert_true(s->mem_size > 0 && s->file_size <= s->mem_size);
		assert_true(s->vaddr + s->mem_size > s->vaddr);
		assert_true(s->vaddr + s->mem_size <= image.high);
		assert_true((s->vaddr - s->offset) % PAGE_SIZE == 0);
		assert_true(s->offset + s->file_size <= INT64_MAX - PAGE_SIZE);
		end = s->vaddr + s->mem_size;
	}
	assert_true(!image.has_interpreter ||
	            (image.interpreter_size >= 2 && image.interpreter_size <= 4096));
}

TEST(mutated_programs_give_a_sound_plan_or_ENOEXEC)
{
	uint64_t seed = 5;
	int accepted = 0;

	for (int step = 0; step < 100000; step++) {
		uint8_t *bytes = (uint8_t *)&good;
		int err;

		make_good();
		for (uint64_t n = random_below(&seed, 3); n < 3; n++) {
			size_t at = random_below(&seed, 64 + sizeof(good.phdrs) - 8);
			uint64_t value = random_next(&seed) >> random_below(&seed, 64);

			if (random_below(&seed, 2))
				memcpy(bytes + (at & ~7ul), &value, 8);
			else
				bytes[at] = (uint8_t)value;
		}
		err = read_file(&good, sizeof(good));
		assert_true(err == 0 || err == -ENOEXEC);
		accepted += !err;
		if (!err)
			check_promises();
	}
	assert_true(accepted > 1000);
}

TEST(this_very_program_is_accepted)
{
	FILE *file = fopen("/proc/self/exe", "rb");
	static uint8_t head[8192];
	size_t size;

	assert_non_null(file);
	size = fread(head, 1, sizeof(head), file);
	fclose(file);
	assert_int_equal(read_file(head, size), 0);
	assert_true(image.has_interpreter);
	check_promises();
}

UNIT_TESTS(T(a_good_program_gives_its_plan),
           T(a_foreign_header_is_refused),
           T(a_malformed_segment_is_refused),
           T(wishes_for_odd_alignment_are_passed_over),
           T(segments_without_file_bytes_keep_page_and_offset_congruent),
           T(every_truncation_is_ENOEXEC),
           T(errors_of_the_reader_come_through),
           T(mutated_programs_give_a_sound_plan_or_ENOEXEC),
           T(this_very_program_is_accepted))
