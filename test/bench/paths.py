# SPDX-License-Identifier: BSD-2-Clause
"""What a recorded path consists of: its part that a row is about, and what is counted on it."""

import dataclasses

import disassembly
import qemu


def way_through_kernel(steps, start, end, interrupt=False):
    """The steps by which the kernel goes from a program of owner `start` to one of owner `end`: from the instruction
    that entered it (or from the kernel's first, if that was an interrupt) to the kernel's last. `start` may be `idle`:
    then from the end of the last WFI."""
    owners = [step.owner for step in steps]
    owners.append(owners[0])  # of the mark at which a round ends
    if start == "idle":
        waits = [i for i, step in enumerate(steps) if step.owner == "kernel" and step.instruction.mnemonic == "wfi"]
        starts, interrupt = waits[-1:], True
    else:
        starts = [i for i in range(len(steps)) if owners[i] == start and owners[i + 1] == "kernel"]
    for first in starts:
        last = next(i for i in range(first + 1, len(owners)) if owners[i] != "kernel")
        if owners[last] == end:
            return steps[first + (1 if interrupt else 0):last]
    raise qemu.Failure(f"the recorded path does not lead from {start} to {end}")


def of_row(row, paths):
    steps = paths[row.recorded]
    return way_through_kernel(steps, *row.part, row.interrupt) if row.part else steps


@dataclasses.dataclass(frozen=True)
class Counts:
    instructions: int
    kernel: int
    user: int
    guest: int
    isb: int
    dsb: int
    dmb: int
    mrs: int
    msr: int
    maintenance: int  # AT, TLBI, IC, DC and other SYS

    @property
    def barriers(self):
        return self.isb + self.dsb + self.dmb

    @property
    def register_accesses(self):
        return self.mrs + self.msr


def count(steps):
    owners = [step.owner for step in steps]
    mnemonics = [step.instruction.mnemonic for step in steps]
    return Counts(len(steps), *(owners.count(owner) for owner in ("kernel", "user", "guest")),
                  *(mnemonics.count(name) for name in ("isb", "dsb", "dmb", "mrs", "msr")),
                  sum(mnemonics.count(name) for name in disassembly.MAINTENANCE))


def listing(steps):
    """The account: a line for each instruction, with a running count."""
    lines, function = [], None
    for number, step in enumerate(steps, 1):
        if (step.owner, step.instruction.function) != function:
            function = step.owner, step.instruction.function
            lines.append(f"            {step.owner}: {step.instruction.function}")
        lines.append(f"{number:5}  {step.pc:16x}  {step.instruction.text}")
    return "\n".join(lines)


def shares(steps):
    """(owner, function) to how many of a path's instructions it has, in the order in which they are entered."""
    found = {}
    for step in steps:
        key = step.owner, step.instruction.function
        found[key] = found.get(key, 0) + 1
    return found


def summary(steps):
    return "\n".join(f"{instructions:5}  {owner}: {function}"
                     for (owner, function), instructions in shares(steps).items())
