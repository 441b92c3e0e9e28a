"""Where things are in the tree and in build/."""

from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
LOGS = BUILD / "test-logs"
TOOLS = TOP / "tools"
TEST = TOP / "test"
OVMF = Path("/usr/share/ovmf/OVMF.fd")
INITRAMFS = BUILD / "initramfs.cpio.gz"


def kernel(debug=False, clang=False):
    """The kernel ELF of a build variant; the Makefile names the folders. debug: True, or "kasan"."""
    variant = ("clang" if clang else "") + ("debug" if debug is True else debug or "")
    return (BUILD / variant if variant else BUILD) / "moonshot.elf"


def uefi_application(debug=False, clang=False):
    """The UEFI application that carries that kernel."""
    return kernel(debug, clang).with_suffix(".efi")
