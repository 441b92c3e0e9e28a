"""Disks that fail: QEMU's blkdebug answers the n-th read, write or flush with an error.

    with Guest(on(machine, image, [Fault("read_aio", sector=40)]), name) as guest: ...

The device reports each error to the guest, which goes on. ENOSPC of the host is an error of the medium to the guest.
"""

from dataclasses import dataclass

from . import disks

EIO, ENOSPC = 5, 28
KINDS = {"read_aio": "read", "write_aio": "write", "flush_to_disk": "flush"}


@dataclass(frozen=True)
class Fault:
    """One rule: from the `skip`-th such event on, always or once; only this sector, if there is one."""

    event: str
    skip: int = 0
    sector: int = -1
    errno: int = EIO
    once: bool = False


def rules(fault, first_state):
    """What blkdebug reads: a chain of states counts the events that go well."""
    text = ""
    for state in range(first_state, first_state + fault.skip):
        text += f'[set-state]\nevent = "{fault.event}"\nstate = "{state}"\nnew_state = "{state + 1}"\n'
    text += f'[inject-error]\nevent = "{fault.event}"\nerrno = "{fault.errno}"\nimmediately = "off"\n'
    text += f'iotype = "{KINDS[fault.event]}"\n'
    text += f'once = "{"on" if fault.once else "off"}"\n'
    if fault.skip:
        text += f'state = "{first_state + fault.skip}"\n'
    return text + (f'sector = "{fault.sector}"\n' if fault.sector >= 0 else "")


def on(machine, image, fault):
    """The machine with this disk, vda, that fails so."""
    config = image.with_suffix(".blkdebug")
    config.write_text(rules(fault, 1))
    drive = f"if=none,id=faulty,format=raw,werror=report,rerror=report,file=blkdebug:{config}:{image}"
    return disks.on(machine, image).but(disks=(), extra=("-drive", drive, "-device", "virtio-blk-pci,drive=faulty"))
