"""File systems with something wrong: an error, but never a panic, a hang, or a write outside the partition.

    run(machine, name, seed, count)

One disk has a partition for each of `count` images, with guards between them. Each image is a good one of ext2 or
ext4 in which debugfs has put nonsense into inodes, descriptors, directories or the super block, or in which bytes of
the metadata are random. The guest mounts each, walks, reads and writes a little, all of it with a time limit. What fails may
fail. Afterwards the kernel has not complained, the shell answers, and the guards are as they were.
"""

import os
import random
import shutil
import subprocess

from . import cpio, disks, initramfs
from .console import Shell
from .qemu import Guest
from .stress import COMPLAINT

SECTOR = 512
START, EACH, GUARD = 2048, 2048, 128  # sectors: before the first partition, of a partition, between two
PATTERN = b"\xa5"
BASES = ("-t ext2 -b 1024 -N 128", "-t ext2 -b 1024 -N 128 -I 128 -O ^filetype,^dir_index",
         "-t ext4 -b 1024 -N 128 -O ^has_journal,^metadata_csum", "-t ext2 -b 4096 -N 64")
PATHS = ["/dir0", "/dir1", "/dir1/sub", "/dir2/sub/file2", "/dir3/sub/file7", "/large", "/crowd", "/link", "/long", "/",
         "<7>", "<8>", "/lost+found"]
VALUES = [0, 1, 2, 3, 4, 5, 7, 20, 64, 255, 1023, 1024, 1025, 4096, 65535, 0x7fffffff, 0x80000000, 0xffffffff]
FIELDS = ["size", "size_high", "mode", "links_count", "flags", "blocks", "file_acl", "dtime", "extra_isize", "generation",
          *(f"block[{number}]" for number in range(15)), "block[IND]", "block[DIND]", "block[TIND]"]
MODES = ["0", "040755", "0100644", "0120777", "020666", "0170000", "0140755"]
SUPER = ["inodes_count", "blocks_count", "first_data_block", "log_block_size", "blocks_per_group", "inodes_per_group",
         "rev_level", "first_ino", "inode_size", "feature_compat", "feature_incompat", "feature_ro_compat", "desc_size",
         "log_groups_per_flex", "state", "errors", "free_blocks_count", "free_inodes_count", "r_blocks_count",
         "last_orphan", "first_meta_bg", "reserved_gdt_blocks", "min_extra_isize"]
GROUP = ["block_bitmap", "inode_bitmap", "inode_table", "free_blocks_count", "free_inodes_count", "used_dirs_count"]

VISIT = """#!/bin/sh
# Mounts a partition, walks, reads and writes a little. What fails may fail.
mount -t $1 -o errors=$3 /dev/$2 /mnt || exit 1
cd /mnt
find . | head -n 400 >/tmp/names
find . -type f | head -n 60 | xargs head -c 300000 >/dev/null
ls -lR . | head -n 400 >/dev/null
for d in . dir* crowd; do
	echo new >$d/new; mkdir $d/newdir; ln -s x $d/newlink; mv $d/new $d/newer; ln $d/newer $d/twice
	seq 3000 >>$d/newer
done
seq 20000 | dd of=large conv=notrunc bs=5000
truncate -s 1000 large; rm -f link long; stat -f .; sync
rm -rf dir0 dir1 crowd; sync
cd /; umount /mnt
"""
ALL = """#!/bin/sh
# visit, for each line of /etc/parts: kind, partition.
mkdir -p /mnt; mounted=0
while read -r kind part; do
	case $((n = n + 1)) in *[13579]) errors=continue;; *) errors=remount-ro;; esac
	timeout -s KILL 60 visit $kind $part $errors </dev/null >/dev/null 2>&1; status=$?
	[ $status = 1 ] || mounted=$((mounted + 1))
	[ $status != 137 ] || echo "TOO LONG: $part"
	cd /; grep -q ' /mnt ' /proc/mounts && umount /mnt
	! grep -q ' /mnt ' /proc/mounts || echo "STAYS: $part"
done </etc/parts
echo "mounted $mounted"
"""


def good_images(name):
    """An image of each base, filled."""
    place = disks.OUT / f"{name}.in"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for number in range(12):
        (place / f"dir{number % 4}/sub").mkdir(parents=True, exist_ok=True)
        (place / f"dir{number % 4}/sub/file{number}").write_bytes(b"x" * number * 3000)
    (place / "crowd").mkdir()
    for number in range(60):
        os.link(place / "dir1/sub/file1", place / "crowd" / f"{'m' * 40}{number}")
    (place / "large").write_bytes(bytes(range(256)) * 1400)
    (place / "link").symlink_to("y" * 100)
    (place / "long").symlink_to("dir1")
    return [disks.make(f"{name}/base{number}", words, 1, place) for number, words in enumerate(BASES)]


