"""The network applets of busybox between two guests on one wire, by IPv4 and IPv6: the servers on the left, the
clients on the right. Servers that Debian's static busybox leaves out come from the same source (busybox_servers)."""

import re
import time

from harness import busybox_servers, network
from harness.console import Shell
from harness.promises import Promises
from harness.qemu import Guest

LEFT, LEFT6, RIGHT6 = "10.9.0.1", "fd00:9::1", "fd00:9::2"
RIGHT = "10.9.0.100"
UDHCPD = r"""start 10.9.0.100
end 10.9.0.100
interface eth0
lease_file /tmp/leases
option subnet 255.255.255.0
option router 10.9.0.1
option dns 10.9.0.1
option domain wire.test
option lease 3600
"""
TESTS = Promises()
promise = TESTS.add


class Lab:
    def __init__(self, left, right):
        self.left, self.right = left, right


def write(shell, name, text):
    quoted = text.replace("\n", "\\n")
    shell.check(f"printf '{quoted}' > {name}")


@promise
def udhcpd_gives_the_other_an_address(lab):
    for shell in (lab.left, lab.right):
        shell.run("killall udhcpc")
    lab.left.check(f"ip address add {LEFT}/24 dev eth0")
    write(lab.left, "/tmp/udhcpd.conf", UDHCPD)
    lab.left.check("touch /tmp/leases; udhcpd /tmp/udhcpd.conf")
    said = lab.right.check("udhcpc -i eth0 -n -q -f 2>&1", 60)
    assert f"lease of {RIGHT} obtained" in said, said
    shown = lab.right.check("ip -4 address show dev eth0; ip route; cat /etc/resolv.conf")
    assert f"inet {RIGHT}/24" in shown and f"default via {LEFT}" in shown, shown
    assert f"nameserver {LEFT}" in shown and "search wire.test" in shown, shown
    lab.left.check("killall udhcpd")


@promise
def addresses_of_ipv6_by_hand(lab):
    lab.left.check(f"ip -6 address add {LEFT6}/64 dev eth0")
    lab.right.check(f"ip -6 address add {RIGHT6}/64 dev eth0")
    for shell in (lab.left, lab.right):
        for _ in range(30):
            shown = shell.check("ip -6 address show dev eth0")
            if "tentative" not in shown:
                break
            time.sleep(0.3)
        assert "fe80::" in shown and "fd00:9::" in shown and "tentative" not in shown, shown


@promise
def a_second_owner_of_an_address_is_found_out(lab):
    lab.right.check("ip -6 address add fd00:9::77/64 dev eth0; sleep 3")
    lab.left.check("ip -6 address add fd00:9::77/64 dev eth0; sleep 3")
    shown = lab.left.check("ip -6 address show dev eth0")
    assert re.search("fd00:9::77/64 .*dadfailed", shown), shown
    lab.left.check("ip -6 address del fd00:9::77/64 dev eth0")
    lab.right.check("ip -6 address del fd00:9::77/64 dev eth0")


@promise
def ping_both_ways(lab):
    lab.right.check(f"ping -c 3 -W 10 {LEFT} | grep -q ' 0% packet loss'", 60)
    lab.left.check(f"ping -c 3 -W 10 {RIGHT} | grep -q ' 0% packet loss'", 60)
    lab.right.check(f"ping6 -c 3 -W 10 {LEFT6} | grep -q ' 0% packet loss'", 60)
    lab.left.check(f"ping6 -c 3 -W 10 {RIGHT6} | grep -q ' 0% packet loss'", 60)
    link_local = lab.left.check("ip -6 address show dev eth0 scope link | sed -n 's,.*inet6 \\(fe80[^/]*\\)/.*,\\1,p'")
    lab.right.check(f"ping6 -c 2 -W 10 {link_local}%eth0 | grep -q ' 0% packet loss'", 60)
    lab.right.check("ping6 -c 2 -W 10 ff02::1%eth0 >/dev/null", 60)


@promise
def fragments_are_put_together(lab):
    lab.right.check(f"ping -c 2 -W 10 -s 6000 {LEFT} | grep -q ' 0% packet loss'", 60)
    lab.right.check(f"ping6 -c 2 -W 10 -s 6000 {LEFT6} | grep -q ' 0% packet loss'", 60)


@promise
def arping_finds_an_owner_and_a_free_address(lab):
    assert lab.right.run(f"arping -D -I eth0 -c 2 {LEFT}", 30)[1] == 1
    assert lab.right.run("arping -D -I eth0 -c 2 10.9.0.77", 30)[1] == 0
    lab.right.check(f"ip neigh | grep '{LEFT} dev eth0 lladdr 52:54:00'")


@promise
def traceroute_ends_at_the_neighbour(lab):
    said = lab.right.check(f"traceroute -n -q 1 -w 10 {LEFT} 2>&1", 60)
    assert re.search(rf"^ *1 +{LEFT} ", said, re.M), said
    said = lab.right.check(f"traceroute6 -n -q 1 -w 10 {LEFT6} 2>&1", 60)
    assert re.search(rf"^ *1 +{LEFT6} ", said, re.M), said


@promise
def nobody_there_is_host_unreachable(lab):
    said, status = lab.right.run("nc -w 20 10.9.0.77 80 </dev/null", 60)
    assert status and ("No route to host" in said or "Host is unreachable" in said), said
    said, status = lab.right.run(f"nc -w 20 {LEFT} 4999 </dev/null", 60)
    assert status and "Connection refused" in said, said


