"""Too little memory: the right process dies, and the shell on the console answers afterwards."""

from harness import paths
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single

KILLED = r"Out of memory: Killed process \d+ \(%s\)"
HOGS = 4


def one_hog(guest, shell):
    guest.send("tail /dev/zero; echo status-$?\n")
    guest.expect(KILLED % "tail", 60)
    guest.expect(r"status-137", 30)


def hogs_at_once(guest, shell):
    """Each grows without end: all of them die, one after the other, and nobody else."""
    guest.send(f"for i in $(seq {HOGS}); do tail /dev/zero & done; wait; echo all-$?-dead\n")
    for _ in range(HOGS):
        guest.expect(KILLED % "tail", 60)
    guest.expect(r"all-\d+-dead", 30)


def full_tmpfs(guest, shell):
    """Half of memory is what a tmpfs may hold: then ENOSPC, and no one dies."""
    output, status = shell.run("mkdir /full && mount -t tmpfs none /full && "
                               "dd if=/dev/zero of=/full/file bs=64k", 60)
    assert status == 1 and "No space left on device" in output, output
    shell.check("umount /full")


CASES = [one_hog, hogs_at_once, full_tmpfs]


def jobs(options):
    machine = options.machine().but(initrd=paths.INITRAMFS, memory="64M",
                                    append="console=ttyS0 quiet panic=-1")

    def run(case, name):
        with Guest(machine, name, 240) as guest:
            shell = Shell(guest)
            case(guest, shell)
            assert shell.check("echo still here") == "still here"

    return [single(f"boot/memory/{case.__name__}",
                   lambda case=case: run(case, f"boot/memory/{case.__name__}"), 10)
            for case in CASES]
