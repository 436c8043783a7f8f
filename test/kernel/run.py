#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run the kernel tests in QEMU: every case in the sources must report `ok`.

    run.py suite [CPU [MEMORY [CPUS]]]   the whole suite
    run.py cores [CPUS [trace]]          what several cores do (cores.c), in parallel; on the kernel that traces
    run.py trace [CPUS]                  the whole suite on the kernel that traces
    run.py groups NAME[,NAME...] [trace] these groups of the suite alone (TEST_GROUP); on the kernel that traces
    run.py no-its                        the cases of msi.c on a machine without an ITS
    run.py reset                         a root that resets the machine: QEMU ends
    run.py stress [SECONDS [CPUS [SEED]]] everything at once on all cores, in parallel
    run.py hostile [SEED [COUNT [CPUS]]] domains that issue random system calls, from a seed on
"""

import pathlib
import re
import sys

import qemu

HERE = pathlib.Path(__file__).resolve().parent
CASE = re.compile(r"TEST_CASE\((\w+)\)")
GROUP = re.compile(r"TEST_GROUP\((\w+),")


CORES = HERE / "cores.c"
TRACE = HERE / "trace.c"


def expected_cases(sources):
    cases = []
    for source in sorted(sources):
        cases += CASE.findall(source.read_text())
    twice = sorted({case for case in cases if cases.count(case) > 1})
    if twice:
        raise qemu.Failure(f"cases of the same name: {', '.join(twice)}")
    return cases


def machine(bundle, memory="1G", icount=True, cpu="max,pauth-impdef=on", **settings):
    # Virtual time (icount) makes the timing cases the same on every host. With memory for tags, `max` has their
    # registers as well.
    tags = ("-machine", "mte=on") if cpu.startswith("max") else ()
    edu = ("-device", "edu,dma_mask=0xffffffffffffffff") if settings.get("its", True) else ()
    return qemu.Machine(initrd=qemu.TARGET / bundle, memory=memory, icount=icount, cpu=cpu, extra=(*edu, *edu, *tags),
                        **settings)


def run_cases(tested, sources, what):
    with qemu.Console(tested) as console:
        console.expect(r"^kernel-tests: (\d+) passed, (\d+) failed\r?$", timeout=300)
        lines = console.output.decode(errors="replace").replace("\r", "").splitlines()
    passed = [line[3:] for line in lines if line.startswith("ok ")]
    problems = [line for line in lines if line.startswith(("FAIL ", "fault "))]
    cases = expected_cases(sources)
    problems += [f"{case}: did not run" for case in cases if not any(
        line.startswith((f"ok {case}", f"FAIL {case}:")) for line in lines)]
    problems += [f"{case}: reported ok {passed.count(case)} times" for case in set(passed)
                 if passed.count(case) != 1]
    if TRACE in sources and ("trace-rings: 0" in lines) != (tested.kernel == qemu.KERNEL):
        problems.append("the kernel traces, or does not, contrary to how it was built")
    if problems:
        raise qemu.Failure("\n".join(problems))
    print(f"{len(passed)} kernel tests passed on {what}")


def suite(cpu="max,pauth-impdef=on", memory="1G", cpus="1", kernel=qemu.KERNEL):
    tested = machine("kernel_tests.cpio", kernel=kernel, cpu=cpu, memory=memory, cpus=int(cpus))
    run_cases(tested, set(HERE.glob("*.c")) - {CORES}, f"{cpu}, {memory}, {cpus} cpu")


def cores(cpus="4", kind=""):
    kernel = qemu.KERNEL_TRACE if kind == "trace" else qemu.KERNEL
    run_cases(machine("kernel_cores_tests.cpio", kernel=kernel, cpus=int(cpus), icount=False), [CORES],
              f"{cpus} cpus in parallel")


def trace(cpus="1"):
    suite(cpus=cpus, kernel=qemu.KERNEL_TRACE)


def groups(names, kind=""):
    files = {group: path for path in HERE.glob("*.c") for group in GROUP.findall(path.read_text())}
    chosen = names.split(",")
    if missing := set(chosen) - files.keys():
        raise qemu.Failure(f"there is no group {', '.join(sorted(missing))}")
    tested = machine("kernel_tests.cpio", kernel=qemu.KERNEL_TRACE if kind == "trace" else qemu.KERNEL,
                     append=f"tests.groups={names}")
    run_cases(tested, {files[group] for group in chosen}, f"1 cpu, in {len(chosen)} groups")


def no_its():
    # QEMU has no edu device here; the other cases that need one may fail.
    with qemu.Console(machine("kernel_tests.cpio", its=False)) as console:
        console.expect(r"^kernel-tests: (\d+) passed, (\d+) failed\r?$", timeout=300)
        lines = console.output.decode(errors="replace").replace("\r", "").splitlines()
    cases = CASE.findall((HERE / "msi.c").read_text())
    problems = [f"{case}: not ok" for case in cases if f"ok {case}" not in lines]
    if problems or not cases:
        raise qemu.Failure("\n".join(problems))
    print(f"{len(cases)} kernel tests passed without an ITS")


def reset():
    with qemu.Console(machine("kernel_reset_test.cpio")) as console:
        console.expect(r"^resetting\r?$", timeout=60)
        console.process.wait(timeout=qemu.time_limit(30))
        console.reader.join()
        if b"returned" in console.output:
            raise console.failure("the machine was not reset")


def hostile(seed="1", count="2", cpus="1"):
    first, end = int(seed), int(seed) + int(count)
    # Several cores run in parallel, in real time, which the case has not much of.
    per_boot, rounds = (4, 20) if cpus == "1" else (1, 2)
    for at in range(first, end, per_boot):
        many = min(per_boot, end - at)
        options = f"hostile.seed={at} hostile.count={many} hostile.rounds={rounds}"
        tested = machine("kernel_hostile_test.cpio", append=options, cpus=int(cpus), icount=cpus == "1")
        with qemu.Console(tested) as console:
            console.expect(r"^kernel-tests: 1 passed, 0 failed\r?$", timeout=60 * max(many, 2))
            output = console.output.decode(errors="replace")
        seeds = [int(found) for found in re.findall(r"^hostile: seed (\d+)", output, re.M)]
        if seeds != list(range(at, at + many)):
            raise qemu.Failure(f"seeds {seeds} were tried, not {many} from {at} on")
        for seen, calls in zip(seeds, re.findall(r"^hostile: (\d+) calls", output, re.M)):
            print(f"seed {seen}: {calls} system calls survived")


def stress(seconds="10", cpus="4", seed="1"):
    options = f"stress.seed={seed} stress.seconds={seconds}"
    tested = machine("kernel_stress_test.cpio", append=options, cpus=int(cpus), icount=False)
    with qemu.Console(tested) as console:
        found = console.expect(r"^kernel-tests: (\d+) passed, (\d+) failed\r?$", timeout=int(seconds) + 300)
        lines = console.output.decode(errors="replace").replace("\r", "").splitlines()
    print("\n".join(line for line in lines if line.startswith("stress: ")))
    problems = [line for line in lines if line.startswith(("FAIL ", "fault "))]
    if problems or found.group(2) != b"0":
        raise qemu.Failure("\n".join(problems))


def main():
    runs = {"suite": suite, "cores": cores, "trace": trace, "groups": groups, "no-its": no_its, "reset": reset,
            "hostile": hostile, "stress": stress}
    if len(sys.argv) < 2 or sys.argv[1] not in runs:
        sys.exit(__doc__)
    try:
        runs[sys.argv[1]](*sys.argv[2:])
    except qemu.Failure as failure:
        sys.exit(f"kernel tests: {failure}")


if __name__ == "__main__":
    main()
