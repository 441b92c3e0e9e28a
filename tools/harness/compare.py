"""Runs programs in a guest on Debian's Linux and on our kernel and compares what they say.

A Suite knows its programs, how they get into an initramfs and how to read their output. Linux runs
what it has not run yet, in as few guests as this machine has CPUs, and its results are kept by the
hash of what was run; our kernel gets a guest for each program, so that none can spoil another's
result. The guest's init is test/conformance/runner.c.
"""

import hashlib
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import cpio, initramfs, oracle, paths, qemu
from .qemu import Guest, GuestError
from .result import Case
from .schedule import Job

OUT = paths.BUILD / "guest-programs"
CACHE = oracle.HOME / "results"
RUNNER = paths.TEST / "conformance" / "runner.c"
COMPILE = ["musl-gcc", "-static", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror",
           "-Wno-unused-result", "-pthread", "-idirafter", str(paths.BUILD / "uapi")]
HEADERS = [RUNNER.with_name("gauges.h")]
ENVIRONMENT = b"1"  # another number makes Linux run everything again: the runner gives other things
APPEND = "console=ttyS0 quiet panic=-1"
# Linux gives up when the emulator of a busy machine is late with its first timer interrupts.
LINUX_APPEND = APPEND + " no_timer_check"
LINUX_TRIES = 3  # a busy machine makes a promise about time fail now and then, on Linux too
RUNS = 8  # of a program, at most, to tell a leak from a first use: LEAK_RUNS in gauges.h


class BuildError(Exception):
    """A test program does not compile; the text is the compiler's."""


@dataclass(frozen=True)
class Line:
    """One line of a program that counts: a promise's verdict, or (ok is None) a fact."""

    name: str
    ok: bool | None
    text: str


class Suite:
    """What differs between suites; see conformance.py and busybox.py."""

    group = ""
    limit_s = 30        # a hang detector: what is still running then is killed
    must_hold = True    # on Linux every promise holds; else only those that do are compared

    def machine(self, options):
        """What the guests run on."""
        return options.machine()

    def add_common(self, archive):
        """Puts into an archive what all programs need, and Linux before them: modules/*.ko are loaded."""

    def names(self):
        """All programs."""
        raise NotImplementedError

    def prepare(self, name):
        """Makes one program ready to run, or raises BuildError. Called in parallel."""

    def add_to(self, archive, name):
        """Puts the program into an archive as tests/NAME, with all that it needs."""
        raise NotImplementedError

    def identity(self, name):
        """Bytes that change when the program does."""
        raise NotImplementedError

    def parse(self, text):
        """The Lines of a program's output."""
        raise NotImplementedError


def compile_program(source, binary, headers=()):
    """Compiles a C file statically, if it or a header is newer than the binary."""
    newest = max(path.stat().st_mtime for path in [source, *headers])
    if binary.exists() and binary.stat().st_mtime > newest:
        return
    binary.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([*COMPILE, "-o", str(binary), str(source)], cwd=paths.TOP,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(done.stderr)


def write_initramfs(suite, programs, name):
    """An initramfs whose init runs these programs; returns its path."""
    archive = cpio.Archive()
    archive.file("init", OUT / "runner", 0o755)
    limit_s = int(suite.limit_s * qemu.SCALE)
    archive.file("tests/list", "".join(f"{program} {limit_s}\n" for program in programs))
    for program in programs:
        suite.add_to(archive, program)
    suite.add_common(archive)
    initramfs.add_system(archive)
    path = OUT / f"{name.replace('/', '-')}.cpio"
    path.write_bytes(archive.bytes())
    return path


def plain(text):
    """Console text without carriage returns and escape sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "")


def run_guest(suite, machine, programs, log, append=APPEND):
    """Boots, runs the programs in order; returns name -> result. Ends early when the guest dies."""
    results = {}
    image = write_initramfs(suite, programs, log)
    limit_s = RUNS * suite.limit_s + 15
    with Guest(machine.but(initrd=image, append=append), log, 60 + limit_s * len(programs)) as guest:
        for program in programs:
            guest.expect(rf"@@begin {re.escape(program)}\r?\n", 60)
            try:
                end = guest.expect(rf"@@end {re.escape(program)} (-?\d+)\r?\n", limit_s)
            except GuestError as error:
                results[program] = {"output": "", "status": None, "error": str(error)}
                return results
            results[program] = {"output": plain(guest.before), "status": int(end.group(1))}
        guest.expect("@@done", 30)
        guest.wait_exit(30)
    image.unlink()
    return results


def cached(suite, name):
    """Where Linux's result for this very program is kept."""
    parts = [ENVIRONMENT, suite.identity(name), oracle.KERNEL.read_bytes()]
    key = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:24]
    return CACHE / suite.group / f"{name}-{key}.json"


