"""The concurrency tests, to be run many times: `./moonshot test concurrency --smp 4 --repeat 100`.

Three guests a round: the tests inside the kernel, conformance programs in which processes and threads
meet, all of them in one guest, and the torture programs with another seed each time.
"""

import random

from . import compare, torture
from .conformance import Conformance
from .result import Case
from .schedule import Job

PROGRAMS = ("clone cow epoll eventfd exec fifo futex inotify jobcontrol locks mmap mounts pidfd pipes poll "
            "process pty races scheduling signal_queues signal_sleeps signalfd signals threads timerfd timers "
            "unix unix_garbage unix_messages wait").split()
TORTURE_ROUNDS = 2


def run_programs(machine):
    suite = Conformance()
    results = compare.run_guest(suite, machine, PROGRAMS, "concurrency/programs")
    cases = []
    for name in PROGRAMS:
        ours = results.get(name, {"output": "", "status": None, "error": "the guest had ended"})
        linux = compare.linux_result(suite, name)
        cases += [Case("concurrency/" + case.name, case.passed, case.detail)
                  for case in compare.compare(suite, name, linux, ours)]
    return cases


def run_torture(machine):
    seed = random.randrange(1000000)
    torture.run(machine, torture.names(), [seed], TORTURE_ROUNDS, "concurrency/torture")
    return [Case(f"concurrency/torture: seed {seed}", True)]


def jobs(options):
    """The two jobs of programs; those inside the kernel are the caller's."""
    machine = options.machine()
    if options.wants("concurrency/programs") and not options.listing:
        compare.prepare(Conformance(), machine, PROGRAMS, options.workers)
    return [Job("concurrency/programs", lambda: run_programs(machine), 40),
            Job("concurrency/torture", lambda: run_torture(machine), 40)]
