"""Debian's servers and clients, unmodified, in a guest, with their peers on this machine; see APPS.

    rates = run(machine, "nginx", "netapps/nginx", linux=False, size=Size.small())     raises when something is wrong

Each runs in a guest of its own, with the programs that it needs.
"""

import hashlib
import json
import re
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import debian, network, servers
from .console import Shell
from .network import HOST, HOST6
from .qemu import Guest, SCALE
from .stress import COMPLAINT

PORTS = {"nginx": 80, "redis": 6379, "dropbear": 22, "iperf": 5201, "socat": 7000}
NGINX = """worker_processes auto;
error_log /tmp/nginx.log;
pid /tmp/nginx.pid;
events { worker_connections 512; multi_accept on; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 100000;
	gzip on;
	gzip_types text/plain;
	client_body_temp_path /tmp/body;
	proxy_temp_path /tmp/proxy;
	fastcgi_temp_path /tmp/fastcgi;
	uwsgi_temp_path /tmp/uwsgi;
	scgi_temp_path /tmp/scgi;
	server {
		listen 80 reuseport backlog=512;
		listen [::]:80;
		root /www;
		location /proxied/ { proxy_pass http://unix:/tmp/behind:/; }
	}
	server { listen unix:/tmp/behind; root /www; }
}
"""
# Of the connections that come at once, QEMU's user network takes two; the others try again after seconds.
FEW = 4
APPS = {}  # name -> (programs of the guest, function)


def app(name, *programs):
    def add(function):
        APPS[name] = (programs, function)
        return function
    return add


@dataclass(frozen=True)
class Size:
    """How long and how much."""

    seconds: int
    requests: int
    copy_mib: int

    @staticmethod
    def small():
        return Size(2, 2000, 4)

    @staticmethod
    def whole():
        return Size(15, 50000, 100)


class Lab:
    """The guest's shell, what is forwarded to it, a folder of this machine, servers there, and rates that were seen."""

    def __init__(self, shell, ports, folder, http, echo, size):
        self.shell, self.ports, self.folder, self.http, self.echo, self.size = shell, ports, Path(folder), http, echo, size
        self.run, self.check = shell.run, shell.check
        self.rates = {}

    def here(self, name, *words, limit_s=120, status=0, **more):
        """Runs a program of this machine; returns what it said."""
        done = subprocess.run([*debian.host(name), *map(str, words)], capture_output=True, text=True, check=False,
                              timeout=limit_s * SCALE, errors="replace", **more)
        assert done.returncode == status, f"{name} {words}: status {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}"
        return done.stdout

    def wait_for(self, name):
        """Until the guest's server answers. QEMU takes a connection before that."""
        self.check(f"for i in $(seq 50); do netstat -ltn | grep -q ':{PORTS[name]} ' && break; usleep 200000; done", 60)


def md5(path):
    return hashlib.md5(Path(path).read_bytes()).hexdigest()


def requests_per_second(said):
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    return float(re.search(r"Requests/sec: +([\d.]+)", said).group(1))


@app("nginx", "nginx", "curl", "wrk")
def nginx_serves_wrk_and_curl(lab):
    lab.check("mkdir -p /www /var/lib/nginx /var/log/nginx && seq 1 20 > /www/small && head -c 8000000 /dev/urandom > /www/big "
              "&& seq 1 50000 > /www/text.txt")
    lab.shell.run(f"cat > /tmp/nginx.conf << 'END'\n{NGINX.replace(chr(9), ' ')}END\n", 60)
    lab.check("nginx -c /tmp/nginx.conf 2>&1", 60)
    lab.wait_for("nginx")
    url = f"http://127.0.0.1:{lab.ports['nginx']}"
    said = lab.here("wrk", "-t", 1, "-c", FEW, "-d", f"{lab.size.seconds}s", "--timeout", "20s", f"{url}/small")
    lab.rates["nginx"] = requests_per_second(said)
    said = lab.check(f"wrk -t 1 -c 16 -d {lab.size.seconds}s --timeout 20s http://127.0.0.1/small", 120)
    lab.rates["nginx_lo"] = requests_per_second(said)
    lab.here("curl", "-s", "-o", lab.folder / "big", f"{url}/big")
    assert md5(lab.folder / "big") in lab.check("md5sum /www/big", 30)
    zipped = lab.here("curl", "-s", "--compressed", f"{url}/text.txt")
    assert len(zipped.split()) == 50000
    assert lab.here("curl", "-s", f"{url}/proxied/small").split() == [str(number) for number in range(1, 21)]
    assert lab.here("curl", "-s", "-r", "4-7", f"{url}/small") == "3\n4\n"
    lab.check("curl -s -g http://[::1]/small | cmp - /www/small && curl -s http://127.0.0.1/big | cmp - /www/big", 60)
    lab.check("nginx -c /tmp/nginx.conf -s reload 2>&1; sleep 1; curl -s http://127.0.0.1/small | cmp - /www/small && "
              "nginx -c /tmp/nginx.conf -s stop 2>&1", 60)


