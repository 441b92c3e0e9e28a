/*
 * Job control: controlling terminals, foreground and background, signals from keys, sessions that
 * end. credentials(7), setsid(2), tcsetpgrp(3), ioctl_tty(2).
 *
 * Each check runs in a child that leads a session of its own on a fresh pty; what it finds it
 * prints itself.
 */
#include "terminal.h"

static struct terminal terminal;
static volatile sig_atomic_t last_signal;

static void note_signal(int sig)
{
	last_signal = sig;
}

static void catch_signal(int sig)
{
	struct sigaction action = { .sa_handler = note_signal };

	sigaction(sig, &action, NULL);
}

static bool signal_comes(int sig)
{
	for (int i = 0; i < WAIT_MS && last_signal != sig; i++)
		usleep(1000);
	bool came = last_signal == sig;
	last_signal = 0;
	return came;
}

/* Runs the check as leader of a new session that has the pty as its terminal. */
static void in_session(void (*check)(void))
{
	terminal_open(&terminal);
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		ioctl(terminal.slave, TIOCSCTTY, 0);
		check();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	terminal_close(&terminal);
}

/* A child in a group of its own, in the background. */
static pid_t background(int (*body)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		_exit(body());
	}
	setpgid(pid, pid);
	return pid;
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, WUNTRACED);
	return status;
}

static void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/*
 * ---- getting a terminal ------------------------------------------------------------------------
 */

static void claims_by_open(void)
{
	int fd;

	CHECK_ERRNO(no_terminal_at_first, open("/dev/tty", O_RDWR), ENXIO);
	fd = open(terminal.name, O_RDWR | O_NOCTTY);
	CHECK_ERRNO(o_noctty_claims_nothing, open("/dev/tty", O_RDWR), ENXIO);
	close(fd);
	fd = open(terminal.name, O_WRONLY);
	CHECK_ERRNO(write_only_claims_nothing, open("/dev/tty", O_RDWR), ENXIO);
	close(fd);
	fd = open(terminal.name, O_RDWR);
	int tty = open("/dev/tty", O_RDWR);
	CHECK(first_open_by_a_leader_claims, tty >= 0);
	CHECK_EQ(group_of_the_leader_is_in_front, tcgetpgrp(fd), getpgrp());
	CHECK_EQ(session_can_be_asked, tcgetsid(fd), getsid(0));
	CHECK_EQ(terminal_can_be_given_up, ioctl(tty, TIOCNOTTY), 0);
	CHECK_ERRNO(terminal_is_gone_then, open("/dev/tty", O_RDWR), ENXIO);
	CHECK_ERRNO(it_can_be_given_up_once, ioctl(fd, TIOCNOTTY), ENOTTY);
	CHECK_EQ(it_can_be_claimed_again, ioctl(fd, TIOCSCTTY, 0), 0);
	CHECK_EQ(claiming_twice_is_fine, ioctl(fd, TIOCSCTTY, 0), 0);
	close(tty);
	close(fd);
}

static void check_claiming(void)
{
	terminal_open(&terminal);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGHUP, SIG_IGN);
		setsid();
		claims_by_open();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	terminal_close(&terminal);
}

static int claim_as_child(void)
{
	return ioctl(terminal.slave, TIOCSCTTY, 0) == -1 ? errno : 0;
}

static int ask_group(void)
{
	setsid();
	return tcgetpgrp(terminal.slave) == -1 ? errno : 0;
}

static int steal(void)
{
	setsid();
	if (ioctl(terminal.slave, TIOCSCTTY, 0) != -1 || errno != EPERM)
		return 1;
	return ioctl(terminal.slave, TIOCSCTTY, 1) == 0 ? 0 : 2;
}

