"""Runs static programs on Debian's Linux and on our kernel and compares what they print.

test/conformance/README.md describes the programs. Linux runs all that it has not run yet in one
guest and its results are kept by the hash of the binaries; our kernel gets a guest for each program, so
that none can spoil another's result and all CPUs of this machine are used.
"""

import hashlib
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from . import cpio, initramfs, oracle, paths
from .qemu import Guest, GuestError
from .result import Case
from .schedule import Job

SOURCES = paths.TEST / "conformance"
OUT = paths.BUILD / "conformance"
CACHE = oracle.HOME / "conformance"
LIMIT_S = 45
COMPILE = ["musl-gcc", "-static", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror",
           "-Wno-unused-result", "-pthread", "-idirafter", str(paths.BUILD / "uapi")]
APPEND = "console=ttyS0 quiet panic=-1"


class BuildError(Exception):
    """A test program does not compile; the text is the compiler's."""


def names():
    return sorted(path.stem for path in SOURCES.glob("*.c") if path.stem != "runner")


def compile_program(name):
    """Compiles one program if its sources are newer."""
    source, binary = SOURCES / f"{name}.c", OUT / name
    newest = max(path.stat().st_mtime for path in [source, *SOURCES.glob("*.h")])
    if binary.exists() and binary.stat().st_mtime > newest:
        return
    done = subprocess.run([*COMPILE, "-o", str(binary), str(source)], cwd=paths.TOP,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(done.stderr)


def write_initramfs(programs, name):
    """An initramfs whose init runs these programs; returns its path."""
    archive = cpio.Archive()
    archive.file("init", OUT / "runner", 0o755)
    archive.file("tests/list", "\n".join(programs) + "\n")
    for program in programs:
        archive.file(f"tests/{program}", OUT / program, 0o755)
    initramfs.add_system(archive)
    path = OUT / f"{name}.cpio"
    path.write_bytes(archive.bytes())
    return path


def parse(text):
    """The lines of a program's output that are the program's own."""
    lines = (re.sub(r"\x1b\[[0-9;]*[a-zA-Z]", "", line).rstrip("\r") for line in text.split("\n"))
    return [line for line in lines if re.match(r"(ok|not ok|out:) ", line)]


def run_guest(machine, programs, log):
    """Boots, runs the programs in order; returns name -> {lines, status}. Stops at a dead guest."""
    results = {}
    image = write_initramfs(programs, log.replace("/", "-"))
    with Guest(machine.but(initrd=image, append=APPEND), log,
               limit_s=60 + LIMIT_S * len(programs)) as guest:
        for program in programs:
            guest.expect(rf"@@begin {program}\r?\n", 60)
            try:
                end = guest.expect(rf"@@end {program} (-?\d+)\r?\n", LIMIT_S)
            except GuestError as error:
                results[program] = {"lines": [], "status": None, "error": str(error)}
                return results
            results[program] = {"lines": parse(guest.before), "status": int(end.group(1))}
        guest.expect("@@done", 30)
        guest.wait_exit(30)
    return results


def digest(name):
    parts = [(OUT / "runner").read_bytes(), (OUT / name).read_bytes(), oracle.KERNEL.read_bytes()]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:32]


def cached(name):
    return CACHE / f"{name}-{digest(name)}.json"


def run_on_linux(machine, programs):
    """Fills the cache for these programs; one whose guest dies is an error in the test itself."""
    while programs:
        log = f"conformance/linux-{programs[0]}"
        results = run_guest(machine.but(kernel=oracle.kernel()), programs, log)
        for name, result in results.items():
            cached(name).write_text(json.dumps(result, indent=1))
        programs = [name for name in programs if name not in results]


def prepare(machine, wanted, workers):
    """Compiles what is wanted and runs on Linux what has not run there; returns build failures."""
    OUT.mkdir(parents=True, exist_ok=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["make", "-s", "build/uapi/.ready"], cwd=paths.TOP, check=True,
                   stdout=subprocess.DEVNULL)
    oracle.kernel()
    broken = {}

    def try_compile(name):
        try:
            compile_program(name)
        except BuildError as error:
            broken[name] = str(error)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(try_compile, ["runner", *wanted]))
        if "runner" in broken:
            raise BuildError(broken["runner"])
        missing = [name for name in wanted if name not in broken and not cached(name).exists()]
        shards = [missing[start::workers] for start in range(workers)]
        list(pool.map(lambda shard: run_on_linux(machine, shard), shards))
    return broken


def numbered(lines):
    """Check lines as (name, verdict line); a name that comes again gets a number."""
    seen = {}
    for line in lines:
        match = re.match(r"(?:not )?ok ([^:\s]+)", line)
        if match:
            name = match.group(1)
            seen[name] = seen.get(name, 0) + 1
            yield (name if seen[name] == 1 else f"{name}#{seen[name]}"), line


def compare(program, linux, ours):
    """The cases of one program: a case a promise, one for the facts, one for how it ended."""
    expected, got = dict(numbered(linux["lines"])), dict(numbered(ours["lines"]))
    for name, line in expected.items():
        here = got.pop(name, "nothing was printed")
        if not line.startswith("ok "):
            yield Case(f"conformance/{program}: {name}", False, f"fails on Linux itself: {line}")
        else:
            yield Case(f"conformance/{program}: {name}", here.startswith("ok "), here)
    for name, line in got.items():
        yield Case(f"conformance/{program}: {name}", False, f"not printed on Linux: {line}")
    facts = [[line for line in side["lines"] if line.startswith("out:")] for side in (linux, ours)]
    if facts[0] or facts[1]:
        yield Case(f"conformance/{program}: same facts", facts[0] == facts[1], difference(*facts))
    detail = f"status {ours['status']}, on Linux {linux['status']}"
    detail += "\n" + (ours.get("error") or linux.get("error") or "")
    yield Case(f"conformance/{program}: ends as on Linux", ours["status"] == linux["status"]
               and ours["status"] is not None, detail)


def difference(linux, ours):
    for theirs, mine in zip(linux, ours):
        if theirs != mine:
            return f"Linux: {theirs}\nhere:  {mine}"
    return f"{len(linux)} lines on Linux, {len(ours)} here"


def run_program(machine, program):
    linux = json.loads(cached(program).read_text())
    try:
        ours = run_guest(machine, [program], f"conformance/{program}")[program]
    except GuestError as error:
        ours = {"lines": [], "status": None, "error": str(error)}
    return list(compare(program, linux, ours))


def jobs(machine, wanted, workers):
    """One job a program; wanted is the names that were asked for."""
    broken = prepare(machine, wanted, workers)
    for name in wanted:
        if name in broken:
            text = broken[name]
            yield Job(f"conformance/{name}",
                      lambda name=name, text=text: [Case(f"conformance/{name}: compiles", False, text)])
        else:
            yield Job(f"conformance/{name}", lambda name=name: run_program(machine, name))
