"""Debian's packages, unpacked into build/debian and never installed: programs for guests, and clients on this machine.

    archive_add(archive, "/usr/sbin/nginx")     the program and the libraries that it asks for
    words = host("wrk") + ["-d", "2", url]      a command that runs it here

apt resolves what a package needs and is not installed here; downloads are verified and kept.
"""

import fcntl
import re
import subprocess
from pathlib import Path

from . import paths

PACKAGES = ["nginx", "wrk", "redis-server", "redis-tools", "dropbear-bin", "openssh-client", "curl", "iperf3", "socat",
            "tcpdump", "dnsmasq-base", "iproute2"]
HOME = paths.BUILD / "debian"
TREE = HOME / "tree"
FOLDERS = ["usr/bin", "bin", "usr/sbin", "sbin"]


class DebianError(Exception):
    """A package cannot be had; the text says why."""


def apt_get(*words):
    done = subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", *words], cwd=HOME, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise DebianError(f"apt-get {words[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout


def fetch():
    """Downloads and unpacks what is not there yet."""
    HOME.mkdir(parents=True, exist_ok=True)
    stamp = HOME / "packages"
    with (HOME / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text().split() == PACKAGES:
            return
        planned = apt_get("-s", "--no-install-recommends", "install", *PACKAGES)
        needed = set(re.findall(r"^Inst (\S+)", planned, re.M)) | set(PACKAGES)
        apt_get("download", *sorted(needed))
        for package in sorted(HOME.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, TREE], check=True)
        stamp.write_text(" ".join(PACKAGES))


def program(name):
    """The path of a program, on this machine."""
    fetch()
    for top in (TREE, Path("/")):
        for folder in FOLDERS:
            if (top / folder / name).is_file():
                return top / folder / name
    raise DebianError(f"no program {name}")


def library_path():
    return ":".join(str(TREE / folder) for folder in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"))


def host(name):
    """The words that run it here."""
    return ["env", f"LD_LIBRARY_PATH={library_path()}", str(program(name))]


def libraries(path):
    """What the dynamic linker gives a program: name of the library -> file."""
    found = subprocess.run(["env", f"LD_LIBRARY_PATH={library_path()}", "ldd", str(path)], check=True, capture_output=True,
                           text=True).stdout
    linked = dict(re.findall(r"(\S+) => (/\S+) \(0x", found))
    return linked | {name: name for name in re.findall(r"^\s+(/lib64/\S+) \(0x", found, re.M)}


def archive_add(archive, *names):
    """Programs, where Debian has them, with their libraries."""
    for name in names:
        path = program(name)
        place = path.relative_to(TREE if path.is_relative_to(TREE) else "/")
        archive.file(str(place), path, 0o755)
        for library, file in libraries(path).items():
            where = library if library.startswith("/") else f"usr/lib/x86_64-linux-gnu/{library}"
            archive.file(where, Path(file), 0o755)
