"""ext2 on a virtual disk: images of many kinds read and written, checked by e2fsck and debugfs afterwards;
mutated images; a full disk; power cuts (`./moonshot soak powercut` goes on)."""

import random
import re
import shutil

from harness import disks
from harness.conformance import Conformance
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single
from harness.stress import COMPLAINT

OPERATIONS = 3000
CUTS = 10
MUTATIONS = 100
MOUNT = "mkdir -p /mnt && mount -t ext2 /dev/vda /mnt && cd /mnt"
LINE = re.compile(r"^= (\S+) (\d+) ([0-9a-f]{16})$", re.M)


def filled_tree(place):
    """Directories, links and files that mke2fs -d puts into an image; {name: (size, sum)}."""
    files = {}
    for number in range(40):
        name = f"dir{number % 5}/deep/deeper/file{number}"
        data = bytes((number + index * 7) % 256 for index in range(number * 997))
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
        files[name] = (len(data), disks.sum_of(data))
    with (place / "sparse").open("wb") as sparse:
        sparse.seek(20_000_000)
        sparse.write(b"end")
    (place / "link").symlink_to("dir1")
    (place / "long").symlink_to("x" * 200)
    return files


def reads(options, name, words, kind):
    """What the host put in, the guest reads bit for bit, by md5sum."""
    place = disks.OUT / f"{name}.in"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    filled_tree(place)
    image = disks.make(name, words, 48, place)
    expected = disks.run(["sh", "-c", f"cd {place} && find . -type f | sort | xargs md5sum"])[1]
    with Guest(disks.on(options.machine(), image), name, 120) as guest:
        shell = Shell(guest)
        shell.check(f"mkdir -p /mnt && mount -t {kind} -o ro /dev/vda /mnt && cd /mnt")
        found = shell.check("find . -path ./lost+found -prune -o -type f -print | sort | "
                            "xargs md5sum", 60)
        assert found.strip() == expected.strip(), found
        assert shell.check("readlink long") == "x" * 200
        assert shell.run("touch new")[1] != 0
        shell.check("cd / && umount /mnt")
        assert shell.power_off() == 0
    disks.check(image)


def writes(options, name, words):
    """A seeded program changes everything; e2fsck finds nothing, debugfs the same contents."""
    image = disks.make(name, words, 48)
    with Guest(disks.on(options.machine(), image), name, 240) as guest:
        shell = Shell(guest)
        shell.check(MOUNT)
        output = shell.check(f"churn plan 7 {OPERATIONS}", 120)
        shell.check("cd / && umount /mnt", 60)
        assert shell.power_off() == 0
    disks.check(image)
    expected = {name: (int(size), total) for name, size, total in LINE.findall(output)}
    assert expected and disks.contents(image) == expected


def full(options, name):
    """ENOSPC in time, nothing written is lost, and all of it comes free again."""
    image = disks.make(name, "-t ext2 -b 1024 -N 200", 8)
    with Guest(disks.on(options.machine(), image), name, 240) as guest:
        shell = Shell(guest)
        shell.check(MOUNT)
        before = shell.check("stat -f -c %f /mnt")
        shell.check("churn fill && churn fill && sync", 120)
        assert shell.check("stat -f -c %f /mnt") == before
        assert shell.run("i=0; while touch n$i; do i=$((i+1)); done 2>&1", 60)[0].strip() \
            .endswith("No space left on device")
        shell.check("rm n*; touch again; cd / && umount /mnt", 60)
        assert shell.power_off() == 0
    disks.check(image)


def mutated_image(base, rng):
    """A copy with some bytes changed, most of them in what the file system lives by."""
    data = bytearray(base)
    for _ in range(rng.randint(1, 40)):
        place = rng.choice([range(1024, 2048), range(2048, 20000), range(0, len(base))])
        data[rng.choice(place)] = rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)])
    return bytes(data)


