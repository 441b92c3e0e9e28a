/*
 * execve: what cannot be executed and why, who becomes who by set-id bits.
 */
#define _GNU_SOURCE
#include "exec.h"

#include <elf.h>
#include <signal.h>
#include <sys/syscall.h>

static char *volatile bad_text = (char *)8;
static char **volatile bad_vector = (char **)8;

static void check_errors(void)
{
	char *argv[] = { "x", NULL }, *bad[] = { bad_text, NULL };
	char long_name[5000];

	CHECK_ERRNO(missing_file, execve("/tmp/missing", argv, environ), ENOENT);
	CHECK_ERRNO(empty_name, execve("", argv, environ), ENOENT);
	CHECK_ERRNO(directory_is_not_executable, execve("/tmp", argv, environ), EACCES);
	CHECK_ERRNO(bad_name, execve(bad_text, argv, environ), EFAULT);
	CHECK_ERRNO(bad_vector_of_arguments, execve("/tmp/it", bad_vector, environ), EFAULT);
	CHECK_ERRNO(bad_argument, execve("/tmp/it", bad, environ), EFAULT);
	CHECK_ERRNO(bad_environment, execve("/tmp/it", argv, bad), EFAULT);
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = 0;
	CHECK_ERRNO(long_name_fails, execve(long_name, argv, environ), ENAMETOOLONG);
	write_file("plain", "hello", 5, 0644);
	CHECK_ERRNO(file_without_x_even_for_root, execve("plain", argv, environ), EACCES);
	chmod("plain", 0755);
	CHECK_ERRNO(text_without_an_interpreter, execve("plain", argv, environ), ENOEXEC);
	write_file("nothing", "", 0, 0755);
	CHECK_ERRNO(empty_file, execve("nothing", argv, environ), ENOEXEC);
	CHECK_ERRNO(file_as_a_directory, execve("plain/x", argv, environ), ENOTDIR);
	symlink("loop", "loop");
	CHECK_ERRNO(loop_of_links, execve("loop", argv, environ), ELOOP);
	mkfifo("fifo", 0777);
	CHECK_ERRNO(fifo_is_not_executable, execve("fifo", argv, environ), EACCES);
	int fd = open("it", O_RDWR);
	CHECK_ERRNO(file_that_is_written_is_busy, execve("it", argv, environ), ETXTBSY);
	close(fd);
	CHECK_ERRNO(running_program_cannot_be_written, open(self, O_WRONLY), ETXTBSY);
	CHECK_ERRNO(running_program_cannot_be_truncated, truncate(self, 0), ETXTBSY);
	mkdir("closed", 0700);
	copy_self("closed/it", 0755);
	pid_t pid = fork();
	if (pid == 0) {
		setuid(1000);
		CHECK_ERRNO(closed_directory, execve("closed/it", argv, environ), EACCES);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	CHECK_EQ(failed_execs_change_nothing, getpid(), syscall(SYS_gettid));
}

static void check_elf_errors(void)
{
	static char file[8192];
	Elf64_Ehdr *elf = (Elf64_Ehdr *)file;
	char *argv[] = { "x", NULL };
	int fd = open(self, O_RDONLY);

	read(fd, file, sizeof(file));
	close(fd);
#define TRY(name, size, want)                                                                      \
	do {                                                                                       \
		write_file("bad", file, (size), 0755);                                             \
		CHECK_ERRNO(name, execve("bad", argv, environ), want);                             \
	} while (0)
	Elf64_Ehdr good = *elf;
	TRY(elf_of_four_bytes, 4, ENOEXEC);
	TRY(elf_of_a_cut_header, 40, ENOEXEC);
	TRY(elf_without_its_program_headers, 64, ENOEXEC);
	elf->e_machine = EM_AARCH64;
	TRY(elf_of_another_machine, sizeof(file), ENOEXEC);
	*elf = good;
	elf->e_type = ET_REL;
	TRY(elf_that_is_an_object, sizeof(file), ENOEXEC);
	*elf = good;
	elf->e_type = ET_CORE;
	TRY(elf_that_is_a_core, sizeof(file), ENOEXEC);
	*elf = good;
	elf->e_phnum = 0;
	TRY(elf_without_program_headers, sizeof(file), ENOEXEC);
	*elf = good;
	elf->e_phentsize = 32;
	TRY(elf_with_another_size_of_headers, sizeof(file), ENOEXEC);
	*elf = good;
	elf->e_phoff = 1ul << 40;
	TRY(elf_with_headers_beyond_its_end, sizeof(file), ENOEXEC);
	*elf = good;
	elf->e_phnum = 65535;
	TRY(elf_with_too_many_headers, sizeof(file), ENOEXEC);
	*elf = good;
	Elf64_Phdr *phdr = (Elf64_Phdr *)(file + elf->e_phoff), *last = &phdr[elf->e_phnum - 1];
	Elf64_Phdr kept = *last;
	last->p_type = PT_INTERP;
	last->p_offset = 4096;
	last->p_filesz = 20;
	strcpy(file + 4096, "/tmp/no-interpreter");
	TRY(elf_with_a_missing_interpreter, sizeof(file), ENOENT);
	strcpy(file + 4096, "/tmp/plain");
	last->p_filesz = 11;
	TRY(elf_with_a_text_for_interpreter, sizeof(file), EIO);
	last->p_filesz = 20;
	memset(file + 4096, 'x', 20);
	TRY(elf_with_an_endless_interpreter, sizeof(file), ENOEXEC);
	last->p_filesz = 5000;
	TRY(elf_with_a_long_interpreter, sizeof(file), ENOEXEC);
	last->p_filesz = 1;
	TRY(elf_with_an_empty_interpreter, sizeof(file), ENOEXEC);
	*last = kept;
#undef TRY
}

static void check_ids(void)
{
	char *argv[] = { "x", "ids", NULL };
	static const struct {
		mode_t mode;
		bool no_new_privs;
	} tries[] = { { 0755, false },  { 04755, false }, { 02755, false },
		      { 02745, false }, { 06755, false }, { 06755, true } };

	copy_self("owned", 0755);
	chown("owned", 2001, 2002);
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		chmod("owned", tries[i].mode);
		pid_t pid = fork();
		if (pid == 0) {
			syscall(SYS_setgroups, 0, NULL);
			setgid(1000);
			setuid(1000);
			if (tries[i].no_new_privs)
				prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			OUT("mode %o%s", tries[i].mode,
			    tries[i].no_new_privs ? " without new privileges" : "");
			execve("/tmp/owned", argv, environ);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
	}
	chown("owned", 0, 0);
	chmod("owned", 06755);
	pid_t pid = fork();
	if (pid == 0) {
		setgid(1000);
		setuid(1000);
		execve("/tmp/owned", argv, environ);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	write_file("script", "#!/tmp/it ids\n", 14, 06755);
	chown("script", 2001, 2002);
	chmod("script", 06755);
	pid = fork();
	if (pid == 0) {
		OUT("set-id script");
		execve("/tmp/script", argv, environ);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	if (getenv("EXECUTED"))
		return executed(argc, argv);
	check_begin(argv);
	check_errors();
	check_elf_errors();
	check_ids();
	return 0;
}
