"""What the checks share: which files they look at, the compiler's flags, and how findings are printed.

A check is a function from a file to a list of findings, each a string `file:line: message`.
run_check() parses the command line, runs the function over all files in parallel and exits with 1
if there was any finding.
"""
import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def tracked(*suffixes, under=()):
    """Files of the project (those git knows or would take) with these suffixes, below these folders."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *under]
    names = subprocess.run(words, cwd=TOP, check=True, capture_output=True, text=True).stdout.split("\n")
    return sorted(n for n in set(names) if n.endswith(suffixes) and (TOP / n).is_file())


def compiler_flags(compiler="gcc"):
    """The Makefile's flags for this compiler: those for all sources, and own ones by source."""
    words = ["make", "-s", "--no-print-directory", f"CC={compiler}", "print-flags"]
    made = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)
    if made.returncode:
        sys.exit(f"Makefile:1: cannot tell the compiler's flags\n{made.stderr}")
    flags, own = [], {}
    for line in made.stdout.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "flags":
            flags = rest.split()
        elif kind == "own":
            own[rest.split()[0]] = rest.split()[1:]
    return flags, own


def compile_quietly(words, text=None):
    """Runs a compiler; its diagnostics as findings, nothing if it was content and silent."""
    done = subprocess.run(words, cwd=TOP, input=text, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    if said or done.returncode:
        return [line for line in said.splitlines() if line.strip()] or [f"{words[-1]}:1: {words[0]} failed"]
    return []


def run_check(description, default_files, check_file, self_test=None):
    """The main function of a check. check_file(name) gives findings; names are relative to the top."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="look at these files only")
    parser.add_argument("-j", type=int, default=os.cpu_count(), help="how many at a time")
    if self_test:
        parser.add_argument("--self-test", action="store_true", help="check the check")
    args = parser.parse_args()
    if self_test:
        self_test()
        if args.self_test:
            print("self-test passed")
            return
    files = [os.path.relpath(Path(f).resolve(), TOP) for f in args.files] or default_files()
    with ThreadPoolExecutor(args.j) as pool:
        found = [line for lines in pool.map(check_file, files) for line in lines]
    for line in dict.fromkeys(found):
        print(line)
    sys.exit(1 if found else 0)
