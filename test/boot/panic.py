"""What follows a panic, and what is told of its cause: function, file and line.

`panic=-1` restarts at once, `panic=1` after a second, nothing halts. The causes are those of
/proc/provoke-crash (kernel/procfs/provoke.c), of SysRq, and of QEMU's NMI.
"""

import re
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from harness import monitor, paths
from harness.qemu import Guest
from harness.scenario import Scenario, jobs_of, program, with_init
from harness.schedule import single

KILLED = r"Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"
PROVOKE = "kernel/procfs/provoke.c"
PROMPT = r"[#] (\x1b\[[0-9;]*[a-zA-Z])*$"


SPOKEN_BY = r" \w*exit\w*\+0x[0-9a-f]+/0x[0-9a-f]+ \(kernel/\w+/\w+\.c:\d+\)"
OFFSET = r"Kernel Offset: 0x[0-9a-f]{1,3}[02468ace]00000 from 0xffffffff80200000"


def exits():
    return with_init(program("exits")).bytes()


SCENARIOS = {
    "restarts-at-once": Scenario([KILLED], "reset", exits, append="panic=-1"),
    "restarts-after-a-second": Scenario([KILLED], "reset", exits, append="panic=1"),
    "moved-kernel-knows-its-symbols": Scenario([KILLED, SPOKEN_BY, OFFSET], "stays", exits, append=""),
    "nokaslr": Scenario([KILLED, SPOKEN_BY, "Kernel Offset: disabled"], "stays", exits,
                        append="nokaslr"),
    "halts": Scenario([KILLED, r"end Kernel panic"], "stays", exits, append=""),
}


def line_of(text, path=PROVOKE):
    """The number of the first line that contains the text."""
    for number, line in enumerate((paths.TOP / path).read_text().splitlines(), 1):
        if text in line:
            return number
    raise AssertionError(f"{path} does not contain {text}")


def at(function, text, path=PROVOKE):
    """What a backtrace says of the line that contains the text: function, file, line."""
    return rf"{function}\S*\+\S+ \({re.escape(path)}:{line_of(text, path)}\)"


@dataclass(frozen=True)
class Cause:
    """What is typed at the shell's prompt, and what must be printed then, in this order."""

    types: str
    lines: list
    append: str = ""
    only_debug: bool = False
    least_cpus: int = 1
    ends: str = "reset"


def provokes(name, lines, **more):
    return Cause(f"echo {name} > /proc/provoke-crash\n", lines, **more)


def panics(message):
    return rf"Kernel panic - not syncing: {message}"


def protected(name, function, what):
    """Something that the kernel's memory is protected against; the panic names the function."""
    return provokes(name, [panics(rf"the kernel tried to {what}"), rf"\b{function}\S*\+\S+ \(kernel/"])


def breaks_locks(name, what, holder="", rank=""):
    """A rule for locks; of the lock that is held, the message names the rank and the place."""
    held = rf".*; held rank {rank}, taken at {holder}\S*\+" if holder else ".* rank (irq|spin)_outer"
    return provokes(f"LOCK_{name}", [panics(f"lock order: {what}{held}")], only_debug=True)


