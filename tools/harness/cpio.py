"""Writes cpio archives in the "newc" format, which is what an initramfs is.

Owners are root, times are zero and inode numbers count up, so that the same input gives the same
bytes, and device nodes need no root rights. Format: cpio(5), and Linux's
Documentation/driver-api/early-userspace/buffer-format.rst.
"""

import gzip
import stat
from pathlib import Path

TRAILER = "TRAILER!!!"


def entry(name, mode, data=b"", ino=0, rdev=(0, 0), nlink=1):
    """One archive member, padded to four bytes as the format wants."""
    encoded = name.encode() + b"\0"
    fields = [ino, mode, 0, 0, nlink, 0, len(data), 0, 0, rdev[0], rdev[1], len(encoded), 0]
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    padded = header + encoded
    padded += b"\0" * (-len(padded) % 4)
    return padded + data + b"\0" * (-len(data) % 4)


class Archive:
    """An archive in the making; missing parent directories are added by themselves."""

    def __init__(self):
        self._members = []
        self._names = set()

    def _add(self, name, mode, data=b"", rdev=(0, 0)):
        name = name.strip("/")
        if name in self._names:
            return
        parent = name.rpartition("/")[0]
        if parent:
            self.directory(parent)
        self._names.add(name)
        self._members.append(entry(name, mode, data, len(self._members) + 1, rdev))

    def directory(self, name, mode=0o755):
        self._add(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        """A regular file; data is bytes, text, or the Path of a file to copy."""
        if isinstance(data, Path):
            data = data.read_bytes()
        elif isinstance(data, str):
            data = data.encode()
        self._add(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor, mode=0o600):
        self._add(name, stat.S_IFCHR | mode, rdev=(major, minor))

    def tree(self, root, below=""):
        """Everything in a directory; executable files stay so, other modes are normal."""
        for path in sorted(Path(root).rglob("*")):
            name = f"{below}/{path.relative_to(root)}"
            if path.is_symlink():
                self.symlink(name, str(path.readlink()))
            elif path.is_dir():
                self.directory(name)
            else:
                self.file(name, path, 0o755 if path.stat().st_mode & 0o100 else 0o644)

    def bytes(self):
        return b"".join(self._members) + entry(TRAILER, 0)

    def gzipped(self):
        return gzip.compress(self.bytes(), 9, mtime=0)
