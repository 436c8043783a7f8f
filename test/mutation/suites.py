# SPDX-License-Identifier: BSD-2-Clause
"""The test suites that mutations are shown to: what to build, what to run, and what a failure is called."""

import dataclasses
import pathlib
import re
import sys

KERNEL_TESTS = pathlib.Path("test/kernel")
CASE = re.compile(r"TEST_CASE\((\w+)\)")
PYTHON = (sys.executable, "-B")


@dataclasses.dataclass(frozen=True)
class Suite:
    name: str
    what: str
    preset: str = None         # of the build
    targets: tuple = ()        # ... what of it
    command: tuple = ()        # in the tree; what a mutation adds stands at the end
    fails: str = None          # names what failed, in the output
    groups: tuple = None       # a kernel program: its cases in these files of test/kernel/ alone count
    rest: bool = False         # ... and those in files that no other suite names


def host(path):
    return f"build/host/test/{path}"


def kernel_program(name, what, groups, *arguments, targets=("kernel", "kernel_tests_bundle"), rest=False):
    return Suite(name, what, "target", targets, (*PYTHON, "test/kernel/run.py", *arguments), None, groups, rest)


API = ("suite", "max,pauth-impdef=on")
UNIT = r"^(?:\d+: )?\S*/(\w+)\.c:\d+: (\w+): "

# In the order of their cost.
SUITES = {suite.name: suite for suite in (
    Suite("unit", "host unit tests of the boot parsers", "host",
          ("kernel_device_tree_test", "kernel_boot_image_test"),
          ("ctest", "--test-dir", "build/host", "--output-on-failure", "-R",
           "^(kernel_device_tree_test|kernel_boot_image_test)$"), UNIT),
    Suite("ring", "host unit tests of the ring", "host", ("ipc_ring_test", "ipc_channel_test"),
          ("ctest", "--test-dir", "build/host", "--output-on-failure", "-R", "^(ipc_ring_test|ipc_channel_test)$"), UNIT),
    kernel_program("kernel", "the kernel's interface, in QEMU", (), *API, rest=True),
    kernel_program("time", "budgets, timeouts and partitions", ("schedule", "budget", "timeout", "partition"), *API),
    kernel_program("guests", "virtual processors", ("vcpu", "guest_space", "guest_run", "guest_irq", "guest_switch"), *API),
    kernel_program("registers", "isolation of registers", ("guest_registers", "guest_leak", "fp"), *API),
    kernel_program("dma", "devices behind the SMMU", ("io_space",), *API),
    kernel_program("msi", "messages through the ITS", ("msi",), *API),
    kernel_program("trace", "the kernel that traces", ("trace",), "trace", targets=("kernel_trace", "kernel_tests_bundle")),
    Suite("reset", "a root that resets the machine", "target", ("kernel", "kernel_reset_test_bundle"),
          (*PYTHON, "test/kernel/run.py", "reset"), r"^(kernel tests: .*)"),
    Suite("refuse", "machines and bundles to refuse", "target", ("kernel", "kernel_tests_bundle"),
          (*PYTHON, "test/kernel/refuse.py"), r"^(\w+: .*)"),
    kernel_program("cores", "several cores, in parallel", ("cores",), "cores", "4",
                   targets=("kernel", "kernel_cores_tests_bundle")),
    Suite("protection", "the kernel's own protection, through gdb", "target", ("kernel", "kernel_tests_bundle"),
          (*PYTHON, "test/kernel/protection.py"), r"^(?:protection: )(.*)"),
    Suite("hostile", "domains that issue random calls", "target", ("kernel", "kernel_hostile_test_bundle"),
          (*PYTHON, "test/kernel/run.py", "hostile", "1", "4"), r"^(?:FAIL |bulkhead: panic: )(.*)"),
    Suite("model", "the kernel's sources against the model", "host", ("model_test",),
          (host("model/model_test"), "20000"), r"^(?:model_test: seed \d+, call \d+|kernel panic): (.*)"),
    Suite("fuzz", "the fuzzer of system calls", "host", ("build_syscall_fuzz",),
          (host("fuzz/syscall_fuzz"), "-seed=1", "-runs=400", "-max_len=4096", "-timeout=60"),
          r"^(?:call \d+: |when everything was deleted: |kernel panic: |==\d+==ERROR: |\S+: runtime error: )(.*)"),
    Suite("proof", "bounded proofs (CBMC)", None, (), (*PYTHON, "tools/verify.py"), r"^ +FAILED +(\S+):"),
    Suite("bench", "measurements against the baseline", "target", ("all",), (*PYTHON, "test/bench/bench.py", "check"),
          r"^worse: (.*)"),
)}


def cases_in_order(tree, suite):
    """The cases of the suite's program as (case, file's stem), in the order in which they run."""
    groups = re.findall(r"&(\w+)_group", (tree / KERNEL_TESTS / "groups.c").read_text(encoding="utf-8"))
    files = {}
    for path in sorted((tree / KERNEL_TESTS).glob("*.c")):
        text = path.read_text(encoding="utf-8")
        for group in re.findall(r"TEST_GROUP\((\w+),", text):
            files[group] = [(case, path.stem) for case in CASE.findall(text)]
    return [case for group in (("cores",) if "cores" in suite.groups else groups) for case in files[group]]


def is_mine(suite, file):
    claimed = {group for other in SUITES.values() if other.groups for group in other.groups}
    return file in suite.groups or (suite.rest and file is not None and file not in claimed)


def failed_cases(suite, tree, console):
    """The suite's cases of which the console says that they failed."""
    names = dict.fromkeys(re.findall(r"^FAIL (\w+):", console, re.MULTILINE))
    file_of = dict(cases_in_order(tree, suite)) if names else {}
    return [name for name in names if is_mine(suite, file_of.get(name))]


def running_case(suite, tree, console):
    """The case of the suite that had begun, and not ended, when the console ended."""
    cases = cases_in_order(tree, suite)
    names = [case for case, _ in cases]
    reported = [name for name in re.findall(r"^(?:ok|FAIL) (\w+)", console, re.MULTILINE) if name in names]
    at = names.index(reported[-1]) + 1 if reported else 0
    return [names[at]] if at < len(names) and is_mine(suite, cases[at][1]) else []


def killers(suite, tree, output, console):
    """What of the suite failed, by its output and its machine's console: one name or more, or none if what failed is
    another suite's."""
    if suite.groups is not None:
        ended = re.search(r"^kernel-tests: \d+ passed", console, re.MULTILINE)
        return failed_cases(suite, tree, console) or ([] if ended else running_case(suite, tree, console))
    found = re.findall(suite.fails, output.replace(f"{tree}/", ""), re.MULTILINE)
    names = [" ".join(match) if isinstance(match, tuple) else match for match in found]
    return list(dict.fromkeys(names)) or ["failed"]
