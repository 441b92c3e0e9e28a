"""The groups of tests: each is a function that gets Options and returns jobs.

The file `groups` beside this says when each runs. A group is asked for by its name, one of its jobs by
group/job. What has to be built first stands in NEEDS.
"""

import importlib.util
import re
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from . import compare, paths
from .busybox import Busybox
from .conformance import Conformance
from .qemu import Guest, Machine
from .result import Case
from .schedule import Job

GROUPS_FILE = Path(__file__).with_name("groups")


@dataclass(frozen=True)
class Options:
    """What a test run was asked for."""

    workers: int
    cpus: int = 1
    debug: bool = False
    kernel: Path | None = None  # another kernel to try instead of ours
    names: tuple = ()
    listing: bool = False       # only the names matter: prepare nothing

    def machine(self):
        """The plain machine that tests boot directly, unless they need another."""
        return Machine(self.kernel or paths.kernel(self.debug), cpus=self.cpus)

    def wants(self, name):
        """Whether a job of this name was asked for; without names, all are."""
        return not self.names or any(
            fnmatch(name, asked) or name.startswith(asked + "/") for asked in self.names)


def checkers():
    return sorted(path for path in paths.TOOLS.glob("check-*") if path.stat().st_mode & 0o100)


def command_job(name, words, cost_s, cases_of=None):
    """A job that runs a program; one case by its exit status, or what cases_of makes of its output."""

    def run():
        done = subprocess.run(words, cwd=paths.TOP, capture_output=True, text=True, check=False,
                              timeout=900, errors="replace")
        output = done.stdout + done.stderr
        cases = cases_of(output) if cases_of else []
        if not cases or (done.returncode and all(case.passed for case in cases)):
            detail = "\n".join(output.splitlines()[-60:])
            cases = cases + [Case(name, done.returncode == 0, detail)]
        return cases

    return Job(name, run, cost_s)


def check_jobs(_options):
    build = str(paths.TOOLS / "commands" / "build")
    jobs = [command_job(f"check/{path.stem[6:]}", [str(path)], 8) for path in checkers()]
    jobs.append(command_job("check/clang", [build, "--clang", "elf"], 40))
    jobs.append(command_job("check/debug", [build, "--debug", "elf"], 40))
    return jobs


def unit_cases(output):
    """cmocka's words as cases."""
    cases = []
    for verdict, name in re.findall(r"^\[ +(OK|FAILED) +\] (\w+)$", output, re.M):
        detail = "" if verdict == "OK" else around(output, name)
        case = Case(f"unit: {name}", verdict == "OK", detail)
        if case.name not in {other.name for other in cases}:
            cases.append(case)
    return cases


def around(output, name):
    """What was printed between a test's start and its failure."""
    match = re.search(rf"RUN +\] {name}\n(.*?)\[ +FAILED", output, re.S)
    return match.group(1) if match else ""


def unit_jobs(_options):
    return [command_job("unit/host", ["make", "-s", "unit"], 60, unit_cases)]


def ktest_jobs(options):
    def run(machine, name):
        with Guest(machine.but(append="console=ttyS0 ktest panic=-1"), name, 240) as guest:
            guest.expect(r"ktest: \d+ passed, \d+ failed", 200)
            guest.wait_exit(30)
            lines = re.findall(r"ktest: (\w+) (ok|FAILED.*)", guest.output.replace("\r", ""))
        return [Case(f"{name}: {test}", verdict == "ok", verdict) for test, verdict in lines]

    machine = options.machine()
    return [Job(f"ktest/smp{cpus}", lambda cpus=cpus: run(machine.but(cpus=cpus), f"ktest/smp{cpus}"))
            for cpus in (1, 2)]


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


def busybox_jobs(options):
    return compare.jobs(Busybox(), options)


GROUPS = {
    "check": check_jobs,
    "unit": unit_jobs,
    "ktest": ktest_jobs,
    "boot": boot_jobs,
    "conformance": conformance_jobs,
    "busybox": busybox_jobs,
}
NEEDS = {
    "ktest": {"elf"},
    "boot": {"elf", "efi", "initramfs"},
    "conformance": {"elf"},
    "busybox": {"elf"},
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
