"""Very many processes and threads on four CPUs: all of them live, the shell answers, nothing is left.
(What happens when memory runs out over them: oom.py.)"""

import time

from harness import cpio, initramfs
from harness.console import Shell
from harness.qemu import Guest
from harness.scenario import OUT, program
from harness.schedule import single

SLEEPERS, FORKS, THREADS = 1000, 10000, 2000
COUNT = "ls /proc | grep -c '^[0-9]'"


def image():
    archive = cpio.Archive()
    archive.file("crowd", program("crowd"), 0o755)
    initramfs.add_system(archive)
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"crowds.{time.monotonic_ns()}.cpio"
    path.write_bytes(archive.bytes())
    return path


def sleepers(shell):
    shell.check(f"i=0; while [ $i -lt {SLEEPERS} ]; do sleep 9999 & i=$((i+1)); done", 240)
    assert int(shell.check(COUNT, 60)) >= SLEEPERS
    shell.run("killall sleep; wait", 120)


def forks(shell):
    text = f"i=0; while [ $i -lt {FORKS} ]; do (exit 3); [ $? = 3 ] || break; i=$((i+1)); done; echo $i"
    assert shell.check(text, 300) == str(FORKS)


def threads(shell):
    assert shell.check(f"/crowd {THREADS}", 240) == f"crowd: {THREADS}"


def survives(options, crowd):
    name = f"boot/crowds/{crowd.__name__}"
    memory = "1G" if options.debug == "kasan" else "512M"  # stacks are larger there
    machine = options.machine().but(cpus=max(options.cpus, 4), memory=memory, initrd=image(),
                                    append="console=ttyS0 quiet panic=-1")
    with Guest(machine, name, 500) as guest:
        shell = Shell(guest, timeout_s=120)
        before = int(shell.check(COUNT))
        crowd(shell)
        assert shell.check("echo still here", 60) == "still here"
        assert int(shell.check(f"sleep 1; {COUNT}", 60)) <= before + 2


def jobs(options):
    return [single(f"boot/crowds/{crowd.__name__}", lambda crowd=crowd: survives(options, crowd), 30)
            for crowd in (sleepers, forks, threads)]
