"""The network applets of Debian's busybox, as it is, between a guest and this machine: by IPv4 and IPv6, through QEMU's
user network, with the stock initramfs that configures itself. Each promise is a case; all share one guest."""

import hashlib
import random
import re
import socket
import time

from harness import busybox_servers, network, servers
from harness.console import Shell
from harness.network import HOST, HOST6
from harness.promises import Promises
from harness.qemu import Guest

PAGE = b"a page of the host\n"
BIG = random.Random(5).randbytes(3_000_000)
SMALL = random.Random(6).randbytes(20_000)
FILES = {"/page": PAGE, "/big": BIG}
NAMES = {"www.test": ["192.0.2.7", "2001:db8::7"], "v4.test": ["192.0.2.8"]}
PORTS = {"httpd": 80, "telnetd": 23, "nc": 7777, "echo": 7}
TESTS = Promises()
promise = TESTS.add


def md5(data):
    return hashlib.md5(data).hexdigest()


class Lab:
    """The guest's shell, the servers on this machine, and the ports of it that are forwarded."""

    def __init__(self, shell, services, ports):
        self.shell, self.ports = shell, ports
        self.run, self.check = shell.run, shell.check
        self.__dict__.update(services)

    def connect(self, name, patience_s=30):
        """A connection to the guest's server, which may still be starting."""
        stream = socket.create_connection(("127.0.0.1", self.ports[name]), patience_s)
        stream.settimeout(patience_s)
        return stream


@promise
def boots_with_an_address_by_dhcp_a_route_and_a_name_server(lab):
    shown = lab.check("ip -4 address show dev eth0; ip route; cat /etc/resolv.conf")
    assert "inet 10.0.2.15/24" in shown and "default via 10.0.2.2 dev eth0" in shown, shown
    assert "10.0.2.0/24 dev eth0" in shown and "nameserver 10.0.2.3" in shown, shown


@promise
def loopback_is_up_with_both_addresses(lab):
    shown = lab.check("ip address show dev lo")
    assert "LOOPBACK,UP,LOWER_UP" in shown and "inet 127.0.0.1/8" in shown and "inet6 ::1/128" in shown, shown


@promise
def ipv6_configures_itself(lab):
    for _ in range(20):
        shown = lab.check("ip -6 address show dev eth0")
        if "fec0::" in shown and "tentative" not in shown:
            break
        time.sleep(0.5)
    assert re.search(r"inet6 fe80::5054:ff:fe12:3456/64 scope link", shown), shown
    assert re.search(r"inet6 fec0::5054:ff:fe12:3456/64 scope site", shown), shown
    assert "default via fe80::2 dev eth0" in lab.check("ip -6 route")


@promise
def ifconfig_shows_the_card(lab):
    shown = lab.check("ifconfig eth0")
    assert "HWaddr 52:54:00:12:34:56" in shown and "inet addr:10.0.2.15" in shown, shown
    assert "Bcast:10.0.2.255" in shown and "Mask:255.255.255.0" in shown and "MTU:1500" in shown, shown
    assert re.search(r"UP BROADCAST RUNNING MULTICAST", shown) and re.search(r"RX packets:[1-9]", shown), shown
    assert "127.0.0.1" in lab.check("ifconfig")


@promise
def ifconfig_changes_the_card(lab):
    lab.check("ifconfig eth0 mtu 1400 && ifconfig eth0 | grep -q MTU:1400 && ifconfig eth0 mtu 1500")
    lab.check("ifconfig eth0:1 192.168.77.5 netmask 255.255.255.0 up && ifconfig eth0:1 | grep -q 192.168.77.5")
    lab.check("ping -c 1 -W 10 192.168.77.5 && ifconfig eth0:1 down")
    assert "192.168.77.5" not in lab.check("ip address")


@promise
def ip_changes_links_and_addresses(lab):
    lab.check("ip link set eth0 mtu 1300; ip link show eth0 | grep -q 'mtu 1300' && ip link set eth0 mtu 1500")
    lab.check("ip address add 192.168.5.1/24 dev eth0 && ip address show dev eth0 | grep -q 'inet 192.168.5.1/24'")
    lab.check("ip route | grep -q '192.168.5.0/24 dev eth0'")
    assert lab.run("ip address add 192.168.5.1/24 dev eth0")[1] == 2
    lab.check("ip address del 192.168.5.1/24 dev eth0")
    assert "192.168.5" not in lab.check("ip address; ip route")
    lab.check("ip -6 address add fd00:1::1/64 dev eth0 && ip -6 address show dev eth0 | grep -q fd00:1::1/64")
    lab.check("ip -6 address del fd00:1::1/64 dev eth0")


