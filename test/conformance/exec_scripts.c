/*
 * execve of scripts, and execveat.
 */
#define _GNU_SOURCE
#include "exec.h"

#include <sys/mman.h>
#include <sys/syscall.h>

static void check_scripts(void)
{
	static char text[1024];
	char *argv[] = { "zero", "one", "two", NULL };
	int status;

#define RUN(what, string)                                                                          \
	do {                                                                                       \
		write_file("script", string, sizeof(string) - 1, 0755);                            \
		pid_t pid = fork();                                                                \
		if (pid == 0) {                                                                    \
			execve("./script", argv, environ);                                         \
			_exit(100 + errno % 100);                                                  \
		}                                                                                  \
		waitpid(pid, &status, 0);                                                          \
		OUT("script %s: 0x%x", what, status);                                              \
	} while (0)
	RUN("plain", "#!/tmp/it\n");
	RUN("with one argument", "#!/tmp/it -x\n");
	RUN("with blanks", "#!  \t /tmp/it \t a b  c \t\n");
	RUN("without newline", "#!/tmp/it last");
	RUN("of a relative interpreter", "#!it rel\n");
	RUN("without interpreter", "#!\n");
	RUN("with only blanks", "#!    \n");
	RUN("with a missing interpreter", "#!/tmp/missing\n");
	RUN("with a directory", "#!/tmp\n");
	RUN("with text for interpreter", "#!/tmp/plain\n");
	RUN("with a zero byte", "#!/tmp/it a\0b\n");
	RUN("with carriage return", "#!/tmp/it\r\n");
#undef RUN
	/* Each in front of the other: five levels are allowed. */
	for (int i = 1; i <= 7; i++) {
		char name[32];
		int length = i == 1 ? sprintf(text, "#!/tmp/it level1\n")
				    : sprintf(text, "#!/tmp/level%d level%d\n", i - 1, i);
		sprintf(name, "level%d", i);
		write_file(name, text, (size_t)length, 0755);
		pid_t pid = fork();
		if (pid == 0) {
			execve(name, argv, environ);
			_exit(100 + errno % 100);
		}
		waitpid(pid, &status, 0);
		OUT("scripts of %d levels: 0x%x", i, status);
	}
	/* A first line that is too long: the argument is cut, an interpreter is not. */
	for (int length = 250; length <= 260; length++) {
		memset(text, 'y', sizeof(text));
		memcpy(text, "#!/tmp/it ", 10);
		text[length - 1] = '\n';
		write_file("script", text, 1000, 0755);
		pid_t pid = fork();
		if (pid == 0) {
			execve("./script", argv, environ);
			_exit(100 + errno % 100);
		}
		waitpid(pid, &status, 0);
		OUT("line of %d: 0x%x", length, status);
	}
	memset(text, 'y', sizeof(text));
	memcpy(text, "#!/tmp/", 7);
	write_file("script", text, sizeof(text), 0755);
	CHECK_ERRNO(interpreter_name_that_is_cut, execve("script", argv, environ), ENOEXEC);
}

static void check_execveat(void)
{
	char *argv[] = { "x", "execfn", NULL };
	int status, dir = open("/tmp", O_RDONLY | O_DIRECTORY), file = open("it", O_RDONLY);
	int closing = open("it", O_RDONLY | O_CLOEXEC), path = open("it", O_PATH);

	symlink("it", "link");
	write_file("script", "#!/tmp/it\n", 10, 0755);
	int script = open("script", O_RDONLY), hidden = open("script", O_RDONLY | O_CLOEXEC);
	struct {
		const char *what;
		int fd;
		const char *name;
		int flags;
	} tries[] = {
		{ "a directory", dir, "it", 0 },
		{ "the current directory", AT_FDCWD, "it", 0 },
		{ "an absolute name", 9999, "/tmp/it", 0 },
		{ "an open file", file, "", AT_EMPTY_PATH },
		{ "a closing file", closing, "", AT_EMPTY_PATH },
		{ "a path", path, "", AT_EMPTY_PATH },
		{ "an empty name", file, "", 0 },
		{ "a link", dir, "link", 0 },
		{ "a link not to be followed", dir, "link", AT_SYMLINK_NOFOLLOW },
		{ "no link not to be followed", dir, "it", AT_SYMLINK_NOFOLLOW },
		{ "a bad descriptor", 9999, "it", 0 },
		{ "a bad descriptor itself", 9999, "", AT_EMPTY_PATH },
		{ "a file as directory", file, "it", 0 },
		{ "the directory itself", dir, "", AT_EMPTY_PATH },
		{ "an unknown flag", dir, "it", 0x100000 },
		{ "a closing script", hidden, "", AT_EMPTY_PATH },
	};
	(void)script;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		pid_t pid = fork();
		if (pid == 0) {
			dup2(tries[i].fd, 50);
			if (fcntl(tries[i].fd, F_GETFD) == FD_CLOEXEC)
				fcntl(50, F_SETFD, FD_CLOEXEC);
			syscall(SYS_execveat,
				tries[i].fd >= 0 && tries[i].fd < 100 ? 50 : tries[i].fd,
				tries[i].name, argv, environ, tries[i].flags);
			OUT("errno %d", errno);
			_exit(98);
		}
		waitpid(pid, &status, 0);
		OUT("execveat of %s: 0x%x", tries[i].what, status);
	}
	int memory = memfd_create("program", MFD_CLOEXEC);
	static char buffer[65536];
	ssize_t got;
	int from = open(self, O_RDONLY);
	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		write(memory, buffer, (size_t)got);
	pid_t pid = fork();
	if (pid == 0) {
		char *words[] = { "x", "exit", "17", NULL };
		syscall(SYS_execveat, memory, "", words, environ, AT_EMPTY_PATH);
		_exit(100 + errno % 100);
	}
	waitpid(pid, &status, 0);
	OUT("written memfd: 0x%x", status);
	close(memory);
	close(from);
}

int main(int argc, char **argv)
{
	if (getenv("EXECUTED"))
		return executed(argc, argv);
	check_begin(argv);
	write_file("plain", "hello", 5, 0755);
	check_scripts();
	check_execveat();
	return 0;
}
