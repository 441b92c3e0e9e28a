"""Trees of files on many kinds of disks: made by the host, read and changed in the guest, compared with the host's own.

    rng = random.Random(seed)
    place = plant("storage/trees", rng, 200)            a tree in build/disks, and what it holds
    failures = compare(machine, place, KINDS, script, name)

mke2fs -d puts one tree on an image of each kind; all of them are disks of one guest, which lists what it finds (names,
kinds, modes, owners, links, sizes, times, checksums), carries out one script of changes, and lists again. The
measure is the host's kernel: the same tree, and the same script by the same busybox. The lists come back in a tar archive on
one more disk. Afterwards e2fsck -fn finds nothing, and debugfs takes the same contents out of the images.
"""

import hashlib
import os
import random
import re
import shutil
import stat
import subprocess
import tarfile

from . import cpio, disks, initramfs
from .console import Shell
from .qemu import Guest
from .stress import COMPLAINT

MIB = 1 << 20
SPARSE = "sparse"
SPARSE_SIZE = 3 << 30
SPARSE_PAGES = (0, 3, 1000, 70_000, 300_001, 524_288, 786_431)  # of 4 KiB; some hold data
PLAIN = 20 * MIB  # what is larger is looked at in places only
DEVICES = ("1:3", "8:12c")  # the nodes that only the images have
ATTRIBUTE = ("user.moonshot", "kept as it is")

# What mke2fs is asked for. Those of ext2 are written to, the others read.
WRITTEN = {
    "1k": "-t ext2 -b 1024 -I 128",
    "2k": "-t ext2 -b 2048 -I 256",
    "4k": "-t ext2 -b 4096 -I 256 -O ^resize_inode",
    "4k-bare": "-t ext2 -b 4096 -I 128 -O ^resize_inode,^dir_index,^filetype,^sparse_super,^large_file,^ext_attr",
    "revision-0": "-t ext2 -r 0 -b 1024",
    "sparse-super2": "-t ext2 -b 1024 -g 2048 -O ^resize_inode,sparse_super2",
}
READ = {
    "ext4": "-t ext4 -b 4096",
    "ext4-64bit": "-t ext4 -b 1024 -O 64bit,flex_bg,metadata_csum,^has_journal",
    "ext4-plain": "-t ext4 -b 2048 -O ^64bit,^flex_bg,^metadata_csum,^huge_file,^extra_isize -I 128",
    "ext3": "-t ext3 -b 1024",
}
CHOICES = ["resize_inode", "dir_index", "filetype", "sparse_super", "large_file", "ext_attr"]

LISTING = f"""#!/bin/sh
# What a folder holds: an S line a name, an M line a sum, a P line a part of the large file.
cd "$1" || exit 1
find . -path ./lost+found -prune -o ! -path . -print0 | xargs -0 stat -c 'S %f %u %g %h %t:%T %Y %s %n'
find . -path ./lost+found -prune -o -type f -size -{PLAIN // 1024}k -print0 | xargs -0 md5sum | sed 's/^/M /'
find . -type l -print0 | xargs -0 -n 1 sh -c 'echo "L $(readlink "$0") $0"'
for page in {" ".join(map(str, SPARSE_PAGES))}; do
	echo "P $(dd if={SPARSE} bs=4096 skip=$page count=1 2>/dev/null | md5sum)$page"
done
"""

EACH = """#!/bin/sh
# For each disk: listed, changed, listed again. Each kind is a line of /etc/kinds: disk, type, name.
mkdir -p /tmp/out
while read -r disk type name; do
	echo "- $name"
	mount -t $type -o ro /dev/$disk /mnt || continue
	listing /mnt >/tmp/out/$name.before
	umount /mnt
	[ $type = ext2 ] || continue
	mount -t ext2 /dev/$disk /mnt || continue
	(cd /mnt && sh /etc/changes) >/tmp/out/$name.changes 2>&1
	umount /mnt && mount -t ext2 /dev/$disk /mnt
	listing /mnt >/tmp/out/$name.after
	rm /mnt/""" + SPARSE + """
	umount /mnt
done </etc/kinds
tar -c -f /dev/$1 -C /tmp/out . && sync
"""


def data_of(rng, size):
    return rng.randbytes(size)


def name_of(rng):
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.-_ +äß€'\"$*"
    length = rng.choice([1, 3, 8, 12, 12, 30, 90, 120])
    return "n" + "".join(rng.choice(letters) for _ in range(length)).rstrip(" .")


