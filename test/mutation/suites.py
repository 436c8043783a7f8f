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
    preset: str = None     # of the build
    targets: tuple = ()    # ... what of it
    command: tuple = ()    # in the tree; what a mutation adds stands at the end
    fails: str = None      # names what failed, in the output
    groups: tuple = ()     # of test/kernel/: cases of these alone are run, or count
    tries: int = 1         # more where cores run in parallel, in real time: so often it must fail, or may until it passes


def host(path):
    return f"build/host/test/{path}"


def kernel_cases(name, what, *groups, kind=()):
    """Some groups of the kernel's tests."""
    return Suite(name, what, "target", ("kernel_trace" if kind else "kernel", "kernel_tests_bundle"),
                 (*PYTHON, "test/kernel/run.py", "groups", ",".join(groups), *kind), None, groups)


SANITIZERS = r"==\d+==ERROR: ([^(]*)|\S+: runtime error: (.*)"
UNIT = r"^(?:\d+: )?(?:\S*/(\w+)\.c:\d+: (\w+): |" + SANITIZERS + ")"

# In the order of their cost.
SUITES = {suite.name: suite for suite in (
    Suite("unit", "host unit tests of the boot parsers", "host",
          ("kernel_device_tree_test", "kernel_boot_image_test"),
          ("ctest", "--test-dir", "build/host", "--output-on-failure", "-R",
           "^(kernel_device_tree_test|kernel_boot_image_test)$"), UNIT),
    Suite("ring", "host unit tests of the ring", "host", ("ipc_ring_test", "ipc_channel_test"),
          ("ctest", "--test-dir", "build/host", "--output-on-failure", "-R", "^(ipc_ring_test|ipc_channel_test)$"), UNIT),
    kernel_cases("memory", "capabilities, memory and address spaces", "boot", "untyped", "cnode", "revoke", "frame",
                 "page_table", "vspace"),
    kernel_cases("ipc", "messages and signals", "abi", "ipc", "ipc_cancel", "ipc_loan", "ipc_fast", "ipc_cap",
                 "notification"),
    kernel_cases("threads", "threads, faults and interrupts", "thread", "fault", "fault_fast", "irq", "machine"),
    kernel_cases("time", "budgets, timeouts and partitions", "schedule", "budget", "timeout", "partition"),
    kernel_cases("guests", "virtual processors", "guest_space", "vcpu", "guest", "guest_irq", "guest_switch"),
    kernel_cases("registers", "isolation of registers", "fp", "guest_leak", "guest_registers"),
    kernel_cases("dma", "devices behind the SMMU", "io_space"),
    kernel_cases("msi", "messages of devices through the ITS", "msi"),
    kernel_cases("trace", "the kernel that traces", "trace", kind=("trace",)),
    Suite("reset", "a root that resets the machine", "target", ("kernel", "kernel_reset_test_bundle"),
          (*PYTHON, "test/kernel/run.py", "reset"), r"^(kernel tests: .*|\S*TimeoutExpired)"),
    Suite("refuse", "machines and bundles to refuse", "target", ("kernel", "kernel_tests_bundle"),
          (*PYTHON, "test/kernel/refuse.py"), r"^\w+: (.*)"),
    Suite("cores", "several cores, in parallel", "target", ("kernel", "kernel_cores_tests_bundle"),
          (*PYTHON, "test/kernel/run.py", "cores", "2"), None, ("cores",), tries=2),
    Suite("protection", "the kernel's own protection, through gdb", "target", ("kernel", "kernel_tests_bundle"),
          (*PYTHON, "test/kernel/protection.py"), r"^(?:protection: )(.*)"),
    Suite("hostile", "domains that issue random calls", "target", ("kernel", "kernel_hostile_test_bundle"),
          (*PYTHON, "test/kernel/run.py", "hostile", "1", "4"), r"^(?:FAIL (\w+)|bulkhead: (panic: [^:]*))"),
    Suite("stress", "everything at once on all cores", "target", ("kernel", "kernel_stress_test_bundle"),
          (*PYTHON, "test/kernel/run.py", "stress", "5", "4"), r"^(?:FAIL (\w+)|bulkhead: (panic: [^:]*))",
          tries=2),
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
    """The cases of the suite's groups, in the order in which they run."""
    order = re.findall(r"&(\w+)_group", (tree / KERNEL_TESTS / "groups.c").read_text(encoding="utf-8")) + ["cores"]
    cases = {}
    for path in (tree / KERNEL_TESTS).glob("*.c"):
        text = path.read_text(encoding="utf-8")
        cases |= {group: CASE.findall(text) for group in re.findall(r"TEST_GROUP\((\w+),", text)}
    return [case for group in order if group in suite.groups for case in cases[group]]


def failed_cases(console):
    return list(dict.fromkeys(re.findall(r"^FAIL (\w+):", console, re.MULTILINE)))


def running_case(suite, tree, console):
    """The case that had begun, and not ended, when the console ended."""
    cases = cases_in_order(tree, suite)
    reported = [name for name in re.findall(r"^(?:ok|FAIL) (\w+)", console, re.MULTILINE) if name in cases]
    at = cases.index(reported[-1]) + 1 if reported else 0
    return cases[at:at + 1]


def killers(suite, tree, output, console):
    """What of a suite that failed it was, by its output and its machine's console."""
    if suite.groups:
        return failed_cases(console) or running_case(suite, tree, console) or ["failed"]
    found = re.findall(suite.fails, output.replace(f"{tree}/", ""), re.MULTILINE)
    names = [" ".join(filter(None, match)) if isinstance(match, tuple) else match for match in found]
    return list(dict.fromkeys(names)) or ["failed"]
