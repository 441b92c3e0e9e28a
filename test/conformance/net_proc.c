/*
 * What /proc/net, /sys/class/net and /proc/sys/net say of the loopback interface and of sockets,
 * field for field. proc(5)
 */
#define _GNU_SOURCE
#include "check.h"
#include "proc_files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LO "/sys/class/net/lo/"

static int lo_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), result = ioctl(fd, SIOCSIFFLAGS, &req);

	close(fd);
	return result;
}

/* The first line of a file. */
static void show_heading(const char *path)
{
	char *end;

	if (file_read(path) < 0) {
		OUT("%s: missing", path);
		return;
	}
	end = strchr(file_text, '\n');
	if (end)
		*end = '\0';
	OUT("%s: '%s'", path, file_text);
}

static void check_headings(void)
{
	static const char *const files[] = { "arp", "dev", "icmp", "icmp6", "netlink", "packet",
		"raw", "raw6", "route", "tcp", "tcp6", "udp", "udp6", "unix", "ptype" };
	char path[64];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/net/%s", files[i]);
		show_heading(path);
	}
}

/* Names of the columns of a table of names and values. */
static void check_snmp(void)
{
	char *line;

	file_read("/proc/net/snmp");
	for (line = strtok(file_text, "\n"); line; line = strtok(NULL, "\n")) {
		char *colon = strchr(line, ':');

		if (colon && colon[2] >= 'A' && strncmp(line, "IcmpMsg", 7))
			OUT("%s", line);
	}
}

/* ---- sockets --------------------------------------------------------------------------------- */

/* The line that has this in it, without the bucket, the inode and the address in the kernel. */
static void show_socket(const char *path, const char *which, int inode_column)
{
	char *line, text[256] = "";
	int column = 0;

	file_read(path);
	for (line = strtok(file_text, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, which))
			break;
	if (!line) {
		OUT("%s: no %s", path, which);
		return;
	}
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "), column++) {
		if (column && column != inode_column && column != inode_column + 2) {
			strcat(text, " ");
			strcat(text, word);
		}
	}
	OUT("%s:%s", path, text);
}

static int bound(int family, int type, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((unsigned short)port) };
	int fd = socket(family, type, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in6.sin6_addr = in6addr_loopback;
	if (family == AF_INET ? bind(fd, (void *)&in, sizeof(in)) : bind(fd, (void *)&in6,
									  sizeof(in6)))
		return -1;
	return fd;
}

static void check_sockets(void)
{
	int tcp = bound(AF_INET, SOCK_STREAM, 4711), udp = bound(AF_INET, SOCK_DGRAM, 4712);
	int tcp6 = bound(AF_INET6, SOCK_STREAM, 4713), udp6 = bound(AF_INET6, SOCK_DGRAM, 4714);
	int raw = socket(AF_INET, SOCK_RAW, 200), client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(4711) };

	show_socket("/proc/net/tcp", ":1267", 9);
	listen(tcp, 5);
	listen(tcp6, 5);
	show_socket("/proc/net/tcp", ":1267", 9);
	show_socket("/proc/net/udp", ":1268", 9);
	show_socket("/proc/net/tcp6", ":1269", 9);
	show_socket("/proc/net/udp6", ":126A", 9);
	show_socket("/proc/net/raw", ":00C8", 9);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(a_connection, connect(client, (void *)&in, sizeof(in)), 0);
	show_socket("/proc/net/tcp", ":1267 00000000", 9);
	CHECK_EQ(a_datagram, sendto(udp, "hello", 5, 0, (void *)&in, sizeof(in)), 5);
	close(raw);
	close(client);
	close(tcp);
	close(tcp6);
	close(udp);
	close(udp6);
}

static void check_netlink(void)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_pid = 4711, .nl_groups = 5 };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	char *line;

	bind(fd, (void *)&name, sizeof(name));
	file_read("/proc/net/netlink");
	line = strstr(file_text, " 4711 ");
	CHECK(a_netlink_socket_is_listed, line != NULL);
	if (line)
		OUT("%.54s", line);
	close(fd);
}

/* ---- interfaces ------------------------------------------------------------------------------ */

