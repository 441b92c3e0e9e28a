"""What follows a panic: `panic=-1` restarts at once, `panic=1` after a second, nothing halts."""

from harness.scenario import Scenario, jobs_of, program, with_init

KILLED = r"Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"


def exits():
    return with_init(program("exits")).bytes()


SCENARIOS = {
    "restarts-at-once": Scenario([KILLED], "reset", exits, append="panic=-1"),
    "restarts-after-a-second": Scenario([KILLED], "reset", exits, append="panic=1"),
    "halts": Scenario([KILLED, r"end Kernel panic"], "stays", exits, append=""),
}


def jobs(options):
    return jobs_of(options, "panic", SCENARIOS)
