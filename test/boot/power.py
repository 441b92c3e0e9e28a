"""The power button, pressed by QEMU: an init that catches SIGUSR2 is asked, any other machine goes off."""

import tempfile
from pathlib import Path

from harness import monitor, paths
from harness.qemu import Guest
from harness.schedule import single

PROMPT = r"[#] (\x1b\[[0-9;]*[a-zA-Z])*$"
INIT_IS_SHELL = "console=ttyS0 quiet panic=-1 rdinit=/bin/sh"
CATCH = "trap 'echo asked to go' USR2; echo re''ady; while :; do sleep 1; done\n"


def press(machine, name, typed, lines):
    """Boots a shell as init, types, presses until the machine is off; the lines must be seen."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "qmp"
        machine = machine.but(initrd=paths.INITRAMFS, append=INIT_IS_SHELL,
                              extra=machine.extra + monitor.words(path))
        with Guest(machine, name, 90) as guest:
            guest.expect(PROMPT, 60)
            if typed:
                guest.send(typed)
                guest.expect("ready\r\n", 10)
            for line in lines:
                monitor.execute(path, "system_powerdown")
                guest.expect(line, 20)
            guest.wait_exit(20)


def jobs(options):
    """q35 and pc; with a handler the first press asks, the second ends it."""
    off, plain = r"reboot: Power down", options.machine()
    if options.kernel:
        return []
    table = {
        "q35": (plain, "", [off]),
        "pc": (plain.but(machine="pc"), "", [off]),
        "uefi": (plain.but(boot="uefi", kernel=paths.uefi_application(options.debug)), "", [off]),
        "init-is-asked": (plain, CATCH, [r"asked to go", off]),
    }
    return [single(f"boot/power/{name}",
                   lambda row=row, name=name: press(row[0], f"boot/power/{name}", *row[1:]), 10)
            for name, row in table.items()]
