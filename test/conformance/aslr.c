/*
 * Where exec puts things, and how far chance moves them: randomize_va_space 0, 1 and 2 and the
 * personality flag. A tiny program is executed many times. Its interpreter, position independent as
 * well, writes what it finds: the break, then its stack with the auxiliary vector. A bit of an
 * address is counted as random if each of its values comes in at least a fifth of the runs.
 */
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/personality.h>
#include <sys/wait.h>

#include "check.h"

enum { RUNS = 240, WORDS = 64, ROOM = 600 };

enum place { MMAP, STACK, BRK, PIE, VDSO, PLACES };

struct image {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[2];
	char       interpreter[16];
	uint8_t    code[64];
};

/* brk(0), pushed; write(1, rsp, 8 * WORDS); exit(0) */
static const uint8_t code[] = {
	0xb8, 0x0c, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05, 0x50, 0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0,
	0x48, 0x89, 0xe6, 0xba, (WORDS * 8) & 255, (WORDS * 8) >> 8, 0, 0, 0x0f, 0x05, 0xb8, 60, 0,
	0, 0, 0x31, 0xff, 0x0f, 0x05,
};

static void write_image(const char *path, const char *interpreter)
{
	struct image image = {
		.ehdr = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			.e_entry = offsetof(struct image, code), .e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = interpreter ? 2 : 1,
		},
		.phdr = {
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X,
			  .p_filesz = sizeof(image), .p_memsz = sizeof(image), .p_align = 4096 },
			{ .p_type = PT_INTERP, .p_flags = PF_R,
			  .p_offset = offsetof(struct image, interpreter) },
		},
	};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	memcpy(image.code, code, sizeof(code));
	if (interpreter) {
		strcpy(image.interpreter, interpreter);
		image.phdr[1].p_filesz = image.phdr[1].p_memsz = strlen(interpreter) + 1;
	}
	write(fd, &image, sizeof(image));
	close(fd);
}

static uint64_t aux(const uint64_t *words, uint64_t type)
{
	const uint64_t *at = words + 1; /* the break; argc */

	at += 1 + at[0] + 1;
	while (*at++)
		;
	for (; at[0]; at += 2) {
		if (at[0] == type)
			return at[1];
	}
	return 0;
}

static pid_t start(int out)
{
	static char room[ROOM] = "ROOM="; /* so that the stack holds WORDS */
	char *const argv[] = { "pie", NULL }, *const envp[] = { room, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		memset(room + 5, '.', ROOM - 6);
		dup2(out, 1);
		execve("/tmp/pie", argv, envp);
		_exit(1);
	}
	return pid;
}

static bool run(uint64_t places[PLACES])
{
	uint64_t words[WORDS] = { 0 };
	int fds[2], status;
	size_t got = 0;
	ssize_t n;

	if (pipe(fds))
		return false;
	pid_t pid = start(fds[1]);

	close(fds[1]);
	while ((n = read(fds[0], (char *)words + got, sizeof(words) - got)) > 0)
		got += (size_t)n;
	close(fds[0]);
	waitpid(pid, &status, 0);
	places[MMAP] = aux(words, AT_BASE);
	places[STACK] = aux(words, AT_RANDOM);
	places[BRK] = words[0] - aux(words, AT_ENTRY);
	places[PIE] = aux(words, AT_ENTRY);
	places[VDSO] = aux(words, AT_SYSINFO_EHDR);
	return status == 0 && places[MMAP] && places[PIE];
}

static bool count_bits(int bits[PLACES])
{
	static int ones[PLACES][64];
	uint64_t places[PLACES];

	memset(ones, 0, sizeof(ones));
	for (int i = 0; i < RUNS; i++) {
		if (!run(places))
			return false;
		for (int p = 0; p < PLACES; p++)
			for (int bit = 0; bit < 64; bit++)
				ones[p][bit] += places[p] >> bit & 1;
	}
	for (int p = 0; p < PLACES; p++) {
		bits[p] = 0;
		for (int bit = 0; bit < 64; bit++)
			bits[p] += ones[p][bit] * 5 >= RUNS && (RUNS - ones[p][bit]) * 5 >= RUNS;
	}
	return true;
}

static bool set_randomize(const char *value)
{
	int fd = open("/proc/sys/kernel/randomize_va_space", O_WRONLY);
	bool ok = fd >= 0 && write(fd, value, 1) == 1;

	close(fd);
	return ok;
}

static bool is_about(int got, int want)
{
	return got >= want - 1 && got <= want + 1;
}

static void fixed(const char *name)
{
	int bits[PLACES] = { 0 };

	check_report(name, count_bits(bits) && bits[MMAP] + bits[STACK] + bits[BRK] + bits[PIE] +
		     bits[VDSO] == 0, __LINE__, "nothing moves");
}

int main(void)
{
	int bits[PLACES] = { 0 };

	write_image("/tmp/ld", NULL);
	write_image("/tmp/pie", "/tmp/ld");
	CHECK(the_program_runs, count_bits(bits));
	CHECK(mmap_has_28_random_bits, is_about(bits[MMAP], 28));
	CHECK(the_stack_has_30_random_bits, is_about(bits[STACK], 30));
	CHECK(the_heap_has_18_random_bits, is_about(bits[BRK], 18));
	CHECK(a_position_independent_program_has_28_random_bits, bits[PIE] >= 28);
	CHECK(the_vdso_has_20_random_bits_and_more, bits[VDSO] >= 20);
	CHECK(randomize_va_space_can_be_1, set_randomize("1"));
	CHECK(then_the_heap_does_not_move, count_bits(bits) && bits[BRK] == 0);
	CHECK(then_all_else_moves, is_about(bits[MMAP], 28) && is_about(bits[STACK], 30) &&
	      bits[PIE] >= 28 && bits[VDSO] >= 20);
	CHECK(randomize_va_space_can_be_0, set_randomize("0"));
	fixed("then_nothing_moves");
	CHECK(randomize_va_space_can_be_2, set_randomize("2"));
	personality(ADDR_NO_RANDOMIZE);
	fixed("nothing_moves_with_the_personality_flag");
	return 0;
}