def redis_rates(said):
    rates = {name: float(rate) for name, rate in re.findall(r'^"(\w+)[^"]*","([\d.]+)"', said, re.M)}
    assert {"SET", "GET"} <= rates.keys(), said
    return rates


@app("redis", "redis-server", "redis-cli", "redis-benchmark")
def redis_serves_its_benchmark(lab):
    lab.check("redis-server --port 6379 --save '' --daemonize yes --protected-mode no --dir /tmp --unixsocket /tmp/redis "
              "--bind '* -::*' > /dev/null", 60)
    lab.wait_for("redis")
    said = lab.here("redis-benchmark", "-p", lab.ports["redis"], "-n", lab.size.requests, "-c", FEW, "--csv", "-t",
                    "set,get,incr,lpush,lrange_100,mset", limit_s=900)
    rates = redis_rates(said)
    assert {"INCR", "LPUSH", "MSET"} <= rates.keys(), said
    lab.rates["redis_set"], lab.rates["redis_get"] = rates["SET"], rates["GET"]
    for name, where in {"redis_lo": "-p 6379", "redis_lo6": "-h ::1 -P 4", "redis_unix": "-s /tmp/redis"}.items():
        said = lab.check(f"redis-benchmark {where} -n {lab.size.requests} -c 20 --csv -t set,get", 300)
        lab.rates[name] = redis_rates(said)["GET"]
    lab.check("redis-cli set answer 42 > /dev/null && redis-cli -h ::1 get answer | grep -q 42 && redis-cli bgsave", 60)
    lab.check("for i in $(seq 50); do [ -s /tmp/dump.rdb ] && break; usleep 200000; done; [ -s /tmp/dump.rdb ]", 60)
    lab.check("redis-cli -s /tmp/redis shutdown nosave; true")


def ssh_options(lab):
    return ["-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
            "-o", "BatchMode=yes", "-i", str(lab.folder / "key")]


