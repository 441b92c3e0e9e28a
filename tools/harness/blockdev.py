"""The programs of test/blockdev: conformance programs about block devices, on a machine with a disk.

Linux has the drivers of disks as modules, which are taken from its package and which the guest's init
loads. Each guest has a disk of its own with two partitions, and what is written to it is forgotten.
"""

import os
import subprocess

from . import compare, oracle, paths
from .conformance import Conformance

SIZE = 16 << 20
TABLE = """label: dos
label-id: 0x12345678
start=2048, size=8192, type=83
start=10240, size=16384, type=83
"""


class Blockdev(Conformance):
    """Programs that want /dev/vda with vda1 and vda2, and loop devices."""

    group = "blockdev"
    sources = paths.TEST / "blockdev"

    def machine(self, options):
        words = ("-drive", f"if=none,id=d,format=raw,snapshot=on,file={self.disk()}",
                 "-device", "virtio-blk-pci,drive=d,serial=moonshot")
        return options.machine().but(extra=words)

    def disk(self):
        compare.OUT.mkdir(parents=True, exist_ok=True)
        path = compare.OUT / "blockdev.img"
        path.write_bytes(b"")
        os.truncate(path, SIZE)
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        subprocess.run(["sfdisk", "--quiet", str(path)], input=TABLE, text=True, check=True, env=env,
                       capture_output=True)
        return path

    def add_common(self, archive):
        for number, module in enumerate(oracle.modules()):
            archive.file(f"modules/{number:02}-{module.name}", module)
