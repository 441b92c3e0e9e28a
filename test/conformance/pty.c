/*
 * Pseudo-terminals: pairs, locking, hang-up of either side, packet mode, devpts. pty(7),
 * ioctl_tty(2).
 */
#include "terminal.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void check_opening(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), number = -1, lock = 0, slave;
	struct stat status;
	char name[32];

	CHECK(ptmx_can_be_opened, master >= 0);
	CHECK_EQ(number_can_be_asked, ioctl(master, TIOCGPTN, &number), 0);
	CHECK(number_is_not_negative, number >= 0);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	CHECK_EQ(node_appears, stat(name, &status), 0);
	CHECK(node_is_a_character_device, S_ISCHR(status.st_mode));
	CHECK_EQ(node_has_major_136, major(status.st_rdev), 136);
	CHECK_EQ(node_has_its_number_as_minor, (int)minor(status.st_rdev), number);
	CHECK_EQ(node_belongs_to_the_opener, status.st_uid, getuid());
	CHECK_EQ(new_slave_is_locked, ioctl(master, TIOCGPTLCK, &lock) == 0 ? lock : -1, 1);
	CHECK_ERRNO(locked_slave_cannot_be_opened, open(name, O_RDWR | O_NOCTTY), EIO);
	lock = 0;
	CHECK_EQ(slave_can_be_unlocked, ioctl(master, TIOCSPTLCK, &lock), 0);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(unlocked_slave_can_be_opened, slave >= 0);
	CHECK_EQ(master_is_a_terminal, isatty(master), 1);
	CHECK_EQ(slave_is_a_terminal, isatty(slave), 1);
	CHECK_ERRNO(slave_has_no_pty_number, ioctl(slave, TIOCGPTN, &number), ENOTTY);
	CHECK_ERRNO(slave_cannot_be_locked_by_itself, ioctl(slave, TIOCSPTLCK, &lock), ENOTTY);
	int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	CHECK(peer_can_be_opened_without_name, peer >= 0);
	CHECK_EQ(peer_is_the_slave,
	         fstat(peer, &status) == 0 && (int)minor(status.st_rdev) == number, 1);
	close(peer);
	CHECK_ERRNO(device_with_a_slaves_number_elsewhere_fails,
	            mknod("stray", S_IFCHR | 0600, makedev(136, (unsigned)number)) == 0
	                    ? open("stray", O_RDWR | O_NOCTTY) : -2, EIO);
	unlink("stray");
	close(slave);
	close(master);
	CHECK_ERRNO(node_vanishes_with_the_master, stat(name, &status), ENOENT);
}

static void check_numbers(void)
{
	struct terminal terminals[4], again;
	int numbers[5];

	for (int i = 0; i < 4; i++) {
		terminal_open(&terminals[i]);
		ioctl(terminals[i].master, TIOCGPTN, &numbers[i]);
	}
	CHECK(numbers_are_the_lowest_free,
	      numbers[1] == numbers[0] + 1 && numbers[3] == numbers[2] + 1);
	terminal_close(&terminals[1]);
	terminal_open(&again);
	ioctl(again.master, TIOCGPTN, &numbers[4]);
	CHECK_EQ(number_is_used_again, numbers[4], numbers[1]);
	terminal_close(&again);
	terminal_close(&terminals[0]);
	terminal_close(&terminals[2]);
	terminal_close(&terminals[3]);
}

static void check_data(void)
{
	struct terminal terminal;
	char buffer[16];

	terminal_open(&terminal);
	settings_raw(&terminal, 1, 0);
	CHECK_EQ(slave_writes, write(terminal.slave, "out", 3), 3);
	COMES(master_reads_it, terminal.master, "out");
	CHECK_EQ(master_writes, write(terminal.master, "in", 2), 2);
	COMES(slave_reads_it, terminal.slave, "in");
	fcntl(terminal.master, F_SETFL, O_RDWR | O_NONBLOCK);
	CHECK_ERRNO(empty_master_would_block, read(terminal.master, buffer, 4), EAGAIN);
	CHECK(idle_master_is_writable, is_ready(terminal.master, POLLOUT, 0));
	CHECK(idle_master_is_not_readable, !is_ready(terminal.master, POLLIN, 0));
	CHECK_EQ(nul_bytes_pass, write(terminal.slave, "\0", 1), 1);
	CHECK(nul_byte_arrives, comes(terminal.master, "\0", 1));
	write(terminal.slave, "abc", 3);
	is_ready(terminal.master, POLLIN, WAIT_MS);
	int count = 0;
	ioctl(terminal.master, FIONREAD, &count);
	CHECK_EQ(fionread_of_the_master_counts_output, count, 3);
	CHECK_EQ(part_can_be_read, read(terminal.master, buffer, 2), 2);
	CHECK_EQ(rest_can_be_read, read(terminal.master, buffer, 2), 1);
	terminal_close(&terminal);
}

