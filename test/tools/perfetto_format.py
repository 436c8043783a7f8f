# SPDX-License-Identifier: BSD-2-Clause
"""The rules of the Chrome JSON trace format, as far as what tools/trace.py writes can break them."""

import collections
import json


def reject_constant(name):
    raise ValueError(f"{name} is not JSON")


def reject_duplicates(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"a key is there twice: {keys}")
    return dict(pairs)


def load(path):
    """The file, by a strict parser."""
    with open(path, encoding="ascii") as file:
        return json.load(file, parse_constant=reject_constant, object_pairs_hook=reject_duplicates)


def problems(trace):
    """What is wrong with it, one line each."""
    found = []
    slices = collections.defaultdict(list)
    flows = collections.defaultdict(list)
    named = set()

    def wrong(event, reason):
        found.append(f"{reason}: {event}")

    def number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    for event in trace["traceEvents"]:
        phase = event.get("ph")
        if not isinstance(event.get("name"), str) or not all(isinstance(event.get(key), int) for key in ("pid", "tid")):
            wrong(event, "name, pid and tid are needed")
            continue
        track = event["pid"], event["tid"]
        if phase == "M":
            if event["name"] not in ("process_name", "thread_name") or not isinstance(event["args"]["name"], str):
                wrong(event, "metadata of no known kind")
            named.add((event["name"], event["pid"], event["tid"] if event["name"] == "thread_name" else None))
            continue
        if not number(event.get("ts")) or event["ts"] < 0:
            wrong(event, "no time")
        elif phase == "X":
            if not number(event.get("dur")) or event["dur"] < 0:
                wrong(event, "no duration")
            else:
                slices[track].append((event["ts"], event["ts"] + event["dur"], event))
        elif phase == "i":
            if event.get("s") not in ("g", "p", "t"):
                wrong(event, "an instant without scope")
        elif phase == "C":
            if not event.get("args") or not all(number(value) for value in event["args"].values()):
                wrong(event, "a counter without numbers")
        elif phase in ("s", "f"):
            flows[event["cat"], event["id"]].append(event)
        else:
            wrong(event, "no known phase")
        if phase in ("X", "i") and (("process_name", track[0], None) not in named
                                    or ("thread_name", *track) not in named):
            wrong(event, "on a track without a name")

    for items in slices.values():
        open_until = []
        # Times have three decimals of a microsecond: half of the last one is nothing.
        for start, end, event in sorted(items, key=lambda item: (item[0], -item[1])):
            while open_until and open_until[-1] <= start + 0.0005:
                open_until.pop()
            if open_until and end > open_until[-1] + 0.0005:
                wrong(event, "overlaps the slice before it")
            open_until.append(end)
    for (_, identity), events in flows.items():
        if [event["ph"] for event in events] != ["s", "f"] or events[0]["ts"] > events[1]["ts"]:
            found.append(f"flow {identity} does not go from a start to an end")
    return found