# Each image through a loop device: read whole, changed, emptied. What fails may fail; nothing may hang.
MUTATED = """
cd /; losetup -o $((i * {size})) /dev/loop0 /dev/vda && {{
mount -t ext2 -o errors={errors} /dev/loop0 /mnt 2>/dev/null && mounted=$((mounted + 1)) && {{
cd /mnt; find . -type f | head -n 300 | xargs head -c 100000 >/dev/null 2>&1; ls -lR . >/dev/null 2>&1;
for d in dir*; do echo new >$d/new; mkdir $d/newdir; ln -s x $d/newlink; mv $d/new $d/newer; done 2>/dev/null;
rm -rf dir0 dir1 dir2 2>/dev/null; cd /; umount /mnt; }}; losetup -d /dev/loop0; }}"""


def mutated(options, name, errors):
    """Images with bytes changed at random: errors, but no panic, no hang, and the shell answers."""
    place = disks.OUT / f"{name}.in"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for number in range(12):
        (place / f"dir{number % 4}/sub").mkdir(parents=True, exist_ok=True)
        (place / f"dir{number % 4}/sub/file{number}").write_bytes(b"x" * number * 3000)
    (place / "dir0/link").symlink_to("y" * 100)
    base = disks.make(name, "-t ext2 -b 1024 -N 64", 1, place).read_bytes()
    rng = random.Random(f"{name} {MUTATIONS}")
    image = disks.OUT / f"{name}.all"
    image.write_bytes(b"".join(mutated_image(base, rng) for _ in range(MUTATIONS)))
    with Guest(disks.on(options.machine(), image), name, 300) as guest:
        shell = Shell(guest)
        shell.check("mkdir -p /mnt; mounted=0; dmesg -n 1; losetup -f")
        for first in range(0, MUTATIONS, 10):
            body = MUTATED.format(size=len(base), errors=errors).replace("\n", " ")
            shell.run(f"for i in $(seq {first} {first + 9}); do {body}; done", 120)
        assert int(shell.check("echo $mounted")) > MUTATIONS // 4
        complaint = COMPLAINT.search(guest.output)
        assert not complaint, complaint.group()
        assert shell.check("echo still here") == "still here"


def circles(options, name):
    """Directories that lead to themselves, to their parents, or have two names: an error each."""
    place = disks.OUT / f"{name}.in"
    shutil.rmtree(place, ignore_errors=True)
    (place / "a/b/c").mkdir(parents=True)
    image = disks.make(name, "-t ext2", 16, place)
    for words in ("ln a a/self", "ln a a/b/up", "ln a/b/c two", "ln / a/root"):
        disks.run(["debugfs", "-w", "-R", words, str(image)])
    with Guest(disks.on(options.machine(), image), name, 120) as guest:
        shell = Shell(guest)
        shell.check(MOUNT + " && ls a/b/c && dmesg -n 1")
        for bad in ("a/self", "a/b/up", "two", "a/root"):
            assert shell.run(f"ls {bad}/.")[1] and shell.run(f"rmdir {bad}")[1], bad
        shell.run("ls -lR . && rm -rf a; mv a/b/up new; cd / && umount /mnt", 60)
        complaint = COMPLAINT.search(guest.output)
        assert not complaint, complaint.group()
        assert shell.check("echo still here") == "still here"
    disks.mend(image)


CONFORMING = "names directories mmap locks splice fifo".split()


def conforms(options, name):
    """Programs of test/conformance about files, with ext2 where they make theirs."""
    image = disks.make(name, "-t ext2 -b 1024", 48)
    suite = Conformance()
    archive = disks.system()
    for program in CONFORMING:
        suite.prepare(program)
        suite.add_to(archive, program)
    initrd = disks.OUT / "conformance.cpio"
    initrd.write_bytes(archive.bytes())
    with Guest(disks.on(options.machine(), image).but(initrd=initrd), name, 240) as guest:
        shell = Shell(guest)
        shell.check("mount -t ext2 /dev/vda /tmp && chmod 1777 /tmp && cd /tmp")
        for program in CONFORMING:
            output = shell.check(f"rm -rf /tmp/* && /tests/{program}", 60)
            assert "not ok" not in output and "\nok " in output, f"{program}: {output}"
        shell.check("cd / && umount /tmp")
        assert shell.power_off() == 0
    disks.check(image)