def plant(name, rng, count):
    """A tree of about so many files in a folder of build/disks; returns the folder."""
    place = disks.OUT / f"{name}.in"
    shutil.rmtree(place, ignore_errors=True)
    (place / "d").mkdir(parents=True)
    folders = [place / f"d{number}" for number in range(6)] + [place / "d"]
    for number, folder in enumerate(folders):
        folder.mkdir(exist_ok=True)
        (folder / "sub").mkdir()
    deep = place / "deep"
    for _ in range(40):
        deep /= "x"
    deep.mkdir(parents=True)
    folders.append(deep)
    for number in range(count):
        folder = rng.choice(folders)
        path = folder / name_of(rng)
        kind = rng.random()
        if path.exists() or path.is_symlink():
            continue
        if kind < 0.1:
            path.symlink_to(("y/" * 450)[:rng.choice([1, 59, 61, 201, 899])])
        elif kind < 0.15:
            path.mkdir()
            folders.append(path)
        else:
            path.write_bytes(data_of(rng, rng.choice([0, 1, 100, 1023, 1024, 5000, 13_000, 70_000])))
    plant_fixed(place, rng)
    return place


def plant_fixed(place, rng):
    """What the script of changes knows by name, and what is special."""
    for number in range(30):
        path = place / f"f{number}"
        path.write_bytes(data_of(rng, number * 1777))
        path.chmod(rng.choice([0o600, 0o644, 0o755, 0o4755, 0o2711, 0o1644, 0o606]))
    (place / "large").write_bytes(data_of(rng, 900_000))
    (place / ("l" * 255)).write_bytes(b"long")
    for number in range(5):
        os.link(place / "f3", place / f"d{number}" / "link")
    os.mkfifo(place / "pipe")
    (place / "crowd").mkdir()
    for number in range(250):
        (place / "crowd" / f"member {number:04} with a name of some length").touch()
    with (place / SPARSE).open("wb") as file:
        for page in SPARSE_PAGES[::2]:
            file.seek(page * 4096)
            file.write(data_of(rng, 4096))
        file.truncate(SPARSE_SIZE)
    for number, path in enumerate(sorted(place.rglob("*"))):
        if not path.is_symlink():
            os.utime(path, (1_000_000_000 + number, 1_100_000_000 + number))


def changes(rng, count):
    """A script for busybox's shell whose every step prints its exit status."""
    def file():
        return rng.choice([f"f{rng.randrange(36)}", f"d{rng.randrange(7)}/g{rng.randrange(12)}", "large"])

    def folder():
        return rng.choice([f"d{rng.randrange(7)}", f"d{rng.randrange(7)}/sub", f"new{rng.randrange(4)}"])

    steps = [
        lambda: f"seq {rng.randrange(9000)} {rng.randrange(9000)} > {file()}",
        lambda: f"seq {rng.randrange(3000)} >> {file()}",
        lambda: f"cat {file()} {file()} > {folder()}/g{rng.randrange(12)}",
        lambda: f"dd if={file()} of={file()} bs={rng.choice([512, 1000, 4096])} seek={rng.randrange(400)} "
                f"skip={rng.randrange(5)} count={rng.randrange(1, 9)} conv=notrunc 2>/dev/null",
        lambda: f"truncate -s {rng.choice([0, 1, 4095, 50000, 300000])} {file()}",
        lambda: f"mv {file()} {file()}",
        lambda: f"mv {folder()} {folder()}",
        lambda: f"rm -f {file()}",
        lambda: f"chmod {rng.choice([600, 640, 755, 777])} {file()}",
        lambda: f"ln -f {file()} {folder()}/g{rng.randrange(12)}",
        lambda: f"ln -s -f {'t' * rng.choice([5, 70])} {folder()}/s{rng.randrange(4)}",
        lambda: f"mkdir -p {folder()}/h{rng.randrange(3)}",
        lambda: f"rmdir {folder()}/h{rng.randrange(3)}",
        lambda: f"rm -rf {folder()}/h{rng.randrange(3)} {folder()}/s{rng.randrange(4)}",
        lambda: f"touch -d @{rng.randrange(1 << 30)} {file()}",
    ]
    page = SPARSE_PAGES[3]
    first = [f"dd if=large of={SPARSE} bs=4096 seek={page} count=2 conv=notrunc 2>/dev/null",
             "(cd crowd && rm -f *[13579]\\ with*)", "cp -r crowd crowd2", "rm -r crowd", "mknod node c 4 5",
             "for i in $(seq 300); do echo $i > d/i$i; done", "rm d/i*7 d/i*2"]
    lines = first + [rng.choice(steps)() for _ in range(count)]
    return "".join(f"{line} 2>/dev/null; echo $?\n" for line in lines)


