#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measure under icount, where one executed instruction is one nanosecond of virtual time.

    bench.py [all]      everything: table on the terminal, results in build/bench.json
    bench.py kernel     exits and kernel primitives
    bench.py size       the kernel's size beside others'
    bench.py path ROW   one round of a row, instruction by instruction; without ROW: the names
    bench.py write      everything, and renew docs/performance.md and test/bench/baseline.json
    bench.py check      fail if exits, primitives or size are more than 3 % worse than test/bench/baseline.json
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import baseline  # noqa: E402
import measure  # noqa: E402
import paths  # noqa: E402
import qemu  # noqa: E402
import result  # noqa: E402
import rows  # noqa: E402
import table  # noqa: E402

RESULTS = qemu.REPOSITORY / "build" / "bench.json"
DOCUMENT = qemu.REPOSITORY / "docs" / "performance.md"
PARTS = {"./bulkhead bench": table.markdown, "./bulkhead bench, missed": table.missed}  # of the document, between markers

STEPS = {  # section: what measures it, what records its paths
    "exits": (measure.guest_exits, measure.exit_paths),
    "primitives": (measure.kernel_primitives, measure.kernel_paths),
    "size": (measure.kernel_size, None),
    "system": (measure.system_boot, None),
}


def do(step):
    print(f"bench: {step.__name__.replace('_', ' ')} ...", file=sys.stderr, flush=True)
    return step()


def measured(sections):
    """Section to results. Rows of exits and primitives may come from either of the two programs."""
    means, recorded = {}, {}
    for section in sections:
        mean, record = STEPS[section]
        means |= do(mean)
        recorded |= do(record) if record else {}
    return {section: result.of_section(section, means, recorded) for section in sections}


def show(sections):
    results = measured(sections)
    RESULTS.write_text(json.dumps(table.as_json(results), indent=2) + "\n", encoding="utf-8")
    print(table.text(results))
    return results


def write():
    results = show(STEPS)
    baseline.write(baseline.figures(one for section in results.values() for one in section))
    for name, part in PARTS.items():
        begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
        head, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(begin)
        _, _, tail = rest.partition(end)
        DOCUMENT.write_text(f"{head}{begin}\n{part(results)}\n{end}{tail}", encoding="utf-8")


def check():
    results = show(("exits", "primitives", "size"))
    before = baseline.read()
    lines = baseline.worse(baseline.figures(one for section in results.values() for one in section), before)
    for line in lines:
        print("worse: " + line)
    print(f"{len(before)} rows compared with the baseline, {len(lines)} figures worse than it allows")
    return 1 if lines else 0


def size():
    print(table.sizes(do(measure.kernel_lines), do(measure.kernel_size)["kernel_text"]))


def path(name=None):
    row = rows.ALL.get(name)
    if row is None or row.planned or row.unit != "instructions":
        names = [row.name for row in rows.ALL.values() if row.unit == "instructions" and not row.planned]
        print("rows with a path: " + " ".join(names))
        return 0 if name is None else 1
    for record in (measure.exit_paths, measure.kernel_paths):
        recorded = do(record)
        if row.recorded in recorded:
            break
    steps = paths.of_row(row, recorded)
    print(f"{row.what}: {len(steps)} instructions\n\n{paths.listing(steps)}\n\n{paths.summary(steps)}")
    return 0


def main(arguments):
    commands = {"all": lambda: show(STEPS), "kernel": lambda: show(("exits", "primitives")), "size": size,
                "path": path, "write": write, "check": check}
    name, *rest = arguments or ["all"]
    if name not in commands or len(rest) > (1 if name == "path" else 0):
        sys.exit(__doc__)
    measure.DIRECTORY.mkdir(parents=True, exist_ok=True)
    try:
        status = commands[name](*rest)
    except (qemu.Failure, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
