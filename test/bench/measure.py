# SPDX-License-Identifier: BSD-2-Clause
"""Runs the measuring programs under icount. Each function returns a row's name to its result."""

import json
import pathlib
import re

import disassembly
import qemu
import run
import recorder

DIRECTORY = qemu.REPOSITORY / "build" / "bench"
KERNEL_ELF = qemu.TARGET / "kernel" / "kernel.elf"
VMM_ELF = qemu.TARGET / "domains" / "vmm" / "vmm"
IMAGES = qemu.TARGET / "test" / "bench"
KERNEL_BENCH = IMAGES / "kernel_bench"
GUESTS = {"exits": 1, "sgi": 2}  # measuring guests: how many cores and vCPUs

GUEST_RAM = 0x40000000
GUEST_DATA = 0x40002000   # of test/kernel/guest.h
SERVER_CODE = 0x40000000  # SPACE_CODE of bench_ipc.c
DOMAIN_END = 0x10000000   # programs at EL0 are linked below

ROUNDS = 4000             # of the measuring guests
TICK_NS = 16
NOT_IN_A_LOOP = ("wfi_wake_up", "sgi_to_running_vcpu", "sgi_to_waiting_vcpu")


def icount_machine(bundle, **more):
    return qemu.Machine(kernel=qemu.KERNEL, initrd=bundle, icount=True, **more)


# ---- the kernel's primitives: a program in the place of root ----

def kernel_machine():
    return icount_machine(qemu.TARGET / "kernel_bench.cpio")


def kernel_primitives():
    with qemu.Console(kernel_machine(), "bench-kernel") as console:
        match = console.expect(r"kernel-tests: (\d+) passed, (\d+) failed", timeout=300)
        text = console.output.decode(errors="replace")
    if int(match.group(2)):
        raise qemu.Failure("a measurement failed:\n" + text)
    return {name: int(hundredths) / 100 for name, hundredths in re.findall(r"bench (\w+) (\d+)", text)}


def copied(owner, address, first, last):
    """Code of the measuring program that it copies to `address`."""
    symbols = disassembly.symbols(KERNEL_BENCH)
    return recorder.Program(owner, KERNEL_BENCH, address - symbols[first], symbols[first], symbols[last])


def kernel_paths():
    kernel = recorder.Program("kernel", KERNEL_ELF)
    native = recorder.Program("user", KERNEL_BENCH, high=DOMAIN_END)
    server = copied("user", SERVER_CODE, "server_program", "server_program_end")
    guests = (copied("guest", GUEST_DATA, "bench_program", "bench_program_end"),
              copied("guest", GUEST_RAM, "guest_image", "guest_image_size"))
    rows = {**recorder.marks(native), **recorder.marks(guests[0])}
    with recorder.Recorder(kernel_machine(), "kernel", DIRECTORY) as machine:
        return {name: recorder.steps(executed, (kernel, native, *((server,) if name.startswith("call_") else guests)))
                for name, executed in machine.record_all(rows)}


# ---- exits: guests without an operating system, under the real VMM ----

def guest_machine(name, cores):
    """A vCPU on each core."""
    system = run.guest_system(IMAGES / f"{name}.Image", vcpus=cores, directory=DIRECTORY, name=name, poll=True)
    return icount_machine(system.bundle, disk=system.disk, cpus=cores)


def guest_report(name, cores):
    with qemu.Console(guest_machine(name, cores), f"bench-{name}") as console:
        console.expect(r"bulkhead: exit 0", timeout=300)
        text = console.output.decode(errors="replace")
    ticks = {row: int(value, 16) for row, value in re.findall(r"bench (\w+) ([0-9a-f]{16})", text)}
    if not ticks or "unexpected_exception" in ticks:
        raise qemu.Failure(f"the measuring guest {name} failed:\n{text}")
    return ticks


def guest_exits():
    ticks = {row: value for name, cores in GUESTS.items() for row, value in guest_report(name, cores).items()}
    loop = ticks.pop("loop")
    return {name: (value - (0 if name in NOT_IN_A_LOOP else loop)) * TICK_NS / ROUNDS for name, value in ticks.items()}


def exit_paths():
    recorded = {}
    for name, cores in GUESTS.items():
        programs = (recorder.Program("kernel", KERNEL_ELF), recorder.Program("user", VMM_ELF, high=DOMAIN_END),
                    recorder.Program("guest", IMAGES / f"{name}_bench", GUEST_RAM))
        rows = recorder.marks(programs[-1])
        rows.pop("loop", None)
        with recorder.Recorder(guest_machine(name, cores), name, DIRECTORY) as machine:
            recorded |= {row: recorder.steps(executed, programs) for row, executed in machine.record_all(rows)}
    return recorded


# ---- the whole system ----

def system_boot():
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
            match = console.expect(rf"guest debian{number}: running at (\d+) ms, (\d+) KiB beyond its memory",
                                   timeout=60)
            starts.append(int(match.group(1)))
            overheads.append(int(match.group(2)))
    return {"boot_to_prompts": max(start + up for start, up in zip(starts, uptimes)), "vmm_overhead": max(overheads)}


def kernel_lines():
    """Lines of code of each file of the kernel."""
    output = disassembly.run("cloc", "--json", "--quiet", "--by-file", "--include-lang=C,C/C++ Header,Assembly",
                             qemu.REPOSITORY / "kernel")
    return {pathlib.Path(name).relative_to(qemu.REPOSITORY): counts["code"]
            for name, counts in json.loads(output).items() if name not in ("header", "SUM")}


def kernel_size():
    output = disassembly.run("aarch64-linux-gnu-objdump", "-h", KERNEL_ELF)
    return {"kernel_lines": sum(kernel_lines().values()),
            "kernel_text": int(re.search(r" \.text\s+([0-9a-f]+)", output).group(1), 16)}
