# SPDX-License-Identifier: BSD-2-Clause
"""What later changes are held to: baseline.json, written by `bench.py write`, compared by `bench.py check`."""

import json
import pathlib

FILE = pathlib.Path(__file__).resolve().parent / "baseline.json"
TOLERANCE = 1.03
LIMITS = {"kernel_lines": 8000, "kernel_text": 65536}  # they grow with what is built, up to here
UNSTEADY = ("boot_to_prompts", "vmm_overhead")         # see docs/performance.md


def figures(results):
    """What is kept of results: by row, the value and what takes longer on a processor than it does here."""
    kept = {}
    for result in results:
        name = result.row.name
        if name in UNSTEADY:
            continue
        kept[name] = {"value": round(result.value, 2)}
        if result.counts:
            kept[name] |= {"barriers": result.counts.barriers, "register_accesses": result.counts.register_accesses,
                           "maintenance": result.counts.maintenance}
    return kept


def worse(now, before):
    """Lines that say what is worse in figures `now` than TOLERANCE (or LIMITS) allows, compared with `before`."""
    lines = []
    for name, old in before.items():
        for key, value in old.items():
            limit = LIMITS.get(name, value * TOLERANCE)
            new = now.get(name, {}).get(key)
            if new is None:
                lines.append(f"{name}: {key} was not measured")
            elif new > limit:
                lines.append(f"{name}: {key} {new:g}, before {value:g}, allowed {limit:g}")
    return lines


def read():
    return json.loads(FILE.read_text(encoding="utf-8"))


def write(now):
    FILE.write_text(json.dumps(now, indent=2, sort_keys=True) + "\n", encoding="utf-8")