def linux_result(suite, name):
    """What Linux said, after prepare()."""
    return json.loads(cached(suite, name).read_text())


def holds(result):
    return result["status"] is not None and not re.search(r"^not ok", result["output"], re.M)


def run_on_linux(suite, machine, programs):
    """Keeps Linux's results for these programs; after one that kills its guest, another goes on."""
    tries = dict.fromkeys(programs, 0)
    while programs:
        log = f"{suite.group}/linux-{programs[0]}"
        tries[programs[0]] += 1
        try:
            results = run_guest(suite, machine.but(kernel=oracle.kernel()), programs, log,
                                LINUX_APPEND)
        except GuestError:
            if tries[programs[0]] == LINUX_TRIES:
                raise
            continue
        for name, result in results.items():
            tries[name] += name != programs[0]
            if suite.must_hold and not holds(result) and tries[name] < LINUX_TRIES:
                continue
            path = cached(suite, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(result, indent=1))
        programs = [name for name in programs if not cached(suite, name).exists()]


def prepare(suite, machine, wanted, workers):
    """Makes the programs ready and has Linux run the new ones; returns name -> what is broken."""
    subprocess.run(["make", "-s", "build/uapi/.ready"], cwd=paths.TOP, check=True,
                   stdout=subprocess.DEVNULL)
    compile_program(RUNNER, OUT / "runner", HEADERS)
    oracle.kernel()
    broken = {}

    def prepare_one(name):
        try:
            suite.prepare(name)
        except BuildError as error:
            broken[name] = str(error)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(prepare_one, wanted))
        missing = [name for name in wanted
                   if name not in broken and not cached(suite, name).exists()]
        shards = [missing[start::workers] for start in range(workers)]
        list(pool.map(lambda shard: run_on_linux(suite, machine, shard), shards))
    return broken


def numbered(lines):
    """Promises by name; a name that comes again gets a number."""
    seen, result = {}, {}
    for line in lines:
        if line.ok is not None:
            seen[line.name] = seen.get(line.name, 0) + 1
            result[line.name if seen[line.name] == 1 else f"{line.name}#{seen[line.name]}"] = line
    return result


def difference(linux, ours):
    """Where two lists of facts first differ."""
    for theirs, mine in zip(linux, ours):
        if theirs != mine:
            return f"Linux: {theirs}\nhere:  {mine}"
    return f"{len(linux)} facts on Linux, {len(ours)} here"


def compare(suite, program, linux, ours):
    """The cases of one program: one a promise, one for the facts, for leaks, for the end."""
    prefix = f"{suite.group}/{program}: "
    lines = [suite.parse(side["output"]) for side in (linux, ours)]
    expected, got = numbered(lines[0]), numbered(lines[1])
    for name, line in expected.items():
        here = got.pop(name, None)
        if line.ok:
            yield Case(prefix + name, bool(here and here.ok), here.text if here else "not printed")
        elif suite.must_hold:
            yield Case(prefix + name, False, f"fails on Linux itself: {line.text}")
    if suite.must_hold:
        for name, line in got.items():
            yield Case(prefix + name, False, f"not printed on Linux: {line.text}")
    facts = [[line.text for line in side if line.ok is None] for side in lines]
    if facts[0] or facts[1]:
        yield Case(prefix + "same facts", facts[0] == facts[1], difference(*facts))
    leaks = re.findall(r"^leak: .*", ours["output"], re.M)
    yield Case(prefix + "leaves nothing behind", not leaks, "\n".join(leaks))
    detail = f"status {ours['status']}, on Linux {linux['status']}\n"
    detail += ours.get("error") or linux.get("error") or ""
    ended = ours["status"] is not None
    same = ours["status"] == linux["status"] or not suite.must_hold
    yield Case(prefix + "ends as on Linux", ended and same, detail)


def run_program(suite, machine, program):
    linux = linux_result(suite, program)
    try:
        ours = run_guest(suite, machine, [program], f"{suite.group}/{program}")[program]
    except GuestError as error:
        ours = {"output": "", "status": None, "error": str(error)}
    return list(compare(suite, program, linux, ours))


def jobs(suite, options):
    """One job a program that was asked for."""
    wanted = [name for name in suite.names() if options.wants(f"{suite.group}/{name}")]
    if options.listing:
        return [Job(f"{suite.group}/{name}", list) for name in wanted]
    machine = suite.machine(options)
    broken = prepare(suite, machine, wanted, options.workers)
    failures = {name: [Case(f"{suite.group}/{name}: compiles", False, broken[name])] for name in broken}
    return [Job(f"{suite.group}/{name}", lambda name=name: failures.get(name) or
                run_program(suite, machine, name)) for name in wanted]
