/*
 * mremap: growing where there is room, moving with content, shrinking, and the errors.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *map(size_t pages)
{
	char *at = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);

	for (size_t i = 0; i < pages; i++)
		at[i * PAGE] = (char)(i + 1);
	return at;
}

static bool is_mapped(char *at)
{
	unsigned char vec;

	return mincore(at, PAGE, &vec) == 0;
}

static long remap(char *at, size_t old, size_t new, int flags, char *to)
{
	return syscall(SYS_mremap, at, old * PAGE, new * PAGE, flags, to);
}

static void check_growth(void)
{
	char *at = map(8), *room = map(16), *other;

	munmap(room + 4 * PAGE, 12 * PAGE);
	CHECK(growth_in_place, remap(room, 4, 8, 0, NULL) == (long)room && room[3 * PAGE] == 4);
	CHECK(grown_part_is_zero, room[7 * PAGE] == 0);
	CHECK(shrinking_stays, remap(room, 8, 2, 0, NULL) == (long)room);
	CHECK(shrunk_part_is_gone, !is_mapped(room + 2 * PAGE) && room[PAGE] == 2);
	other = mmap(at + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	mprotect(other, PAGE, PROT_READ);
	CHECK_ERRNO(no_room_without_maymove_is_enomem, remap(at, 4, 5, 0, NULL), ENOMEM);
	char *moved = (char *)remap(at, 4, 100, MREMAP_MAYMOVE, NULL);
	CHECK(moves_where_there_is_room, moved != MAP_FAILED && moved != at);
	CHECK(content_moves_along, moved[0] == 1 && moved[3 * PAGE] == 4 && moved[99 * PAGE] == 0);
	CHECK(old_place_is_free, !is_mapped(at) && is_mapped(other));
	munmap(moved, 100 * PAGE);
	munmap(at, 8 * PAGE);
	munmap(room, 2 * PAGE);
}

static void check_fixed(void)
{
	char *at = map(4), *to = map(8);

	CHECK(fixed_goes_there,
	      remap(at, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE) == (long)(to + PAGE));
	CHECK(fixed_replaces,
	      to[0] == 1 && to[PAGE] == 1 && to[4 * PAGE] == 4 && to[5 * PAGE] == 6);
	CHECK(source_is_gone, !is_mapped(at));
	at = to;
	CHECK_ERRNO(overlap_is_einval,
	            remap(at, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, at + 2 * PAGE), EINVAL);
	CHECK_ERRNO(fixed_without_maymove_is_einval,
	            remap(at, 1, 1, MREMAP_FIXED, at + 4 * PAGE), EINVAL);
	CHECK_ERRNO(unaligned_target_is_einval,
	            remap(at, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, at + 5 * PAGE + 1), EINVAL);
	munmap(to, 8 * PAGE);
	at = map(4);
	to = (char *)remap(at, 4, 4, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	CHECK(dontunmap_moves_pages, to != MAP_FAILED && to != at && to[2 * PAGE] == 3);
	CHECK(dontunmap_leaves_an_empty_mapping, is_mapped(at) && at[2 * PAGE] == 0);
	munmap(at, 4 * PAGE);
	munmap(to, 4 * PAGE);
}

static void check_errors(void)
{
	char *at = map(4), *shared, *twin;

	CHECK_ERRNO(unknown_flag_is_einval, remap(at, 4, 4, 16, NULL), EINVAL);
	CHECK_ERRNO(unaligned_is_einval, remap(at + 1, 4, 4, 0, NULL), EINVAL);
	CHECK_ERRNO(new_length_zero_is_einval, remap(at, 4, 0, 0, NULL), EINVAL);
	CHECK_ERRNO(unmapped_is_efault,
	            remap((char *)0x500000000000, 1, 2, MREMAP_MAYMOVE, NULL), EFAULT);
	CHECK_ERRNO(old_length_zero_of_private_memory_is_einval,
	            remap(at, 0, 1, MREMAP_MAYMOVE, NULL), EINVAL);
	munmap(at + 2 * PAGE, PAGE);
	CHECK_ERRNO(more_than_one_mapping_is_efault, remap(at, 4, 8, MREMAP_MAYMOVE, NULL), EFAULT);
	munmap(at, 4 * PAGE);
	shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	twin = (char *)remap(shared, 0, 1, MREMAP_MAYMOVE, NULL);
	CHECK(old_length_zero_of_shared_memory_makes_a_twin, twin != MAP_FAILED && twin != shared);
	shared[10] = 'x';
	CHECK_EQ(twin_shows_the_same, twin[10], 'x');
	munmap(shared, PAGE);
	CHECK_EQ(twin_lives_on, twin[10], 'x');
	munmap(twin, PAGE);
}

/* A file that is mapped moves with its offset. */
static void check_file(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char *at, *moved;

	ftruncate(fd, 8 * (off_t)PAGE);
	pwrite(fd, "five", 4, 5 * (off_t)PAGE);
	at = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 4 * (off_t)PAGE);
	moved = (char *)remap(at + PAGE, 1, 3, MREMAP_MAYMOVE, NULL);
	CHECK(file_moves_with_its_offset, moved != MAP_FAILED && !memcmp(moved, "five", 4));
	strcpy(moved + 2 * PAGE, "seven");
	char text[6] = "";
	pread(fd, text, 5, 7 * (off_t)PAGE);
	CHECK(grown_part_is_the_files, !strcmp(text, "seven"));
	munmap(moved, 3 * PAGE);
	munmap(at, PAGE);
	close(fd);
	unlink("file");
}

int main(void)
{
	check_growth();
	check_fixed();
	check_errors();
	check_file();
	return 0;
}
