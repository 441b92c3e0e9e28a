"""A person at the console: line editing, history, job control, full-screen programs, in busybox's shell
and in Debian's unmodified static bash and zsh."""

import time
from pathlib import Path

from harness import cpio, initramfs
from harness.console import Shell
from harness.qemu import Guest
from harness.scenario import OUT
from harness.schedule import single

CTRL_C, CTRL_D, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x04", "\x1a", "\x1c"
UP, LEFT, ESCAPE = "\x1b[A", "\x1b[D", "\x1b"
BACKSPACE = "\x7f"
SHELLS = {"ash": "sh", "bash": "bash --norc", "zsh": "zsh -f"}
PROMPT = r"@ready "
PAUSE_S = 0.5  # between keys that a program would take for one if they came at once


class Person:
    """Types at a shell whose prompt is known, and waits for what should appear."""

    def __init__(self, guest, shell):
        Shell(guest)
        self.guest = guest
        guest.send(f"stty rows 24 cols 80; export TERM=vt100; exec {SHELLS[shell]}\n")
        guest.expect(r"[#$%] ")
        guest.send("PS1='@rea''dy '\n")
        guest.expect(PROMPT)

    def types(self, keys, sees=None, timeout_s=20):
        """Keys go in, this appears, then the prompt is back."""
        self.guest.send(keys)
        if sees:
            self.guest.expect(sees, timeout_s)
        self.guest.expect(PROMPT, timeout_s)

    def starts(self, program):
        """Starts a program in the foreground and waits until it has the terminal."""
        self.guest.send(f"sh -c 'echo started; exec {program}'\n")
        self.guest.expect(r"started\r?\n")
        time.sleep(PAUSE_S)

    def opens(self, command, shows):
        """Starts a program that takes the screen and waits until it shows something."""
        self.guest.send(command + "\n")
        self.guest.expect(shows, 30)
        time.sleep(PAUSE_S)


def edits_lines(person):
    person.types(f"echo heo{LEFT}ll\n", r"\nhello\r?\n")
    person.types(f"echo one{BACKSPACE}{BACKSPACE}{BACKSPACE}two\n", r"\ntwo\r?\n")


def recalls_history(person):
    person.types("echo first-$((40+2))\n", r"first-42\r?\n")
    person.types(f"{UP}\n", r"first-42\r?\n")


def interrupts_and_quits(person):
    person.starts("sleep 1000")
    person.types(CTRL_C)
    person.types("echo status-$?\n", r"status-130\r?\n")
    person.starts("cat")
    person.types(CTRL_BACKSLASH)
    person.types("echo status-$?\n", r"status-131\r?\n")
    person.guest.send("unfinished line")
    time.sleep(PAUSE_S)
    person.types(CTRL_C)


def controls_jobs(person):
    person.starts("sleep 1000")
    person.types(CTRL_Z, r"(?i)(stopped|suspended)")
    person.types("jobs\n", r"(?i)(stopped|suspended).*sleep 1000")
    person.types("bg\n", r"sleep 1000")
    person.types("jobs\n", r"(?i)running.*sleep 1000")
    person.guest.send("fg\n")
    person.guest.expect(r"sleep 1000")
    time.sleep(PAUSE_S)
    person.types(CTRL_C)
    person.types("sleep 1000 | cat &\n")
    person.types("kill %1; wait; echo waited\n", r"\nwaited\r?\n")


def pipes_and_here_documents(person):
    person.types("seq 1000 | grep 7 | wc -l\n", r"271\r?\n")
    person.guest.send("cat <<END | tr a-z A-Z\nhello $((1+1))\nEND\n")
    person.guest.expect(r"HELLO 2\r?\n")
    person.guest.expect(PROMPT)
    person.types("sh -c 'exit 3' || echo failed-$?\n", r"failed-3\r?\n")


def ends_a_shell_by_end_of_file(person):
    person.starts("cat")
    person.guest.send("typed\n")
    person.guest.expect(r"typed\r?\ntyped\r?\n")
    person.types(CTRL_D)
    person.types("echo status-$?\n", r"status-0\r?\n")


def edits_a_file_in_vi(person):
    person.opens("vi /tmp/text", "~")
    person.guest.send("ihello from vi")
    time.sleep(PAUSE_S)
    person.guest.send(ESCAPE)
    time.sleep(PAUSE_S)
    person.guest.send(":wq\n")
    person.guest.expect(PROMPT)
    person.types("cat /tmp/text\n", r"\nhello from vi\r?\n")


def pages_in_less(person):
    person.opens("seq 500 | less", r"23\r?\n")
    person.guest.send(" ")
    person.guest.expect(r"46\r?\n")
    person.guest.send("q")
    person.guest.expect(PROMPT)


def watches_top(person):
    person.opens("top", r"Mem: *\d+K used")
    person.guest.expect(r"init")
    person.guest.send("q")
    person.guest.expect(PROMPT)


EVERY_SHELL = [edits_lines, recalls_history, interrupts_and_quits, controls_jobs,
               pipes_and_here_documents, ends_a_shell_by_end_of_file]
FULL_SCREEN = [edits_a_file_in_vi, pages_in_less, watches_top]


def image():
    """The default initramfs with bash and zsh."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "interactive.cpio.gz"
    archive = cpio.Archive()
    archive.file("bin/bash", Path("/bin/bash-static"), 0o755)
    archive.file("bin/zsh", Path("/bin/zsh-static"), 0o755)
    initramfs.add_system(archive)
    path.write_bytes(archive.bytes())
    return path


def jobs(options):
    cases = [(shell, action) for shell in SHELLS for action in EVERY_SHELL]
    cases += [("ash", action) for action in FULL_SCREEN]
    made = []

    def run(shell, action, name):
        if not made:
            made.append(image())
        machine = options.machine().but(initrd=made[0], append="console=ttyS0 quiet panic=-1")
        with Guest(machine, name, 120) as guest:
            action(Person(guest, shell))

    names = [f"boot/interactive/{shell}-{action.__name__}" for shell, action in cases]
    return [single(name, lambda shell=shell, action=action, name=name: run(shell, action, name), 8)
            for name, (shell, action) in zip(names, cases)]