static void check_lo(void)
{
	static const char *const files[] = { "addr_len", "address", "broadcast", "carrier",
		"dev_id", "dev_port", "dormant", "duplex", "flags", "ifalias", "ifindex", "iflink",
		"link_mode", "mtu", "netdev_group", "operstate", "proto_down", "speed",
		"tx_queue_len", "type", "uevent" };
	char path[64];
	struct stat st;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), LO "%s", files[i]);
		errno = 0;
		if (file_read(path) < 0)
			OUT("%s: errno %d", files[i], errno);
		else
			OUT("%s: %s", files[i], file_text);
		stat(path, &st);
		if (strcmp(files[i], "ifalias") && strcmp(files[i], "uevent"))
			OUT("%s: mode %o", files[i], st.st_mode);
	}
	CHECK(statistics_are_numbers, file_read(LO "statistics/rx_bytes") > 0 &&
	      strspn(file_text, "0123456789\n") == strlen(file_text));
	CHECK(classes_link_to_devices, readlink("/sys/class/net/lo", path, sizeof(path) - 1) > 0 &&
	      !strncmp(path, "../../devices/virtual/net/lo", 28));
	CHECK_ERRNO(there_is_no_other, access("/sys/class/net/nosuch0", F_OK), ENOENT);
	CHECK(lo_is_in_dev, file_read("/proc/net/dev") > 0 && strstr(file_text, "\n    lo: "));
	CHECK(lo_has_an_address_of_ipv6, file_read("/proc/net/if_inet6") > 0 &&
	      strstr(file_text, "00000000000000000000000000000001 01 80 10 80       lo\n"));
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), result;

	if (fd < 0)
		return -1;
	result = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	close(fd);
	return result;
}

static void check_settings(void)
{
	static const char *const files[] = { "core/somaxconn", "core/rmem_max", "core/wmem_max",
		"core/rmem_default", "core/wmem_default", "ipv4/ip_forward", "ipv4/ip_default_ttl",
		"ipv4/ip_local_port_range", "ipv4/ip_unprivileged_port_start",
		"ipv4/ping_group_range", "ipv4/ip_nonlocal_bind", "ipv4/igmp_max_memberships",
		"ipv4/tcp_keepalive_time", "ipv4/tcp_keepalive_intvl",
		"ipv4/tcp_keepalive_probes", "ipv4/tcp_window_scaling", "ipv4/tcp_timestamps",
		"ipv4/conf/all/forwarding", "ipv4/conf/lo/accept_local", "ipv6/bindv6only",
		"ipv6/conf/lo/forwarding", "ipv6/conf/default/accept_ra",
		"ipv6/conf/default/autoconf", "ipv6/conf/default/hop_limit",
		"ipv6/conf/lo/disable_ipv6", "unix/max_dgram_qlen" };
	char path[96];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/%s", files[i]);
		if (file_read(path) < 0)
			OUT("%s: errno %d", files[i], errno);
		else
			OUT("%s: %s", files[i], file_text);
	}
	CHECK_EQ(ports_can_be_set,
		 write_text("/proc/sys/net/ipv4/ip_local_port_range", "40000 50001\n"), 0);
	file_read("/proc/sys/net/ipv4/ip_local_port_range");
	OUT("%s", file_text);
	CHECK_ERRNO(not_the_wrong_way_round,
		    write_text("/proc/sys/net/ipv4/ip_local_port_range", "50001 40000\n"), EINVAL);
	CHECK_EQ(and_back,
		 write_text("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999"), 0);
	CHECK_EQ(nothing_is_forwarded, write_text("/proc/sys/net/ipv4/ip_forward", "0"), 0);
	CHECK_ERRNO(no_ttl_of_256, write_text("/proc/sys/net/ipv4/ip_default_ttl", "256"), EINVAL);
	CHECK_EQ(mtu_by_file, write_text(LO "mtu", "9000\n"), 0);
	CHECK(it_is_read_back, file_read(LO "mtu") > 0 && !strcmp(file_text, "9000\n"));
	CHECK_EQ(and_set_back, write_text(LO "mtu", "65536\n"), 0);
	CHECK_ERRNO(no_mtu_at_all, write_text(LO "mtu", "many\n"), EINVAL);
}

int main(void)
{
	CHECK_EQ(lo_comes_up, lo_up(), 0);
	check_headings();
	check_snmp();
	check_sockets();
	check_netlink();
	check_lo();
	check_settings();
	return 0;
}
