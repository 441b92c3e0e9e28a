"""QEMU's monitor (QMP): what happens to a machine from outside, such as an NMI or a break.

    machine = machine.but(extra=machine.extra + monitor.words(path))
    with Guest(machine, ...) as guest:
        monitor.execute(path, "inject-nmi")

One connection a command, over a socket that QEMU makes at the path.
"""

import json
import socket


def words(path):
    """What QEMU is to be started with."""
    return ("-qmp", f"unix:{path},server=on,wait=off")


def execute(path, command, **arguments):
    """Carries out one command; returns what QEMU answers. An error is raised."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        with connection.makefile("rw") as stream:
            stream.readline()  # the greeting
            _ask(stream, "qmp_capabilities", {})
            return _ask(stream, command, arguments)


def _ask(stream, command, arguments):
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "error" in answer:
            raise OSError(f"{command}: {answer['error']['desc']}")
        if "return" in answer:
            return answer["return"]
