"""Virtio devices on PCI and without: disks (by the kernel's own tests, and the host looks at what they left; taken away),
the console, random numbers, what happens to lying and legacy devices."""

import json
import socket
from array import array

from harness import paths
from harness.qemu import Guest
from harness.schedule import single

SECTORS = 8192
OUT = paths.BUILD / "boot-tests"
MASK = (1 << 64) - 1
MULTIPLIER = 0x9E3779B97F4A7C15


def pattern(turned=0):
    """The content that blk_ktest.c expects: each word is a function of its number."""
    return array("Q", ((word * MULTIPLIER & MASK) ^ turned for word in range(1, SECTORS * 64 + 1))).tobytes()


def blockdev(name, image, readonly=False, errors=()):
    file = {"driver": "file", "filename": str(image), "read-only": readonly}
    if errors:
        file = {"driver": "blkdebug", "image": file, "inject-error": list(errors)}
    node = {"driver": "raw", "node-name": name, "file": file, "read-only": readonly, "discard": "unmap"}
    return ["-blockdev", json.dumps(node)]


def disks(folder, device, options=""):
    """Words for three disks: one to work on, one read-only, one with bad sectors."""
    bad = [{"event": "read_aio", "errno": 5, "sector": 1000}, {"event": "write_aio", "errno": 5, "sector": 2000}]
    words = []
    for name, readonly, errors in (("pattern", False, ()), ("readonly", True, ()), ("errors", False, bad)):
        image = folder / f"{name}.img"
        image.write_bytes(pattern())
        words += blockdev(name, image, readonly, errors)
        words += ["-device", f"{device},drive={name},serial={name},werror=report,rerror=report{options}"]
    return words


def check_pattern(image):
    """The first half is as it was but for one cleared block; the second is turned over."""
    data, half = image.read_bytes(), SECTORS * 256
    assert data[:half - 4096] == pattern()[:half - 4096], "the first half of the disk has changed"
    assert data[half - 4096:half] == bytes(4096), "what was cleared is not zero"
    assert data[half:] == pattern(MASK)[half:], "the second half of the disk is not what was written"


def disk_test(options, name, machine, device, extra=""):
    folder = OUT / name.replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    words = disks(folder, device, extra)
    guest_machine = options.machine().but(append="console=ttyS0 ktest=virtio_disk panic=-1", extra=words, **machine)
    with Guest(guest_machine, name, 180) as guest:
        guest.expect(r"ktest: \d+ passed, 0 failed", 120)
        for serial in ("pattern", "readonly", "errors"):
            assert f"'{serial}' is vd" in guest.output, f"no disk has the serial number {serial}"
        if "acpi=off" not in machine["machine"]:  # which does not know how to go off
            guest.wait_exit(30)
    check_pattern(folder / "pattern.img")


def shell_test(options, name, machine, steps):
    """Commands and what they print, at a shell on the console that `machine` says."""
    with Guest(options.machine().but(initrd=paths.INITRAMFS, **machine), name, 150) as guest:
        for command, answer in steps:
            guest.expect(r"moonshot:\S+#", 60)
            guest.send(command + "\n")
            guest.expect(answer, 60)
        guest.expect(r"moonshot:\S+#", 60)
        guest.send("poweroff -f\n")
        guest.wait_exit(60)


MMIO = {"machine": "microvm"}
RNG = [("head -c 1000 /dev/hwrng | wc -c", r"\n1000\r?\n"), ("ls -l /dev/hwrng", r"10, 183")]
HVC = [("stty -a < /dev/hvc0", r"\nspeed 38400"), ("cat /proc/consoles", r"\nhvc0 .*229:0"),
       ("seq 1 3000 | tee /tmp/n | tail -1; cat /tmp/n", r"\n2999\r?\n3000\r?\n"),
       ("dmesg | grep -c 'Command line'", r"\n1\r?\n")]


def hvc(machine, serial, append="console=hvc0"):
    """The only console is the hypervisor's: QEMU connects it to its own standard input and output."""
    words = ("-chardev", "stdio,id=hvc", "-device", serial, "-device", "virtconsole,chardev=hvc")
    return {**machine, "serial": "none", "append": append, "extra": words}


