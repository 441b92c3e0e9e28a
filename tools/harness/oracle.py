"""Debian's Linux kernel, unpacked into build/oracle and never installed: the measure of behaviour.

The package linux-image-cloud-amd64 only depends on the real one, whose name holds the version;
apt resolves it, downloads it with its signature checked, and dpkg-deb unpacks it.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import paths

PACKAGE = "linux-image-cloud-amd64"
HOME = paths.BUILD / "oracle"
KERNEL = HOME / "vmlinuz"


class OracleError(Exception):
    """The oracle cannot be had; the text is one line for the user."""


def resolve():
    """The name of the package that holds the kernel."""
    words = ["apt-cache", "depends", "--important", PACKAGE]
    answer = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    match = re.search(r"Depends: (linux-image-\S+-cloud-amd64)", answer)
    if not match:
        raise OracleError(f"no package {PACKAGE} in the package index: apt-get update may be needed")
    return match.group(1)


def unpack(package, folder):
    """Downloads the package into a folder and takes the kernel out of it."""
    download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package]
    got = subprocess.run(download, cwd=folder, capture_output=True, text=True, check=False)
    archives = list(Path(folder).glob("*.deb"))
    if got.returncode or not archives:
        raise OracleError(f"cannot download {package}: {got.stderr.strip().splitlines()[-1:]}")
    tree = Path(folder) / "tree"
    subprocess.run(["dpkg-deb", "-x", str(archives[0]), str(tree)], check=True)
    return next((tree / "boot").glob("vmlinuz-*"))


def kernel():
    """The path of Debian's Linux kernel; fetches it the first time."""
    if KERNEL.exists():
        return KERNEL
    HOME.mkdir(parents=True, exist_ok=True)
    package = resolve()
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        image = unpack(package, folder)
        shutil.copyfile(image, HOME / "vmlinuz.partial")
    (HOME / "package").write_text(package + "\n")
    (HOME / "vmlinuz.partial").rename(KERNEL)
    return KERNEL