static void check_full_output(void)
{
	static char bytes[4096], buffer[4096];
	struct terminal terminal;
	long sent = 0, received = 0;
	ssize_t n;

	terminal_open(&terminal);
	settings_raw(&terminal, 1, 0);
	fcntl(terminal.slave, F_SETFL, O_RDWR | O_NONBLOCK);
	fcntl(terminal.master, F_SETFL, O_RDWR | O_NONBLOCK);
	while (sent < 1000000 && (n = write(terminal.slave, bytes, sizeof(bytes))) > 0)
		sent += n;
	CHECK(unread_output_is_limited, sent > 4000 && sent < 1000000);
	CHECK_ERRNO(full_output_would_block, write(terminal.slave, bytes, 1), EAGAIN);
	CHECK(full_terminal_is_not_writable, !is_ready(terminal.slave, POLLOUT, 0));
	while (is_ready(terminal.master, POLLIN, MOMENT_MS) &&
	       (n = read(terminal.master, buffer, sizeof(buffer))) > 0)
		received += n;
	CHECK_EQ(nothing_of_it_is_lost, received, sent);
	CHECK(emptied_terminal_is_writable, is_ready(terminal.slave, POLLOUT, WAIT_MS));
	terminal_close(&terminal);
}

static void check_closed_slave(void)
{
	struct pollfd poller;
	struct terminal terminal;
	char buffer[16];

	terminal_open(&terminal);
	settings_raw(&terminal, 1, 0);
	write(terminal.slave, "last", 4);
	close(terminal.slave);
	CHECK_EQ(output_survives_the_slaves_close, read(terminal.master, buffer, 4), 4);
	CHECK_ERRNO(master_then_reads_EIO, read(terminal.master, buffer, 4), EIO);
	poller = (struct pollfd){ .fd = terminal.master, .events = POLLIN | POLLOUT };
	poll(&poller, 1, WAIT_MS);
	CHECK(master_sees_hang_up, poller.revents & POLLHUP);
	CHECK(master_may_still_write, poller.revents & POLLOUT);
	terminal.slave = open(terminal.name, O_RDWR | O_NOCTTY);
	CHECK(slave_can_be_opened_again, terminal.slave >= 0);
	poll(&poller, 1, 0);
	CHECK(hang_up_is_over, !(poller.revents & POLLHUP));
	write(terminal.slave, "new", 3);
	COMES(new_slave_is_heard, terminal.master, "new");
	terminal_close(&terminal);
}

static int read_slave(void *data)
{
	char byte;
	ssize_t n = read(*(int *)data, &byte, 1);

	return n == -1 ? errno : (int)n;
}

static void check_closed_master(void)
{
	struct pollfd poller;
	struct terminal terminal;
	struct termios settings;
	char buffer[16];
	int status = 0;

	terminal_open(&terminal);
	settings_raw(&terminal, 1, 0);
	pid_t reader = fork();
	if (reader == 0) {
		close(terminal.master);
		_exit(read_slave(&terminal.slave));
	}
	usleep(MOMENT_MS * 2000);
	close(terminal.master);
	waitpid(reader, &status, 0);
	CHECK_EQ(waiting_reader_gets_EIO, WEXITSTATUS(status), EIO);
	CHECK_EQ(later_read_finds_the_end, read(terminal.slave, buffer, 4), 0);
	CHECK_ERRNO(write_fails_after_hang_up, write(terminal.slave, "x", 1), EIO);
	CHECK_ERRNO(ioctl_fails_after_hang_up, tcgetattr(terminal.slave, &settings), EIO);
	poller = (struct pollfd){ .fd = terminal.slave, .events = POLLIN | POLLOUT };
	poll(&poller, 1, 0);
	CHECK(poll_tells_of_hang_up, (poller.revents & (POLLIN | POLLOUT | POLLHUP | POLLERR)) ==
	                             (POLLIN | POLLOUT | POLLHUP | POLLERR));
	CHECK_ERRNO(slave_cannot_be_opened_any_more,
	            open(terminal.name, O_RDWR | O_NOCTTY), ENOENT);
	close(terminal.slave);
}