@promise
def nc_moves_megabytes_both_ways(lab):
    for shell in (lab.left, lab.right):
        shell.check("head -c 4000000 /dev/urandom > /tmp/big", 30)
    for server, client, addresses in ((lab.left, lab.right, (LEFT, LEFT6)), (lab.right, lab.left, (RIGHT, RIGHT6))):
        sum_there = client.check("md5sum < /tmp/big")
        for address in addresses:
            server.check("(sleep 1000 | nc -l -p 5000 > /tmp/got &); sleep 1")
            client.check(f"nc {address} 5000 < /tmp/big", 120)
            server.check("while pidof nc >/dev/null; do sleep 0.2; done; killall sleep", 60)
            assert server.check("md5sum < /tmp/got") == sum_there


@promise
def httpd_and_wget(lab):
    lab.left.check("mkdir -p /www && cp /tmp/big /www/big && httpd -h /www; sleep 1; md5sum < /www/big > /tmp/sum")
    for host in (LEFT, f"[{LEFT6}]"):
        lab.right.check(f"wget -q -O /tmp/page http://{host}/big", 120)
        assert lab.right.check("md5sum < /tmp/page") == lab.left.check("cat /tmp/sum")


@promise
def telnetd_and_telnet(lab):
    lab.left.check("telnetd -l /bin/sh; sleep 1")
    for address in (LEFT, LEFT6):
        said = lab.right.run(f"(sleep 2; echo 'echo six times $((6 * 7)); tty'; sleep 2; echo exit; sleep 1) | telnet {address}",
                             40)[0]
        assert "six times 42" in said and "/dev/pts/" in said, said
    lab.left.check("killall telnetd")


@promise
def ftpd_and_ftpget_ftpput(lab):
    lab.left.check("mkdir -p /srv && cp /tmp/big /srv/big; (tcpsvd -E :: 21 ftpd -w /srv >/dev/null 2>&1 &); sleep 1")
    for address in (LEFT, LEFT6):
        lab.right.check(f"ftpget -u root {address} /tmp/ftp big", 120)
        assert lab.right.check("md5sum < /tmp/ftp") == lab.left.check("cat /tmp/sum")
        lab.right.check(f"ftpput -u root {address} back /tmp/ftp", 120)
        assert lab.left.check("md5sum < /srv/back; rm /srv/back") == lab.left.check("cat /tmp/sum")


@promise
def tftpd_and_tftp(lab):
    lab.left.check("head -c 30000 /tmp/big > /srv/small; (udpsvd -E 0 69 tftpd -c /srv >/dev/null 2>&1 &); sleep 1")
    lab.right.check(f"cd /tmp && tftp -g -r small {LEFT} && tftp -p -l small -r sent {LEFT}; cd", 60)
    lab.left.check("cmp /srv/small /srv/sent")
    assert lab.left.check("md5sum < /srv/small") == lab.right.check("md5sum < /tmp/small")


@promise
def dnsd_and_names(lab):
    write(lab.left, "/etc/dnsd.conf", f"left.wire.test {LEFT}\nother.wire.test 192.0.2.1\n")
    lab.left.check("dnsd -d; sleep 1")
    said = lab.right.check(f"nslookup -type=a other.wire.test {LEFT}", 60)
    assert "192.0.2.1" in said, said
    assert lab.right.check("wget -q -O - http://left.wire.test/big | md5sum", 120) == lab.left.check("cat /tmp/sum")
    lab.right.check("ping -c 1 -W 10 left.wire.test | grep -q ' 0% packet loss'", 60)


@promise
def ntpd_serves_the_time(lab):
    lab.left.check("date -s @1500000000 >/dev/null; ntpd -l")
    lab.right.check(f"date -s @1000000000 >/dev/null; sleep 1; ntpd -n -q -p {LEFT}", 120)
    ours, theirs = int(lab.right.check("date +%s")), int(lab.left.check("date +%s"))
    assert abs(ours - theirs) < 30, f"{ours} and {theirs}"


@promise
def inetd_serves_echo_and_time(lab):
    write(lab.left, "/etc/inetd.conf", "echo stream tcp nowait root internal\ntime stream tcp nowait root internal\n"
          "echo dgram udp wait root internal\n")
    lab.left.check("inetd; sleep 1")
    assert lab.right.check(f"(echo there and back; sleep 1) | nc {LEFT} 7", 30) == "there and back"
    ours, theirs = lab.right.check(f"rdate -p {LEFT}", 30)[:16], lab.left.check("date")[:16]
    assert ours[:10] == theirs[:10], f"{ours} and {theirs}"


@promise
def a_card_with_a_new_address_is_found_again(lab):
    lab.left.check("ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:aa && ip link set eth0 up")
    lab.left.check("ip address show dev eth0 | grep -q 'ether 02:00:00:00:00:aa' && arping -c 1 -U -I eth0 10.9.0.1; true")
    lab.right.check(f"arp -d {LEFT}; ping -c 2 -W 10 {LEFT} | grep -q ' 0% packet loss'", 60)
    lab.right.check(f"arp -an | grep -q '{LEFT}.*02:00:00:00:00:aa'")


def run(options, name):
    initrd = network.archive(name, bool(options.kernel), busybox_servers.add_to)
    machine = options.machine().but(initrd=initrd, append="console=ttyS0 quiet panic=-1")
    with network.wire() as (first, second), \
            Guest(machine.but(networks=(first,)), f"{name}.left", 900) as left, \
            Guest(machine.but(networks=(second,)), f"{name}.right", 900) as right:
        lab = Lab(Shell(left, timeout_s=120), Shell(right, timeout_s=120))
        cases = TESTS.run(name, lab)
        TESTS.power_off(cases, lab.left, lab.right)
    initrd.unlink()
    return cases


def jobs(options):
    return [TESTS.job("boot/net/pair", lambda: run(options, "boot/net/pair"), 80)]