def entry(fields):
    """An S line as (mode, uid, gid, links, device, time, size); of a folder, no size."""
    mode = int(fields[0], 16)
    size = 0 if stat.S_ISDIR(mode) else int(fields[6])
    return (mode, *map(int, fields[1:4]), fields[4], int(fields[5]), size)


def listed(text):
    """What `listing` printed: (names, sums, links, parts)."""
    names, sums, links, parts = {}, {}, {}, {}
    for line in text.splitlines():
        kind, rest = line[:1], line[2:]
        if kind == "S":
            words = rest.split(" ", 7)
            names[words[7]] = entry(words)
        elif kind == "M":
            sums[rest[34:]] = rest[:32]
        elif kind == "L":
            target, path = rest.split(" ", 1)
            links[path] = target
        elif kind == "P":
            total, page = rest.split("  -")
            parts[int(page)] = total
    return names, sums, links, parts


def on_the_host(words, **more):
    """Runs busybox's shell on the host so that all its commands are busybox's; returns what it printed."""
    applets = disks.OUT / "applets"
    if not applets.exists():
        applets.mkdir(parents=True)
        subprocess.run([initramfs.BUSYBOX, "--install", "-s", applets], check=True)
    done = subprocess.run([initramfs.BUSYBOX, "sh", *words], env={"PATH": str(applets.resolve())}, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    return done.stdout.decode("utf-8", "surrogateescape")


def host_listing(place):
    """What `listing` says of a folder of the host."""
    return listed(on_the_host(["-c", LISTING, "listing", place]))


def host_changes(place, script):
    """Carries the script out in a folder of the host; returns what it printed."""
    return on_the_host(["-c", script], cwd=place)


def specials(image, expected, attributes):
    """Device nodes, owners and an attribute, by debugfs, which needs no rights; `expected` is told."""
    names = expected[0]
    commands = []
    for name, kind, mode, device in (("./d0/null", "c", 0o20666, (1, 3)), ("./d1/disk", "b", 0o60640, (8, 300))):
        commands += [f"cd /{name[2:4]}", f"mknod {name[5:]} {kind} {device[0]} {device[1]}", "cd /",
                     f"sif {name[1:]} mode 0{mode:o}", f"sif {name[1:]} mtime @1000000000"]
        names[name] = (mode, 0, 0, 1, f"{device[0]:x}:{device[1]:x}", 1_000_000_000, 0)
    commands += ["sif /f5 uid 54321", "sif /f5 gid 70001"]
    names["./f5"] = (names["./f5"][0], 54321, 70001, *names["./f5"][3:])
    if attributes:
        commands.append(f'ea_set /f6 {ATTRIBUTE[0]} "{ATTRIBUTE[1]}"')
    script = image.with_suffix(".debugfs")
    script.write_text("\n".join(commands) + "\n")
    status, said = disks.run(["debugfs", "-w", "-f", str(script), str(image)])
    assert status == 0, said


def difference(found, expected, what):
    """A few of the differences in words, or nothing."""
    wrong = [f"{what} {key!r}: {found.get(key)} instead of {expected.get(key)}"
             for key in sorted(set(found) | set(expected), key=str) if found.get(key) != expected.get(key)]
    return [f"{len(wrong)} differ", *wrong[:4]] if wrong else []


def differences(found, expected, times=True):
    """Compares two listings. Without times, neither owners nor what special bits became count."""
    def plain(names):
        return {name: (its[0] & ~0o7000 & 0xffff, its[3], its[4], its[6]) for name, its in names.items()}

    names = [found[0], expected[0]] if times else [plain(found[0]), plain(expected[0])]
    return difference(*names, "of") + [line for which, what in ((1, "sum of"), (2, "link"), (3, "page"))
                                       for line in difference(found[which], expected[which], what)]


def archive(kinds, script):
    """The initramfs with the scripts."""
    small = cpio.Archive()
    small.file("bin/listing", LISTING, 0o755)
    small.file("bin/each", EACH, 0o755)
    small.file("etc/kinds", "".join(f"vd{chr(97 + number)} {words.split()[1]} {name}\n"
                                    for number, (name, words) in enumerate(kinds.items())))
    small.file("etc/changes", script)
    initramfs.add_system(small)
    return small


def in_the_guest(machine, images, kinds, script, name, limit_s):
    """Boots it with all disks and one for the lists; returns {file: text} of those."""
    folder = disks.OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    channel, initrd = folder / "lists.img", folder / "initrd"
    channel.write_bytes(bytes(16 * MIB))
    initrd.write_bytes(archive(kinds, script).bytes())
    machine = machine.but(disks=(*images, channel), initrd=initrd, append="console=ttyS0 quiet panic=-1")
    with Guest(machine, name, limit_s + 120) as guest:
        shell = Shell(guest)
        shell.check(f"each vd{chr(97 + len(images))}", limit_s)
        complaint = COMPLAINT.search(guest.output)
        assert not complaint, complaint.group()
        assert shell.power_off(60) == 0
    with tarfile.open(channel) as lists:
        return {member.name.removeprefix("./"): lists.extractfile(member).read().decode("utf-8", "surrogateescape")
                for member in lists if member.isfile()}


def judged_outside(image, after):
    """What e2fsck and debugfs, which share nothing with the guest's kernel, find on the disk."""
    status, said = disks.run(["e2fsck", "-fn", str(image)])
    wrong = [said[-2000:]] if status else []
    place = disks.tree(image)
    _names, sums, links, _parts = host_listing(place)
    shutil.rmtree(place)
    wrong += difference(sums, after[1], "debugfs: sum of") + difference(links, after[2], "debugfs: link")
    return wrong


def compare(machine, place, kinds, script, name, limit_s=240, size=64):
    """One guest with a disk of each kind; returns what is wrong, line by line. The tree is changed, too."""
    before = host_listing(place)
    images = {}
    expected = {}
    for kind, words in kinds.items():
        images[kind] = disks.make(f"{name}/{kind}", words, size, place)
        expected[kind] = tuple(dict(part) for part in before)
        specials(images[kind], expected[kind], kind not in ("4k-bare", "revision-0") and "^ext_attr" not in words)
    said = host_changes(place, script)
    after = host_listing(place)
    lists = in_the_guest(machine, images.values(), kinds, script, name, limit_s)
    wrong = []
    for kind, words in kinds.items():
        found = differences(listed(lists.get(f"{kind}.before", "")), expected[kind])
        if words.split()[1] == "ext2":
            found += judged_changes(lists, kind, said, after)
            found += judged_outside(images[kind], after)
        wrong += [f"{kind}: {line}" for line in found]
    return wrong


def judged_changes(lists, kind, said, after):
    """Each step ended as on the host, and the outcome is the same."""
    statuses, expected = (re.findall(r"^\d+$", text, re.M) for text in (lists.get(f"{kind}.changes", ""), said))
    wrong = [] if statuses == expected else [f"exit statuses {statuses} instead of {expected}"]
    names, *rest = listed(lists.get(f"{kind}.after", ""))
    names = {name: its for name, its in names.items() if its[4] not in DEVICES}  # wherever they were moved
    return wrong + differences((names, *rest), after, times=False)


def random_kinds(rng, count):
    """So many kinds of ext2 by chance, for the long test."""
    kinds = {}
    for number in range(count):
        flags = [rng.choice(["", "^"]) + flag for flag in CHOICES]
        if "^sparse_super" in flags:
            flags[0] = "^resize_inode"
        kinds[f"random{number}"] = (f"-t ext2 -b {rng.choice([1024, 2048, 4096])} -I {rng.choice([128, 256, 512])} "
                                    f"-O {','.join(flags)}")
    return kinds


def soak(machine, rounds, seed, show):
    """So many rounds, each of another tree, other changes, other kinds; raises AssertionError."""
    for number in range(seed, seed + rounds):
        rng = random.Random(number)
        name = "soak/storage"
        place = plant(name, rng, 400)
        kinds = {**(WRITTEN if number % 2 else {}), **READ, **random_kinds(rng, 8)}
        wrong = compare(machine, place, kinds, changes(rng, 400), name, 1800, 96)
        assert not wrong, f"seed {number}: " + "\n".join(wrong)
        show(f"trees of seed {number} on {len(kinds)} disks: ok")