static void check_packets(void)
{
	struct terminal terminal;
	int on = 1;

	terminal_open(&terminal);
	settings_change(&terminal, 0, IXON, ECHO, 0);
	CHECK_EQ(packet_mode_can_be_set, ioctl(terminal.master, TIOCPKT, &on), 0);
	on = 0;
	CHECK_EQ(packet_mode_can_be_asked, ioctl(terminal.master, TIOCGPKT, &on) == 0 ? on : -1, 1);
	CHECK_ERRNO(slave_has_no_packet_mode, ioctl(terminal.slave, TIOCPKT, &on), ENOTTY);
	write(terminal.slave, "abc", 3);
	COMES(data_follow_a_zero, terminal.master, "\0abc");
	TYPE(&terminal, "\x13");
	COMES(stop_is_told, terminal.master, "\x04");
	TYPE(&terminal, "\x11");
	COMES(start_is_told, terminal.master, "\x08");
	tcflush(terminal.slave, TCIFLUSH);
	COMES(flush_of_input_is_told, terminal.master, "\x01");
	tcflush(terminal.slave, TCOFLUSH);
	COMES(flush_of_output_is_told, terminal.master, "\x02");
	settings_change(&terminal, IXON, 0, 0, 0);
	CHECK(status_is_urgent, is_ready(terminal.master, POLLPRI, WAIT_MS));
	COMES(no_flow_control_is_told, terminal.master, "\x10");
	settings_change(&terminal, 0, IXON, 0, 0);
	COMES(flow_control_is_told, terminal.master, "\x20");
	on = 0;
	ioctl(terminal.master, TIOCPKT, &on);
	write(terminal.slave, "abc", 3);
	COMES(plain_mode_has_plain_data, terminal.master, "abc");
	terminal_close(&terminal);
}

static void check_exclusive(void)
{
	struct terminal terminal;
	int value = -1;

	terminal_open(&terminal);
	CHECK_EQ(exclusive_mode_can_be_set, ioctl(terminal.slave, TIOCEXCL), 0);
	CHECK_EQ(exclusive_mode_can_be_asked,
	         ioctl(terminal.slave, TIOCGEXCL, &value) == 0 ? value : -1, 1);
	int again = open(terminal.name, O_RDWR | O_NOCTTY);
	CHECK(root_ignores_exclusive_mode, again >= 0);
	close(again);
	chmod(terminal.name, 0666);
	pid_t pid = fork();
	if (pid == 0) {
		if (setuid(65534))
			_exit(99);
		_exit(open(terminal.name, O_RDWR | O_NOCTTY) == -1 ? errno : 0);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	CHECK_EQ(others_are_kept_out, WEXITSTATUS(status), EBUSY);
	ioctl(terminal.slave, TIOCNXCL);
	ioctl(terminal.slave, TIOCGEXCL, &value);
	CHECK_EQ(exclusive_mode_can_be_left, value, 0);
	terminal_close(&terminal);
}

static void check_instances(void)
{
	struct stat status;
	char name[64];
	int first, second, number = -1;

	mkdir("one", 0755);
	CHECK_EQ(devpts_can_be_mounted, mount("devpts", "one", "devpts", 0,
	                                      "newinstance,ptmxmode=0666,mode=0620,gid=5"), 0);
	first = open("one/ptmx", O_RDWR | O_NOCTTY);
	CHECK(instance_has_a_ptmx, first >= 0);
	second = open("one/ptmx", O_RDWR | O_NOCTTY);
	ioctl(second, TIOCGPTN, &number);
	CHECK_EQ(instance_counts_from_zero, number, 1);
	CHECK_EQ(node_is_in_its_instance, stat("one/0", &status), 0);
	CHECK_EQ(mode_option_is_heeded, status.st_mode & 07777, 0620);
	CHECK_EQ(gid_option_is_heeded, status.st_gid, 5);
	stat("one/ptmx", &status);
	CHECK_EQ(ptmxmode_option_is_heeded, status.st_mode & 07777, 0666);
	CHECK_ERRNO(nothing_can_be_created_there, open("one/file", O_CREAT | O_RDWR, 0600), EACCES);
	CHECK_ERRNO(nodes_cannot_be_removed, unlink("one/0"), EPERM);
	snprintf(name, sizeof(name), "one/%d", number);
	CHECK_EQ(nodes_can_be_owned, chown(name, 1, 2), 0);
	stat(name, &status);
	CHECK(owner_is_kept, status.st_uid == 1 && status.st_gid == 2);
	close(first);
	close(second);
	CHECK_EQ(devpts_can_be_unmounted, umount("one"), 0);
	CHECK_ERRNO(unknown_option_fails,
	            mount("devpts", "one", "devpts", 0, "nonsense=1"), EINVAL);
	rmdir("one");
}

int main(void)
{
	check_opening();
	check_numbers();
	check_data();
	check_full_output();
	check_closed_slave();
	check_closed_master();
	check_packets();
	check_exclusive();
	check_instances();
	return 0;
}
