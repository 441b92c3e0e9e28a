"""The terminal emulator against Linux's: random sequences to both, the screens compared.

Linux tells what its console shows by /dev/vcsa1; ours runs on the host. What differs on purpose (docs/decisions.md,
"Where the screen is not Linux's") is not written.
"""

import random
import struct
import subprocess

from harness import cpio, oracle, paths
from harness.qemu import Guest, Machine
from harness.scenario import OUT, program
from harness.schedule import single

SEED, NUMBER = 1, 1500
KERNEL = paths.TOP / "kernel"
EMULATOR = [KERNEL / "tty" / f"{name}.c" for name in
            ("emulator", "emulator_escape", "emulator_csi", "emulator_style", "charset", "grid")]
SOURCES = [*EMULATOR, KERNEL / "lib" / "printf.c", KERNEL / "lib" / "errno_name.c"]
FLAGS = ["-std=gnu17", "-O1", "-fno-strict-aliasing", "-fwrapv", "-DDEBUG=1", "-DUNIT_TEST=1",
         f"-I{KERNEL}", f"-I{KERNEL}/arch/x86_64/include", "-idirafter", f"{KERNEL}/abi/stubs"]
NUMBERS = ["", "0", "1", "2", "3", "5", "10", "24", "25", "40", "79", "80", "81", "100", "999"]
CONTROLS = ["\r", "\n", "\b", "\t", "\r\n", "\v", "\f", "\x0f", "\x7f", "\0", "\x18", "\x1a", "\a"]
ESCAPES = [*"78DEMHZ=>", "(B", ")B", "%G"]
MODES = ["4h", "4l", "?7l", "?7h", "?6h", "?6l", "20h", "20l", "?25l", "?25h", "s", "u", "6n", "5n", "c", "g",
         "3g", "?1h", ">c", "!p", "?2004h", "1;2;3x", "0;31q"]
STYLES = ["", "0", "0;1", "0;2", "0;5", "0;7", "0;1;31", "0;7;32", "0;2;33", "0;38;5;6", "30", "31", "34", "37",
          "39", "40", "42", "47", "49"]
WORDS = ["é", "─", "λж", "\u200b", "\r中", "\ufeff", "→", "\x1b]0;t\a", "\x1b[12\x18", "\x1b[3\n2A",
         "\x1b\x1b[2C", "\x1b[;H", "\x1b[ q", "\x1b[4:3m", "\x1b[?5n"]


def piece(rng):
    """A few bytes for a terminal."""
    def number():
        return rng.choice(NUMBERS)

    kinds = [
        lambda: "".join(rng.choice("abcdef XYZ") for _ in range(rng.choice([1, 3, 10, 85]))),
        lambda: "".join(rng.choice("abcdef XYZ") for _ in range(rng.choice([1, 3, 10, 85]))),
        lambda: rng.choice(CONTROLS),
        lambda: f"\x1b[{number()}{rng.choice('ABCDEFGadefKJPX@`')}",
        lambda: f"\x1b[{number()}{rng.choice('ABCDEFGadefKJPX@`')}",
        lambda: f"\x1b[{number()};{number()}{rng.choice('Hfr')}",
        lambda: f"\x1b[r\x1b[{rng.randrange(1, 9)};3H\x1b[{rng.randrange(9)}{rng.choice('LM')}",
        lambda: f"\x1b[{rng.choice(MODES)}",
        lambda: f"\x1b{rng.choice(ESCAPES)}",
        lambda: f"\x1b[{rng.choice(STYLES)}m",
        lambda: rng.choice(WORDS),
    ]
    return rng.choice(kinds)()


def sequences():
    rng = random.Random(SEED)
    return ["".join(piece(rng) for _ in range(rng.randrange(1, 14))).encode() for _ in range(NUMBER)]


def ours(data):
    """What our emulator shows."""
    binary = OUT / "terminal_host"
    subprocess.run(["gcc", *FLAGS, "-o", str(binary), str(paths.TEST / "boot" / "terminal_host.c"),
                    *map(str, SOURCES)], check=True)
    return subprocess.run([str(binary)], input=data, capture_output=True, check=True).stdout.decode()


def linux(data, name):
    """What Linux shows."""
    archive = cpio.Archive()
    archive.character_device("dev/console", 5, 1)
    archive.file("init", program("vcs"), 0o755)
    archive.file("sequences", data)
    initrd = OUT / "terminal.initrd"
    initrd.write_bytes(archive.bytes())
    machine = Machine(oracle.kernel(), initrd=initrd, append="console=ttyS0 quiet panic=-1",
                      extra=("-device", "VGA"))
    with Guest(machine, name, 150) as guest:
        guest.expect(r"(?s)#0 .*\nend\r?\n", 120)
        return guest.output.replace("\r", "")


def screens(text):
    """Number of the sequence -> its screen."""
    found = {}
    for line in text[text.index("#0 "):].split("\n"):
        if line.startswith("#"):
            number = int(line[1:].split()[0])
            found[number] = ""
        if line == "end":
            break
        found[number] += line + "\n"
    return found


def shows_what_linux_shows(name):
    OUT.mkdir(parents=True, exist_ok=True)
    written = sequences()
    data = b"".join(struct.pack("<H", len(one)) + one for one in written)
    here, there = screens(ours(data)), screens(linux(data, name))
    assert len(here) == len(there) == NUMBER
    wrong = [number for number in range(NUMBER) if here[number] != there[number]]
    assert not wrong, "\n".join(
        [f"{len(wrong)} of {NUMBER} differ"] +
        [f"{written[number]}\nLinux {there[number]}ours  {here[number]}" for number in
         sorted(wrong, key=lambda number: len(written[number]))[:4]])


def jobs(_options):
    name = "boot/terminal/like-linux"
    return [single(name, lambda: shows_what_linux_shows(name), 20)]
