"""Rates of Debian's network programs: nginx, redis and iperf3 with their peers on this machine (through QEMU's user
network), on lo, and between two guests on a wire. In this machine's time, the best of some runs.

    rows = measure(kernel, linux=False, cpus=1, runs=3, progress=...)      name -> bench.Row
"""

import re

from . import debian, net_apps, network
from .bench import Row
from .console import Shell
from .qemu import Guest, GuestError, Machine

SIZE = net_apps.Size(5, 20000, 1)
APPEND = "console=ttyS0 quiet panic=-1"


def wire(machine, linux, name):
    """iperf3 between two guests: from the second to the first, and back."""
    initrd = network.archive(name, linux, lambda archive: debian.archive_add(archive, "iperf3"))
    machine = machine.but(initrd=initrd, memory="512M", append=APPEND)
    rates = {}
    with network.wire() as (first, second), \
            Guest(machine.but(networks=(first,)), f"{name}.server", 600) as left, \
            Guest(machine.but(networks=(second,)), f"{name}.client", 600) as right:
        server, client = Shell(left, timeout_s=120), Shell(right, timeout_s=120)
        for number, shell in ((1, server), (2, client)):
            shell.run(f"killall udhcpc; ip address add 10.9.0.{number}/24 dev eth0")
        server.check("iperf3 -s -D >/dev/null 2>&1; sleep 2", 30)
        for row, words in (("iperf3_wire", ""), ("iperf3_wire_back", "-R")):
            said = client.check(f"iperf3 -f M -c 10.9.0.1 -t {SIZE.seconds} {words} 2>&1", 120)
            rates[row] = float(re.search(r"([\d.]+) MBytes/sec .*receiver", said).group(1))
    initrd.unlink()
    return rates


def one_run(machine, linux, label):
    """What -> rate, and what -> why not."""
    rates, failures = {}, {}
    parts = {name: lambda name=name: net_apps.run(machine, name, f"bench/{label}-{name}", linux, SIZE)
             for name in ("nginx", "redis", "iperf3")}
    parts["wire"] = lambda: wire(machine, linux, f"bench/{label}-wire")
    for name, part in parts.items():
        try:
            rates |= part()
        except (AssertionError, GuestError) as error:
            failures[name] = (str(error).splitlines() or ["failed"])[0][:100]
    return rates, failures


def measure(kernel, linux=False, cpus=1, runs=3, progress=lambda _row: None):
    machine = Machine(kernel, cpus=cpus)
    seen, failed = {}, {}
    for _ in range(runs):
        rates, failures = one_run(machine, linux, "linux" if linux else "moonshot")
        failed |= failures
        for name, rate in rates.items():
            seen.setdefault(name, []).append(rate)
    rows = {}
    for name, rates in seen.items():
        best, middle = max(rates), sorted(rates)[len(rates) // 2]
        unit = "MB/s" if name.startswith("iperf3") else "/s"
        rows[f"net.{name}"] = Row(f"net.{name}", best, unit, (best - middle) / best * 100)
        progress(rows[f"net.{name}"])
    for name, why in failed.items():
        rows.setdefault(f"net.{name}", Row(f"net.{name}", None, note=why))
    return rows
