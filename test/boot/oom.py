"""Hoarders of every kind in 64 MiB, each in a machine of its own and twice: the right process dies or is
refused, and memory comes back (`./moonshot soak oom` does all of them in one machine, again and again).
And what the log says of it."""

from harness import hoards
from harness.console import Shell
from harness.qemu import Guest
from harness.scenario import Scenario, jobs_of, program, with_init
from harness.schedule import single

# Linux's words, in this order.
LOG = [
    r"hoard invoked oom-killer: gfp_mask=0x100dca\(GFP_HIGHUSER_MOVABLE\|__GFP_ZERO\), order=0, "
    r"oom_score_adj=100",
    r"CPU: \d+ PID: \d+ Comm: hoard Not tainted",
    r"Mem-Info:",
    r"active_anon:\d+ inactive_anon:\d+ isolated_anon:\d+",
    r"\d+ pages RAM",
    r"Tasks state \(memory values in pages\):",
    r"\[  pid  \]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
    r"\[ +1\]     0     1 +\d+ +\d+ +\d+ +0 +0 init",
    r"oom-kill:constraint=CONSTRAINT_NONE,nodemask=\(null\),cpuset=/,mems_allowed=0,global_oom,"
    r"task_memcg=/,task=hoard,pid=\d+,uid=0",
    r"Out of memory: Killed process \d+ \(hoard\) total-vm:\d+kB, anon-rss:\d{5}kB, file-rss:\d+kB, "
    r"shmem-rss:0kB, UID:0 pgtables:\d+kB oom_score_adj:100",
]


def alone():
    return with_init(program("hoard")).bytes()


def as_init(append, lines):
    return Scenario(lines, "reset", alone, {"memory": "64M"}, "panic=-1 " + append)


SCENARIOS = {
    "nobody-else": as_init("", [r"Out of memory and no killable processes\.\.\.",
                                r"Kernel panic - not syncing: System is deadlocked on memory"]),
}


def says(options, name):
    """The block of the log, when not kept quiet."""
    machine = options.machine().but(initrd=hoards.image(), memory="64M", append="console=ttyS0 panic=-1")
    with Guest(machine, name, 120) as guest:
        Shell(guest)
        guest.send("(echo 100 > /proc/self/oom_score_adj; "
                   "exec /hoard memory) || echo status-$?\n")
        for line in LOG + ["status-137"]:
            guest.expect(line, 30)


def panics(options, name):
    """vm.panic_on_oom."""
    machine = options.machine().but(initrd=hoards.image(), memory="64M", append="console=ttyS0 panic=-1")
    with Guest(machine, name, 120) as guest:
        Shell(guest).check("echo 1 > /proc/sys/vm/panic_on_oom")
        guest.send("/hoard memory\n")
        guest.expect("Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled", 60)


def kills_who_asks(options, name):
    """vm.oom_kill_allocating_task: not the largest, but the one that could not get a page."""
    machine = options.machine().but(initrd=hoards.image(), memory="64M",
                                    append="console=ttyS0 quiet panic=-1")
    with Guest(machine, name, 120) as guest:
        shell = Shell(guest)
        shell.check("echo 1 > /proc/sys/vm/oom_kill_allocating_task")
        guest.send("/hoard memory || echo status-$?\n")
        guest.expect(r"Out of memory \(oom_kill_allocating_task\): Killed process \d+ \(hoard\)", 60)
        guest.expect("status-137", 30)


def jobs(options):
    kinds = [single(f"boot/oom/{name}",
                    lambda name=name: hoards.run(options.machine(), [name], 2, f"boot/oom/{name}"), 10)
             for name in hoards.KINDS]
    cases = [single(f"boot/oom/{case.__name__}",
                    lambda case=case: case(options, f"boot/oom/{case.__name__}"), 5)
             for case in (says, panics, kills_who_asks)]
    return kinds + cases + jobs_of(options, "oom", SCENARIOS)
