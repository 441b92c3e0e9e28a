"""A guest's screen and keyboard: pictures read back as text, keys pressed.

    machine = Machine(..., boot="uefi", extra=screen.WORDS)
    with Guest(machine, name) as guest, Screen(guest) as screen:
        screen.expect(r"moonshot:~# ")
        screen.type("uname -r\\n")

A picture is read by exact comparison with the font that the kernel draws with (tools/gen-font), so that
a wrong pixel is no character. Colours do not matter, but each cell has at most two.
"""

import importlib.machinery
import importlib.util
import json
import re
import socket
import time

from . import paths
from .qemu import SCALE, GuestError

WIDTH, HEIGHT, UNDERLINE = 8, 16, 14
WRONG = "\ufffd"
KEYS = {
    " ": "spc", "\n": "ret", "\t": "tab", "\x1b": "esc", "\x7f": "backspace", "-": "minus",
    "=": "equal", "[": "bracket_left", "]": "bracket_right", ";": "semicolon", "'": "apostrophe",
    "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot", "/": "slash",
}
SHIFTED = dict(zip('!@#$%^&*()_+{}:"~|<>?', "1234567890-=[];'`\\,./"))


def load_font():
    """tools/gen-font's characters: pictures as rows of bits -> character."""
    path = str(paths.TOOLS / "gen-font")
    loader = importlib.machinery.SourceFileLoader("gen_font", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("gen_font", loader))
    loader.exec_module(module)
    pictures = {}
    for code, rows in sorted(module.load().items(), reverse=True):
        pictures[rows] = chr(code)  # of several with one picture the lowest, which is ASCII's
    pictures[bytes(HEIGHT)] = " "
    return pictures


def key_codes(char):
    """The keys to press for a character of the US layout."""
    if char in SHIFTED:
        return ["shift", *key_codes(SHIFTED[char])]
    if char.isupper():
        return ["shift", char.lower()]
    return [KEYS.get(char, char)]


def read_ppm(path):
    """(width, height, pixels as bytes, three each) of a binary PPM."""
    data = path.read_bytes()
    match = re.match(rb"P6\s(\d+)\s(\d+)\s255\s", data)
    return int(match.group(1)), int(match.group(2)), data[match.end():]


class Picture:
    """What the screen showed at one moment."""

    def __init__(self, path, font):
        self.width, self.height, self._pixels = read_ppm(path)
        self._font = font
        self._without_underline = {self._clear(rows): char for rows, char in font.items()}

    @staticmethod
    def _clear(rows):
        return rows[:UNDERLINE] + b"\0" + rows[UNDERLINE + 1:]

    def pixel(self, x, y):
        at = (y * self.width + x) * 3
        return self._pixels[at:at + 3]

    def _rows(self, column, line):
        """A cell as bits: what differs from its upper left pixel."""
        left, top = column * WIDTH, line * HEIGHT
        paper, out = self.pixel(left, top), []
        for y in range(HEIGHT):
            at = ((top + y) * self.width + left) * 3
            row = self._pixels[at:at + WIDTH * 3]
            bits = 0
            if row != paper * WIDTH:
                for x in range(0, WIDTH * 3, 3):
                    bits = bits << 1 | (row[x:x + 3] != paper)
            out.append(bits)
        return bytes(out)

    def char(self, column, line):
        """The character in a cell; WRONG if there is none in the font."""
        rows = self._rows(column, line)
        inverted = bytes(255 - row for row in rows)
        return self._font.get(rows) or self._font.get(inverted) or \
            self._without_underline.get(self._clear(rows)) or WRONG

    def lines(self):
        """All lines as text, without the blanks at their ends."""
        columns, lines = self.width // WIDTH, self.height // HEIGHT
        return ["".join(self.char(column, line) for column in range(columns)).rstrip()
                for line in range(lines)]


class Screen:
    """The screen and keyboard of a running guest, by QEMU's machine protocol."""

    def __init__(self, guest):
        self._guest = guest
        self._font = load_font()
        self._path = paths.LOGS / f"{guest.name}.ppm"
        self._socket = socket.socket(socket.AF_UNIX)
        self._connect(str(socket_path(guest.name)))
        self._file = self._socket.makefile("rw")
        self._file.readline()
        self.execute("qmp_capabilities")

    def _connect(self, path):
        deadline = time.monotonic() + 10 * SCALE
        while True:
            try:
                return self._socket.connect(path)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def execute(self, command, **arguments):
        """Runs a command of the protocol; returns its answer."""
        self._file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._file.flush()
        for line in self._file:
            answer = json.loads(line)
            if "error" in answer:
                raise GuestError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]
        raise GuestError(f"{command}: QEMU has ended")

    def picture(self):
        self.execute("screendump", filename=str(self._path))
        return Picture(self._path, self._font)

    def text(self):
        return "\n".join(self.picture().lines()).rstrip("\n")

    def expect(self, pattern, timeout_s=30):
        """Waits until the screen shows a regular expression; returns its match."""
        deadline = time.monotonic() + timeout_s * SCALE
        while True:
            text = self.text()
            match = re.search(pattern, text, re.M)
            if match:
                return match
            if time.monotonic() > deadline or self._guest.process.poll() is not None:
                raise GuestError(f"no /{pattern}/ within {timeout_s} s; the screen:\n{text}")
            self._guest.drain()
            time.sleep(0.2)

    def press(self, *codes):
        """Presses keys together, by QEMU's names."""
        keys = [{"type": "qcode", "data": code} for code in codes]
        self.execute("send-key", keys=keys, **{"hold-time": 20})
        time.sleep(0.05)

    def type(self, text):
        for char in text:
            self.press(*key_codes(char))


def socket_path(name):
    return paths.LOGS / f"{name}.qmp"


def words(name, device="VGA"):
    """QEMU's words for a screen that Screen can read, for the guest of this name."""
    path = socket_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return ("-device", device, "-qmp", f"unix:{path},server=on,wait=off")
