"""busybox's own test suite, from Debian's source package: the cases that pass on Debian's Linux
pass here.

Fetched when it is first run, never committed. A program here is one applet of its testsuite/, or one
folder (ash-...) of its tests of the shell; both are run by the suite's own scripts, with the
configuration that Debian's busybox-static was built with.
"""

import re
import subprocess

from . import compare, initramfs, paths
from .compare import Line

PIN = "busybox=1:1.35.0-4+deb12u1"
SOURCE = paths.BUILD / "sources" / "busybox"
TESTS = SOURCE / "testsuite"
SHELL_TESTS = SOURCE / "shell" / "ash_test"
SHELL_HELPERS = ["printenv", "recho", "zecho"]
OUT = compare.OUT / "busybox"
# Minutes of arithmetic in the shell and in bc, which ask nothing of a kernel.
TOO_SLOW = {"ash-z_slow"}
SLOW_CASE = re.compile(r'^testing "bc (?:parsing|printing) of numbers".*?^}\'\n', re.M | re.S)
VERDICT = re.compile(r"(PASS|FAIL): (.*)|(ash-\S+): (ok|fail)$")


def fetch():
    subprocess.run([str(paths.TOOLS / "fetch-source"), PIN, str(SOURCE)], check=True)


def bc_tests():
    return SLOW_CASE.sub("", (TESTS / "bc.tests").read_text())


def is_shell(name):
    return name.startswith("ash-")


class Busybox(compare.Suite):
    """One program an applet; its verdicts are PASS, FAIL (or SKIPPED, UNTESTED, which say nothing)."""

    group = "busybox"
    limit_s = 150
    must_hold = False

    def names(self):
        fetch()
        listed = subprocess.run([initramfs.BUSYBOX, "--list"], check=True, capture_output=True, text=True)
        built = set(listed.stdout.split()) | {"busybox"}
        tested = {path.name.removesuffix(".tests") for path in TESTS.glob("*.tests")}
        tested |= {path.name for path in TESTS.iterdir() if path.is_dir()}
        shell = {path.name for path in SHELL_TESTS.glob("ash-*")} - TOO_SLOW
        return sorted(built & tested) + sorted(shell)

    def prepare(self, name):
        if is_shell(name):
            OUT.mkdir(parents=True, exist_ok=True)
            for helper in SHELL_HELPERS:
                if not (OUT / helper).exists():
                    subprocess.run(["musl-gcc", "-static", "-w", "-O2", "-o", str(OUT / helper),
                                    str(SHELL_TESTS / f"{helper}.c")], check=True)

    def add_to(self, archive, name):
        archive.symlink("suite/busybox", "/bin/busybox")
        archive.file("suite/.config", SOURCE / "debian" / "config" / "pkg" / "static")
        if is_shell(name):
            for helper in SHELL_HELPERS:
                archive.file(f"suite/shell/ash_test/{helper}", OUT / helper, 0o755)
            archive.tree(SHELL_TESTS, "suite/shell/ash_test")
            run = f"cd shell/ash_test && exec ./run-all {name}"
        else:
            if name == "bc":
                archive.file("suite/testsuite/bc.tests", bc_tests(), 0o755)
            archive.tree(TESTS, "suite/testsuite")
            run = f"cd testsuite && exec ./runtest {name}"
        # A copy in /tmp, which is emptied after it, so that the files of the tests are no leak.
        archive.file(f"tests/{name}", f"#!/bin/sh\ncp -a /suite/. . && {run}\n", 0o755)

    def identity(self, name):
        changes = SLOW_CASE.pattern.encode() if name == "bc" else b""
        return PIN.encode() + initramfs.BUSYBOX.read_bytes() + changes

    def parse(self, text):
        lines = []
        for line in text.split("\n"):
            match = VERDICT.match(line)
            if match:
                verdict, name = match.group(1) or match.group(4), match.group(2) or match.group(3)
                lines.append(Line(name, verdict in ("PASS", "ok"), line))
        return lines