@promise
def ip_and_route_change_routes(lab):
    lab.check("ip route add 192.0.2.0/24 via 10.0.2.2 && ip route | grep -q '192.0.2.0/24 via 10.0.2.2 dev eth0'")
    shown = lab.check("ip route get 192.0.2.9")
    assert "192.0.2.9 via 10.0.2.2 dev eth0" in shown and "src 10.0.2.15" in shown, shown
    lab.check("ip route del 192.0.2.0/24")
    lab.check("route add -net 198.51.100.0 netmask 255.255.255.0 gw 10.0.2.2")
    table = lab.check("route -n")
    assert re.search(r"198\.51\.100\.0 +10\.0\.2\.2 +255\.255\.255\.0 +UG", table), table
    assert re.search(r"0\.0\.0\.0 +10\.0\.2\.2 +0\.0\.0\.0 +UG .*eth0", table), table
    lab.check("route del -net 198.51.100.0 netmask 255.255.255.0")
    assert "198.51.100.0" not in lab.check("netstat -rn")
    assert lab.run("ip route add 203.0.113.0/24 via 172.16.9.9")[1] == 2, "a gateway that cannot be reached"


@promise
def ping_and_ping6(lab):
    for address in ("127.0.0.1", "10.0.2.15", HOST):
        assert " 0% packet loss" in lab.check(f"ping -c 2 -W 10 {address}")
    for address in ("::1", HOST6):
        assert " 0% packet loss" in lab.check(f"ping6 -c 2 -W 10 {address}")
    assert " 0% packet loss" in lab.check(f"ping -c 2 -W 10 -s 4000 127.0.0.1")


@promise
def arp_and_arping(lab):
    assert "Received 2 response" in lab.check(f"arping -c 2 -I eth0 {HOST}")
    assert "52:55:0a:00:02:02" in lab.check(f"ping -c 1 -W 10 {HOST} >/dev/null; arp -an; cat /proc/net/arp")
    lab.check("arp -s 10.0.2.77 02:00:00:00:00:77 && arp -an | grep -q '10.0.2.77.*02:00:00:00:00:77.*PERM'")
    lab.check("ip neigh | grep -q '10.0.2.77 dev eth0 lladdr 02:00:00:00:00:77 .*PERMANENT' && arp -d 10.0.2.77")
    assert "02:00:00:00:00:77" not in lab.check("ip neigh")


@promise
def nslookup(lab):
    for server in (f"{HOST}:{lab.dns.port}", f"[{HOST6}]:{lab.dns.port}"):
        shown = lab.check(f"nslookup www.test {server}")
        assert "Address: 192.0.2.7" in shown and "Address: 2001:db8::7" in shown, shown
    assert "www.test" in lab.check(f"nslookup -type=ptr 7.2.0.192.in-addr.arpa {HOST}:{lab.dns.port}")
    assert "NXDOMAIN" in lab.run(f"nslookup nowhere.test {HOST}:{lab.dns.port}")[0]


@promise
def wget_of_a_page(lab):
    for host in (HOST, f"[{HOST6}]"):
        assert lab.check(f"wget -q -O - http://{host}:{lab.http.port}/page") == PAGE.decode().strip()
    assert "404" in lab.run(f"wget -q -O - http://{HOST}:{lab.http.port}/nothing")[0]


@promise
def wget_of_a_large_file_and_back(lab):
    for host in (HOST, f"[{HOST6}]"):
        lab.check(f"wget -q -O /tmp/big http://{host}:{lab.http.port}/big", 120)
        assert md5(BIG) in lab.check("md5sum /tmp/big")
    lab.check(f"seq 1 80000 > /tmp/text; wget -q -O - --post-file /tmp/text http://{HOST}:{lab.http.port}/posted"
              " | cmp - /tmp/text && head -c 500000 /tmp/big > /tmp/part", 60)
    assert lab.http.posted == "".join(f"{number}\n" for number in range(1, 80001)).encode()