def nonsense(rng):
    """A command of debugfs that spoils something."""
    path, value = rng.choice(PATHS), rng.choice(VALUES)
    return rng.choice([
        lambda: f"sif {path} {rng.choice(FIELDS)} {value}",
        lambda: f"sif {path} {rng.choice(FIELDS)} {value}",
        lambda: f"sif {path} mode {rng.choice(MODES)}",
        lambda: f"sif {path} flags {rng.choice(['0x80000', '0x1000', '0x10000000', '0x40000', '0x30'])}",
        lambda: f"clri {path}",
        lambda: f"ssv {rng.choice(SUPER)} {value}",
        lambda: f"set_bg 0 {rng.choice(GROUP)} {value}",
        lambda: f"link {rng.choice(['/', '/dir0', '/dir1'])} /dir1/sub/loop{rng.randrange(9)}",
        lambda: f"unlink {rng.choice(['/dir0', '/dir1/sub', '/crowd'])}/{rng.choice(['.', '..'])}",
        lambda: f"link <{rng.choice([0, 1, 3, 8, 12, 100, 127, 129, 5000])}> /dir2/odd{rng.randrange(9)}",
        lambda: f"zap_block -f {rng.choice(['/', '/dir0', '/crowd', '/dir1/sub'])} -o {rng.randrange(200)} "
                f"-l {rng.choice([1, 2, 8, 500])} -p {rng.choice([0, 1, 255])} {rng.randrange(3)}",
        lambda: f"{rng.choice(['freeb', 'setb'])} {rng.randrange(1, 900)} {rng.randrange(1, 100)}",
        lambda: f"{rng.choice(['freei', 'seti'])} <{rng.randrange(1, 60)}>",
    ])()


def spoilt(base, rng, work):
    """A copy of the image with something wrong."""
    shutil.copyfile(base, work)
    if rng.random() < 0.7:
        script = work.with_suffix(".debugfs")
        script.write_text("".join(nonsense(rng) + "\n" for _ in range(rng.choice([1, 1, 2, 4]))))
        disks.run(["debugfs", "-w", "-f", str(script), str(work)])
        return work.read_bytes()
    data = bytearray(work.read_bytes())
    for _ in range(rng.choice([1, 3, 10, 60])):
        place = rng.choice([range(1024, 1400), range(2048, 20000), range(2048, 65536)])
        data[rng.choice(place)] = rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)])
    return bytes(data)


def disk_of(images, path):
    """A disk with a partition for each image and guards around them; returns where the guards are."""
    step = EACH + GUARD
    size = START + len(images) * step + START
    starts = [START + number * step for number in range(len(images))]
    path.write_bytes(PATTERN * size * SECTOR)
    table = "label: gpt\n" + "".join(f"start={start}, size={EACH}\n" for start in starts)
    subprocess.run(["sfdisk", "--quiet", str(path)], input=table, text=True, check=True, capture_output=True,
                   env=dict(os.environ, PATH=disks.TOOLS))
    with path.open("r+b") as disk:
        for start, data in zip(starts, images):
            assert len(data) == EACH * SECTOR
            disk.seek(start * SECTOR)
            disk.write(data)
    return [(64, START), *((start + EACH, start + step) for start in starts)]


def check_guards(path, guards):
    with path.open("rb") as disk:
        for start, end in guards:
            disk.seek(start * SECTOR)
            assert disk.read((end - start) * SECTOR) == PATTERN * (end - start) * SECTOR, \
                f"sectors {start} to {end}, which belong to no partition, were written"


def archive(path, kinds):
    small = cpio.Archive()
    small.file("bin/visit", VISIT, 0o755)
    small.file("bin/visit-all", ALL, 0o755)
    small.file("etc/parts", "".join(f"{kind} vda{number + 1}\n" for number, kind in enumerate(kinds)))
    initramfs.add_system(small)
    path.write_bytes(small.bytes())
    return path


def run(machine, name, seed, count):
    """Returns how many of them could be mounted."""
    rng = random.Random(f"{seed} {count}")
    bases = good_images(name)
    folder = disks.OUT / name
    chosen = [rng.randrange(len(bases)) for _ in range(count)]
    images = [spoilt(bases[which], rng, folder / "work.img") for which in chosen]
    disk = folder / "all.img"
    guards = disk_of(images, disk)
    initrd = archive(folder / "initrd", [BASES[which].split()[1] for which in chosen])
    machine = machine.but(disks=(disk,), initrd=initrd, append="console=ttyS0 quiet panic=-1")
    with Guest(machine, name, 180 + count * 40) as guest:
        shell = Shell(guest)
        said = shell.check("dmesg -n 1; visit-all", 60 + count * 30)
        complaint = COMPLAINT.search(guest.output)
        assert not complaint, complaint.group()
        assert "TOO LONG" not in said and "STAYS" not in said, said
        mounted = int(said.split()[-1])
        assert shell.check("dmesg | grep -c 'Call Trace' || true") == "0"
        assert shell.power_off(60) == 0
    check_guards(disk, guards)
    return mounted
