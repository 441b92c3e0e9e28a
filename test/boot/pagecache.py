"""The page cache over a disk: contents of files against a copy, with blocks of 1 and 4 KiB, and mappings
larger than memory, in a machine with little of it; e2fsck finds nothing afterwards. And a sector that
cannot be read or written: who asked is told, once, and nobody else."""

from harness import disks, torture
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single
from harness.stress import COMPLAINT

LAYOUTS = {"1k": "-t ext2 -b 1024", "4k": "-t ext2 -b 4096"}


def files(options, name, words):
    image = disks.make(name, words, 256)
    machine = disks.on(options.machine().but(memory="64M", cpus=max(options.cpus, 2)), image)
    machine = machine.but(initrd=torture.image(), append="console=ttyS0 quiet panic=-1")
    with Guest(machine, name, 400) as guest:
        shell = Shell(guest)
        shell.check("mkdir -p /mnt && mount -t ext2 /dev/vda /mnt")
        shell.check("TORTURE_DIR=/mnt /torture/contents 1 3", 150)
        shell.check("TORTURE_DIR=/mnt /torture/pressure 1 5", 150)
        shell.check("echo 3 > /proc/sys/vm/drop_caches && umount /mnt", 60)
        wrong = COMPLAINT.search(guest.output)
        assert not wrong, wrong.group()
        assert shell.power_off() == 0
    disks.check(image)


BAD_SECTOR = """[inject-error]
event = "write_aio"
errno = "5"
sector = "40960"
once = "off"
"""


def bad_sector(options, name):
    image = disks.OUT / f"{name}.img"
    image.parent.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(64 << 20)
    rules = image.with_suffix(".blkdebug")
    rules.write_text(BAD_SECTOR)
    drive = f"file=blkdebug:{rules}:{image},if=none,id=bad,format=raw,cache=unsafe"
    machine = options.machine().but(initrd=torture.image(), append="console=ttyS0 panic=-1",
                                    extra=("-drive", drive, "-device", "virtio-blk-pci,drive=bad"))
    with Guest(machine, name, 120) as guest:
        shell = Shell(guest)
        bad = "dd if=/dev/zero of=/dev/vda bs=4k seek=5100 count=100 conv=fsync"
        assert shell.run(bad)[1] != 0, "fsync(2) after a failed write"
        shell.check("dd if=/dev/zero of=/dev/vda bs=4k count=10 conv=fsync")
        for flags in ("", "iflag=direct"):
            assert shell.run(f"dd if=/dev/vda of=/dev/null bs=1M {flags}")[1] != 0
            shell.check(f"dd if=/dev/vda of=/dev/null bs=1M count=10 {flags}")
        assert shell.power_off() == 0


def jobs(options):
    found = [single(f"boot/pagecache/{kind}", lambda kind=kind, words=words: files(
        options, f"boot/pagecache/{kind}", words), 40) for kind, words in LAYOUTS.items()]
    found.append(single("boot/pagecache/bad-sector", lambda: bad_sector(
        options, "boot/pagecache/bad-sector"), 5))
    return found