static void ownership(void)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	CHECK_EQ(only_a_leader_may_claim,
	         WEXITSTATUS(status_of(background(claim_as_child))), EPERM);
	pid_t stranger = fork();
	if (stranger == 0)
		_exit(ask_group());
	CHECK_EQ(strangers_may_not_ask_for_the_group, WEXITSTATUS(status_of(stranger)), ENOTTY);
	CHECK_EQ(group_of_the_master_can_be_asked, tcgetpgrp(terminal.master), getpgrp());
	CHECK_ERRNO(master_is_not_our_terminal, tcsetpgrp(terminal.master, -1), EINVAL);
	CHECK_ERRNO(negative_group_fails, tcsetpgrp(terminal.slave, -5), EINVAL);
	CHECK_ERRNO(unknown_group_fails, tcsetpgrp(terminal.slave, 999999), ESRCH);
	CHECK_ERRNO(group_of_another_session_fails, tcsetpgrp(terminal.slave, getppid()), EPERM);
	pid_t thief = fork();
	if (thief == 0)
		_exit(steal());
	CHECK_EQ(root_may_steal_if_it_says_so, WEXITSTATUS(status_of(thief)), 0);
	CHECK_ERRNO(stolen_terminal_is_gone, open("/dev/tty", O_RDWR), ENXIO);
}

/*
 * ---- keys --------------------------------------------------------------------------------------
 */

static void keys(void)
{
	catch_signal(SIGINT);
	catch_signal(SIGQUIT);
	catch_signal(SIGTSTP);
	catch_signal(SIGWINCH);
	TYPE(&terminal, "\x03");
	CHECK(ctrl_c_interrupts, signal_comes(SIGINT));
	COMES(ctrl_c_is_echoed, terminal.master, "^C");
	TYPE(&terminal, "\x1c");
	CHECK(ctrl_backslash_quits, signal_comes(SIGQUIT));
	TYPE(&terminal, "\x1a");
	CHECK(ctrl_z_stops, signal_comes(SIGTSTP));
	comes(terminal.master, "^\\^Z", 4);
	TYPE(&terminal, "abc\x03" "d\n");
	CHECK(signal_inside_a_line, signal_comes(SIGINT));
	COMES(signal_discards_the_line, terminal.slave, "d\n");
	comes(terminal.master, "abc^Cd\r\n", 8);
	settings_change(&terminal, 0, 0, ECHO, NOFLSH);
	TYPE(&terminal, "abc\x03" "d\n");
	CHECK(signal_with_noflsh, signal_comes(SIGINT));
	COMES(noflsh_keeps_the_line, terminal.slave, "abcd\n");
	settings_change(&terminal, 0, 0, ICANON, 0);
	TYPE(&terminal, "\x03");
	CHECK(isig_works_without_icanon, signal_comes(SIGINT));
	settings_change(&terminal, 0, 0, ISIG, 0);
	TYPE(&terminal, "\x03");
	COMES(without_isig_it_is_a_byte, terminal.slave, "\x03");
	struct winsize size = { .ws_row = 10 };
	ioctl(terminal.master, TIOCSWINSZ, &size);
	CHECK(new_size_is_told, signal_comes(SIGWINCH));
	ioctl(terminal.slave, TIOCSWINSZ, &size);
	usleep(MOMENT_MS * 1000);
	CHECK(same_size_is_not_told, !last_signal);
	CHECK_EQ(master_can_signal, ioctl(terminal.master, TIOCSIG, SIGINT), 0);
	CHECK(signal_of_the_master_comes, signal_comes(SIGINT));
	CHECK_ERRNO(master_cannot_signal_all, ioctl(terminal.master, TIOCSIG, SIGKILL), EINVAL);
}

static int wait_for_signal(void)
{
	while (pause() == -1)
		;
	return 0;
}

