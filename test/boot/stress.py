"""Some of stress-ng's stressors on four CPUs, two seconds each in one guest; ./moonshot stress runs
all of the list."""

from harness import stress
from harness.schedule import single

NAMES = ["fork", "pipe", "futex", "mmap", "sigq", "poll"]
SECONDS = 2


def survives(options):
    listed = stress.listed()
    cpus = max(options.cpus, 4)
    machine = options.machine().but(cpus=cpus, memory=stress.MEMORY)
    failures = stress.run(machine, [listed[name] for name in NAMES], SECONDS, "boot/stress")
    assert not failures, "\n".join(f"{name}: {failure}" for name, failure in failures.items())


def jobs(options):
    return [single("boot/stress", lambda: survives(options), 60)]
