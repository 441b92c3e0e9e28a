"""The groups of tests: each is a function that gets Options and returns jobs.

The file `groups` beside this says when each runs, `passes` on which other machines again. A group
is asked for by its name, one of its jobs by group/job. What has to be built first stands in NEEDS.
"""

import functools
import importlib.util
import re
import subprocess
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from . import compare, concurrency, fuzz, net_apps, net_pair, nettests, paths
from .blockdev import Blockdev
from .busybox import Busybox
from .conformance import Conformance
from .qemu import Guest, Machine
from .result import Case
from .schedule import Job, single

FUZZ_SEED = 1
NET_SEED = 1
FUZZ_SECONDS = {"syscalls": 15, "elf": 10, "memory": 10, "initramfs": 10, "soak": 20}
GROUPS_FILE = Path(__file__).with_name("groups")
PASSES_FILE = Path(__file__).with_name("passes")


@dataclass(frozen=True)
class Options:
    """What a test run was asked for."""

    workers: int
    cpus: int = 1
    debug: bool | str = False   # or "kasan": the one with the address sanitizer
    kernel: Path | None = None  # another kernel to try instead of ours
    names: tuple = ()
    listing: bool = False       # only the names matter: prepare nothing

    def machine(self):
        """The plain machine that tests boot directly, unless they need another."""
        return Machine(self.kernel or paths.kernel(self.debug), cpus=self.cpus)

    def label(self):
        """Which machine, in words."""
        return f"{'debug' if self.debug else 'normal'} kernel, {self.cpus} CPU" + "s" * (self.cpus > 1)

    def wants(self, name):
        """Whether a job of this name was asked for; without names, all are."""
        return not self.names or any(
            fnmatch(name, asked) or name.startswith(asked + "/") for asked in self.names)


def checkers():
    return sorted(path for path in paths.TOOLS.glob("check-*") if path.stat().st_mode & 0o100)


def run_command(words):
    """Runs a program of this machine; returns its exit status and the end of what it printed."""
    done = subprocess.run(words, cwd=paths.TOP, capture_output=True, text=True, check=False,
                          timeout=900, errors="replace")
    return done.returncode, "\n".join((done.stdout + done.stderr).splitlines()[-60:])


def check_jobs(_options):
    def run(path, name):
        status, output = run_command([str(path)])
        return [Case(name, status == 0, output)]

    named = [(path, f"check/{path.stem.removeprefix('check-')}") for path in checkers()]
    return [Job(name, lambda path=path, name=name: run(path, name), 40) for path, name in named]


def unit_cases():
    """What the host tests left in build/unit as TAP; a .part is of a program that failed."""
    cases = []
    for path in sorted((paths.BUILD / "unit").glob("*.tap*")):
        program = path.name.split(".")[0]
        for verdict, name in re.findall(r"^(ok|not ok) \d+ - (\w+)", path.read_text(), re.M):
            cases.append(Case(f"unit/{program}: {name}", verdict == "ok", f"see {path}"))
    return cases


def unit_jobs(options):
    def run():
        for path in (paths.BUILD / "unit").glob("*.tap*"):
            path.unlink()
        status, output = run_command(["make", "-s", "-k", f"-j{options.workers}", "unit"])
        cases = unit_cases()
        if status or not cases:
            cases.append(Case("unit: all programs build and pass", False, output))
        return cases

    return [Job("unit/host", run, 60)]


def ktest_job(machine, name):
    def run():
        with Guest(machine.but(append="console=ttyS0 ktest panic=-1"), name, 240) as guest:
            guest.expect(r"ktest: \d+ passed, \d+ failed", 200)
            guest.wait_exit(30)
            lines = re.findall(r"ktest: (\w+) (ok|FAILED.*)", guest.output.replace("\r", ""))
        return [Case(f"{name}: {test}", verdict == "ok", verdict) for test, verdict in lines]

    return Job(name, run)


def ktest_jobs(options):
    machine = options.machine()
    return [ktest_job(machine.but(cpus=cpus), f"ktest/smp{cpus}")
            for cpus in ((1, 2) if options.cpus == 1 else (options.cpus,))]