def failing(machine, image, rules):
    """The machine with the image as a disk some of whose requests fail, as blkdebug's rules say."""
    words = ",".join(f"file.inject-error.{number}.{key}={value}"
                     for number, rule in enumerate(rules) for key, value in rule.items())
    return disks.on(machine, image).but(disks=(), extra=(
        "-drive", f"if=none,id=disk0,format=raw,cache=writeback,file.driver=blkdebug,"
                  f"file.image.driver=file,file.image.filename={image},{words}",
        "-device", "virtio-blk-pci,drive=disk0"))


def bitmap_sector(image):
    """Where the bitmap of the first group's blocks lies."""
    said = disks.run(["dumpe2fs", str(image)])[1]
    return int(re.search(r"Block bitmap at (\d+)", said).group(1)) * 2


def write_errors(options, name, errors):
    """Metadata that cannot be written: fsync says EIO, errors= is heeded, the rest goes on."""
    image = disks.make(name, "-t ext2 -b 1024", 16)
    rule = {"event": "pwritev", "iotype": "write", "errno": 5, "sector": bitmap_sector(image), "once": "off"}
    with Guest(failing(options.machine(), image, [rule]), name, 240) as guest:
        shell = Shell(guest)
        shell.check("mkdir -p /mnt && dmesg -n 1 && "
                    f"mount -t ext2 -o errors={errors} /dev/vda /mnt && cd /mnt")
        shell.check("echo one >old; echo two >new")
        assert "Input/output error" in shell.run("dd if=new of=newest conv=fsync 2>&1", 60)[0]
        said, status = shell.run("echo three >newer && cat newer", 60)
        assert said.strip() == "three" if errors == "continue" else status != 0, said
        assert shell.check("cat old") == "one"
        shell.run("cd / && umount /mnt", 60)
        assert shell.run("mount | grep /mnt")[1] == 1
        complaint = COMPLAINT.search(guest.output)
        assert not complaint, complaint.group()
        assert shell.check("echo still here") == "still here"
    disks.mend(image)


def cuts(options, name):
    enough = disks.power_cuts(options.machine(), name, CUTS)
    print(f"    {name}: e2fsck -p was enough {enough} times of {CUTS}")


def jobs(options):
    found = [single(f"boot/disk/writes-{kind}", lambda kind=kind, words=words: writes(
        options, f"boot/disk/writes-{kind}", words), 20)
             for kind, words in disks.OPTION_SETS.items()]
    found += [single(f"boot/disk/reads-{kind}", lambda kind=kind, words=words: reads(
        options, f"boot/disk/reads-{kind}", words, words.split()[1]), 8)
              for kind, words in {**disks.READ_ONLY_SETS, "ext2": "-t ext2 -b 1024"}.items()]
    found += [single(f"boot/disk/mutated-{errors}", lambda errors=errors: mutated(
        options, f"boot/disk/mutated-{errors}", errors), 20)
              for errors in ("continue", "remount-ro")]
    found += [single(f"boot/disk/write-errors-{errors}", lambda errors=errors: write_errors(
        options, f"boot/disk/write-errors-{errors}", errors), 10)
              for errors in ("continue", "remount-ro")]
    found.append(single("boot/disk/circles", lambda: circles(options, "boot/disk/circles"), 5))
    found.append(single("boot/disk/conformance",
                        lambda: conforms(options, "boot/disk/conformance"), 20))
    found.append(single("boot/disk/full", lambda: full(options, "boot/disk/full"), 15))
    found.append(single("boot/disk/powercut", lambda: cuts(options, "boot/disk/powercut"), 60))
    return found
