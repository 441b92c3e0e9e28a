"""Makes an EFI system partition: a FAT filesystem in a file, without root rights or a mount."""

import os
import subprocess
from pathlib import Path

SLACK_BYTES = 1 << 20
LOADER = "EFI/BOOT/BOOTX64.EFI"
INITRAMFS = "moonshot/initramfs.cpio.gz"
CMDLINE = "moonshot/cmdline.txt"


def size_for(files):
    """Bytes that a FAT filesystem needs to hold these files with some room."""
    total = sum(size_of(data) for data in files.values()) + SLACK_BYTES
    return (total + total // 8 + 0xFFFFF) & ~0xFFFFF


def size_of(data):
    return data.stat().st_size if isinstance(data, Path) else len(data)


def run(*words, **options):
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1", PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    subprocess.run(words, check=True, env=env, stdout=subprocess.DEVNULL, **options)


def fill(image, files, offset=0):
    """Copies files into the FAT filesystem at this offset of an image."""
    where = f"{image}@@{offset}"
    made = set()
    for name, data in files.items():
        for parent in list(Path(name).parents)[-2::-1]:
            if parent not in made:
                run("mmd", "-i", where, f"::{parent}")
                made.add(parent)
        if isinstance(data, Path):
            run("mcopy", "-i", where, str(data), f"::{name}")
        else:
            run("mcopy", "-i", where, "-", f"::{name}", input=data)


def make(image, files):
    """Writes a partition's worth of FAT that holds `files`: name to Path or bytes."""
    image = Path(image)
    image.parent.mkdir(parents=True, exist_ok=True)
    image.unlink(missing_ok=True)
    run("mkfs.vfat", "--invariant", "-n", "MOONSHOT", "-C", str(image), str(size_for(files) // 1024))
    fill(image, files)


def boot_files(application, initrd, cmdline):
    """The files of a bootable partition of ours."""
    files = {LOADER: Path(application), CMDLINE: cmdline.encode() + b"\n"}
    if initrd:
        files[INITRAMFS] = Path(initrd)
    return files
