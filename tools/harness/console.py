"""A shell in a guest: send a command, get back what it printed and its exit status.

The command's output is taken from between two markers that the shell prints and that differ from
what the terminal echoes, so that neither prompt nor line editing matters.
"""

import re


class Refused(AssertionError):
    """The shell could not start a process, and has given up the command."""


class Shell:
    """Talks to a POSIX shell that waits at its prompt on the guest's console."""

    PROMPT = r"[#$%] (\x1b\[[0-9;]*[a-zA-Z])*$"

    def __init__(self, guest, prompt=PROMPT, timeout_s=60):
        self.guest = guest
        guest.expect(prompt, timeout_s)

    def run(self, command, timeout_s=30):
        """Runs a command; returns (output with plain newlines, exit status)."""
        # On one line where that can be: what is typed while a command runs is echoed into its output.
        end = "\n" if "\n" in command or "#" in command or command.endswith("&") else "; "
        self.guest.send(f'echo "@@""begin"; {command}{end}echo "@@""$?@@"\n')
        self.guest.expect(r"@@begin\r?\n", timeout_s)
        match = self.guest.expect(r"@@(\d+)@@|can't fork", timeout_s)
        if match.group(1) is None:
            self.guest.expect(r"[#$] ", timeout_s)  # the kernel may say more behind it
            raise Refused(command)
        output = self.guest.before.replace("\r", "")
        return strip_prompt(output), int(match.group(1))

    def check(self, command, timeout_s=30):
        """Runs a command that must succeed; returns its output without the last newline."""
        output, status = self.run(command, timeout_s)
        assert status == 0, f"{command}: exit status {status}: {output}"
        return output.rstrip("\n")

    def power_off(self, timeout_s=30):
        """Asks init to power off and waits until the machine is off; returns QEMU's status."""
        self.guest.send("poweroff\n")
        return self.guest.wait_exit(timeout_s)


def strip_prompt(output):
    """Drops the echo of the second marker's command, which follows the output."""
    lines = re.sub(r"\x1b\[[0-9;]*[a-zA-Z]", "", output).split("\n")
    while lines and 'echo "@@""' in lines[-1]:
        lines.pop()
    lines = [line for line in lines if 'echo "@@""$?' not in line]
    return "\n".join(lines) + ("\n" if lines and lines[-1] else "")
