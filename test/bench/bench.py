#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measure the system under icount, where one executed instruction is one nanosecond of virtual time.

    bench.py table      measure, print the table, write build/bench.json
    bench.py write      the same, and renew docs/performance.md and test/bench/baseline.json
    bench.py check      fail if a result is more than 3 % worse than test/bench/baseline.json (sizes and
                        the boot: than their goals)
"""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import qemu  # noqa: E402
import run  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
BASELINE = HERE / "baseline.json"
RESULTS = REPOSITORY / "build" / "bench.json"
DOCUMENT = REPOSITORY / "docs" / "performance.md"
DIRECTORY = REPOSITORY / "build" / "bench"
ROUNDS = 4000
TICK_NS = 16
TOLERANCE = 1.03
LIMITED = ("kernel_lines", "kernel_text", "boot_to_prompts")  # their goals bound them: they grow with what is built

# name: (what, unit, goal, what KVM / Xen 4.17 / seL4 MCS take on the same machine model)
ROWS = {
    "kernel_lines": ("kernel, lines of code (C and assembly, no comments or blanks)", "lines", 8000,
                     "Xen 71,487; NOVA 10,575; Bao 10,106; Jailhouse 9,102"),
    "kernel_text": ("kernel text", "bytes", 65536, "Xen 983 kB; seL4 118 kB with boot"),
    "vm_exit_and_enter": ("VM exit (HVC) to an empty VMM and back", "instructions", 450, "seL4 1,721"),
    "hypercall_psci_version": ("hypercall PSCI_VERSION, seen by the guest, VMM at EL0", "instructions", 450,
                               "KVM 1,055; Xen 474; seL4 1,903"),
    "gicd_typer_read": ("trapped read of GICD_TYPER", "instructions", 400, "KVM 1,816; Xen 601; seL4 3,866"),
    "uart_read": ("emulated UART register read", "instructions", 400, "KVM 6,189; Xen 624; seL4 3,866"),
    "id_register_read": ("trapped ID register read", "instructions", 300, "KVM 1,417; Xen 433; seL4 2,720"),
    "sgi_to_self": ("SGI to self, until the handler has run", "instructions", 550, "KVM 2,541; Xen 1,149"),
    "timer_interrupt": ("virtual timer interrupt, guest running", "instructions", 250,
                        "KVM 2,492; Xen 1,138; seL4 2,264"),
    "call_reply_0_words": ("Call + ReplyRecv, other address space, 0 words", "instructions", 600, "seL4 512"),
    "call_reply_4_words": ("the same, 4 words", "instructions", 600, "seL4 559"),
    "call_reply_8_words": ("the same, 8 words", "instructions", 600, "seL4 2,060"),
    "signal_switch_and_wait": ("Signal to a higher thread, until it waits again", "instructions", None, ""),
    "signal_nobody_waits": ("Signal, nobody waits", "instructions", 90, "seL4 406"),
    "poll_nothing": ("Poll, nothing there", "instructions", 80, "seL4 269"),
    "retype_tcb_and_delete": ("Retype one TCB, and delete it", "instructions", None, "seL4 776 (Retype alone)"),
    "map_and_unmap": ("Frame map and unmap", "instructions", 600, "seL4 1,248"),
    "boot_to_prompts": ("boot to both Debian guests' prompts", "ms", 5000, "one bare Debian: 900"),
    "vmm_overhead": ("memory of a VMM beyond its guest's RAM", "KiB", 2048, "Xen 1,741 and 922 in dom0"),
}


def icount_machine(bundle, **more):
    return qemu.Machine(kernel=qemu.KERNEL, initrd=bundle, icount=True, **more)


def kernel_primitives(results):
    machine = icount_machine(qemu.TARGET / "kernel_bench.cpio")
    with qemu.Console(machine, "bench-kernel") as console:
        match = console.expect(r"kernel-tests: (\d+) passed, (\d+) failed", timeout=300)
        text = console.output.decode(errors="replace")
    if int(match.group(2)):
        raise qemu.Failure("a measurement failed:\n" + text)
    for name, hundredths in re.findall(r"bench (\w+) (\d+)", text):
        results[name] = int(hundredths) / 100


def guest_exits(results):
    system = run.guest_system(qemu.TARGET / "test" / "bench" / "exits.Image", directory=DIRECTORY, name="exits",
                              poll=True)
    with qemu.Console(icount_machine(system.bundle, disk=system.disk), "bench-exits") as console:
        console.expect(r"bulkhead: exit 0", timeout=300)
        text = console.output.decode(errors="replace")
    ticks = {name: int(value, 16) for name, value in re.findall(r"bench (\w+) ([0-9a-f]{16})", text)}
    if "loop" not in ticks or "unexpected_exception" in ticks:
        raise qemu.Failure("the measuring guest failed:\n" + text)
    loop = ticks.pop("loop")
    for name, value in ticks.items():
        results[name] = (value - loop) * TICK_NS / ROUNDS


def system_boot(results):
    system = run.demo_system(2, directory=DIRECTORY, name="boot", poll=True)
    machine = icount_machine(system.bundle, disk=system.disk, network=True)
    with qemu.Console(machine, "bench-boot") as console:
        starts, uptimes, overheads = [], [], []
        console.expect("bulkhead: system ready", timeout=300)
        for number in (1, 2):
            console.send(f"\x1d{number}")
            match = console.expect(rf"debian{number}: up ([0-9.]+) s", timeout=600)
            uptimes.append(float(match.group(1)) * 1000)
        console.send("\x1d0")
        for number in (1, 2):
            match = console.expect(rf"guest debian{number}: running at (\d+) ms, (\d+) KiB beyond its memory", timeout=60)
            starts.append(int(match.group(1)))
            overheads.append(int(match.group(2)))
    results["boot_to_prompts"] = max(start + up for start, up in zip(starts, uptimes))
    results["vmm_overhead"] = max(overheads)


def kernel_size(results):
    output = subprocess.run(["cloc", "--json", "--quiet", "--include-lang=C,C/C++ Header,Assembly",
                             str(REPOSITORY / "kernel")], check=True, capture_output=True, text=True).stdout
    results["kernel_lines"] = json.loads(output)["SUM"]["code"]
    output = subprocess.run(["aarch64-linux-gnu-objdump", "-h", str(qemu.TARGET / "kernel" / "kernel.elf")],
                            check=True, capture_output=True, text=True).stdout
    results["kernel_text"] = int(re.search(r" \.text\s+([0-9a-f]+)", output).group(1), 16)


def measure():
    results = {}
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for step in (kernel_size, kernel_primitives, guest_exits, system_boot):
        print(f"bench: {step.__name__.replace('_', ' ')} ...", file=sys.stderr, flush=True)
        step(results)
    missing = [name for name in ROWS if name not in results]
    if missing:
        raise qemu.Failure("not measured: " + ", ".join(missing))
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return results


def table(results):
    lines = ["| what | measured | goal | | others, same machine model |", "|---|---|---|---|---|"]
    for name, (what, unit, goal, others) in ROWS.items():
        value = f"{results[name]:,.0f} {unit}"
        verdict = "" if goal is None else "met" if results[name] <= goal else "**missed**"
        lines.append(f"| {what} | {value} | {'' if goal is None else f'{goal:,}'} | {verdict} | {others} |")
    return "\n".join(lines)


def write_document(results):
    begin, end = "<!-- begin: ./bulkhead bench -->", "<!-- end: ./bulkhead bench -->"
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    DOCUMENT.write_text(f"{head}{begin}\n{table(results)}\n{end}{tail}", encoding="utf-8")


def check(results):
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    bad = []
    for name, value in baseline.items():
        result = results.get(name, float("inf"))
        limit = ROWS[name][2] if name in LIMITED else value * TOLERANCE
        if result > limit:
            bad.append(f"{name}: {result:.2f}, baseline {value:.2f}, allowed {limit:.2f}")
    for line in bad:
        print("worse: " + line)
    print(f"{len(baseline) - len(bad)} results no worse than the baseline allows, {len(bad)} worse")
    return 1 if bad else 0


def main():
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    if command not in ("table", "write", "check"):
        sys.exit(__doc__)
    try:
        results = measure()
    except (qemu.Failure, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
    print(table(results))
    if command == "write":
        BASELINE.write_text(json.dumps({name: round(value, 2) for name, value in sorted(results.items())}, indent=2) +
                            "\n", encoding="utf-8")
        write_document(results)
    sys.exit(check(results) if command == "check" else 0)


if __name__ == "__main__":
    main()
