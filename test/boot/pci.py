"""PCI: found on every machine, bound, moved, removed and found again; pciutils says what it says on Linux."""

import re
import subprocess
import time
from pathlib import Path

from harness import cpio, initramfs, oracle, paths
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single

QUIET = "console=ttyS0 quiet panic=-1"
LSPCI = Path("/usr/bin/lspci")
LIMIT_S = 120
BRIDGED = ("-device", "pci-bridge,id=below,chassis_nr=9", "-device", "virtio-rng-pci,bus=below,addr=1")
PORTED = ("-device", "pcie-root-port,id=slot1,chassis=1", "-device", "virtio-rng-pci,bus=slot1")
EDU = ("-device", "edu", "-device", "e1000e")

# The machine, whether it has ports of PCI Express, and what its devices are behind.
MACHINES = {
    "q35": ({"extra": PORTED + EDU}, "0000:01:00.0"),
    "pc": ({"machine": "pc", "extra": BRIDGED + EDU}, "0000:01:01.0"),
    "uefi-q35": ({"boot": "uefi", "extra": PORTED + EDU}, "0000:01:00.0"),
    "uefi-pc": ({"boot": "uefi", "machine": "pc", "extra": BRIDGED + EDU}, "0000:01:01.0"),
    # nobody gave these registers and buses a place before the kernel started
    "microvm": ({"machine": "microvm,pcie=on", "extra": PORTED + EDU}, "0000:01:00.0"),
}
RANDOM = "dd if=/dev/hwrng bs=16 count=1 2>/dev/null | wc -c"
MUCH_RANDOM = "dd if=/dev/hwrng bs=16k count=1 iflag=fullblock 2>/dev/null | wc -c"
INTERRUPTS = "grep -c 'PCI-MSI.*virtio' /proc/interrupts; true"


def is_found(machine, name, address):
    with Guest(machine, name, LIMIT_S) as guest:
        shell = Shell(guest, timeout_s=LIMIT_S)
        function = f"/sys/bus/pci/devices/{address}"
        assert shell.check(f"cat {function}/vendor") == "0x1af4"
        assert shell.check(f"basename $(readlink {function}/driver)") == "virtio-pci"
        assert shell.check("cat /sys/bus/pci/devices/*/uevent | grep -c PCI_ID=1234:11E8") == "1"
        assert shell.check("grep -c . /proc/bus/pci/devices") == shell.check(
            "ls /sys/bus/pci/devices | wc -l")
        assert shell.check(RANDOM) == "16"
        assert int(shell.check(INTERRUPTS)) >= 1


def comes_by_its_line(machine, name):
    """Without messages the shared line is used."""
    with Guest(machine, name, LIMIT_S) as guest:
        shell = Shell(guest, timeout_s=LIMIT_S)
        assert shell.check(RANDOM) == "16"
        line = shell.check("grep virtio /proc/interrupts")
        assert re.search(r"^ *\d+: +[1-9]\d* +IO-APIC +\d+-fasteoi ", line), line
        assert shell.check(INTERRUPTS) == "0"


def is_off(machine, name):
    with Guest(machine, name, LIMIT_S) as guest:
        shell = Shell(guest, timeout_s=LIMIT_S)
        assert shell.check("ls /sys/bus/pci/devices") == ""
        assert shell.run("ls /proc/bus/pci")[1] != 0


def is_bound_and_removed_and_found_again(machine, name):
    with Guest(machine, name, LIMIT_S) as guest:
        shell = Shell(guest, timeout_s=LIMIT_S)
        bus, address = "/sys/bus/pci", "0000:01:00.0"
        driver = f"{bus}/drivers/virtio-pci"
        before = shell.check("ls /proc/irq")
        for _ in range(3):
            shell.check(f"echo {address} > {driver}/unbind")
            assert shell.check(INTERRUPTS) == "0"
            assert shell.run(f"ls {bus}/devices/{address}/driver")[1] != 0
            assert shell.run(RANDOM)[0].strip() == "0"
            shell.check(f"echo {address} > {driver}/bind")
            assert shell.check(RANDOM) == "16"
        # the bridge goes, and what is behind it
        shell.check(f"echo 1 > $(readlink -f {bus}/devices/{address}/..)/remove")
        assert address not in shell.check(f"ls {bus}/devices")
        assert shell.check(INTERRUPTS) == "0"
        shell.check(f"echo 1 > {bus}/rescan")
        assert address in shell.check(f"ls {bus}/devices")
        assert shell.check(RANDOM) == "16"
        assert shell.check("ls /proc/irq") == before


