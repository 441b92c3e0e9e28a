"""The fuzzer of test/fuzz: its program and guest, what it says, and what of that is a failure.

The program is the init of a guest with the debug kernel. A run fails when the console shows a line
that no kernel should print, a leak, or nothing at all for a while. Everything repeats by its seed.
"""

import gzip
import random
import re
import subprocess
import time
from dataclasses import dataclass

from . import compare, cpio, initramfs, paths
from .conformance import Conformance
from .qemu import Guest, GuestError

SOURCES = paths.TEST / "fuzz"
OUT = paths.BUILD / "fuzz"
TABLE = paths.TOP / "kernel" / "syscall" / "syscalls.tbl"
COMPLAINT = re.compile(
    r"panic|BUG\b|[Aa]ssert|rank of|poison|red.?zone|corrupt|UBSAN|undefined behaviour|"
    r"Call Trace|fuzz: (?:HANG|LEAK|WORSE)|double free|use after", re.M)
SILENCE_S = 60
# Programs whose calls are worth failing, and that end at once.
PROGRAMS = ["files", "directories", "names", "process", "wait", "mmap", "mprotect", "mremap", "cow",
            "exec", "signals", "futex", "unix", "pidfd", "pty", "mounts", "attributes"]

KINDS = [  # (pattern of the type, pattern of the name, kind); the first that fits
    (r"struct iovec", r"", "v"),
    (r"struct (?:__kernel_)?(?:timespec|itimerspec|old_timeval|old_itimerval|timex)", r"", "t"),
    (r"struct sockaddr", r"", "A"),
    (r"struct m?msghdr", r"", "M"),
    (r"struct pollfd", r"", "q"),
    (r"struct epoll_event", r"", "e"),
    (r"char __user \*(?:const|__user)", r"", "x"),
    (r"const char __user \*", r"(?!buf)", "p"),
    (r"__user", r"", "P"),
    (r"", r"size|count|length|nr_\w+|nr$|set_size", "l"),
    (r"", r"(?:\w+_)?d?fd$", "f"),
    (r"", r"pid|tid|tgid|who|pid2|id$", "n"),
    (r"", r"sig$", "s"),
    (r"", r"addr|uaddr|old_addr|new_addr|stack", "a"),
    (r"", r"offset|pos\w*", "o"),
    (r"", r"command|request|option|operation", "c"),
    (r"", r"flags|mode|mask|prot|options|events|advice", "g"),
    (r"uaddr_t", r"", "a"),
    (r"", r"", "u"),
]


@dataclass(frozen=True)
class Order:
    """What a guest is to do."""

    work: str
    seed: int = 1
    seconds: int = 60
    first: int = 0
    count: int = 0
    trace: bool = False
    leaks: bool = False

    def append(self):
        words = f"fuzz={self.work} fuzz_seed={self.seed} fuzz_seconds={self.seconds}"
        if self.count:
            words += f" fuzz_first={self.first} fuzz_count={self.count}"
        return "console=ttyS0 panic=-1 " + words + " fuzz_trace=1" * self.trace \
            + " fuzz_leaks=1" * self.leaks


@dataclass(frozen=True)
class Outcome:
    """How it went: failure is empty when all is well."""

    done: int
    failure: str
    output: str


def kind_of(parameter):
    """The letter of values.h for one parameter of a prototype."""
    kind, _, name = parameter.strip().rpartition(" ")
    stars = len(name) - len(name.lstrip("*"))
    name, kind = name.lstrip("*"), kind + " " + "*" * stars
    for of_type, of_name, letter in KINDS:
        if re.search(of_type, kind) and re.match(of_name, name):
            return letter
    return "*"


def calls():
    """(number, name, kinds, whether it does something) of every call of the table."""
    for line in TABLE.read_text().splitlines():
        match = re.match(r"(\d+)\s+(\w+)\s+\d\s+\S+\s+(\w+)\(([^)]*)\)", line)
        if match:
            number, level, name, parameters = match.groups()
            kinds = "" if parameters == "void" else "".join(map(kind_of, parameters.split(",")))
            yield int(number), name, kinds or "*", level != "none"


