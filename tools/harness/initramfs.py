"""What every initramfs of ours has in common: Debian's static busybox and a small system.

The files come from tools/initramfs; busybox is the unmodified /bin/busybox of Debian's package
busybox-static, with a symbolic link for each of its applets.
"""

import subprocess
from pathlib import Path

from . import paths

BUSYBOX = Path("/bin/busybox")
EMPTY = ["dev", "proc", "sys", "run", "mnt", "var/log", "var/tmp"]


def add_busybox(archive):
    archive.file("bin/busybox", BUSYBOX, 0o755)
    applets = subprocess.run([BUSYBOX, "--list-full"], check=True, capture_output=True, text=True)
    for applet in sorted(applets.stdout.split()):
        archive.symlink(applet, "/bin/busybox")


def add_system(archive):
    """All of a small system save what is particular to one use."""
    for name in EMPTY:
        archive.directory(name)
    archive.symlink("var/run", "/run")
    archive.directory("root", 0o700)
    archive.directory("tmp", 0o1777)
    archive.character_device("dev/console", 5, 1)
    archive.character_device("dev/null", 1, 3, 0o666)
    add_busybox(archive)
    archive.tree(paths.TOOLS / "initramfs")