static void foreground_only(void)
{
	pid_t job = background(wait_for_signal);
	catch_signal(SIGINT);
	signal(SIGTTOU, SIG_IGN);
	CHECK_EQ(group_can_be_put_in_front, tcsetpgrp(terminal.slave, job), 0);
	CHECK_EQ(group_in_front_is_the_jobs, tcgetpgrp(terminal.slave), job);
	TYPE(&terminal, "\x03");
	int status = status_of(job);
	CHECK(key_reaches_the_group_in_front, WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	CHECK(key_reaches_no_one_else, !last_signal);
	CHECK_EQ(front_can_be_taken_back, tcsetpgrp(terminal.slave, getpgrp()), 0);
	job = background(wait_for_signal);
	tcsetpgrp(terminal.slave, job);
	TYPE(&terminal, "\x1a");
	status = status_of(job);
	CHECK(job_can_be_stopped_by_key, WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
	tcsetpgrp(terminal.slave, getpgrp());
	finish(job);
}

/*
 * ---- background
 * ----------------------------------------------------------------------------------
 */

static int read_terminal(void)
{
	char byte;
	ssize_t n = read(terminal.slave, &byte, 1);

	return n == -1 ? errno : (int)n;
}

static int read_ignoring(void)
{
	signal(SIGTTIN, SIG_IGN);
	return read_terminal();
}

static int read_blocking(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTTIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return read_terminal();
}

static int write_terminal(void)
{
	return write(terminal.slave, "x", 1) == 1 ? 0 : errno;
}

static int write_ignoring(void)
{
	signal(SIGTTOU, SIG_IGN);
	return write_terminal();
}

static int take_front(void)
{
	return tcsetpgrp(terminal.slave, getpgrp()) == 0 ? 0 : errno;
}

static int take_front_ignoring(void)
{
	signal(SIGTTOU, SIG_IGN);
	return take_front();
}

static int change_settings(void)
{
	struct termios settings;

	tcgetattr(terminal.slave, &settings);
	return tcsetattr(terminal.slave, TCSANOW, &settings) == 0 ? 0 : errno;
}

static bool is_stopped_by(int (*body)(void), int sig)
{
	pid_t pid = background(body);
	int status = status_of(pid);
	bool is_stopped = WIFSTOPPED(status) && WSTOPSIG(status) == sig;

	if (is_stopped)
		finish(pid);
	return is_stopped;
}

static int exit_of(int (*body)(void))
{
	int status = status_of(background(body));

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void background_access(void)
{
	CHECK(background_read_stops, is_stopped_by(read_terminal, SIGTTIN));
	CHECK_EQ(background_read_ignoring_SIGTTIN_fails, exit_of(read_ignoring), EIO);
	CHECK_EQ(background_read_blocking_SIGTTIN_fails, exit_of(read_blocking), EIO);
	CHECK_EQ(background_write_is_allowed, exit_of(write_terminal), 0);
	settings_change(&terminal, 0, 0, 0, TOSTOP);
	CHECK(background_write_stops_with_tostop, is_stopped_by(write_terminal, SIGTTOU));
	CHECK_EQ(ignoring_SIGTTOU_lets_write, exit_of(write_ignoring), 0);
	CHECK(background_settings_stop, is_stopped_by(change_settings, SIGTTOU));
	CHECK(background_tcsetpgrp_stops, is_stopped_by(take_front, SIGTTOU));
	CHECK_EQ(ignoring_SIGTTOU_lets_take_the_front, exit_of(take_front_ignoring), 0);
}

static int orphan_reads(void)
{
	int ends[2], result = -1;
	char byte;

	if (pipe(ends))
		return 99;
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		if (fork() == 0) {
			/*
			 * the parent in the same session, other group, goes: the group is orphaned
			 */
			usleep(MOMENT_MS * 2000);
			result = read_terminal();
			byte = (char)result;
			_exit(write(ends[1], &byte, 1) != 1);
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return read(ends[0], &byte, 1) == 1 ? byte : 98;
}

static void orphans(void)
{
	CHECK_EQ(orphaned_group_reads_EIO, exit_of(orphan_reads), EIO);
}

/*
 * ---- the end
 * -------------------------------------------------------------------------------------
 */

/* The leader exits while a job is in front: how the job ends. */
static void check_leader_exit(void)
{
	int ends[2];
	char byte = 0;

	terminal_open(&terminal);
	if (pipe(ends))
		return;
	pid_t leader = fork();
	if (leader == 0) {
		setsid();
		ioctl(terminal.slave, TIOCSCTTY, 0);
		signal(SIGTTOU, SIG_IGN);
		pid_t job = fork();
		if (job == 0) {
			setpgid(0, 0);
			catch_signal(SIGHUP);
			byte = 'r';
			if (write(ends[1], &byte, 1) != 1)
				_exit(1);
			byte = signal_comes(SIGHUP) ? 'h' : '-';
			_exit(write(ends[1], &byte, 1) != 1);
		}
		setpgid(job, job);
		tcsetpgrp(terminal.slave, job);
		if (read(ends[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	waitpid(leader, NULL, 0);
	CHECK(group_in_front_is_hung_up_when_the_leader_exits,
	      read(ends[0], &byte, 1) == 1 && byte == 'h');
	CHECK_EQ(terminal_is_free_then, tcgetpgrp(terminal.master), 0);
	close(ends[0]);
	close(ends[1]);
	terminal_close(&terminal);
}

static int hung_up_leader(int report)
{
	char buffer[4];
	char results[3];

	setsid();
	ioctl(terminal.slave, TIOCSCTTY, 0);
	close(terminal.master);
	catch_signal(SIGHUP);
	catch_signal(SIGCONT);
	if (write(report, "r", 1) != 1)
		return 1;
	errno = 0;
	results[0] = read(terminal.slave, buffer, 1) == -1 ? (char)errno : 0;
	results[1] = last_signal != 0;
	results[2] = open("/dev/tty", O_RDWR) == -1 ? (char)errno : 0;
	return write(report, results, 3) != 3;
}

static void check_hang_up(void)
{
	char results[3] = { 0 };
	int ends[2];

	terminal_open(&terminal);
	if (pipe(ends))
		return;
	pid_t leader = fork();
	if (leader == 0)
		_exit(hung_up_leader(ends[1]));
	if (read(ends[0], results, 1) == 1)
		usleep(MOMENT_MS * 2000);
	terminal_close(&terminal);
	ssize_t n = read(ends[0], results, 3);
	CHECK_EQ(leader_reports, n, 3);
	CHECK(leader_is_told_of_the_hang_up, results[1]);
	CHECK_EQ(session_has_lost_its_terminal, results[2], ENXIO);
	waitpid(leader, NULL, 0);
	close(ends[0]);
	close(ends[1]);
}

static void hang_up_by_call(void)
{
	char byte;

	catch_signal(SIGHUP);
	int fd = open(terminal.name, O_RDWR | O_NOCTTY);
	CHECK_EQ(terminal_can_be_hung_up, ioctl(fd, 0x5437 /* TIOCVHANGUP */), 0);
	CHECK(hang_up_is_signalled, signal_comes(SIGHUP) || last_signal == 0);
	CHECK_EQ(hung_up_file_reads_the_end, read(fd, &byte, 1), 0);
	CHECK_ERRNO(hung_up_file_cannot_be_written, write(fd, "x", 1), EIO);
	int again = open(terminal.name, O_RDWR | O_NOCTTY);
	CHECK(terminal_can_be_opened_afresh, again >= 0);
	CHECK_EQ(fresh_file_works, write(again, "x", 1), 1);
	close(again);
	close(fd);
}

int main(void)
{
	check_claiming();
	in_session(ownership);
	in_session(keys);
	in_session(foreground_only);
	in_session(background_access);
	in_session(orphans);
	check_leader_exit();
	check_hang_up();
	in_session(hang_up_by_call);
	return 0;
}
