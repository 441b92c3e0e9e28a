"""Several CPUs: as many as the machine has or the command line allows are up, and programs see them."""

from harness import paths
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single

QUIET = "console=ttyS0 quiet panic=-1"
COUNT = "grep -c ^processor /proc/cpuinfo"

# What is started, and how many CPUs come up. 64 are slow to emulate, not to start.
CASES = {
    "q35": ({"cpus": "4"}, 4),
    "pc": ({"machine": "pc", "cpus": "4"}, 4),
    "microvm": ({"machine": "microvm", "cpus": "4"}, 4),
    "mptable": ({"machine": "pc,acpi=off", "cpus": "3,sockets=3"}, 3),
    "uefi-q35": ({"boot": "uefi", "cpus": "4"}, 4),
    "uefi-pc": ({"boot": "uefi", "machine": "pc", "cpus": "2"}, 2),
    "8": ({"cpus": "8"}, 8),
    "64": ({"cpus": "64"}, 64),
    "65-of-which-64": ({"cpus": "65"}, 64),
    "maxcpus": ({"cpus": "4", "append": QUIET + " maxcpus=2"}, 2),
    "nr_cpus": ({"cpus": "4", "append": QUIET + " nr_cpus=3"}, 3),
    "tsc-unstable": ({"cpus": "2", "append": QUIET + " tsc=unstable"}, 2),
    "acpi_pm": ({"cpus": "2", "append": QUIET + " clocksource=acpi_pm"}, 2),
    "nosmp": ({"cpus": "4", "append": QUIET + " nosmp"}, 1),
}


def online(count):
    return "0" if count == 1 else f"0-{count - 1}"


def are_up(machine, name, count):
    with Guest(machine, name, 240) as guest:
        shell = Shell(guest, timeout_s=120)
        assert shell.check(COUNT).strip() == str(count)
        assert shell.check("nproc").strip() == str(count)
        assert shell.check("cat /sys/devices/system/cpu/online").strip() == online(count)
        assert shell.check("ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l").strip() == str(count)
        assert shell.check("grep -c ^cpu[0-9] /proc/stat").strip() == str(count)


def jobs(options):
    plain = options.machine().but(initrd=paths.INITRAMFS, append=QUIET)
    efi = options.kernel or paths.uefi_application(options.debug)

    def job(which):
        words, count = CASES[which]
        machine = plain.but(**words)
        if machine.boot == "uefi":
            machine = machine.but(kernel=efi)
        name = f"boot/smp/{which}"
        return single(name, lambda: are_up(machine, name, count), 15)

    return [job(which) for which in CASES]
