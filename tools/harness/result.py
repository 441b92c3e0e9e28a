"""Test cases, how they went, and the count that ends every test run."""

import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One promise and whether it holds; detail says what went wrong."""

    name: str
    passed: bool
    detail: str = ""


class Report:
    """Collects cases as they come in and prints the failures, then the count."""

    def __init__(self, verbose=False, stream=sys.stdout):
        self.verbose = verbose
        self.stream = stream
        self.passed = 0
        self.failed = []
        self.machine = ""  # which one, in front of the names of what fails
        self.started = time.monotonic()

    def _print(self, text):
        print(text, file=self.stream, flush=True)

    def add(self, case):
        if case.passed:
            self.passed += 1
            if self.verbose:
                self._print(f"  ok      {case.name}")
            return
        self.failed.append(self.machine + case.name)
        self._print(f"  FAILED  {self.machine}{case.name}")
        for line in case.detail.strip().splitlines():
            self._print(f"          {line}")

    def begin(self, label):
        """What comes now runs on another machine."""
        self.machine = f"[{label}] "
        self._print(f"-- {label}")

    def add_job(self, name, cases, seconds):
        """All cases of one job that has ended."""
        for case in cases:
            self.add(case)
        good = sum(case.passed for case in cases)
        self._print(f"{name}: {good} of {len(cases)} in {seconds:.1f} s")

    def finish(self):
        """Prints the summary; returns the exit status."""
        seconds = time.monotonic() - self.started
        if self.failed:
            self._print(f"failed after {seconds:.0f} s: " + " ".join(self.failed[:40]))
        if not self.passed and not self.failed:
            self._print("no test was run")
        self._print(f"{self.passed} passed, {len(self.failed)} failed")
        return 0 if self.passed and not self.failed else 1
