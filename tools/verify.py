#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prove the claims of test/proof/ with CBMC, and say what was proved within which bounds.

    verify.py [NAME...]            all, or those whose name (file/function) contains a NAME
    verify.py --list               what there is
    verify.py --trace NAME         with the counterexample of what does not hold

Each file of test/proof/ includes the sources that it is about; each of its functions prove_* is one proof,
and the comment above it the claim. Functions of those sources that its line "stub NAME, ..." names it defines
itself. A proof holds if CBMC finds that no property can be violated for any input within the bounds, no loop
can run further than it was unwound, every place marked REACHED can be reached (so that the assumptions are
not contradictory), and no function was left without a body.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time

import fetch

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
PROOFS = REPOSITORY / "test" / "proof"
PACKAGES = ("cbmc", "cbmc-libc", "cbmc-libgcc", "cbmc-libstdcxx", "cbmc-minisat")
COMPILER = "aarch64-linux-gnu-gcc"
CPU_LIMIT = 600  # seconds of processor time for one proof: a busy machine must not decide what holds
REACHED = "reached: "
SHOWN = 40  # of the lines that say what is wrong

CBMC_OPTIONS = ["--arch", "arm64", "--os", "linux", "--c17", "--json-ui", "--verbosity", "6",
                "--bounds-check", "--pointer-check", "--pointer-primitive-check", "--pointer-overflow-check",
                "--div-by-zero-check", "--signed-overflow-check", "--undefined-shift-check",
                "--conversion-check", "--unwinding-assertions", "--drop-unused-functions", "--slice-formula"]


class Proof:
    """One function prove_* of one file."""

    def __init__(self, file, function, claim, text):
        self.file, self.function = file, function
        self.name = f"{file.stem}/{function.removeprefix('prove_')}"
        self.claim = claim
        self.unwind = re.search(r"^#define UNWIND\s+(\d+)", text, re.MULTILINE).group(1)
        self.unwindset = re.findall(r"^ \* unwind (\S+) (\d+)", text, re.MULTILINE)


def words(comment):
    return " ".join(re.sub(r"^\s*/?\*+/?", "", line).removesuffix("*/").strip()
                    for line in comment.splitlines()).strip()


def read_proofs():
    proofs = {}
    for file in sorted(PROOFS.glob("*.c")):
        text = file.read_text(encoding="utf-8")
        found = re.findall(r"/\*((?:(?!\*/).)*)\*/\nvoid (prove_\w+)\(void\)", text, re.DOTALL)
        if not found:
            sys.exit(f"verify: {file.name} has no prove_* function with a claim above it")
        proofs[file] = [Proof(file, function, words(claim), text) for claim, function in found]
    return proofs


def describe(file):
    """The sources that a file is about, and its bounds."""
    text = file.read_text(encoding="utf-8")
    for header in re.findall(r'^#include "(test/proof/\w+\.h)"', text, re.MULTILINE):
        text += (REPOSITORY / header).read_text(encoding="utf-8")
    sources = re.findall(r'^#include "((?:kernel|domains|libs)/[\w/]+\.c|ipc/\w+\.h)"', text, re.MULTILINE)
    bounds = re.findall(r"^#define BOUND_(\w+)\s+(\S+)\s*/\* (.*?) \*/", text, re.MULTILINE)
    return sources, [f"{name.lower()} = {value}: {meaning}" for name, value, meaning in bounds]


def replace_stubs(file, text):
    """Makes the sources' own definitions of what the proof defines into declarations, so that all calls go there."""
    stubs = re.search(r"^ \* stub (\w+(?:, \w+)*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    for name in stubs.group(1).split(", ") if stubs else ():
        definition = re.compile(rf"^([\w *]*\b){name}(\([^()]*\))(?=\s*{{)", re.MULTILINE)
        if len(definition.findall(text)) != 2:
            sys.exit(f"verify: {file.name} is to replace {name}, but the sources do not define it, or it does not")
        text = definition.sub(rf"\1{name}\2;\n\1{name}_of_sources\2", text, count=1)
    return text


class Checker:
    """CBMC from the cache, with its own loader and libraries."""

    def __init__(self):
        fetcher = fetch.Fetcher()
        roots = [fetcher.get(name) for name in PACKAGES]
        libraries = [str(path) for root in roots
                     for path in (root / "usr/lib/x86_64-linux-gnu", root / "usr/lib") if path.is_dir()]
        loader = next(root / "usr/lib64/ld-linux-x86-64.so.2" for root in roots
                      if (root / "usr/lib64/ld-linux-x86-64.so.2").exists())
        self.command = [str(loader), "--library-path", ":".join(libraries), str(roots[0] / "usr/bin/cbmc")]
        self.directory = tempfile.TemporaryDirectory(prefix="bulkhead-verify-")

    def preprocess(self, file):
        output = pathlib.Path(self.directory.name, file.stem + ".i")
        subprocess.run([COMPILER, "-E", "-P", "-std=gnu17", "-ffreestanding", "-march=armv8.1-a", "-mgeneral-regs-only",
                        "-mno-outline-atomics", f"-I{REPOSITORY}", f"-I{REPOSITORY / 'kernel'}",
                        f"-I{REPOSITORY / 'kernel/api'}", "-include", str(PROOFS / "proof.h"),
                        str(file), "-o", str(output)], check=True)
        output.write_text(replace_stubs(file, output.read_text(encoding="utf-8")), encoding="utf-8")
        return output

    def run(self, proof, source, trace):
        """(seconds, number of properties, places reached, what is wrong)"""
        options = [*CBMC_OPTIONS, "--function", proof.function, "--unwind", proof.unwind]
        for loop, count in proof.unwindset:
            options += ["--unwindset", f"{loop}:{count}"]
        if trace:
            options += ["--trace"]
        output = pathlib.Path(self.directory.name, proof.name.replace("/", "-") + ".json")
        with open(output, "wb") as file, subprocess.Popen(
                [*self.command, *options, str(source)], stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT))) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = usage.ru_utime + usage.ru_stime
        text = output.read_text(encoding="utf-8", errors="replace")
        if process.returncode < 0:
            return seconds, 0, 0, [f"CBMC ended by signal {-process.returncode}; a proof has {CPU_LIMIT} s"]
        try:
            messages = json.loads(text)
        except json.JSONDecodeError:
            return seconds, 0, 0, [text.strip()[-2000:]]
        return (seconds, *judge(messages, trace))


