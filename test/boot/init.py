"""The first program: which one is started, with what, and what is said when it cannot be or ends."""

from harness.scenario import Scenario, jobs_of, program, with_init

NO_INIT = r"Kernel panic - not syncing: No working init found"
KILLED = r"Kernel panic - not syncing: Attempted to kill init! exitcode=0x%08x"


def archive_of(name, path="init"):
    return lambda: with_init(program(name), path).bytes()


def text_init():
    return with_init(b"This is not a program.\n").bytes()


def foreign_elf():
    """An ELF header that says 32-bit ARM."""
    data = bytearray(program("says"))
    data[4], data[18] = 1, 40
    return with_init(bytes(data)).bytes()


def cut_elf():
    return with_init(program("says")[:100]).bytes()


def script_init():
    archive = with_init(b"#!/bin/hello one\n")
    archive.file("bin/hello", program("says"), 0o755)
    return archive.bytes()


SCENARIOS = {
    "rdinit": Scenario([r"init: argument 0: /sbin/other\r?\n"], initrd=archive_of("says", "sbin/other"),
                       append="panic=-1 rdinit=/sbin/other"),
    "unknown-words-go-to-init": Scenario(
        [r"init: argument 1: verbose\r?\n", r"init: argument 2: last\r?\n",
         r"init: environment: colour=blue\r?\n"],
        initrd=archive_of("says"), append="panic=-1 verbose colour=blue -- last"),
    "script": Scenario([r"init: argument 0: /bin/hello\r?\n", r"init: argument 1: one\r?\n",
                        r"init: argument 2: /init\r?\n"], initrd=script_init),
    "rdinit-missing": Scenario([r"Kernel panic - not syncing: .*(Unable to mount root|No working init)"],
                               "reset", initrd=archive_of("says"), append="panic=-1 rdinit=/nowhere"),
    "not-a-program": Scenario([r"Failed to execute /init \(error -8\)", NO_INIT], "reset", initrd=text_init),
    "another-machines-elf": Scenario([r"Failed to execute /init \(error -8\)", NO_INIT], "reset",
                                     initrd=foreign_elf),
    "truncated-elf": Scenario([r"Failed to execute /init \(error -(5|8)\)", NO_INIT], "reset",
                              initrd=cut_elf),
    "exits": Scenario([KILLED % 0x100], "reset", initrd=archive_of("exits")),
    "user-mode-iretq": Scenario([r"iretq: the machine lives"], initrd=archive_of("iretq")),
    "crashes": Scenario([KILLED % 11], "reset", initrd=archive_of("crashes")),
}


def jobs(options):
    return jobs_of(options, "init", SCENARIOS)
