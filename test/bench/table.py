# SPDX-License-Identifier: BSD-2-Clause
"""Results as aligned text for a terminal, as Markdown for docs/performance.md, and as JSON."""

import dataclasses

import rows

COUNTS = ("kernel", "user", "guest", "isb", "dsb", "dmb", "mrs", "msr", "maintenance")
OTHERS = ("kvm", "xen", "sel4", "sel4_mcs")
HEADS = {"kernel": "kernel", "user": "EL0", "guest": "guest", "isb": "ISB", "dsb": "DSB", "dmb": "DMB", "mrs": "MRS",
         "msr": "MSR", "maintenance": "SYS", "kvm": "KVM", "xen": "Xen", "sel4": "seL4", "sel4_mcs": "MCS"}

LEGEND = """\
One executed instruction is one nanosecond of virtual time. kernel, EL0, guest: who executes them. ISB, DSB, DMB,
MRS, MSR, SYS (AT, TLBI, IC, DC): how many of them are such, counted on one recorded round. MCS: seL4 with MCS.
*: counted on the recorded round alone. -: not possible yet."""


def number(value):
    return "" if value is None else f"{value:,.0f}"


def cells(row, result):
    value = "-" if result is None else number(result.value) + ("" if result.measured else "*")
    counts = ["" if result is None or result.counts is None else str(getattr(result.counts, name)) for name in COUNTS]
    return [row.what, value, number(row.goal), number(row.stretch), result.verdict if result else "", *counts,
            *(number(getattr(row, name)) for name in OTHERS)]


def section_cells(section, results):
    """The head and a line for each row; without the columns that are empty in all of them."""
    by_name = {result.row.name: result for result in results}
    table = [[rows.SECTIONS[section][0], "measured", "goal", "stretch", "", *(HEADS[name] for name in COUNTS + OTHERS)]]
    for row in rows.SECTIONS[section][1]:
        line = cells(row, by_name.get(row.name))
        if row.unit != "instructions":
            line[0] += f" [{row.unit}]"
        table.append(line)
    used = [column for column in range(len(table[0])) if any(line[column] for line in table[1:])]
    return [[line[column] for column in used] for line in table]


def text(sections):
    """`sections`: name to results."""
    parts = []
    for section, results in sections.items():
        table = section_cells(section, results)
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        for line in table:
            first, *rest = (cell.rjust(width) for cell, width in zip(line, widths))
            parts.append("  ".join([line[0].ljust(len(first)), *rest]).rstrip())
        parts.append("")
    return "\n".join(parts) + "\n" + LEGEND


def markdown(sections):
    parts = []
    for section, results in sections.items():
        head, *lines = section_cells(section, results)
        parts += ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
        for line in lines:
            parts.append("| " + " | ".join("**missed**" if cell == "missed" else cell for cell in line) + " |")
        parts.append("")
    return "\n".join(parts) + "\n" + LEGEND.replace("*:", "`*`:")


def missed(sections):
    """For each row that misses its goal, whose instructions it consists of, most first."""
    lines = ["| row | measured | goal | instructions by function | all of them |", "|---|---:|---:|---|---|"]
    for result in (one for results in sections.values() for one in results):
        if result.verdict == "missed" and result.shares:
            parts = [f"{count} `{function}`" + ("" if owner == "kernel" else f" ({HEADS[owner]})")
                     for (owner, function), count in sorted(result.shares.items(), key=lambda share: -share[1])]
            lines.append(f"| {result.row.what} | {number(result.value)} | {number(result.row.goal)} | {', '.join(parts)} "
                         f"| `./bulkhead bench path {result.row.name}` |")
    return "\n".join(lines)


def sizes(lines, code_bytes):
    """The kernel's size beside others', and that of its folders. `lines`: path to lines of code."""
    table = [["", "lines of code", "text, bytes"], ["Bulkhead", number(sum(lines.values())), number(code_bytes)]]
    for folder in sorted({path.parent for path in lines}):
        table.append([f"  {folder}", number(sum(count for path, count in lines.items() if path.parent == folder)), ""])
    table += [[name, number(other_lines), number(other_bytes)]
              for name, (other_lines, other_bytes) in rows.OTHER_KERNELS.items()]
    return "\n".join(f"{name:20}{count:>15}{size:>15}".rstrip() for name, count, size in table)


def as_json(sections):
    return {result.row.name: {
        "section": section, "what": result.row.what, "unit": result.row.unit, "value": round(result.value, 2),
        "goal": result.row.goal, "stretch": result.row.stretch, "verdict": result.verdict,
        "counts": dataclasses.asdict(result.counts) if result.counts else None,
        "others": {name: getattr(result.row, name) for name in OTHERS if getattr(result.row, name) is not None},
    } for section, results in sections.items() for result in results}