def judge(messages, trace=False):
    """(number of properties, places reached, what is wrong) of CBMC's messages"""
    wrong, properties, reached = [], 0, 0
    results = next((message["result"] for message in messages if "result" in message), None)
    for message in messages:
        text = message.get("messageText", "")
        if message.get("messageType") == "ERROR" or "no body for" in text or "ignoring" in text:
            wrong.append(text)
    for result in results or []:
        place = result.get("sourceLocation", {})
        description = result["description"]
        holds = result["status"] == "SUCCESS"
        if description.startswith(REACHED):
            if result["status"] == "FAILURE":
                reached += 1
            else:
                wrong.append(f"never reached: {description.removeprefix(REACHED)} "
                             f"({place.get('function')})")
            continue
        properties += 1
        if not holds:
            wrong.append(f"{result['status'].lower()}: {description} "
                         f"(in {place.get('function')}, {result['property']})")
            if trace:
                wrong += trace_of(result)
    if results is None:
        wrong.append("no result")
    elif reached == 0:
        wrong.append("nothing is marked REACHED, or nothing of it is reached")
    elif properties == 0:
        wrong.append("nothing to prove")
    if not trace:
        wrong.sort(key=lambda line: line.startswith("unknown"))  # what is known to fail comes first
    return properties, reached, wrong


def trace_of(result):
    for step in result.get("trace", []):
        if step["stepType"] == "assignment" and not step.get("hidden"):
            value = step["value"].get("data", step["value"].get("name"))
            yield f"    {step.get('sourceLocation', {}).get('function', '')}: {step['lhs']} = {value}"


def report(proof, outcome):
    seconds, properties, reached, wrong = outcome
    print(f"  {'proved' if not wrong else 'FAILED'}  {proof.name}: {proof.claim}\n"
          f"          {properties} properties, {reached} places reached, {seconds:.1f} s of processor time", flush=True)
    for line in wrong[:SHOWN]:
        print(f"          {line}", flush=True)
    if len(wrong) > SHOWN:
        print(f"          ... and {len(wrong) - SHOWN} more", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./bulkhead verify", description="Prove the claims of test/proof/.")
    parser.add_argument("--list", action="store_true", help="list the claims and bounds, prove nothing")
    parser.add_argument("--trace", action="store_true", help="show the counterexample of what does not hold")
    parser.add_argument("--jobs", type=int, default=2, help="proofs at a time (2)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only proofs whose name contains this")
    args = parser.parse_args()

    chosen = {file: [proof for proof in proofs if not args.names or any(name in proof.name for name in args.names)]
              for file, proofs in read_proofs().items()}
    chosen = {file: proofs for file, proofs in chosen.items() if proofs}
    if not chosen:
        sys.exit(f"verify: there is no proof named {' or '.join(args.names)}")

    if platform.machine() != "x86_64" and not args.list:
        sys.exit("verify: CBMC is fetched as a program for amd64, which this machine cannot run")

    start, failed, count = time.monotonic(), 0, 0
    try:
        checker = None if args.list else Checker()
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            runs = {}
            for file, proofs in chosen.items():
                source = checker and checker.preprocess(file)
                for proof in proofs:
                    runs[proof] = checker and pool.submit(checker.run, proof, source, args.trace)
            for file, proofs in chosen.items():
                sources, bounds = describe(file)
                print(f"{file.stem} ({', '.join(sources)})", flush=True)
                for bound in bounds:
                    print(f"  bound   {bound}", flush=True)
                for proof in proofs:
                    count += 1
                    if args.list:
                        print(f"  claim   {proof.name}: {proof.claim}")
                        continue
                    outcome = runs[proof].result()
                    failed += bool(outcome[3])
                    report(proof, outcome)
    except (fetch.FetchError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"verify: {error}")
    if args.list:
        return 0
    print(f"verify: {count - failed} proved, {failed} failed, {time.monotonic() - start:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