def is_lost_without_a_word(machine, name):
    """The slot's power goes while a driver has the device: nothing else is harmed."""
    with Guest(machine, name, LIMIT_S) as guest:
        shell = Shell(guest, timeout_s=LIMIT_S)
        bus = "/sys/bus/pci"
        port = shell.check(f"basename $(readlink -f {bus}/devices/0000:01:00.0/..)")
        # its capability of PCI Express is at 0x54; slot control: power off, indicator off
        shell.check(rf"printf '\000\007' | dd of={bus}/devices/{port}/config bs=1 seek=$((0x6c)) conv=notrunc")
        shell.run("timeout -s KILL 3 dd if=/dev/hwrng bs=16 count=1 > /dev/null")
        shell.check(f"echo 1 > {bus}/devices/0000:01:00.0/remove")
        assert shell.run("ls /dev/hwrng")[1] != 0
        assert shell.check("echo still here") == "still here"


def goes_to_the_cpus_that_it_may(machine, name):
    with Guest(machine, name, LIMIT_S) as guest:
        shell = Shell(guest, timeout_s=LIMIT_S)
        number = shell.check("sed -n 's/^ *\\([0-9]*\\):.*virtio0-input.*/\\1/p' /proc/interrupts")
        irq = f"/proc/irq/{number}"
        assert shell.check(f"cat {irq}/smp_affinity") == "3"
        for cpu in (1, 0, 1):
            time.sleep(0.1)  # what was on its way has come; before that it is EBUSY
            shell.check(f"echo {cpu} > {irq}/smp_affinity_list")
            assert shell.check(f"cat {irq}/effective_affinity_list") == str(cpu)
            old = counts(shell, number)
            assert shell.check(MUCH_RANDOM) == "16384"
            new = counts(shell, number)
            assert new[cpu] > old[cpu] and new[1 - cpu] == old[1 - cpu], (cpu, old, new)
        assert shell.run(f"echo 0 > {irq}/smp_affinity")[1] != 0
        assert shell.run(f"echo 80 > {irq}/smp_affinity")[1] != 0
        assert shell.run(f"echo rubbish > {irq}/smp_affinity")[1] != 0


def counts(shell, number):
    line = shell.check(f"grep '^ *{number}:' /proc/interrupts")
    return [int(word) for word in line.split()[1:3]]


def kernel_tests_pass(machine, name):
    """Those that need real devices."""
    with Guest(machine, name, LIMIT_S) as guest:
        guest.expect(r"pci: 1 functions were reset", LIMIT_S)
        guest.expect(r"ktest: pci_edu_interrupts_by_message_and_by_line ok", LIMIT_S)
        guest.expect(r"ktest: \d+ passed, 0 failed", LIMIT_S)


# ---- pciutils ---------------------------------------------------------------------------------

# Linux has a driver for root ports, which turns on messages and errors, and gives them ports of I/O.
LINUX_OWN = re.compile(r"Control: I/O|Latency: |Interrupt: pin|I/O behind|DevCtl:|MSI-X: Enable|"
                       r"RootCmd:|Kernel driver in use|Physical Slot|libkmod|^\s*$")
COMPARED = ("-device", "pcie-root-port,id=slot1,chassis=1,addr=6", "-device", "edu,bus=slot1",
            "-device", "e1000e,addr=7", "-device", "pci-bridge,id=below,chassis_nr=2,addr=8",
            "-device", "virtio-balloon-pci,bus=below,addr=1", "-device", "virtio-gpu-pci,addr=9",
            "-device", "qemu-xhci,addr=a,multifunction=on", "-device", "ich9-usb-ehci1,addr=a.7")