CAUSES = {
    "write-constant": protected("WRITE_RO", "provoke_write_ro", "write at 0xf+.*, which is protected"),
    "write-after-init": protected("WRITE_RO_AFTER_INIT", "provoke_write_ro_after_init",
                                  "write at 0xf+.*, which is protected"),
    "write-code": protected("WRITE_KERN", "provoke_write_text", "write at 0xf+.*, which is protected"),
    "write-code-in-direct-map": protected("WRITE_KERN_ALIAS", "provoke_write_alias",
                                          "write at 0xffff.*, which is protected"),
    "execute-data": protected("EXEC_DATA", "provoke_exec_data", "execute at 0xf+.*, which is protected"),
    "execute-user-code": protected("EXEC_USERSPACE", "provoke_exec_user",
                                   "execute at 0x[0-9a-f]+, which is protected"),
    "access-user-memory": protected("ACCESS_USERSPACE", "provoke_access_user",
                                    "read at 0x[0-9a-f]+, which is protected"),
    "beyond-the-stack": protected("STACK_GUARD_PAGE_LEADING", "provoke_stack_guard",
                                  "read at 0xffff[0-9a-f]+, which is not mapped"),
    "corrupt-stack": provokes("CORRUPT_STACK", [
        panics(r"(stack-protector: Kernel stack is corrupted in: provoke_corrupt_stack\+"
               r"|KASAN: stack-out-of-bounds in smash)")]),
    "panic": provokes("PANIC", [panics("dumptest"), at("provoke_panic", 'panic("dumptest")')]),
    "assert": provokes("BUG", [panics(
        rf"assertion failed: endless == 0 at {PROVOKE}:{line_of('assert(endless == 0)')}")]),
    "null": provokes("EXCEPTION", [
        panics("the kernel tried to write at 0: NULL pointer"), r"Comm: sh",
        "rip " + at("provoke_null", "NULL = 1"), r"Call Trace:", r"syscall_entry\+"]),
    "stack-overflow": provokes("EXHAUST_STACK", [
        panics(r"kernel stack overflow in provoke_recursion\S* \(kernel/procfs/provoke.c:"),
        at("provoke_recursion", "return provoke_recursion(depth + 1)"), r"and \d+ times more",
        r"write_provoke|provoke_overflow", r"syscall_entry\+"]),
    "double-fault": provokes("DOUBLE_FAULT", [
        panics("double fault"), "rip " + at("provoke_double_fault", "rsp; ud2")]),
    "undefined": provokes("SHIFT", [
        panics(rf"undefined behaviour at {PROVOKE}:{line_of('1ul << (endless')}"),
        at("provoke_shift", "1ul << (endless")], only_debug=True),
    "inversion": provokes("LOCK_INVERSION", [
        panics("lock order: rank inversion"), r"taken at provoke_inversion\S*\+", r"Call Trace",
        r" provoke_inversion\S*\+", r"Locks held"], only_debug=True),
    "spin": provokes("SPINLOCKUP", [
        panics(r"spinlock: CPU waits for more than a second: .* rank spin_outer"),
        r" provoke_spin\S*\+"], only_debug=True),
    "spin-on-two-cpus": provokes("SPINLOCKUP", [
        panics(r"spinlock: CPU waits for more than a second: .*, held by CPU \d"),
        r" provoke_spin\S*\+", r"NMI backtrace for cpu \d", r" provoke_holder\S*\+",
        r"Locks held on CPU \d", r"rank spin_outer at provoke_holder"], only_debug=True,
        least_cpus=2),
    "lock-sleep": breaks_locks("SLEEP", "sleeping with a spinlock held", "provoke_sleep", "spin_outer"),
    "lock-allocation": breaks_locks("ALLOCATION", "sleeping with a spinlock held", "provoke_allocation",
                                    "spin_outer"),
    "lock-return": breaks_locks("RETURN", "held at the return to user mode",
                                "(write_provoke|provoke_return|mutex_lock)",
                                "sleeping"),
    "lock-twice": breaks_locks("TWICE", "taken twice", "provoke_twice", "spin_outer"),
    "lock-irqs-on": breaks_locks("IRQS_ON", "irq-safe by its rank, taken with interrupts on"),
    "lock-unsafe-inside": breaks_locks("UNSAFE_INSIDE", "not irq-safe, taken under a lock that is",
                                       "provoke_unsafe_inside", "irq_outer"),
    "lock-in-handler": breaks_locks("IN_HANDLER", "not irq-safe by its rank, taken by an interrupt handler"),
    "lock-over-ipi": breaks_locks("OVER_IPI", "waiting for other CPUs with a lock for which one may wait",
                                  "provoke_wait_for_cpus", "irq_outer"),
    "panic-in-panic": provokes("PANIC_IN_PANIC", [
        panics("dumptest"), r"Kernel panic inside a panic: the kernel tried to write at 0"]),
    "two-panics": provokes("TWO_PANICS", [
        panics("the (one|other)"), r"end Kernel panic - not syncing: the (one|other)"],
        least_cpus=2),
    "in-the-log": provokes("LOG", [
        panics("the kernel tried to write at 0x1"), r"log_read\+", r"provoke_log|write_provoke",
        r"end Kernel panic"]),
    "in-a-console": provokes("CONSOLE", [
        panics("a console crashes"), at("sink_write", 'panic("a console crashes")'),
        r"end Kernel panic"]),
    "soft-lockup": provokes("SOFTLOCKUP", [
        r"watchdog: BUG: soft lockup - CPU#\d stuck for \d+s! \[sh:\d+\]", r"CPU: \d PID: \d+",
        r"rip provoke_soft_lockup\S*\+\S+ \(kernel/procfs/provoke.c:\d+\)", r"Call Trace:",
        panics("softlockup: hung tasks")], append="watchdog_thresh=1 softlockup_panic=1"),
    "hard-lockup": provokes("HARDLOCKUP", [
        r"NMI watchdog: Watchdog detected hard LOCKUP on cpu \d",
        r"rip provoke_hard_lockup\S*\+\S+ \(kernel/procfs/provoke.c:\d+\)",
        panics("Hard LOCKUP")], append="watchdog_thresh=1 nmi_watchdog=panic", least_cpus=2),
    "hung-task": Cause(
        "echo 2 > /proc/sys/kernel/hung_task_timeout_secs; echo HUNG_TASK > /proc/provoke-crash\n", [
            r"INFO: task sh:\d+ blocked for more than 2 seconds.", r"Not tainted 6.1",
            r'"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
            panics("hung_task: blocked tasks")], append="hung_task_panic=1"),
    "warning": provokes("WARNING", [
        rf"WARNING: endless != 0 at {PROVOKE}:{line_of('warn_once(')}", r"Call Trace",
        panics("kernel: panic_on_warn set")], append="panic_on_warn"),
    "sysrq": Cause("echo c > /proc/sysrq-trigger\n", [
        r"sysrq: Trigger a crash", panics("sysrq triggered crash"), r"CPU: \d PID: \d+ Comm: sh",
        at("press_crash", 'panic("sysrq', "kernel/core/sysrq.c"), r"System calls:",
        r"CPU \d: \[\d+\] write\(0x1, 0x[0-9a-f]+, 0x2\)",
        r"end Kernel panic - not syncing: sysrq triggered crash"]),
    "stays": Cause("echo 0 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger\n",
                   [r"end Kernel panic - not syncing: sysrq triggered crash"], ends="stays"),
}