def concurrency_jobs(options):
    return [ktest_job(options.machine(), "concurrency/ktest"), *concurrency.jobs(options)]


def boot_jobs(options):
    """Every file of test/boot defines jobs(options)."""
    jobs = []
    for path in sorted((paths.TEST / "boot").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"boot_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        jobs += module.jobs(options)
    return jobs


def conformance_jobs(options):
    return compare.jobs(Conformance(), options)


def blockdev_jobs(options):
    return compare.jobs(Blockdev(), options)


def busybox_jobs(options):
    return compare.jobs(Busybox(), options)


def fuzz_jobs(options):
    """Some seconds of each work, always on a debug kernel."""
    def run(work, seconds):
        machine = options.machine().but(kernel=options.kernel or paths.kernel(options.debug or True))
        if work == "initramfs":
            outcome = fuzz.run_archives(machine, FUZZ_SEED, seconds)
        else:
            order = fuzz.Order(work, FUZZ_SEED, seconds)
            outcome = fuzz.run(machine, image(), order, f"fuzz/{work}")
        return [Case(f"fuzz/{work}", not outcome.failure, outcome.failure)]

    image = functools.cache(fuzz.write_initramfs)
    return [Job(f"fuzz/{work}", lambda work=work, seconds=seconds: run(work, seconds), 30)
            for work, seconds in FUZZ_SECONDS.items()]


def net_jobs(options):
    """Bad and hostile wires and crowds, small; guests have the debug kernel unless another is asked for."""
    machine = options.machine().but(kernel=options.kernel or paths.kernel(options.debug or True))
    return [single(f"net/{name}", lambda part=part: part(machine, nettests.SMALL, NET_SEED, lambda _line: None), 40)
            for name, part in nettests.PARTS.items()]


def netapps_jobs(options):
    """Debian's network programs, for some seconds each."""
    linux = bool(options.kernel)
    apps = [single(f"netapps/{name}", lambda name=name: net_apps.run(options.machine(), name, f"netapps/{name}", linux), 30)
            for name in net_apps.APPS]
    return apps + [Job("netapps/dnsmasq", lambda: net_pair.run(options.machine(), "netapps/dnsmasq", linux), 60)]


GROUPS = {
    "check": check_jobs,
    "unit": unit_jobs,
    "ktest": ktest_jobs,
    "boot": boot_jobs,
    "conformance": conformance_jobs,
    "blockdev": blockdev_jobs,
    "busybox": busybox_jobs,
    "fuzz": fuzz_jobs,
    "net": net_jobs,
    "netapps": netapps_jobs,
    "concurrency": concurrency_jobs,
}
NEEDS = {
    "check": {"elf"},
    "ktest": {"elf"},
    "boot": {"elf", "efi", "initramfs"},
    "conformance": {"elf"},
    "blockdev": {"elf"},
    "busybox": {"elf"},
    "fuzz": {"debug"},
    "net": {"debug"},
    "netapps": {"elf"},
    "concurrency": {"elf"},
}


def schedule():
    """The file `groups`: name -> quick, default or all."""
    rows = (line.split() for line in GROUPS_FILE.read_text().splitlines())
    return {row[0]: row[1] for row in rows if row and not row[0].startswith("#")}


def selected(quick, everything, names):
    """The groups that run."""
    if names:
        return [group for group in GROUPS if any(name.split("/")[0] == group for name in names)]
    levels = {"quick"} if quick else {"quick", "default"}
    return [group for group, level in schedule().items() if everything or level in levels]


def passes(options, everything):
    """The same options on the other machines that the tests run on, each with its names."""
    if everything:
        on_guests = ("ktest", "boot", "conformance", "busybox")
        return [replace(options, debug=debug, cpus=cpus, names=on_guests)
                for debug in (False, True) for cpus in (1, 2, 4, 8) if debug or cpus > 1]
    rows = (line.split() for line in PASSES_FILE.read_text().splitlines())
    return [replace(options, debug=row[0] == "debug", cpus=int(row[1]), names=tuple(row[2:]))
            for row in rows if row and not row[0].startswith("#")]
