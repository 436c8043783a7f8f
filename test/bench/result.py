# SPDX-License-Identifier: BSD-2-Clause
"""Results of rows: what was measured and what was counted on the recorded path, and whether the two agree."""

import dataclasses

import paths
import qemu
import rows

# Means are exact to a fraction, and a timer that comes now and then within some thousand rounds adds another. But QEMU
# 7.2 counts, when a read of a system register traps, the rest of its block as well, which is executed after the return
# again: two instructions in the row of the ID register.
AGREEMENT = 3


@dataclasses.dataclass(frozen=True)
class Result:
    row: rows.Row
    value: float
    counts: paths.Counts = None
    measured: bool = True  # by the clock as well, not in the recorded path alone
    shares: dict = None    # (owner, function) to its instructions on the recorded path

    @property
    def verdict(self):
        if self.row.goal is None:
            return ""
        if self.value > self.row.goal:
            return "missed"
        return "stretch" if self.row.stretch is not None and self.value <= self.row.stretch else "met"


def check_agreement(name, recorded, measured):
    if abs(recorded - measured) > AGREEMENT:
        raise qemu.Failure(f"{name}: {recorded} instructions were recorded, but {measured:.2f} measured")


def with_path(row, measured, recorded):
    """`measured`: name to mean of instructions, `recorded`: name to steps; both by the row's `recorded` name."""
    steps = paths.of_row(row, recorded)
    mean = measured.get(row.recorded)
    if row.name in measured:  # the row itself was timed
        check_agreement(row.name, len(steps), mean)
        return Result(row, mean, paths.count(steps), shares=paths.shares(steps))
    if mean is not None:      # what it is part of was
        check_agreement(row.recorded, len(recorded[row.recorded]), mean)
    return Result(row, float(len(steps)), paths.count(steps), mean is not None, paths.shares(steps))


def of_section(section, measured, recorded):
    """The section's results in the order of its rows; those that are planned are left out."""
    results = []
    for row in rows.SECTIONS[section][1]:
        if row.planned:
            continue
        if row.unit == "instructions":
            results.append(with_path(row, measured, recorded))
        elif row.name in measured:
            results.append(Result(row, float(measured[row.name])))
        else:
            raise qemu.Failure(f"not measured: {row.name}")
    return results