def run_cause(options, name, cause):
    machine = options.machine()
    machine = machine.but(cpus=max(machine.cpus, cause.least_cpus), initrd=paths.INITRAMFS,
                          append=f"console=ttyS0 quiet panic=-1 provoke {cause.append}")
    with Guest(machine, name, 90) as guest:
        guest.expect(PROMPT, 60)
        guest.send(cause.types)
        for line in cause.lines:
            guest.expect(line, 30)
        if cause.ends == "stays":
            guest.expect("---", 10)
            time.sleep(2)
            assert guest.process.poll() is None, "the machine went off instead of halting"
        else:
            guest.wait_exit(30)


def run_outside(options, name, append, action):
    """A guest at its prompt, with QEMU's monitor: action(guest, execute)."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "monitor"
        machine = options.machine()
        machine = machine.but(initrd=paths.INITRAMFS, extra=machine.extra + monitor.words(path),
                              append=f"console=ttyS0 quiet panic=-1 {append}")
        with Guest(machine, name, 90) as guest:
            guest.expect(PROMPT, 60)
            action(guest, lambda command, **how: monitor.execute(path, command, **how))


def nmi_is_logged(guest, execute):
    execute("inject-nmi")
    guest.expect(r"Uhhuh. NMI received for unknown reason [0-9a-f]{2} on CPU 0")
    guest.expect(r"Dazed and confused, but trying to continue")
    guest.send("echo still-$((40 + 2))\n")
    guest.expect("still-42")


def nmi_panics(guest, execute):
    execute("inject-nmi")
    guest.expect(panics("NMI: Not continuing"))
    guest.wait_exit()


def break_and_key(guest, execute, key):
    execute("chardev-send-break", id="serial0")
    time.sleep(0.2)
    guest.send(key)


def break_is_sysrq(guest, execute):
    break_and_key(guest, execute, "h")
    guest.expect(r"sysrq: HELP : loglevel\(0-9\) reboot\(b\) crash\(c\)")
    break_and_key(guest, execute, "l")
    guest.expect(r"sysrq: This sysrq operation is disabled.")
    guest.send("echo 1 > /proc/sys/kernel/sysrq\n")
    guest.expect(PROMPT)
    break_and_key(guest, execute, "8")
    guest.expect(r"sysrq: Changing Loglevel")
    guest.expect(r"sysrq: Loglevel set to 8")
    break_and_key(guest, execute, "l")
    guest.expect(r"sysrq: Show backtrace of all active CPUs")
    guest.expect(r"NMI backtrace for cpu 0")
    break_and_key(guest, execute, "c")
    guest.expect(r"sysrq: Trigger a crash")
    guest.expect(at("press_crash", 'panic("sysrq', "kernel/core/sysrq.c"))
    guest.wait_exit()


def sysrq(guest, key, *lines):
    guest.send(f"echo {key} > /proc/sysrq-trigger\n")
    for line in lines:
        guest.expect(line)


def keys_do_what_they_say(guest, execute):
    guest.send("dmesg -n 8; sleep 1000 &\n")
    guest.expect(PROMPT)
    sysrq(guest, "m", r"sysrq: Show Memory", r"Mem-Info:", r"\d+ pages RAM")
    sysrq(guest, "w", r"sysrq: Show Blocked State")
    sysrq(guest, "t", r"sysrq: Show State", r"task:init +state:S pid:1 +ppid:0 ",
          r"task:sleep +state:S", r"schedule\S*\+", r"sys_\w*sleep|sleep_relative")
    sysrq(guest, "s", r"sysrq: Emergency Sync", r"Emergency Sync complete")
    sysrq(guest, "u", r"sysrq: Emergency Remount R/O", r"Emergency Remount complete")
    sysrq(guest, "f", r"sysrq: Manual OOM execution", r"Out of memory: Killed process \d+")
    guest.expect(r"(?s)built-in commands.*" + PROMPT)
    sysrq(guest, "i", r"sysrq: Kill All Tasks")
    guest.expect(r"(?s)built-in commands.*" + PROMPT)
    guest.send("dmesg -n 4; echo h > /proc/sysrq-trigger\n")
    guest.expect(r"sysrq: HELP : loglevel\(0-9\) reboot\(b\) crash\(c\) .*terminate-all-tasks\(e\)")
    sysrq(guest, "o", r"sysrq: Power Off")
    guest.wait_exit()


def key_kills_users_of_the_console(guest, execute):
    guest.send("dmesg -n 8; setsid sleep 1000 < /dev/null > /dev/null 2>&1 & sleep 0.3\n")
    guest.expect(PROMPT)
    sysrq(guest, "k", r"sysrq: SAK", r"SAK: killed process \d+ \(sh\): by session")
    guest.expect(r"(?s)built-in commands.*" + PROMPT)
    guest.send("pidof sleep > /dev/null && echo others-$((40 + 2))\n")
    guest.expect("others-42")


def stall_is_no_lockup(guest, execute):
    """The host stops the guest for longer than any limit while its kernel is busy."""
    guest.send("dmesg -n 8; dd if=/dev/zero of=/dev/null bs=256M & sleep 0.5\n")
    guest.expect(PROMPT)
    for _ in range(2):
        guest.process.send_signal(signal.SIGSTOP)
        time.sleep(6)
        guest.process.send_signal(signal.SIGCONT)
        time.sleep(1)
    guest.send("kill %1; dmesg | grep -ciE 'lockup|blocked for' | sed s/^/found-/\n")
    guest.expect(r"found-0\r?\n", 60)


def nmis_hurt_nobody(guest, execute):
    """Questions from one CPU to the others, and the machine's own, while all are busy."""
    guest.send("for i in 1 2 3; do (while :; do /bin/true; dd if=/dev/zero of=/dev/null bs=4k count=50 "
               "2> /dev/null; done) & done\n")
    guest.expect(PROMPT)
    guest.send("for i in $(seq 150); do echo l > /proc/sysrq-trigger; done 2> /dev/null; "
               "echo asked-$((40 + 2))\n")
    for _ in range(40):
        execute("inject-nmi")
        time.sleep(0.02)
    guest.expect("asked-42", 60)
    guest.send("kill %1 %2 %3; dmesg | grep -c 'no answer' | sed s/^/unanswered-/\n")
    guest.expect(r"unanswered-0\r?\n", 60)


def key_reboots(guest, execute):
    sysrq(guest, "b", r"sysrq: Resetting")
    guest.wait_exit()


OUTSIDE = {
    "nmi-is-logged": ("", nmi_is_logged),
    "nmi-panics": ("unknown_nmi_panic", nmi_panics),
    "break": ("", break_is_sysrq),
    "sysrq-keys": ("", keys_do_what_they_say),
    "sysrq-reboot": ("", key_reboots),
    "sysrq-sak": ("", key_kills_users_of_the_console),
    "nmis-hurt-nobody": ("loglevel=0", nmis_hurt_nobody),
    "stall-is-no-lockup": ("watchdog_thresh=1", stall_is_no_lockup),
}


def jobs(options):
    made = jobs_of(options, "panic", SCENARIOS)
    for word, cause in CAUSES.items():
        if cause.only_debug and not options.debug:
            continue
        name = f"boot/panic/{word}"
        made.append(single(name, lambda name=name, cause=cause: run_cause(options, name, cause), 6))
    for word, (append, action) in OUTSIDE.items():
        name = f"boot/panic/{word}"
        made.append(single(name, lambda name=name, append=append, action=action:
                           run_outside(options, name, append, action), 6))
    return made
