"""Initramfs images good and bad: each is unpacked, or gets one clear message and a defined way on."""

import gzip
import lzma
import subprocess

from harness.scenario import Scenario, jobs_of, program, with_init

SAID = [r"init: pid 1\r?\n"]
NO_ROOT = r"Kernel panic - not syncing: .*(Unable to mount root|No working init)"
UNPACKING_FAILED = r"Initramfs unpacking failed: \S+"
FILLER = 400_000


def good():
    return with_init(program("says"))


def zstd(data):
    return subprocess.run(["zstd", "-q", "-19", "-c"], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def concatenated():
    """Plain, padding, gzip: as an early microcode archive and the real one are."""
    first = with_init(b"first", "early").bytes()
    return first + b"\0" * (-len(first) % 512) + good().gzipped()


def later_wins():
    return with_init(program("exits")).bytes() + gzip.compress(good().bytes())


def truncated():
    data = with_init(program("says"), filler=FILLER).gzipped()
    return data[: len(data) // 2]


def truncated_plain():
    return with_init(program("says"), filler=FILLER).bytes()[: FILLER // 2]


def corrupt():
    data = bytearray(with_init(program("says"), filler=FILLER).gzipped())
    for offset in range(200, min(len(data), 1200), 7):
        data[offset] ^= 0x5A
    return bytes(data)


def bad_header():
    data = bytearray(with_init(program("says"), "other").bytes())
    data[6:14] = b"ZZZZZZZZ"
    return bytes(data)


SCENARIOS = {
    "plain": Scenario(SAID, initrd=lambda: good().bytes()),
    "gzip": Scenario(SAID, initrd=lambda: good().gzipped()),
    "zstd": Scenario(SAID, initrd=lambda: zstd(good().bytes())),
    "concatenated": Scenario(SAID, initrd=concatenated),
    "later-file-wins": Scenario(SAID, initrd=later_wins),
    "none": Scenario([NO_ROOT], "reset"),
    "empty-archive": Scenario([NO_ROOT], "reset", initrd=lambda: with_init(b"x", "etc/x").bytes()),
    "truncated-gzip": Scenario([UNPACKING_FAILED, NO_ROOT], "reset", initrd=truncated),
    "truncated-plain": Scenario([UNPACKING_FAILED, NO_ROOT], "reset", initrd=truncated_plain),
    "corrupt-gzip": Scenario([UNPACKING_FAILED, NO_ROOT], "reset", initrd=corrupt),
    "corrupt-header": Scenario([r"Initramfs unpacking failed|" + NO_ROOT], "reset", initrd=bad_header),
    "not-an-archive": Scenario([UNPACKING_FAILED, NO_ROOT], "reset", initrd=lambda: b"hello\n" * 999),
    "unknown-compression": Scenario([UNPACKING_FAILED, NO_ROOT], "reset",
                                    initrd=lambda: lzma.compress(good().bytes(), lzma.FORMAT_ALONE)),
}


def jobs(options):
    return jobs_of(options, "initramfs", SCENARIOS)
