"""The conformance programs of test/conformance, whose README describes them."""

import re

from . import compare, paths
from .compare import Line

SOURCES = paths.TEST / "conformance"
OUT = compare.OUT / "conformance"


class Conformance(compare.Suite):
    """Static C programs that print `ok NAME`, `not ok NAME: why` and `out: fact`."""

    group = "conformance"

    def names(self):
        return sorted(path.stem for path in SOURCES.glob("*.c") if path != compare.RUNNER)

    def prepare(self, name):
        compare.compile_program(SOURCES / f"{name}.c", OUT / name, SOURCES.glob("*.h"))

    def add_to(self, archive, name):
        archive.file(f"tests/{name}", OUT / name, 0o755)

    def identity(self, name):
        return (OUT / name).read_bytes()

    def parse(self, text):
        lines = []
        for line in text.split("\n"):
            match = re.match(r"(ok|not ok) ([^:\s]+)", line)
            if match:
                lines.append(Line(match.group(2), match.group(1) == "ok", line))
            elif line.startswith("out: "):
                lines.append(Line("", None, line))
        return lines