def system_with_lspci():
    """The small system, pciutils and its libraries; returns the path of the initramfs."""
    archive = cpio.Archive()
    found = subprocess.run(["ldd", str(LSPCI)], check=True, capture_output=True, text=True).stdout
    for path in [LSPCI, *(Path(at) for at in re.findall(r"(/\S+) \(0x", found))]:
        archive.file(str(path), path, 0o755)
    initramfs.add_system(archive)
    path = paths.BUILD / "boot-tests" / "lspci.initrd"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive.bytes())
    return path


def what_lspci_says(machine, name):
    with Guest(machine, name, 3 * LIMIT_S) as guest:
        shell = Shell(guest, timeout_s=2 * LIMIT_S)
        said = [shell.check(f"{LSPCI} {words}", LIMIT_S)
                for words in ("-nn", "-nn -vv", "-t", "-n -mm")]
        files = shell.check("for d in /sys/bus/pci/devices/*; do "
                            "for f in class vendor device subsystem_vendor subsystem_device revision "
                            "modalias local_cpus local_cpulist numa_node; "
                            "do cat $d/$f; done; done", LIMIT_S)
        links = shell.check("for d in /sys/bus/pci/devices/*; do readlink $d; readlink $d/subsystem; done")
    return "\n".join([*said, files, links])


def pciutils_says_what_it_says_on_linux(machine, name):
    linux = machine.but(kernel=oracle.kernel(), append=QUIET + " no_timer_check")
    expected, ours = ([line for line in what_lspci_says(which, log).split("\n")
                       if not LINUX_OWN.search(line)]
                      for which, log in ((linux, name + "-linux"), (machine, name)))
    differing = [f"Linux: {a}\nhere:  {b}" for a, b in zip(expected, ours) if a != b]
    assert not differing and len(expected) == len(ours), "\n".join(differing[:10])


def jobs(options):
    plain = options.machine().but(initrd=paths.INITRAMFS, append=QUIET)
    efi = options.kernel or paths.uefi_application(options.debug)

    def job(which, promise, machine, *words, cost_s=15):
        if machine.boot == "uefi":
            machine = machine.but(kernel=efi)
        name = f"boot/pci/{which}"
        return single(name, lambda: promise(machine, name, *words), cost_s)

    found = [job(f"found-{which}", is_found, plain.but(**changes), address)
             for which, (changes, address) in MACHINES.items()]
    line = ("-device", "virtio-rng-pci,vectors=0")
    ktest = plain.but(append="console=ttyS0 panic=-1 ktest=pci_", extra=EDU)
    return found + [
        job("line-q35", comes_by_its_line, plain.but(extra=line)),
        job("line-pc", comes_by_its_line, plain.but(machine="pc", extra=line)),
        job("nomsi", comes_by_its_line,
            plain.but(append=QUIET + " pci=nommconf,nomsi", extra=("-device", "virtio-rng-pci"))),
        job("nommconf", is_found, plain.but(append=QUIET + " pci=nommconf", extra=PORTED + EDU),
            "0000:01:00.0"),
        job("off", is_off, plain.but(append=QUIET + " pci=off", extra=PORTED)),
        job("binding", is_bound_and_removed_and_found_again, plain.but(extra=PORTED)),
        job("lost", is_lost_without_a_word, plain.but(extra=PORTED)),
        job("affinity", goes_to_the_cpus_that_it_may,
            plain.but(cpus=2, extra=("-device", "virtio-rng-pci"))),
        job("ktest-q35", kernel_tests_pass, ktest),
        job("ktest-pc", kernel_tests_pass, ktest.but(machine="pc")),
        job("lspci", pciutils_says_what_it_says_on_linux,
            plain.but(initrd=system_with_lspci(), extra=COMPARED), cost_s=60),
    ]
