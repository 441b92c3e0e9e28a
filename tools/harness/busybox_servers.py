"""The network servers of busybox that Debian's static busybox leaves out, from the same source package.

    add_to(archive)      bin/ftpd, bin/ntpd ...: see APPLETS
"""

import fcntl
import subprocess

from . import busybox, paths

APPLETS = ["FTPD", "NTPD", "TCPSVD", "UDPSVD", "TFTPD", "DNSD", "INETD"]
FEATURES = ["STATIC", "LONG_OPTS", "FEATURE_IPV6", "FEATURE_FTPD_WRITE", "FEATURE_NTPD_SERVER", "FEATURE_TFTP_GET",
            "FEATURE_TFTP_PUT", "FEATURE_INETD_SUPPORT_BUILTIN_ECHO", "FEATURE_INETD_SUPPORT_BUILTIN_TIME",
            "FEATURE_INETD_SUPPORT_BUILTIN_DISCARD", "SHOW_USAGE"]
OUT = paths.BUILD / "network" / "busybox"


def make(*words):
    subprocess.run(["make", "-s", f"O={OUT}", *words], cwd=busybox.SOURCE, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def configure():
    make("allnoconfig")
    wanted = {f"CONFIG_{name}" for name in APPLETS + FEATURES}
    lines = (OUT / ".config").read_text().splitlines()
    kept = [line for line in lines if line.removeprefix("# ").split(" ")[0].split("=")[0] not in wanted]
    (OUT / ".config").write_text("\n".join(kept + [f"{name}=y" for name in sorted(wanted)]) + "\n")
    with subprocess.Popen(["yes", ""], stdout=subprocess.PIPE) as answers:
        subprocess.run(["make", "-s", "oldconfig"], cwd=OUT, check=True, stdin=answers.stdout,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        answers.terminate()


def path():
    """The program, which is compiled the first time."""
    program = OUT / "busybox"
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            busybox.fetch()
            configure()
            subprocess.run(["make", "-s", "busybox"], cwd=OUT, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return program


def add_to(archive):
    archive.file("bin/servers", path(), 0o755)
    for applet in APPLETS:
        archive.symlink(f"bin/{applet.lower()}", "/bin/servers")
