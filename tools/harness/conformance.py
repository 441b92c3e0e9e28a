"""The conformance programs of test/conformance, whose README describes them."""

import re

from . import compare, paths
from .compare import Line

SOURCES = paths.TEST / "conformance"


class Conformance(compare.Suite):
    """Static C programs that print `ok NAME`, `not ok NAME: why` and `out: fact`."""

    group = "conformance"
    sources = SOURCES

    def binary(self, name):
        return compare.OUT / self.group / name

    def names(self):
        return sorted(path.stem for path in self.sources.glob("*.c") if path != compare.RUNNER)

    def prepare(self, name):
        headers = [*SOURCES.glob("*.h"), *self.sources.glob("*.h")]
        compare.compile_program(self.sources / f"{name}.c", self.binary(name), headers)

    def add_to(self, archive, name):
        archive.file(f"tests/{name}", self.binary(name), 0o755)

    def identity(self, name):
        return self.binary(name).read_bytes()

    def parse(self, text):
        lines = []
        for line in text.split("\n"):
            match = re.match(r"(ok|not ok) ([^:\s]+)", line)
            if match:
                lines.append(Line(match.group(2), match.group(1) == "ok", line))
            elif line.startswith("out: "):
                lines.append(Line("", None, line))
        return lines
