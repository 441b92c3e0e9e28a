"""The text console: what the framebuffer shows, read back by its font, and the keyboard."""

import time

from harness import paths
from harness.console import Shell
from harness.qemu import Guest
from harness.scenario import program, with_init
from harness.schedule import single
from harness.screen import Screen, words

PROMPT = r"moonshot:/root# ?$"
LIMIT_S = 240
DEVICES = {
    "1024x768": ("VGA,edid=on,xres=1024,yres=768", 1024, 768),
    "ramfb": ("ramfb", 800, 600),
}


def machine(options, name, append, device="VGA", **changes):
    """A UEFI machine with a screen."""
    kernel = options.kernel or paths.uefi_application(options.debug)
    return options.machine().but(boot="uefi", kernel=kernel, initrd=paths.INITRAMFS, append=append,
                                 extra=words(name, device), **changes)


def shell_is_on_the_screen(options, name):
    """Without any console= the screen is the console; a shell there can be typed at."""
    with Guest(machine(options, name, "panic=-1"), name, LIMIT_S) as guest, Screen(guest) as screen:
        screen.expect(PROMPT, 120)
        text = screen.text()
        assert "Moonshot: ready" in text and "Moonshot: UEFI boot" in text, text
        screen.type("echo $((6*7)) \"A_b|c~\"; tty\n")
        screen.expect(r"^42 A_b\|c~\n/dev/console$")
        screen.type("cat /proc/consoles; stty size\n")
        screen.expect(r"^tty0 .*EC.* 4:1\n50 160$")
        screen.type("cat\n")
        screen.press("ctrl", "c")
        screen.expect(r"^\^C\nmoonshot:/root# ?$")
        screen.type("echo $?\n")
        screen.expect(r"^130$")
        screen.type("poweroff\n")
        guest.wait_exit(60)


def full_screen_programs_work(options, name):
    """busybox's vi, less and top, with cursor keys; at last Ctrl-Alt-Del restarts by init."""
    with Guest(machine(options, name, "panic=-1"), name, LIMIT_S) as guest, Screen(guest) as screen:
        screen.expect(PROMPT, 120)
        screen.type("vi f\n")
        screen.expect(r"^~\n~")
        screen.type("ione\ntwo\nthree\x1b")
        screen.expect(r"^- f \[Modified\]")
        screen.press("up")
        screen.type("dd:wq\n")
        screen.expect(r"vi f\nmoonshot:/root# ?$")
        screen.type("clear; cat f; seq 500 | less\n")
        screen.expect(r"\Aone\nthree|\A1\n2\n")
        screen.press("pgdn")
        screen.expect(r"\A50\n51\n52")
        screen.press("down")
        screen.expect(r"\A51\n")
        screen.press("up")
        screen.expect(r"\A50\n51\n")
        screen.type("qclear; top -d 1\n")
        screen.expect(r"\AMem: .*\nCPU: .*\nLoad average: ")
        screen.type("q")
        screen.expect(PROMPT)
        screen.press("ctrl", "alt", "delete")
        guest.wait_exit(90)


def sequences_are_drawn(options, name):
    """The shell on the serial line writes to the screen, which shows exactly that."""
    append = "console=tty0 console=ttyS0 quiet panic=-1"
    with Guest(machine(options, name, append), name, LIMIT_S) as guest, Screen(guest) as screen:
        shell = Shell(guest, timeout_s=120)
        screen.expect(PROMPT, 60)
        shell.check("cat /sys/class/tty/console/active | grep -x 'tty0 ttyS0'")
        shell.check(r"printf '\033c\033[31mred\033[0m \033[4munder\033[m\r\n\303\251\342\224\200"
                    r"\316\273\320\266\r\n\033[5;10Hhere\033[3;1Hx\033[L\033[?25l' >/dev/tty1")
        screen.expect(r"\Ared under\né─λж\n\nx\n\n         here\Z")
        picture = screen.picture()
        colors = {picture.pixel(x, y) for x in range(8) for y in range(16)}
        assert colors == {b"\0\0\0", b"\xaa\0\0"}, colors
        assert picture.pixel(4 * 8, 14) == b"\xaa\xaa\xaa"
        shell.check(r"printf '\033[2;4r\033[4;1H\nscrolled\033[r\033[?25h' >/dev/tty1")
        screen.expect(r"\Ared under\n\nx\nscrolled\n\n         here\Z")
        shell.check(r"seq 1 3000 >/dev/tty1", 120)  # each line scrolls
        screen.expect(r"^2999\n3000\Z")
        assert shell.power_off(60) == 0


def another_size_fits(options, name, device, width, height):
    with Guest(machine(options, name, "panic=-1", device), name, LIMIT_S) as guest, \
            Screen(guest) as screen:
        screen.expect(PROMPT, 150)
        picture = screen.picture()
        assert (picture.width, picture.height) == (width, height)
        screen.type("stty size\n")
        screen.expect(rf"^{height // 16} {width // 8}$")


def expect_crash(guest, screen):
    """The lines that say why and where stay, however many follow."""
    screen.expect(r"(?s)Kernel panic - not syncing: sysrq triggered crash.*Call Trace:\n.*"
                  r"crash\S+ \(kernel/\S+\.c:\d+\)\n.*\n", 60)
    time.sleep(3)
    screen.expect(r"Kernel panic - not syncing: sysrq triggered crash", 1)
    assert guest.process.poll() is None


def a_panic_is_seen_beside_serial(options, name):
    """The screen is no console, and shows it all the same."""
    with Guest(machine(options, name, "console=ttyS0"), name, LIMIT_S) as guest, \
            Screen(guest) as screen:
        screen.expect(PROMPT, 120)
        screen.type("echo c >/proc/sysrq-trigger\n")
        expect_crash(guest, screen)


def init_that_dies_is_on_the_screen(options, name):
    path = paths.LOGS / f"{name}.initrd"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(with_init(program("exits")).gzipped())
    with Guest(machine(options, name, "quiet").but(initrd=path), name, LIMIT_S) as guest, \
            Screen(guest) as screen:
        screen.expect(r"Kernel panic - not syncing: Attempted to kill init!", 120)
        screen.expect(r"end Kernel panic", 60)


def sysrq_by_keys(options, name):
    """What the mask allows, the log while nobody writes, and a panic."""
    with Guest(machine(options, name, ""), name, LIMIT_S) as guest, Screen(guest) as screen:
        screen.expect(PROMPT, 120)
        screen.press("alt", "sysrq", "h")
        screen.expect(r"sysrq: HELP")
        screen.press("alt", "sysrq", "c")
        screen.expect(r"sysrq: This sysrq operation is disabled")
        screen.type("echo 1 >/proc/sys/kernel/sysrq; cat /proc/sys/kernel/ctrl-alt-del\n")
        screen.expect(r"^0\nmoonshot")
        screen.press("alt", "sysrq", "c")
        expect_crash(guest, screen)


def jobs(options):
    found = {
        "shell": shell_is_on_the_screen,
        "programs": full_screen_programs_work,
        "sequences": sequences_are_drawn,
        "panic-beside-serial": a_panic_is_seen_beside_serial,
        "panic-of-init": init_that_dies_is_on_the_screen,
        "sysrq": sysrq_by_keys,
    }
    for which, device in DEVICES.items():
        found[which] = lambda options, name, device=device: another_size_fits(
            options, name, *device)
    return [single(f"boot/screen/{which}", lambda which=which: found[which](
        options, f"boot/screen/{which}"), 30) for which in found]
