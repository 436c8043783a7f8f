#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Break the kernel in one small way at a time, and see which tests notice.

    mutate.py [NAME...] [--list] [--suite SUITE] [--all] [--resume] [--jobs N] [--write]

Each mutation of mutations.py replaces one piece of text in a copy of the sources (build/mutation/), never in the
sources themselves; what is needed is built, and the suites that it names run, until one fails: it is killed. Before a
suite is believed it must pass without a mutation; several times as long as it took then is its time limit, and what
runs longer is killed by that. The exit status is 0 if all mutations apply, build and are killed, and, with no NAME,
if each suite has killed one.
"""

import argparse
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

import suites
from mutations import MUTATIONS
from suites import SUITES

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
WORK = REPOSITORY / "build" / "mutation"
DOCUMENT = REPOSITORY / "docs" / "mutation.md"
BEGIN, END = "<!-- begin: ./bulkhead mutate -->", "<!-- end: ./bulkhead mutate -->"
LIMIT_FACTOR, LIMIT_MIN = 8, 40  # of the time that a suite takes without a mutation; seconds
LOOK = 0.2  # seconds between two looks at what runs
SHOWN, SHOWN_WIDTH = 2, 80  # names in the table


class Failure(Exception):
    """Why there is no verdict on a mutation."""


@dataclasses.dataclass
class Result:
    mutation: object
    killers: dict       # suite to what of it failed
    error: str = None   # it does not apply or build
    seconds: float = 0


# ---- the copy ----

def sources():
    """What the copy consists of: all files but those that git ignores."""
    listed = subprocess.run(["git", "-C", REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            check=True, capture_output=True, text=True).stdout
    return [pathlib.Path(name) for name in listed.split("\0") if name and (REPOSITORY / name).is_file()]


class Tree:
    """A private copy of the sources with builds of its own, in which one mutation at a time is made."""

    def __init__(self, number):
        self.root = WORK / str(number)
        self.log = open(WORK / f"{number}.log", "w", encoding="utf-8")  # as long as the program

    def update(self):
        """Copies what differs, so that builds stay incremental."""
        names = sources()
        present = {path.relative_to(self.root) for path in self.root.rglob("*")
                   if path.is_file() and path.relative_to(self.root).parts[0] != "build"}
        for name in present - set(names):
            (self.root / name).unlink()
        if present != set(names):
            (self.root / "CMakeLists.txt").unlink(missing_ok=True)  # copied anew, so that CMake looks at what there is
        for name in names:
            content, path = (REPOSITORY / name).read_bytes(), self.root / name
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod((REPOSITORY / name).stat().st_mode)

    def run(self, command, limit=None, name=None, enough=lambda: False):
        """(exit status, or None for out of time or `enough`, output)"""
        start = time.monotonic()
        print("$", *command, file=self.log, flush=True)
        environment = {**os.environ, "PYTHONPATH": str(self.root / "tools"), "BULKHEAD_TEST": name or "mutation"}
        with tempfile.TemporaryFile("w+", errors="replace") as file, subprocess.Popen(
                command, cwd=self.root, env=environment, stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, start_new_session=True) as process:
            while True:
                try:
                    process.wait(LOOK)
                    break
                except subprocess.TimeoutExpired:
                    if enough() or (limit and time.monotonic() - start > limit):
                        os.killpg(process.pid, signal.SIGKILL)  # QEMU, in a session of its own, dies with its parent
                        process.wait()
            status = process.returncode if process.returncode != -signal.SIGKILL else None
            file.seek(0)
            output = file.read()
        print(output, f"-> {status}, {time.monotonic() - start:.1f} s\n", file=self.log, flush=True)
        return status, output

    def build(self, suite):
        if suite.preset is None:
            return
        if not (self.root / "build" / suite.preset / "build.ninja").exists():
            status, output = self.run(["cmake", "--preset", suite.preset])
            if status != 0:
                raise Failure(f"could not configure the copy:\n{output}")
        status, output = self.run(["ninja", "-C", f"build/{suite.preset}", *suite.targets])
        if status != 0:
            errors = [line for line in output.splitlines() if "error:" in line] or output.splitlines()[-3:]
            raise Failure(f"does not build for {suite.name}: {errors[0].strip()}")

    def test(self, suite, arguments, limit):
        """What of the suite fails: names, or nothing. A machine ends as soon as that is something."""
        self.build(suite)
        console = self.root / "build" / "logs" / f"mutation_{suite.name}.log"
        console.unlink(missing_ok=True)

        def seen():
            return console.read_text(encoding="utf-8", errors="replace").replace("\r", "") if console.exists() else ""

        def failed():
            return suites.failed_cases(seen()) if suite.groups else []

        status, output = self.run([*suite.command, *arguments], limit, console.stem, failed)
        if status == 0:
            return []
        if names := failed():
            return names
        names = suites.killers(suite, self.root, output, seen())
        return [f"{name} (out of time)" for name in names] if status is None else names

    def replace(self, file, old, new):
        path = self.root / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text.count(old) != 1:
            raise Failure(f"its text stands {text.count(old)} times in {file}")
        path.write_text(text.replace(old, new), encoding="utf-8")


# ---- runs ----

class Baseline:
    """Each suite must pass without a mutation; how long that takes."""

    def __init__(self):
        self.limits = {}
        self.lock = threading.Lock()

    def limit(self, suite, arguments, tree):
        """To be called with an unchanged tree."""
        name = suite.targets, suite.command, arguments  # some suites are parts of the same run
        if name not in self.limits:
            with self.lock:
                if name not in self.limits:
                    tree.build(suite)
                    start = time.monotonic()
                    for _ in range(suite.tries):
                        status, output = tree.run([*suite.command, *arguments])
                        if status == 0:
                            break
                    else:
                        raise Failure(f"{suite.name} fails without any mutation:\n{output[-2000:]}")
                    self.limits[name] = max(LIMIT_MIN, LIMIT_FACTOR * (time.monotonic() - start))
        return self.limits[name]


def plan(mutation, only):
    """Suites with their arguments: those that the mutation names, cheap ones first, or as it says."""
    steps = [(name, ()) if isinstance(name, str) else (name[0], tuple(name[1:])) for name in mutation.suites]
    return [(SUITES[name], arguments) for name, arguments in steps if only in (None, name)]


def try_mutation(mutation, tree, baseline, only, go_on):
    start = time.monotonic()
    result = Result(mutation, {})
    original = None
    try:
        limits = [baseline.limit(suite, arguments, tree) for suite, arguments in plan(mutation, only)]
        original = (tree.root / mutation.file).read_text(encoding="utf-8")
        tree.replace(mutation.file, mutation.old, mutation.new)
        for (suite, arguments), limit in zip(plan(mutation, only), limits):
            failures = []
            while len(failures) < suite.tries and (failed := tree.test(suite, arguments, limit)):
                failures.append(failed)
            if len(failures) == suite.tries:
                result.killers[suite.name] = failures[-1]
                if not go_on:
                    break
    except (Failure, OSError) as error:
        result.error = str(error)
    finally:
        if original is not None:
            (tree.root / mutation.file).write_text(original, encoding="utf-8")
    result.seconds = time.monotonic() - start
    return result


def verdict(result):
    if result.error:
        return f"ERROR: {result.error}"
    if not result.killers:
        return "SURVIVED"
    return "killed by " + ", ".join(f"{suite}: {shown(failed)}" for suite, failed in result.killers.items())


def shown(failed):
    names = ((name if len(name) <= SHOWN_WIDTH else name[:SHOWN_WIDTH] + "...") for name in failed[:SHOWN])
    return ", ".join(names) + (f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else "")


def key(mutation, root=REPOSITORY):
    """Of a verdict that is kept: it is void once the mutation, or the file that it changes, is another one."""
    content = (root / mutation.file).read_bytes() + repr(mutation).encode()
    return hashlib.sha256(content).hexdigest()


def keep(result, its_key):
    path = WORK / "results.json"
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    stored[result.mutation.name] = {"key": its_key, "killers": result.killers, "seconds": result.seconds}
    path.write_text(json.dumps(stored, indent=1), encoding="utf-8")


def kept(chosen):
    path = WORK / "results.json"
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {one.name: Result(one, stored[one.name]["killers"], seconds=stored[one.name]["seconds"])
            for one in chosen if stored.get(one.name, {}).get("key") == key(one)}


def run(chosen, args):
    results = kept(chosen) if args.resume else {}
    todo, lock_results, baseline = queue.SimpleQueue(), threading.Lock(), Baseline()
    left = [mutation for mutation in chosen if mutation.name not in results]
    for mutation in left:
        todo.put(mutation)

    def work(number):
        tree = Tree(number)
        tree.update()
        while True:
            try:
                mutation = todo.get_nowait()
            except queue.Empty:
                return
            result = try_mutation(mutation, tree, baseline, args.suite, args.all)
            with lock_results:
                results[mutation.name] = result
                if args.suite is None and result.killers:
                    keep(result, key(mutation, tree.root))
            print(f"[{len(results)}/{len(chosen)}] {mutation.name}: {verdict(result)} ({result.seconds:.0f} s)", flush=True)

    WORK.mkdir(parents=True, exist_ok=True)
    lock = open(WORK / "lock", "w", encoding="utf-8")  # until the program ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"mutate: somebody else works in {WORK}")
    workers = [threading.Thread(target=work, args=(number,)) for number in range(1, min(args.jobs, len(left)) + 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [results[mutation.name] for mutation in chosen if mutation.name in results]


# ---- reports ----

def text_table(results):
    width = max(len(result.mutation.name) for result in results)
    return "\n".join(f"{result.mutation.name:{width}}  {result.mutation.breaks}\n{'':{width}}  {verdict(result)}"
                     for result in results)


def markdown(results):
    rows = ["| mutation | what it breaks | in | killed by | at |", "|---|---|---|---|---|"]
    for result in results:
        mutation = result.mutation
        if not result.killers:
            why = "no verdict" if result.error else "**survived**"
            rows.append(f"| {mutation.name} | {mutation.breaks} | `{mutation.file}` | {why} | |")
        for suite, failed in result.killers.items():
            what = shown(failed).replace("|", "\\|")
            rows.append(f"| {mutation.name} | {mutation.breaks} | `{mutation.file}` | {suite} | {what} |")
    rows += ["", "| suite | what it is | mutations that it kills |", "|---|---|---|"]
    for suite in SUITES.values():
        count = sum(suite.name in result.killers for result in results)
        rows.append(f"| {suite.name} | {suite.what} | {count} |")
    return "\n".join(rows)


def write(results):
    head, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    DOCUMENT.write_text(f"{head}{BEGIN}\n{markdown(results)}\n{END}{tail}", encoding="utf-8")


def check_data():
    names = [mutation.name for mutation in MUTATIONS]
    wrong = [f"two mutations are named {name}" for name in sorted(set(names)) if names.count(name) > 1]
    for mutation in MUTATIONS:
        text = (REPOSITORY / mutation.file).read_text(encoding="utf-8")
        if text.count(mutation.old) != 1:
            wrong.append(f"{mutation.name}: its text stands {text.count(mutation.old)} times in {mutation.file}")
        wrong += [f"{mutation.name}: there is no suite {suite}" for suite, _ in
                  ((name, ()) if isinstance(name, str) else (name[0], name[1:]) for name in mutation.suites)
                  if suite not in SUITES]
    return wrong


def main():
    parser = argparse.ArgumentParser(prog="./bulkhead mutate", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only mutations whose name contains one of these")
    parser.add_argument("--list", action="store_true", help="list the mutations, and check that they apply")
    parser.add_argument("--suite", choices=SUITES, help="only mutations for this suite, and only it")
    parser.add_argument("--all", action="store_true", help="run all suites of a mutation, not up to the first that fails")
    parser.add_argument("--resume", action="store_true",
                        help="do not run again what an earlier run has killed, if the file is still the same")
    parser.add_argument("--jobs", type=int, default=2, help="mutations at a time (2)")
    parser.add_argument("--write", action="store_true", help=f"renew the table in docs/{DOCUMENT.name}")
    args = parser.parse_args()

    chosen = [mutation for mutation in MUTATIONS
              if (not args.names or any(name in mutation.name for name in args.names)) and plan(mutation, args.suite)]
    if not chosen:
        sys.exit("mutate: there is no such mutation")
    if args.list:
        for mutation in chosen:
            print(f"{mutation.name} ({mutation.file}): {mutation.breaks}; for "
                  f"{', '.join(suite.name for suite, _ in plan(mutation, args.suite))}")
        wrong = check_data()
        print("\n".join(wrong) or f"{len(chosen)} mutations; all texts are there once")
        return 1 if wrong else 0

    start = time.monotonic()
    results = run(chosen, args)
    print(text_table(results))
    bad = [result.mutation.name for result in results if result.error or not result.killers]
    bad += [mutation.name for mutation in chosen if mutation.name not in {result.mutation.name for result in results}]
    idle = [name for name in SUITES if not any(name in result.killers for result in results)]
    whole = len(chosen) == len(MUTATIONS) and args.suite is None
    user = sum(os.times()[2:4])
    print(f"{len(results)} mutations, {len(results) - len(bad)} killed, {time.monotonic() - start:.0f} s "
          f"({user:.0f} s of processor time)")
    if bad:
        print(f"not killed: {', '.join(bad)}")
    if whole and idle:
        print(f"suites that have killed nothing: {', '.join(idle)}")
    if args.write and whole:
        write(results)
    return 1 if bad or (whole and idle) else 0


if __name__ == "__main__":
    sys.exit(main())
