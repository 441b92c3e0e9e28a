"""Promises that share one guest: functions that get the same laboratory, each of which is a case.

    TESTS = Promises()
    @TESTS.add
    def name_of_the_promise(lab): ...       # raises AssertionError when it does not hold
"""

import traceback

from .qemu import GuestError
from .result import Case
from .schedule import Job


class Promises:
    """In the order in which they were added."""

    def __init__(self):
        self.tests = []

    def add(self, function):
        self.tests.append(function)
        return function

    def run(self, prefix, lab):
        """A case each. When the guest no longer answers, the rest is one more failure."""
        cases = []
        for test in self.tests:
            case = f"{prefix}: {test.__name__}"
            try:
                test(lab)
                cases.append(Case(case, True))
            except GuestError as error:
                return cases + [Case(case, False, str(error))]
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[1]
                cases.append(Case(case, False, f"line {where.lineno}: {where.line}\n{error}"))
        return cases

    @staticmethod
    def power_off(cases, *shells):
        """The machines go off, unless one has stopped answering, which is among the cases."""
        if all(case.passed or "last words" not in case.detail for case in cases):
            for shell in shells:
                shell.power_off(60)

    def job(self, name, run, cost_s):
        return Job(name, run, cost_s)
