/*
 * elf.c - files that are hardly programs, executed.
 *
 * Four sorts: random bytes, some behind an ELF magic; real programs (busybox and this one) with a
 * few bytes of their headers changed; headers made of plausible fields, with interpreters; scripts.
 * The child is an ordinary user in a directory of its own, so that what a broken program happens to
 * do hurts nobody.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define ROOT        "/tmp/elf"
#define PICK(array) (array)[random_below(sizeof(array) / sizeof(*(array)))]

enum { KILLED_AFTER_S = 2, HEADERS = 0x400, SIZE_MAX_BYTES = 20000, MIB = 1 << 20 };

static const char *const images[] = { "busybox", "init" };
static char buffer[SIZE_MAX_BYTES];

static uint64_t any_number(void)
{
	static const uint64_t edges[] = {
		0,
		1,
		0x38,
		0x40,
		0xfff,
		0x1000,
		0x1001,
		0x10000,
		0x400000,
		0x7fffffff,
		0xffffffff,
		0x7ffffffff000,
		0x7fffffffffff,
		0x800000000000,
		0x7fffffffffffffff,
		1ULL << 63,
		0xffffffff80000000,
		~0ULL,
		~0ULL - 4095,
	};

	return random_chance(2) ? PICK(edges) : random_word() >> random_below(61);
}

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		write(out, buffer, (size_t)n);
	close(in);
	close(out);
}

static void write_program(const char *name, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	write(fd, buffer, size);
	close(fd);
}

static size_t random_bytes(void)
{
	size_t size = random_below(random_chance(2) ? 200 : 9000);

	for (size_t i = 0; i < size; i++)
		buffer[i] = (char)random_word();
	if (random_chance(2) && size > 20)
		memcpy(buffer, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0", 20);
	return size;
}

static size_t script(void)
{
	static const char *const heads[] = {
		"#!/busybox",       "#!/busybox sh", "#! \t/busybox", "#!",         "#!/x",
		"#!/script",        "#!x",           "#!/",           "#!/nothing", "#!./busybox -",
		"#!/proc/self/exe", "#!\n",          "#! ",           "#!\t",
	};
	size_t size = (size_t)snprintf(buffer, sizeof(buffer), "%s", PICK(heads));

	if (random_chance(3)) {
		size_t more = random_below(600);

		memset(buffer + size, random_chance(2) ? ' ' : 'a', more);
		size += more;
	}
	for (uint64_t n = random_below(4); n > 0; n--)
		buffer[random_below(size)] = (char)random_word();
	if (random_chance(2))
		size += (size_t)snprintf(buffer + size, 40, "\nexit 3\n");
	return size;
}

static void fill_header(Elf64_Phdr *header, uint64_t size)
{
	static const uint32_t types[] = {
		PT_LOAD, PT_LOAD,      PT_LOAD, PT_INTERP,  PT_PHDR,
		PT_TLS,  PT_GNU_STACK, PT_NOTE, PT_DYNAMIC, PT_GNU_RELRO
	};

	header->p_type = random_chance(20) ? (uint32_t)random_word() : PICK(types);
	header->p_flags = random_chance(8) ? (uint32_t)random_word() : (uint32_t)random_below(8);
	header->p_offset = random_chance(6) ? any_number() : random_below(4) * 0x1000;
	header->p_vaddr = random_chance(6)
				  ? any_number()
				  : 0x400000 + random_below(32) * 0x1000 + header->p_offset;
	header->p_filesz = random_chance(4) ? any_number() : random_below(size + 1);
	header->p_memsz = random_chance(4) ? any_number() : header->p_filesz + random_below(0x3000);
	header->p_align = random_chance(4) ? any_number() : 0x1000;
}

/* A header, program headers, code that exits, and the name of an interpreter. */
static size_t made_up(void)
{
	static const char *const interpreters[] = { "/busybox", "/init",   "/x",      "/nothing",
						    "/",        "/script", "busybox", "" };
	static const char code[] = "\x31\xff\xb8\x3c\0\0\0\x0f\x05"; /* exit(0) */
	Elf64_Ehdr *elf = (void *)buffer;
	Elf64_Phdr *headers = (void *)(buffer + sizeof(*elf));
	size_t size = 0x400 + random_below(0x4000), count = 1 + random_below(6);
	size_t name = 0x300, code_at = 0x200;

	memset(buffer, 0, sizeof(buffer));
	*elf = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = random_chance(3) ? ET_DYN : ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = 1,
		.e_entry = random_chance(4) ? any_number() : 0x400000 + code_at,
		.e_phoff = random_chance(12) ? any_number() : sizeof(*elf),
		.e_ehsize = sizeof(*elf),
		.e_phentsize = sizeof(*headers),
		.e_phnum = random_chance(12) ? (uint16_t)any_number() : (uint16_t)count,
	};
	headers[0] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 0x400, 0x400, 0x1000 };
	for (size_t i = random_chance(3) ? 0 : 1; i < count; i++) {
		fill_header(&headers[i], size);
		if (headers[i].p_type == PT_INTERP && !random_chance(3))
			headers[i].p_offset = name, headers[i].p_filesz = strlen(buffer + name) + 1;
	}
	strcpy(buffer + name, PICK(interpreters));
	memcpy(buffer + code_at, code, sizeof(code));
	return size;
}

