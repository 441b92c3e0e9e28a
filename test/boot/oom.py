"""Hoarders of every kind in 64 MiB, each in a machine of its own and twice: the right process dies or is
refused, and memory comes back. `./moonshot soak oom` does all of them in one machine, again and again."""

from harness import hoards
from harness.schedule import single


def jobs(options):
    return [single(f"boot/oom/{name}",
                   lambda name=name: hoards.run(options.machine(), [name], 2, f"boot/oom/{name}"), 10)
            for name in hoards.KINDS]