def frames():
    """Ethernet frames of many lengths, each unlike the others; beyond a page they come in several buffers."""
    for number, length in enumerate([14, 15, 60, 61, 1514, 4083, 4084, 4085, 9000, 20000, 60000] + [700] * 200):
        addresses = b"\x52\x54\x00\x12\x34\x56" + b"\x02\x00\x00\x00\x00\x01"
        payload = bytes((number * 31 + i * 7 + i // 251) & 255 for i in range(length - 14))
        yield addresses + b"\x88\xb5" + payload


def expect_echo(wire, frame):
    wire.send(frame)
    answer = wire.recv(70000)
    turned = frame[6:12] + frame[:6] + frame[12:]
    assert answer[:len(turned)] == turned, f"a frame of {len(frame)} bytes came back as another"


def net_test(options, name, machine, device, largest):
    """We are the other end of its wire: what we send comes back."""
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.bind(("127.0.0.1", 0))
    wire.settimeout(20)
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    theirs, ours = probe.getsockname()[1], wire.getsockname()[1]
    probe.close()
    wire.connect(("127.0.0.1", theirs))
    monitor = OUT / f"{name.replace('/', '-')}.monitor"
    OUT.mkdir(parents=True, exist_ok=True)
    words = ("-netdev", f"dgram,id=n,local.type=inet,local.host=127.0.0.1,local.port={theirs},"
             f"remote.type=inet,remote.host=127.0.0.1,remote.port={ours}", "-device", f"{device},netdev=n,id=card",
             "-monitor", f"unix:{monitor},server=on,wait=off")
    append = "console=ttyS0 ktest=virtio_net panic=-1"
    with Guest(options.machine().but(append=append, extra=words, **machine), name, 150) as guest:
        guest.expect("ktest: eth0 sends back", 60)
        for frame in frames():
            if len(frame) <= largest:
                expect_echo(wire, frame)
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(monitor))
            for state, word in (("off", "down"), ("on", "up")):
                control.sendall(f"set_link card {state}\n".encode())
                guest.expect(f"eth0: the link is {word}", 30)
        expect_echo(wire, next(frames()) + b"enough" + bytes(60))
        guest.expect(r"ktest: 1 passed, 0 failed", 60)
        guest.wait_exit(30)
    wire.close()


def removal_test(options, name):
    """A disk that is taken away while programs read and write it; it can come back."""
    folder = OUT / name.replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / "disk.img"
    image.write_bytes(pattern())
    slot = "/sys/bus/pci/devices/0000:00:05.0"
    words = (*blockdev("it", image), "-device", "virtio-blk-pci,drive=it,addr=5")
    steps = [("exec 3<>/dev/vda; for i in 1 2 3; do dd if=/dev/vda of=/dev/null bs=4k iflag=direct; done "
              "2>/tmp/said & sleep 0.1; echo started", r"\nstarted"),
             (f"echo 1 > {slot}/remove; wait; ls {slot} /dev/vda", r"No such file[\s\S]*No such file"),
             ("dd bs=512 count=1 conv=fsync >&3 <&3; echo $?", r"Input/output error[\s\S]*\n1\r?\n"),
             ("exec 3>&-; echo 1 > /sys/bus/pci/rescan; sleep 0.5; dd if=/dev/vda bs=1M 2>/dev/null | wc -c",
              rf"\n{SECTORS * 512}\r?\n")]
    shell_test(options, name, {"extra": words, "cpus": 2}, steps)


def legacy_test(options, name):
    words = ("-global", "virtio-mmio.force-legacy=true", "-device", "virtio-rng-device")
    machine = options.machine().but(append="console=ttyS0 ktest=virtio panic=-1", extra=words, **MMIO)
    with Guest(machine, name, 60) as guest:
        guest.expect("a legacy device, left alone", 60)
        guest.expect(r"ktest: \d+ passed", 60)


SCENARIOS = {
    "disk-q35": (disk_test, {"machine": "q35"}, "virtio-blk-pci"),
    "disk-pc-smp4": (disk_test, {"machine": "pc", "cpus": 4}, "virtio-blk-pci", ",disable-legacy=on,num-queues=4"),
    "disk-line": (disk_test, {"machine": "q35"}, "virtio-blk-pci", ",vectors=0"),
    "disk-few-vectors": (disk_test, {"machine": "q35", "cpus": 4}, "virtio-blk-pci", ",num-queues=4,vectors=2"),
    "disk-plain-ring": (disk_test, {"machine": "q35"}, "virtio-blk-pci",
                        ",event_idx=off,indirect_desc=off,queue-size=16,seg-max-adjust=on"),
    "disk-microvm": (disk_test, MMIO, "virtio-blk-device"),
    "disk-microvm-no-acpi": (disk_test, {"machine": "microvm,acpi=off"}, "virtio-blk-device"),
    "rng-q35": (shell_test, {"extra": ("-device", "virtio-rng-pci")}, RNG),
    "rng-microvm": (shell_test, {**MMIO, "extra": ("-device", "virtio-rng-device")}, RNG),
    "console-microvm": (shell_test, hvc(MMIO, "virtio-serial-device"), HVC),
    "console-q35": (shell_test, hvc({}, "virtio-serial-pci", "console=ttyS0 console=hvc0"), HVC),
    "disk-removed": (removal_test,),
    "net-q35": (net_test, {}, "virtio-net-pci,romfile=", 60000),
    "net-smp4": (net_test, {"cpus": 4, "machine": "pc"}, "virtio-net-pci,romfile=,disable-legacy=on,mq=on", 60000),
    "net-one-buffer": (net_test, {}, "virtio-net-pci,romfile=,mrg_rxbuf=off,event_idx=off,indirect_desc=off", 1514),
    "net-microvm": (net_test, MMIO, "virtio-net-device", 60000),
    "legacy": (legacy_test,),
}


def jobs(options):
    return [single(f"boot/virtio/{name}",
                   lambda name=name, it=it: it[0](options, f"boot/virtio/{name}", *it[1:]), 10)
            for name, it in SCENARIOS.items()]
