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
MODULES_HOME = HOME / "modules"
VIRTIO = ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"]
DISKS = [*VIRTIO, "virtio_blk", "loop"]
NETWORK = [*VIRTIO, "failover", "net_failover", "virtio_net", "inet_diag", "tcp_diag", "udp_diag", "raw_diag",
           "unix_diag"]


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
    """Downloads the package into a folder and unpacks it there; returns the tree."""
    download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package]
    got = subprocess.run(download, cwd=folder, capture_output=True, text=True, check=False)
    archives = list(Path(folder).glob("*.deb"))
    if got.returncode or not archives:
        raise OracleError(f"cannot download {package}: {got.stderr.strip().splitlines()[-1:]}")
    tree = Path(folder) / "tree"
    subprocess.run(["dpkg-deb", "-x", str(archives[0]), str(tree)], check=True)
    return tree


def fetch():
    """Downloads the package and keeps the kernel and the modules that tests want."""
    HOME.mkdir(parents=True, exist_ok=True)
    package = resolve()
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        tree = unpack(package, folder)
        MODULES_HOME.mkdir(exist_ok=True)
        for name in {*DISKS, *NETWORK}:
            shutil.copyfile(next(tree.rglob(f"{name}.ko")), MODULES_HOME / f"{name}.ko")
        shutil.copyfile(next((tree / "boot").glob("vmlinuz-*")), HOME / "vmlinuz.partial")
    (HOME / "package").write_text(package + "\n")
    (HOME / "vmlinuz.partial").rename(KERNEL)


def kernel():
    """The path of Debian's Linux kernel; fetches it the first time."""
    if not KERNEL.exists():
        fetch()
    return KERNEL


def modules(names=tuple(DISKS)):
    """Its drivers of disks, or those named, in the order in which they are loaded."""
    paths_of = [MODULES_HOME / f"{name}.ko" for name in names]
    if not all(path.exists() for path in paths_of):
        fetch()
    return paths_of
