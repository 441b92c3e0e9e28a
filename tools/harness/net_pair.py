"""Debian's dnsmasq in one guest serves another on the same wire: DHCP, names, and IPv6 by router advertisements."""

import re
import time

from . import debian, network
from .console import Shell
from .promises import Promises
from .qemu import Guest

PROMISES = Promises()
promise = PROMISES.add
WORDS = ("dnsmasq --no-resolv --no-hosts --user=root --interface=eth0 --bind-interfaces --dhcp-range=10.8.0.50,10.8.0.99,1h "
         "--dhcp-leasefile=/tmp/leases --domain=wire.test --address=/www.wire.test/10.8.0.1 --address=/www.wire.test/fd00:8::1 "
         "--enable-ra --dhcp-range=fd00:8::,ra-stateless,64 --dhcp-option=option6:dns-server,[::] --log-facility=/tmp/dnsmasq.log")


class Lab:
    def __init__(self, server, client):
        self.server, self.client = server, client


@promise
def dnsmasq_gives_an_address(lab):
    for shell in (lab.server, lab.client):
        shell.run("killall udhcpc")
    lab.server.check("ip address add 10.8.0.1/24 dev eth0; ip -6 address add fd00:8::1/64 dev eth0; sleep 2")
    said, status = lab.server.run(WORDS, 30)
    assert not status, said
    said = lab.client.check("udhcpc -i eth0 -n -q -f 2>&1", 60)
    assert re.search(r"lease of 10\.8\.0\.[5-9]\d obtained from 10\.8\.0\.1", said), said
    assert "nameserver 10.8.0.1" in lab.client.check("cat /etc/resolv.conf")
    assert "10.8.0." in lab.server.check("cat /tmp/leases")


@promise
def dnsmasq_answers_names(lab):
    said = lab.client.check("nslookup www.wire.test", 30)
    assert "Address: 10.8.0.1" in said and "Address: fd00:8::1" in said, said
    lab.client.check("ping -c 2 -W 10 www.wire.test | grep -q ' 0% packet loss'", 60)


@promise
def router_advertisements_configure_ipv6(lab):
    for _ in range(60):
        shown = lab.client.check("ip -6 address show dev eth0")
        if "fd00:8::" in shown and "tentative" not in shown:
            break
        time.sleep(0.5)
    assert "inet6 fd00:8::" in shown, shown
    lab.client.check("ip -6 route | grep '^default via fe80::.* dev eth0'")
    lab.client.check("ping6 -c 2 -W 10 fd00:8::1 | grep -q ' 0% packet loss'", 60)


@promise
def a_lease_goes_back(lab):
    lab.client.check("(udhcpc -i eth0 -f -R >/dev/null 2>&1 &) ; sleep 5; killall udhcpc; sleep 2", 60)
    assert "10.8.0." not in lab.server.check("cat /tmp/leases"), lab.server.check("cat /tmp/leases")


def run(machine, name, linux=False):
    initrd = network.archive(name, linux, lambda archive: debian.archive_add(archive, "dnsmasq"))
    machine = machine.but(initrd=initrd, append="console=ttyS0 quiet panic=-1")
    with network.wire() as (first, second), \
            Guest(machine.but(networks=(first,)), f"{name}.server", 900) as server, \
            Guest(machine.but(networks=(second,)), f"{name}.client", 900) as client:
        lab = Lab(Shell(server, timeout_s=120), Shell(client, timeout_s=120))
        cases = PROMISES.run(name, lab)
        PROMISES.power_off(cases, lab.server, lab.client)
    initrd.unlink()
    return cases
