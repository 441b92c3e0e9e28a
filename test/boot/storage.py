"""Disks as their users see them: trees on many kinds of file systems read, changed and compared with what the host
makes of them; file systems with nonsense in them (`./moonshot soak storage` goes on)."""

import random

from harness import corrupt, storage
from harness.schedule import single

SEED = 4
FILES = 80
STEPS = 60
CORRUPTED = 24
KINDS = {kind: {**storage.WRITTEN, **storage.READ}[kind]
         for kind in ("1k", "4k-bare", "revision-0", "ext4", "ext4-64bit")}


def trees(options, name):
    rng = random.Random(SEED)
    place = storage.plant(name, rng, FILES)
    wrong = storage.compare(options.machine(), place, KINDS, storage.changes(rng, STEPS), name)
    assert not wrong, "\n".join(wrong)


def corrupted(options, name):
    mounted = corrupt.run(options.machine(), name, SEED, CORRUPTED)
    assert mounted > CORRUPTED // 4, f"only {mounted} of {CORRUPTED} could be mounted"


def jobs(options):
    return [single(f"boot/storage/{name}", lambda name=name, test=test: test(options, f"boot/storage/{name}"), 40)
            for name, test in (("trees", trees), ("corrupted", corrupted))]
