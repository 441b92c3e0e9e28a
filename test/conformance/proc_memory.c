/*
 * /proc/PID/maps, smaps, statm, mem, auxv: a process's memory as others see it.
 */
#define _GNU_SOURCE
#include "check.h"
#include "proc_files.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void check_auxv(void)
{
	static const unsigned long types[] = { AT_PAGESZ, AT_CLKTCK, AT_PHDR, AT_PHENT, AT_PHNUM,
		AT_BASE, AT_ENTRY, AT_UID, AT_EUID, AT_GID, AT_EGID, AT_SECURE, AT_RANDOM, AT_HWCAP,
		AT_EXECFN, AT_PLATFORM, AT_SYSINFO_EHDR };
	bool agree = true;
	ssize_t n = proc_read(getpid(), "auxv");
	const unsigned long *words = (const unsigned long *)file_text;

	CHECK(auxv_is_pairs_of_words, n > 0 && n % 16 == 0);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const unsigned long *at = words;

		while (at[0] && at[0] != types[i])
			at += 2;
		agree = agree && at[0] == types[i] && at[1] == getauxval(types[i]);
	}
	CHECK(auxv_agrees_with_the_stack, agree);
	CHECK(auxv_ends_with_AT_NULL, n >= 16 && words[n / 8 - 2] == AT_NULL);
}

/* ---- areas --------------------------------------------------------------------------------- */

static bool has_area(const void *start, size_t size, const char *rest)
{
	char line[64];

	snprintf(line, sizeof(line), "%lx-%lx ", (unsigned long)start,
		 (unsigned long)start + size);
	const char *found = line_after(line);

	return found && strncmp(found, rest, strlen(rest)) == 0;
}

static bool areas_are_sorted(void)
{
	unsigned long last = 0, start, end;

	for (const char *line = file_text; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "%lx-%lx ", &start, &end) != 2 || start < last || end <= start)
			return false;
		last = end;
	}
	return true;
}

static void check_file_area(void)
{
	int fd = open("/tmp/mapped", O_RDWR | O_CREAT, 0600);
	struct stat stat;
	char rest[160];

	ftruncate(fd, 3 * 4096);
	fstat(fd, &stat);
	void *at = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 4096);
	snprintf(rest, sizeof(rest), "r--s 00001000 %02x:%02x %lu ", major(stat.st_dev),
			 minor(stat.st_dev), stat.st_ino);
	proc_read(getpid(), "maps");
	CHECK(maps_shows_a_file_its_offset_device_and_number, has_area(at, 8192, rest));
	char line[32];
	snprintf(line, sizeof(line), "%lx-", (unsigned long)at);
	const char *found = line_after(line);
	CHECK(maps_pads_to_column_73, found && strncmp(found - strlen(line) + 73, "/tmp/mapped\n",
						      12) == 0);
	unlink("/tmp/mapped");
	proc_read(getpid(), "maps");
	CHECK(maps_says_deleted, strstr(file_text, " /tmp/mapped (deleted)\n") != NULL);
	munmap(at, 8192);
	close(fd);
}

static void check_areas(void)
{
	char *at = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	at += 4096;
	munmap(at - 4096, 4096);
	munmap(at + 3 * 4096, 4096);
	mprotect(at + 4096, 4096, PROT_NONE);
	proc_read(getpid(), "maps");
	CHECK(maps_is_sorted, areas_are_sorted());
	CHECK(maps_shows_anonymous_memory, has_area(at, 4096, "rw-p 00000000 00:00 0 \n"));
	CHECK(maps_shows_a_changed_protection, has_area(at + 4096, 4096,
							"---p 00000000 00:00 0 \n"));
	CHECK(maps_names_the_stack, strstr(file_text, " [stack]\n") != NULL);
	CHECK(maps_names_the_vdso, strstr(file_text, " [vdso]\n") != NULL);
	CHECK(maps_names_the_program, strstr(file_text, " /tests/proc_memory\n") != NULL);
	munmap(at, 3 * 4096);
	check_file_area();
}

static void check_sizes(void)
{
	const size_t pages = 64;
	long long size, resident;
	unsigned long before[7], after[7];

	proc_read(getpid(), "statm");
	CHECK_EQ(statm_has_seven_numbers, count_words(file_text), 7);
	sscanf(file_text, "%lu %lu %lu", &before[0], &before[1], &before[2]);
	char *at = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	proc_read(getpid(), "statm");
	sscanf(file_text, "%lu %lu", &after[0], &after[1]);
	CHECK_EQ(statm_counts_what_is_mapped, after[0] - before[0], pages);
	CHECK(what_is_not_touched_is_not_resident, after[1] - before[1] < pages / 2);
	memset(at, 1, pages * 4096);
	proc_read(getpid(), "statm");
	sscanf(file_text, "%lu %lu", &after[0], &after[1]);
	CHECK(what_is_touched_is_resident, after[1] >= before[1] + pages / 2);
	size = stat_field(getpid(), 23);
	proc_read(getpid(), "status");
	CHECK_EQ(stat_and_status_agree_on_the_size, line_number("VmSize:\t", 10) * 1024, size);
	resident = line_number("VmRSS:\t", 10);
	CHECK_EQ(resident_is_the_sum_of_its_parts, resident, line_number("RssAnon:\t", 10) +
		 line_number("RssFile:\t", 10) + line_number("RssShmem:\t", 10));
	CHECK(the_most_ever_resident_is_more, line_number("VmHWM:\t", 10) >= resident);
	proc_read(getpid(), "smaps");
	CHECK(smaps_has_sizes_of_areas, strstr(file_text, "\nSize:                256 kB\n"
					       "KernelPageSize:        4 kB\n"
					       "MMUPageSize:           4 kB\n") != NULL);
	CHECK(smaps_has_flags, strstr(file_text, "\nVmFlags: rd wr mr mw me ac ") != NULL);
	proc_read(getpid(), "smaps_rollup");
	CHECK(smaps_rollup_is_one_area, strstr(file_text, " [rollup]\nRss: ") != NULL);
	munmap(at, pages * 4096);
}

static void check_mem(void)
{
	char *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/mem", O_RDWR);
	char word[8] = "";

	CHECK_EQ(memory_can_be_written_that_is_read_only,
		 pwrite(fd, "hello", 6, (off_t)(unsigned long)at), 6);
	CHECK(what_was_written_is_there, strcmp(at, "hello") == 0);
	CHECK_EQ(memory_can_be_read, pread(fd, word, 6, (off_t)(unsigned long)at), 6);
	CHECK(what_is_read_is_what_is_there, strcmp(word, "hello") == 0);
	munmap(at, 4096);
	CHECK_ERRNO(nothing_is_EIO, pread(fd, word, 1, (off_t)(unsigned long)at), EIO);
	CHECK_EQ(mem_can_be_sought, lseek(fd, 4096, SEEK_SET), 4096);
	CHECK_ERRNO(mem_has_no_end, lseek(fd, 0, SEEK_END), EINVAL);
	close(fd);
}

int main(void)
{
	check_auxv();
	check_areas();
	check_sizes();
	check_mem();
	return 0;
}