@promise
def wget_where_nobody_listens_is_refused(lab):
    shown, status = lab.run("wget -q -O - http://127.0.0.1:9/", 30)
    assert status and "Connection refused" in shown, shown
    shown, status = lab.run("wget -q -O - http://[::1]:9/", 30)
    assert status and "Connection refused" in shown, shown


@promise
def nc_as_client(lab):
    for host in (HOST, HOST6):
        lab.sink.done.clear()
        lab.check(f"nc -w 20 {host} {lab.sink.port} < /tmp/part", 60)
        assert lab.sink.done.wait(30) and lab.sink.received == BIG[:500000]
    assert lab.check(f"(echo hello; sleep 1) | nc -w 20 {HOST} {lab.echo.port}") == "hello"


@promise
def nc_as_server(lab):
    lab.check("(nc -l -p 7777 > /tmp/got </dev/null &) ; sleep 0.5")
    with lab.connect("nc") as stream:
        stream.sendall(SMALL)
    for _ in range(20):
        if lab.check("wc -c < /tmp/got").strip() == str(len(SMALL)):
            break
        time.sleep(0.2)
    assert md5(SMALL) in lab.check("md5sum /tmp/got")


@promise
def httpd_serves_many_at_once(lab):
    lab.check("mkdir -p /www/cgi-bin && cp /tmp/part /www/part && echo from the guest > /www/index.html; "
              "printf '#!/bin/sh\\necho; echo cgi of $REQUEST_METHOD from $REMOTE_ADDR\\n' > /www/cgi-bin/who; "
              "chmod +x /www/cgi-bin/who; httpd -h /www")
    streams = [lab.connect("httpd") for _ in range(8)]
    for stream in streams:
        stream.sendall(b"GET /part HTTP/1.0\r\n\r\n")
    for stream in streams:
        with stream, stream.makefile("rb") as lines:
            answer = lines.read()
        assert b" 200 OK" in answer[:40] and answer.endswith(BIG[:500000]), answer[:100]
    with lab.connect("httpd") as stream, stream.makefile("rb") as lines:
        stream.sendall(b"GET /cgi-bin/who HTTP/1.0\r\n\r\n")
        answer = lines.read()
        assert re.search(rb"cgi of GET from \S*10\.0\.2\.2", answer), answer
    assert lab.check("wget -q -O - http://127.0.0.1/; wget -q -O - http://[::1]/") == "from the guest\nfrom the guest"


@promise
def telnet_to_the_host(lab):
    shown = lab.run(f"(sleep 1; echo far away; sleep 2) | telnet {HOST} {lab.echo.port}", 30)[0]
    assert "far away" in shown, shown


@promise
def telnetd_gives_a_shell_on_a_pty(lab):
    lab.check("telnetd -l /bin/sh -p 23; sleep 1")
    with lab.connect("telnetd") as stream:
        said = b""

        def until(words):
            nonlocal said
            end = time.monotonic() + 30
            while words not in said and time.monotonic() < end:
                said += stream.recv(4096)
            assert words in said, said

        until(b"# ")
        stream.sendall(b"tty; stty size; echo six times $((6 * 7))\r\0")
        until(b"/dev/pts/0")
        until(b"six times 42")
        stream.sendall(b"sleep 100\r\0")
        time.sleep(1)
        stream.sendall(b"\x03echo interrupted $?\r\0")
        until(b"interrupted 130")
        stream.sendall(b"exit\r\0")
    assert lab.run("killall telnetd")[1] == 0


@promise
def ftpget_and_ftpput(lab):
    for host in (HOST, HOST6):
        lab.check(f"ftpget -u me -p secret -P {lab.ftp.port} {host} /tmp/ftp big && cmp /tmp/ftp /tmp/big", 120)
    lab.check(f"ftpput -u me -p secret -P {lab.ftp.port} {HOST} put /tmp/part", 60)
    assert lab.ftp.files["put"] == BIG[:500000]
    assert lab.check(f"wget -q -O - ftp://{HOST}:{lab.ftp.port}/page") == PAGE.decode().strip()


