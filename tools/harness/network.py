"""Network cards for guests: QEMU's user network, and a wire between two guests.

    machine.but(networks=(user("8080:80"),))
    with wire() as (left, right): ...              two cards on one wire that loses nothing

In the user network the guest is 10.0.2.15 and fec0::..., this machine's loopback addresses are 10.0.2.2
and fec0::2, and a DHCP server says so. archive() makes the initramfs of a test: the stock one, which
configures what it finds; on Linux, which has the card's driver as a module, with the modules.
"""

import contextlib
import random
import re
import socket
import time
from dataclasses import dataclass

from . import cpio, initramfs, oracle, paths

HOST, HOST6 = "10.0.2.2", "fec0::2"
OUT = paths.BUILD / "network"
FORWARD = re.compile(r"(?:([\d.]+):)?(\d+):(\d+)(?:/(tcp|udp))?")
LOADER = """#!/bin/sh
for module in /modules/*; do /sbin/insmod $module; done
exec /init.stock "$@"
"""


@dataclass(frozen=True)
class Card:
    """A virtio network card: what follows -netdev, save its id, and its address if it matters."""

    netdev: str
    mac: str = ""
    descriptors: tuple = ()  # that QEMU inherits

    def words(self, name, device):
        """QEMU's words. romfile= keeps the firmware from booting by network."""
        rom = "" if device.endswith("-device") else ",romfile="
        mac = f",mac={self.mac}" if self.mac else ""
        return ["-netdev", f"{self.netdev},id={name}", "-device", f"{device},netdev={name}{rom}{mac}"]


def free_port(kind=socket.SOCK_STREAM):
    """A port of the loopback interface that nobody uses at the moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def forward(text):
    """[ADDRESS:]PORT:GUESTPORT[/udp], in QEMU's words; None if it is none."""
    match = FORWARD.fullmatch(text)
    if not match:
        return None
    address, port, guest_port, protocol = match.groups()
    return f"{protocol or 'tcp'}:{address or '127.0.0.1'}:{port}-:{guest_port}"


def user(*forwards):
    """A card in QEMU's user network; forwards are texts of forward()."""
    return Card(",".join(["user", *(f"hostfwd={forward(text)}" for text in forwards)]))


def mac_address():
    return "52:54:00:" + ":".join(f"{random.randrange(256):02x}" for _ in range(3))


def plug(end):
    """A card whose wire is this stream socket: frames, each after its length in four bytes."""
    return Card(f"socket,fd={end.fileno()}", mac_address(), (end.fileno(),))


@contextlib.contextmanager
def wire():
    """Two cards on one wire that loses nothing."""
    left, right = socket.socketpair()
    with left, right:
        yield plug(left), plug(right)


def archive(name, linux=False, fill=lambda _archive: None):
    """An initramfs with the stock system and what fill() puts in; where it is."""
    small = cpio.Archive()
    fill(small)
    if linux:
        for number, module in enumerate(oracle.modules(tuple(oracle.NETWORK))):
            small.file(f"modules/{number:02}-{module.name}", module)
        small.file("init", LOADER, 0o755)
        small.file("init.stock", paths.TOOLS / "initramfs" / "init", 0o755)
    initramfs.add_system(small)
    path = OUT / f"{name.replace('/', '-')}.{time.monotonic_ns()}.cpio"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(small.bytes())
    return path