def write_calls(path):
    """The table of the calls as a C header: those that do something, and one in four others."""
    rows = "".join(f'\t{{ {number}, "{name}", "{kinds}" }},\n'
                   for number, name, kinds, does in calls() if does or number % 4 == 0)
    text = ("struct call {\n\tunsigned long nr;\n\tconst char *name, *kinds;\n};\n"
            f"static const struct call calls[] = {{\n{rows}}};\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def build_program():
    """Compiles the init; returns its path."""
    write_calls(OUT / "calls.h")
    program = OUT / "init"
    done = subprocess.run(
        ["musl-gcc", "-static", "-no-pie", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror",
         "-Wno-unused-result", "-I", str(OUT), "-o", str(program),
         *sorted(map(str, SOURCES.glob("*.c")))],
        cwd=paths.TOP, capture_output=True, text=True, check=False)
    if done.returncode:
        raise compare.BuildError(done.stderr)
    return program


def write_initramfs():
    """The init, busybox and the conformance programs that are failed and soaked."""
    suite = Conformance()
    archive = cpio.Archive()
    subprocess.run(["make", "-s", "build/uapi/.ready"], cwd=paths.TOP, check=True,
                   stdout=subprocess.DEVNULL)
    archive.file("init", build_program(), 0o755)
    for name in PROGRAMS:
        suite.prepare(name)
        suite.add_to(archive, name)
    archive.file("tests/list", "".join(f"{name}\n" for name in PROGRAMS))
    initramfs.add_system(archive)
    path = OUT / "fuzz.cpio"
    path.write_bytes(archive.bytes())
    return path


def judge(output):
    """The first line of the console that should not be there, with what surrounds it."""
    output = output.replace("panic=-1", "")
    match = COMPLAINT.search(output)
    if not match:
        return ""
    start = output.rfind("\n", 0, max(0, match.start() - 600)) + 1
    return output[start:match.start() + 2500]


def run(machine, image, order, name, show=None):
    """Runs one order in a guest of its own; show(line) gets each line of the fuzzer."""
    limit_s = order.seconds * 3 + 240
    failure, done = "", 0
    machine = machine.but(initrd=image, append=order.append())
    with Guest(machine, name, limit_s) as guest:
        try:
            line = ""
            while not line.startswith(("end", "HANG")):
                line = guest.expect(r"fuzz: ([^\r\n]*)\r?\n", SILENCE_S).group(1)
                if show:
                    show(line)
            done = int(line.split()[1]) if line.startswith("end") else 0
            guest.wait_exit(30)
        except GuestError as error:
            failure = str(error)
        output = compare.plain(guest.output + (guest._console.before or ""))
    return Outcome(done, judge(output) or failure, output)


def mutated(data, generator):
    """An archive with a few bytes changed, cut, repeated, or compressed and then changed."""
    data = bytearray(generator.choice([data, gzip.compress(data, 1)]))
    for _ in range(generator.randrange(1, 8)):
        at = generator.randrange(min(len(data), generator.choice([16, 600, len(data)])))
        data[at] = generator.randrange(256)
    change = generator.randrange(4)
    if change == 0:
        del data[generator.randrange(len(data)):]
    elif change == 1:
        at = generator.randrange(len(data))
        data[at:at] = data[:generator.randrange(4096)]
    return bytes(data)


def run_archives(machine, seed, seconds):
    """Boots mutated archives: each ends, by power-off or by a clear panic about init."""
    generator = random.Random(seed)
    archive = cpio.Archive()
    archive.character_device("dev/console", 5, 1)
    archive.file("init", build_program(), 0o755)
    archive.symlink("link", "init")
    archive.file("text", "text " * 2000)
    original, started, done = archive.bytes(), time.monotonic(), 0
    while time.monotonic() - started < seconds:
        path = OUT / f"mutated-{seed}-{done}.cpio"
        path.write_bytes(mutated(original, generator))
        ours = machine.but(initrd=path, append="console=ttyS0 panic=-1")
        with Guest(ours, f"fuzz/initramfs-{seed}-{done}", 40) as guest:
            try:
                guest.wait_exit(30)
                failure = ""
            except GuestError as error:
                failure = str(error)
            output = compare.plain(guest.output)
        expected = re.sub(r"panic - not syncing: (?:No working init|Attempted to kill init|"
                          r"Requested init)[^\x00]*", "", output)
        failure = failure or judge(expected)
        if failure:
            return Outcome(done, f"{path}: {failure}", output)
        path.unlink()
        done += 1
    return Outcome(done, "", "")