def scp_copies_there_and_back(lab):
    size = lab.size.copy_mib << 20
    (lab.folder / "there").write_bytes(b"".join(hashlib.sha512(b"%d" % at).digest() for at in range(size // 64)))
    copy = ["-q", "-O", *ssh_options(lab), "-P", lab.ports["dropbear"]]
    lab.here("scp", *copy, "-S", debian.program("ssh"), lab.folder / "there", "root@127.0.0.1:/tmp/copied", limit_s=900)
    assert md5(lab.folder / "there") in lab.check("md5sum /tmp/copied", 120)
    lab.here("scp", *copy, "-S", debian.program("ssh"), "root@127.0.0.1:/tmp/copied", lab.folder / "back", limit_s=900)
    assert md5(lab.folder / "there") == md5(lab.folder / "back")
    lab.check("rm /tmp/copied; killall dropbear")


@app("dropbear", "dropbear", "dropbearkey", "scp")
def dropbear_lets_ssh_in_with_a_pty_and_scp(lab):
    from pexpect import EOF, spawn

    lab.here("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", lab.folder / "key")
    public = (lab.folder / "key.pub").read_text().strip()
    lab.check(f"mkdir -p /root/.ssh /etc/dropbear && chmod 700 /root /root/.ssh && echo {public} > /root/.ssh/authorized_keys && "
              "chmod 600 /root/.ssh/authorized_keys", 30)
    lab.check("dropbearkey -t ed25519 -f /tmp/hostkey > /dev/null 2>&1 && dropbear -r /tmp/hostkey -p 22", 60)
    lab.wait_for("dropbear")
    words = [*ssh_options(lab), "-p", str(lab.ports["dropbear"]), "root@127.0.0.1"]
    assert lab.here("ssh", *words, "echo in; exit 3", status=3) == "in\n"
    command = debian.host("ssh") + ["-tt", *words]
    session = spawn(command[0], command[1:], encoding="utf-8", timeout=60 * SCALE, dimensions=(30, 90))
    try:
        session.expect("# ")
        session.sendline("tty; stty size; echo $((6 * 7)) times")
        session.expect("/dev/pts/[0-9]")
        session.expect("30 90")
        session.expect("42 times")
        session.sendline("sleep 100")
        time.sleep(1)
        session.sendintr()
        session.sendline("echo status $?")
        session.expect("status 130")
        session.setwinsize(40, 100)
        time.sleep(1)
        session.sendline("stty size")
        session.expect("40 100")
        session.sendline("exit")
        session.expect(EOF)
    finally:
        session.close(force=True)
    scp_copies_there_and_back(lab)


@app("curl", "curl")
def curl_gets_and_puts(lab):
    lab.check("for i in $(seq 50); do ip -6 address show dev eth0 | grep fec0: | grep -qv tentative && break; usleep 200000; done", 60)
    for host in (HOST, f"[{HOST6}]"):
        url = f"http://{host}:{lab.http.port}"
        lab.check(f"curl -s -g -o /tmp/big {url}/big", 120)
        assert hashlib.md5(lab.http.files["/big"]).hexdigest() in lab.check("md5sum /tmp/big")
    lab.check(f"head -c 300000 /tmp/big > /tmp/part && curl -s -T /tmp/part {url}/put -g -o /tmp/echo", 60)
    assert lab.http.posted == lab.http.files["/big"][:300000]
    lab.check(f"cd /tmp; curl -s -g -Z --parallel-max 6 {' '.join(f'-o p{n} {url}/page' for n in range(12))} && cat p? p?? | "
              "grep -c page | grep -qx 12; cd", 60)
    assert lab.run("curl -s http://127.0.0.1:9/")[1] == 7, "refused"
    assert lab.run("curl -s --max-time 3 http://10.0.2.99:9/", 60)[1] in (7, 28), "nobody there"


@app("iperf3", "iperf3")
def iperf3_both_ways(lab):
    lab.check("(iperf3 -s -D > /dev/null 2>&1); sleep 1", 30)
    lab.wait_for("iperf")
    for name, words in {"iperf3_to_guest": (), "iperf3_from_guest": ("-R",), "iperf3_4_to_guest": ("-P", 4)}.items():
        said = lab.here("iperf3", "-J", "-c", "127.0.0.1", "-p", lab.ports["iperf"], "-t", lab.size.seconds, *words)
        total = json.loads(said)["end"].get("sum_received")
        assert total and total["bytes"] > 100000, said[-1500:]
        lab.rates[name] = total["bits_per_second"] / 8e6
    for words in ("", "-R", "-6", "-u -b 20M", "--bidir", "-Z"):
        where = "::1" if words == "-6" else "127.0.0.1"
        said = lab.check(f"iperf3 -f M -c {where} -t 1 {words} 2>&1", 60)
        assert re.search(r"[\d.]+ MBytes/sec .*receiver", said), said
    rate = re.search(r"([\d.]+) MBytes/sec .*receiver", lab.check(f"iperf3 -f M -c 127.0.0.1 -t {lab.size.seconds} 2>&1", 60))
    lab.rates["iperf3_lo"] = float(rate.group(1))
    lab.check("killall iperf3")


@app("socat", "socat")
def socat_joins_everything(lab):
    lab.check("(socat TCP6-LISTEN:7000,fork,reuseaddr,ipv6only=0 EXEC:'tr a-z A-Z' &) ; (socat UDP-LISTEN:7000,fork PIPE &) ; "
              "(socat UNIX-LISTEN:/tmp/door,fork TCP:127.0.0.1:7000 &) ; sleep 1", 30)
    with socket.create_connection(("127.0.0.1", lab.ports["socat"]), 30) as stream:
        stream.sendall(b"from outside\n")
        stream.shutdown(socket.SHUT_WR)
        with stream.makefile("rb") as lines:
            assert lines.read() == b"FROM OUTSIDE\n"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.settimeout(30)
        ours.connect(("127.0.0.1", lab.ports["socat-udp"]))
        ours.send(b"a datagram")
        assert ours.recv(100) == b"a datagram"
    for where in ("TCP:127.0.0.1:7000", "TCP6:[::1]:7000", "UNIX-CONNECT:/tmp/door"):
        assert lab.check(f"echo inside | socat -t 5 - {where}", 30) == "INSIDE", where
    assert lab.check("echo dgram | socat -t 2 - UDP:127.0.0.1:7000", 30) == "dgram"
    lab.check("(socat -u UDP4-RECVFROM:7100,ip-add-membership=239.1.2.3:eth0 OPEN:/tmp/many,creat &) ; sleep 1; "
              "echo to many | socat - UDP4-DATAGRAM:239.1.2.3:7100,ip-multicast-if=10.0.2.15; sleep 1; grep -q 'to many' /tmp/many", 30)
    assert lab.check(f"(echo pty; sleep 1) | socat -t 2 - EXEC:cat,pty,raw,echo=0", 30) == "pty"
    lab.check("seq 1 50000 > /tmp/text")
    lab.check(f"socat -u OPEN:/tmp/text TCP:{HOST}:{lab.echo.port}", 30)
    lab.run("killall socat")


@app("tcpdump", "tcpdump", "socat")
def tcpdump_sees_what_passes(lab):
    lab.check(f"(tcpdump -Z root -i eth0 -n -c 4 -w /tmp/capture icmp 2>/dev/null &) ; sleep 2; ping -c 3 -W 10 {HOST} >/dev/null; sleep 1", 60)
    said = lab.check("for i in $(seq 20); do pidof tcpdump >/dev/null || break; usleep 200000; done; tcpdump -Z root -n -r /tmp/capture 2>&1", 30)
    assert said.count("ICMP echo request") >= 2 and f"IP {HOST} > 10.0.2.15: ICMP echo reply" in said, said
    lab.check("(tcpdump -Z root -i lo -n -l -c 6 'tcp port 7300' > /tmp/tcp 2>/dev/null &) ; sleep 2; (socat TCP-LISTEN:7300 - </dev/null &) ; "
              "sleep 1; echo x | socat - TCP:127.0.0.1:7300; sleep 2", 60)
    said = lab.check("cat /tmp/tcp")
    assert re.search(r"127\.0\.0\.1\.\d+ > 127\.0\.0\.1\.7300: Flags \[S\], seq \d+, win \d+, options \[mss", said), said
    lab.check(f"(tcpdump -Z root -i any -n -c 2 arp or icmp6 or icmp > /tmp/any 2>&1 &) ; sleep 2; ping -c 2 -W 10 {HOST} >/dev/null; sleep 1; "
              "grep -q 'ICMP echo request' /tmp/any", 60)
    lab.run("killall tcpdump")


@app("iproute2", "ip", "ss", "socat")
def iproute2_shows_and_changes(lab):
    lab.check('ip() { /bin/ip "$@"; }')  # not the applet, which busybox's shell prefers
    assert re.search(r"eth0 +(UP|DOWN) +10\.0\.2\.15/24", lab.check("ip -br -4 address"))
    links = json.loads(lab.check("ip -j -s link show dev eth0"))
    assert links[0]["address"] == "52:54:00:12:34:56" and links[0]["stats64"]["rx"]["packets"] > 0, links
    lab.check("(ip monitor > /tmp/events 2>&1 &) ; sleep 1; ip address add 192.168.9.1/24 dev eth0 && ip route add 192.168.10.0/24 "
              "via 192.168.9.2 && ip link set eth0 mtu 1400 && ip link set eth0 mtu 1500 && ip address del 192.168.9.1/24 dev eth0; "
              "sleep 1; killall ip", 60)
    events = lab.check("cat /tmp/events")
    assert "inet 192.168.9.1/24" in events and "Deleted" in events and "192.168.10.0/24 via 192.168.9.2" in events, events
    assert "mtu 1400" in events, events
    said = lab.check(f"ip route get {HOST}; ip -6 route show; ip neigh show; ip rule show")
    assert f"{HOST} dev eth0 src 10.0.2.15" in said and "lookup main" in said, said
    said, status = lab.run("ip link set nothing up")
    assert status and "Cannot find device" in said, said
    lab.check("(socat TCP-LISTEN:7400 PIPE &) ; sleep 1")
    assert ":7400" in lab.check("ss -tln") and "socat" in lab.check("ss -tlnp"), lab.check("ss -tlnp")
    lab.run("killall socat")


def run(machine, name, label, linux=False, size=Size.small()):
    """One of them; returns what was measured on the way: what -> rate, a second, or MB/s of iperf3."""
    programs, test = APPS[name]
    ports = {service: network.free_port() for service in PORTS} | {"socat-udp": network.free_port(socket.SOCK_DGRAM)}
    card = network.user(*(f"{ports[service]}:{port}" for service, port in PORTS.items()), f"{ports['socat-udp']}:7000/udp")
    initrd = network.archive(label, linux, lambda archive: debian.archive_add(archive, *programs))
    machine = machine.but(networks=(card,), initrd=initrd, memory="512M", append="console=ttyS0 quiet panic=-1")
    big = hashlib.sha512(b"big").digest() * 50000
    with tempfile.TemporaryDirectory(dir=network.OUT) as folder, \
            servers.Http({"/big": big, "/page": b"a page\n"}) as http, servers.Echo() as echo, \
            Guest(machine, label, 3600) as guest:
        lab = Lab(Shell(guest, timeout_s=180), ports, folder, http, echo, size)
        test(lab)
        complaints = [match.group() for match in COMPLAINT.finditer(guest.output.replace("\r", ""))]
        assert not complaints, complaints
        lab.shell.power_off(60)
    initrd.unlink()
    return lab.rates
