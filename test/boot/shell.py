"""From power-on to the shell of Debian's busybox, and off again, by UEFI and directly."""

from harness import paths
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single

QUIET = "console=ttyS0 quiet panic=-1"


def machines(options):
    plain = options.machine().but(initrd=paths.INITRAMFS, append=QUIET)
    efi = options.kernel or paths.uefi_application(options.debug)
    small = "48M" if options.debug == "kasan" else "16M"
    return {
        "direct": plain,
        "16M": plain.but(memory=small),
        "microvm": plain.but(machine="microvm"),
        "uefi": plain.but(boot="uefi", kernel=efi),
    }


def reaches_the_shell_and_powers_off(machine, name):
    with Guest(machine, name, 150) as guest:
        shell = Shell(guest, timeout_s=90)
        assert shell.check("echo one two") == "one two"
        assert shell.run("false") == ("", 1)
        assert shell.check("cat /proc/sys/kernel/ostype") == "Linux"
        assert shell.check("echo a b c | wc -w").strip() == "3"
        assert shell.power_off() == 0


def restarts(machine, name):
    """`reboot` starts the machine anew: the shell comes a second time."""
    with Guest(machine.but(reboot=True), name, 150) as guest:
        Shell(guest, timeout_s=60)
        guest.send("reboot\n")
        shell = Shell(guest, timeout_s=90)
        assert shell.check("echo again") == "again"


def forced(machine, name, command):
    """reboot(2) called without init: the machine ends at once."""
    with Guest(machine, name, 100) as guest:
        Shell(guest, timeout_s=60)
        guest.send(command + "\n")
        guest.wait_exit(20)


def jobs(options):
    found = machines(options)
    result = [single(f"boot/shell/{which}", lambda which=which: reaches_the_shell_and_powers_off(
        found[which], f"boot/shell/{which}"), 15) for which in found]
    plain = found["direct"]
    result.append(single("boot/shell/restarts", lambda: restarts(plain, "boot/shell/restarts"), 10))
    for command in ("poweroff -f", "reboot -f"):
        name = "boot/shell/" + command.replace(" ", "")
        result.append(single(name, lambda name=name, command=command: forced(plain, name, command)))
    return result
