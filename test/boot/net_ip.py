"""ip= on the command line: the kernel configures the card before the first program runs, and says so."""

from harness import network
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single

STATIC = "ip=10.0.2.77:10.0.2.9:10.0.2.2:255.255.255.0:box.example.test:eth0:off:10.0.2.3:10.0.2.4"


def boot(options, name, words, cards, promise):
    initrd = network.archive(name)
    machine = options.machine().but(networks=cards, initrd=initrd, append=f"console=ttyS0 panic=-1 {words}")
    with Guest(machine, name, 300) as guest:
        shell = Shell(guest, timeout_s=150)
        promise(shell, guest.output.replace("\r", ""))
        shell.power_off(60)
    initrd.unlink()


def by_dhcp(shell, log):
    assert "IP-Config: Complete" in log and "device=eth0, ipaddr=10.0.2.15, mask=255.255.255.0, gw=10.0.2.2" in log, log[-2000:]
    assert shell.run("pidof udhcpc")[1] == 1, "the stock system asks again"
    shown = shell.check("ip -4 address show dev eth0; ip route; cat /proc/net/pnp /etc/resolv.conf")
    assert "inet 10.0.2.15/24 brd 10.0.2.255" in shown and "default via 10.0.2.2 dev eth0" in shown, shown
    assert "#PROTO: DHCP" in shown and shown.count("nameserver 10.0.2.3") == 2, shown
    shell.check("ping -c 1 -W 10 10.0.2.2 | grep -q ' 0% packet loss'")


def by_words(shell, _log):
    shown = shell.check("ip -4 address show dev eth0; ip route; cat /proc/net/pnp /etc/resolv.conf; uname -n")
    assert "inet 10.0.2.77/24" in shown and "default via 10.0.2.2 dev eth0" in shown, shown
    assert "#MANUAL" in shown and "domain example.test" in shown and "bootserver 10.0.2.9" in shown, shown
    assert shown.count("nameserver 10.0.2.4") == 2, shown
    shell.check("ping -c 1 -W 10 10.0.2.2 | grep -q ' 0% packet loss'")


def of_two_cards_the_one_that_is_answered(shell, log):
    assert "device=eth1, ipaddr=10.0.2.15" in log, log[-2000:]
    assert "10.0.2.15/24" in shell.check("ip -4 address show dev eth1")


def without_a_card_the_system_starts(shell, log):
    assert "IP-Config: Device `eth7' not found" in log, log[-2000:]
    shell.check("ip address show lo | grep -q 127.0.0.1")


def jobs(options):
    user, nobody = network.user(), network.Card("hubport,hubid=9", network.mac_address())
    tests = {
        "dhcp": ("ip=dhcp", (user,), by_dhcp),
        "words": (STATIC, (user,), by_words),
        "second": ("ip=dhcp", (nobody, user), of_two_cards_the_one_that_is_answered),
        "none": ("ip=:::::eth7:dhcp", (user,), without_a_card_the_system_starts),
    }
    if options.kernel:
        return []  # Debian's Linux is built without it
    return [single(f"boot/net/ip-{name}", lambda name=name, test=test: boot(options, f"boot/net/ip-{name}", *test), 10)
            for name, test in tests.items()]