/* Changes some fields of a real program's headers; `undo` puts back what was there. */
static void mutate(const char *name, bool undo)
{
	static char original[HEADERS];
	char changed[HEADERS];
	int fd = open(name, O_RDWR);

	if (undo) {
		pwrite(fd, original, HEADERS, 0);
		close(fd);
		return;
	}
	pread(fd, original, HEADERS, 0);
	memcpy(changed, original, HEADERS);
	for (uint64_t n = 1 + random_below(4); n > 0; n--) {
		size_t at = random_chance(3) ? random_below(64) : random_below(HEADERS - 8);
		uint64_t value = any_number();

		memcpy(changed + (random_chance(2) ? at & ~7UL : at), &value,
		       1UL << random_below(4));
	}
	pwrite(fd, changed, HEADERS, 0);
	close(fd);
}

static void limit(int resource, rlim_t value)
{
	struct rlimit limits = { value, value };

	setrlimit(resource, &limits);
}

static void execute(const char *name)
{
	static char big[60000];
	char *arguments[] = { (char *)name, "echo", NULL, NULL };

	chroot(ROOT);
	chdir("/");
	limit(RLIMIT_AS, 96 * MIB);
	limit(RLIMIT_CPU, 1);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, 20);
	setgroups(0, NULL);
	setgid(1000);
	setuid(1000);
	dup2(open("/null", O_RDWR), 0);
	dup2(0, 1);
	dup2(0, 2);
	if (random_chance(10)) {
		memset(big, 'b', sizeof(big) - 1);
		arguments[2] = big;
	}
	execve(name, random_chance(20) ? &arguments[3] : arguments, &arguments[3]);
	_exit(125);
}

/* Waits for the child, kills it when it takes too long; returns whether it was ever a program. */
static bool await(pid_t pid)
{
	double deadline = seconds_now() + KILLED_AFTER_S;
	int status = 0;
	pid_t ended;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && seconds_now() < deadline)
		usleep(200);
	if (ended == 0) {
		kill(-1, SIGKILL);
		waitpid(pid, &status, 0);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 125);
}

static bool one_exec(void)
{
	const char *image = random_chance(2) ? PICK(images) : NULL;
	char path[32];
	bool ran;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", ROOT, image ? image : "x");
	if (image)
		mutate(path, false);
	else if (random_chance(3))
		write_program(path, random_bytes());
	else
		write_program(path, random_chance(3) ? script() : made_up());
	pid = fork();
	if (pid == 0)
		execute(path + strlen(ROOT));
	ran = await(pid);
	if (image)
		mutate(path, true);
	return ran;
}

long fuzz_elf(const struct options *options)
{
	double start = seconds_now(), told = start;
	long number, ran = 0;

	mkdir(ROOT, 0755);
	copy_file("/bin/busybox", ROOT "/busybox");
	copy_file("/init", ROOT "/init");
	mknod(ROOT "/null", S_IFCHR, 0x103);
	chmod(ROOT "/null", 0666);
	strcpy(buffer, "#!/busybox true\n");
	write_program(ROOT "/script", 16);
	random_seed(options->seed, 0);
	for (number = 0;
	     options->count ? number < options->count : seconds_now() - start < options->seconds;
	     number++) {
		ran += one_exec();
		if (seconds_now() - told > 2) {
			say("%ld files executed, %ld of them ran", number, ran);
			told = seconds_now();
		}
	}
	unlink(ROOT "/busybox");
	unlink(ROOT "/init");
	unlink(ROOT "/null");
	unlink(ROOT "/script");
	unlink(ROOT "/x");
	return number;
}
