"""What follows a panic: `panic=-1` restarts at once, `panic=1` after a second, nothing halts. And
that it names functions and lines wherever chance has put the kernel."""

from harness.scenario import Scenario, jobs_of, program, with_init

KILLED = r"Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"


SPOKEN_BY = r" \w*exit\w*\+0x[0-9a-f]+/0x[0-9a-f]+ \(kernel/\w+/\w+\.c:\d+\)"
OFFSET = r"Kernel Offset: 0x[0-9a-f]{1,3}[02468ace]00000 from 0xffffffff80200000"


def exits():
    return with_init(program("exits")).bytes()


SCENARIOS = {
    "restarts-at-once": Scenario([KILLED], "reset", exits, append="panic=-1"),
    "restarts-after-a-second": Scenario([KILLED], "reset", exits, append="panic=1"),
    "moved-kernel-knows-its-symbols": Scenario([KILLED, SPOKEN_BY, OFFSET], "stays", exits, append=""),
    "nokaslr": Scenario([KILLED, SPOKEN_BY, "Kernel Offset: disabled"], "stays", exits,
                        append="nokaslr"),
    "halts": Scenario([KILLED, r"end Kernel panic"], "stays", exits, append=""),
}


def jobs(options):
    return jobs_of(options, "panic", SCENARIOS)