@promise
def tftp_both_ways(lab):
    lab.check(f"cd /tmp && tftp -g -r small -l tftp {HOST} {lab.tftp.port}; cd", 60)
    assert md5(SMALL) in lab.check("md5sum /tmp/tftp")
    lab.check(f"cd /tmp && tftp -p -l tftp -r back {HOST} {lab.tftp.port}; cd", 60)
    assert lab.tftp.files["back"] == SMALL
    assert lab.run(f"tftp -g -r nothing {HOST} {lab.tftp.port}", 60)[1] != 0


@promise
def ntpd_sets_the_clock(lab):
    lab.check(f"date -s @1000000000 >/dev/null; ntpd -n -q -p {HOST}:{lab.ntp.port}", 90)
    ours, theirs = time.time() + lab.ntp.offset_s, int(lab.check("date +%s"))
    assert abs(ours - theirs) < 30, f"{theirs} in the guest, {ours} here"


@promise
def netstat_shows_sockets_and_routes(lab):
    lab.check("(nc -l -p 4444 >/dev/null </dev/null &); sleep 0.5")
    shown = lab.check("netstat -tln")
    assert re.search(r"tcp +0 +0 (0\.0\.0\.0|:::?):4444 .*LISTEN", shown.replace(":::4444", "0.0.0.0:4444")), shown
    lab.check(f"(sleep 20 | nc {HOST} {lab.echo.port} &) ; sleep 1")
    shown = lab.check("netstat -tn")
    assert re.search(rf"tcp .*10\.0\.2\.15:\d+ +10\.0\.2\.2:{lab.echo.port} +ESTABLISHED", shown), shown
    assert "10.0.2.2" in lab.check("netstat -rn")
    lab.run("killall nc sleep")


@promise
def udhcpc_releases_and_leases_again(lab):
    lab.check("killall udhcpc; ip -4 address flush dev eth0; ip route flush table main 2>/dev/null; true")
    shown = lab.check("udhcpc -i eth0 -n -q -f 2>&1", 60)
    assert "lease of 10.0.2.15 obtained" in shown, shown
    assert " 0% packet loss" in lab.check(f"ping -c 1 -W 10 {HOST}")


@promise
def a_user_may_not_open_raw_sockets_or_low_ports(lab):
    shown, status = lab.run("su user -s /bin/sh -c 'nc -l -p 81'", 20)
    assert status and "ermission denied" in shown, shown
    shown, status = lab.run(f"su user -s /bin/sh -c 'arping -c 1 -I eth0 {HOST}'", 20)
    assert status and "not permitted" in shown, shown


@promise
def a_card_that_is_down_sends_nothing(lab):
    lab.check("ip link set eth0 down")
    shown, status = lab.run(f"ping -c 1 -W 2 {HOST}", 20)
    assert status and "Network is unreachable" in shown, shown
    lab.check("ip link set eth0 up && ip route add default via 10.0.2.2")
    assert " 0% packet loss" in lab.check(f"ping -c 1 -W 10 {HOST}")


def run(options, name):
    ports = {service: network.free_port() for service in PORTS}
    card = network.user(*(f"{ports[service]}:{port}" for service, port in PORTS.items()))
    initrd = network.archive(name, bool(options.kernel), busybox_servers.add_to)
    machine = options.machine().but(networks=(card,), initrd=initrd, append="console=ttyS0 quiet panic=-1")
    ftp_files = {"big": BIG, "page": PAGE, "/page": PAGE}
    with servers.Http(FILES) as http, servers.Echo() as echo, servers.Sink() as sink, servers.Ftp(ftp_files) as ftp, \
            servers.Tftp({"small": SMALL}) as tftp, servers.Ntp(1000) as ntp, servers.Dns(NAMES) as dns, \
            Guest(machine, name, 900) as guest:
        shell = Shell(guest, timeout_s=120)
        services = {"http": http, "echo": echo, "sink": sink, "ftp": ftp, "tftp": tftp, "ntp": ntp, "dns": dns}
        cases = TESTS.run(name, Lab(shell, services, ports))
        TESTS.power_off(cases, shell)
    initrd.unlink()
    return cases


def jobs(options):
    return [TESTS.job("boot/net/user", lambda: run(options, "boot/net/user"), 60)]
