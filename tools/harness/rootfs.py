"""An ext2 file system that holds a small system, made without root rights or a mount.

A Tree has the methods of cpio.Archive, so that what fills an initramfs fills a disk as well;
mke2fs copies it into an image, and debugfs gives it to root if we are somebody else.
"""

import os
import subprocess
import tempfile
from pathlib import Path

# Fixed, so that the same input makes the same image.
UUID = "4d4f4f4e-5348-4f54-8000-000000000003"
ENVIRONMENT = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin",
                   E2FSPROGS_FAKE_TIME="1000000000")


class RootfsError(Exception):
    """A tool failed; the text is one line of it."""


class Tree:
    """Files in a directory; what is there already stays. Device nodes are the kernel's to make."""

    def __init__(self, top):
        self.top = Path(top)

    def _place(self, name):
        path = self.top / str(name).strip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return None if path.is_symlink() or path.exists() else path

    def directory(self, name, mode=0o755):
        path = self._place(name)
        if path:
            path.mkdir()
            path.chmod(mode)

    def file(self, name, data, mode=0o644):
        path = self._place(name)
        if path:
            data = data.read_bytes() if isinstance(data, Path) else data
            path.write_bytes(data.encode() if isinstance(data, str) else data)
            path.chmod(mode)

    def symlink(self, name, target):
        path = self._place(name)
        if path:
            path.symlink_to(target)

    def character_device(self, name, major, minor, mode=0o600):
        """Nothing: devtmpfs lies on /dev."""

    def tree(self, root, below=""):
        for path in sorted(Path(root).rglob("*")):
            name = f"{below}/{path.relative_to(root)}"
            if path.is_dir():
                self.directory(name)
            else:
                self.file(name, path, 0o755 if path.stat().st_mode & 0o100 else 0o644)


def run(*words, **options):
    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RootfsError(f"{words[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")


def give_to_root(image, top):
    """mke2fs keeps the owners of the files it copies."""
    names = [path.relative_to(top) for path in sorted(top.rglob("*"))]
    script = "".join(f"sif /{name} uid 0\nsif /{name} gid 0\n" for name in names)
    run("debugfs", "-w", "-f", "-", str(image), input=script)


def make(image, size_bytes, fill, label="moonshot"):
    """Writes an ext2 file system of this size that holds what fill(tree) puts into it."""
    image = Path(image)
    image.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        fill(Tree(top))
        for path in [*top.rglob("*")]:
            os.utime(path, (1000000000, 1000000000), follow_symlinks=False)
        run("mke2fs", "-q", "-t", "ext2", "-L", label, "-U", UUID, "-d", folder,
            "-E", f"root_owner=0:0,hash_seed={UUID}", str(image), f"{size_bytes >> 10}k")
        if os.getuid():
            give_to_root(image, top)
