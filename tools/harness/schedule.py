"""Runs jobs side by side, as many as the machine has CPUs, and reports each as it ends.

A job is a function that returns test cases. Its own waits are bounded (see qemu.Guest), so a job
always ends; whatever it raises becomes one failed case. A long job goes first.
"""

import time
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Callable

from .qemu import GuestError
from .result import Case


@dataclass(frozen=True)
class Job:
    """Something to run that yields cases; cost_s is a guess that decides who goes first."""

    name: str
    run: Callable
    cost_s: float = 5


def single(name, promise, cost_s=5):
    """A job of one case: it passes unless the function raises."""

    def run():
        promise()
        return [Case(name, True)]

    return Job(name, run, cost_s)


def run_one(job):
    """Returns the job's cases and how long it took."""
    started = time.monotonic()
    try:
        cases = list(job.run())
    except (GuestError, AssertionError) as error:
        cases = [Case(job.name, False, str(error) or traceback.format_exc(limit=-2))]
    except Exception:
        cases = [Case(job.name, False, traceback.format_exc(limit=-4))]
    return cases, time.monotonic() - started


def run_all(jobs, report, workers):
    """Runs all jobs; the report gets each one's cases when it ends."""
    jobs = sorted(jobs, key=lambda job: -job.cost_s)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        waiting = {pool.submit(run_one, job): job for job in jobs}
        for future in as_completed(waiting):
            cases, seconds = future.result()
            report.add_job(waiting[future].name, cases, seconds)
