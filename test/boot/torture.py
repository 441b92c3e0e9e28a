"""The torture programs on four CPUs, a few rounds each in one guest; `./moonshot soak torture` goes on."""

from harness import torture
from harness.schedule import single

SEED, ROUNDS = 1, 5


def jobs(options):
    machine = options.machine().but(cpus=max(options.cpus, 4))
    return [single("boot/torture", lambda: torture.run(machine, torture.names(), [SEED], ROUNDS,
                                                       "boot/torture"), 40)]
