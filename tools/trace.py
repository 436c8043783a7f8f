#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Record what a system does, for ui.perfetto.dev and for reading. Behind `./bulkhead trace`; docs/tracing.md."""

import collections
import json
import os
import pathlib
import sys

import qemu
import run
import trace_format as form
from trace_timeline import IDLE, UNKNOWN, Timeline, in_order

DIRECTORY = qemu.REPOSITORY / "build" / "trace"
RAW = DIRECTORY / "trace.raw"
WINDOWS = 1000  # of the counters, over the whole recording
WINDOW_MIN_MS = 10

# Processes of the trace: the cores, and then one for each domain.
CORES_PID = 1
DOMAIN_PID = 10

# Two tracks for each thread of a domain: what it does, and why its guest was left.
TRACKS = 2


def domains(timeline):
    """In the order in which they first ran."""
    return list(dict.fromkeys(slice_.domain for slice_ in timeline.slices
                              if slice_.domain not in (IDLE, UNKNOWN)))


def shares(timeline):
    """(start of the window, {domain: percent of all cores}) of windows of equal length."""
    frequency = timeline.recording.frequency
    length = max((timeline.end - timeline.start) // WINDOWS, frequency * WINDOW_MIN_MS // 1000, 1)
    windows = collections.defaultdict(collections.Counter)
    for slice_ in timeline.slices:
        at = slice_.start
        while at < slice_.end:
            number = (at - timeline.start) // length
            until = min(slice_.end, timeline.start + (number + 1) * length)
            windows[number][slice_.domain] += until - at
            at = until
    cores = max(len(timeline.recording.cores), 1)
    for number, ticks in sorted(windows.items()):
        whole = min(length, timeline.end - timeline.start - number * length) * cores
        yield timeline.start + number * length, {name: 100 * ticks[name] / whole
                                                 for name in domains(timeline) + [IDLE]}


def perfetto_events(timeline):
    """Events of the Chrome JSON trace format, which ui.perfetto.dev and chrome://tracing read. Times are in
    microseconds since the system counter began."""
    def us(ticks):
        return round(ticks * 1e6 / timeline.recording.frequency, 3)

    def named(what, pid, tid, name):
        return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}}

    # The threads of each domain in the order in which they first ran: of a VMM one for each vCPU.
    threads = collections.defaultdict(dict)
    for slice_ in timeline.slices:
        threads[slice_.domain].setdefault(slice_.thread, 1 + TRACKS * len(threads[slice_.domain]))
    pids = {name: DOMAIN_PID + number for number, name in enumerate(domains(timeline))}
    yield named("process_name", CORES_PID, 0, "cores")
    for core in timeline.recording.cores:
        yield named("thread_name", CORES_PID, core + 1, f"core {core}")
    for name, pid in pids.items():
        yield named("process_name", pid, 0, name)
        for number, track in enumerate(threads[name].values()):
            yield named("thread_name", pid, track, f"thread {number}")
            if timeline.usage[name].exits:
                yield named("thread_name", pid, track + 1, f"exits of vCPU {number}")

    for slice_ in timeline.slices:
        common = {"ph": "X", "ts": us(slice_.start), "dur": us(slice_.end) - us(slice_.start)}
        common["dur"] = round(common["dur"], 3)
        yield {**common, "pid": CORES_PID, "tid": slice_.core + 1, "cat": "core", "name": slice_.domain,
               "args": {"activity": slice_.activity}}
        if slice_.domain in pids:
            yield {**common, "pid": pids[slice_.domain], "tid": threads[slice_.domain][slice_.thread], "cat": "domain", "name": slice_.activity,
                   "args": {"core": slice_.core}}
    for left in timeline.exits:
        args = {"pc": f"{left.pc:#x}", "kernel_us": us(left.kernel)}
        if left.ipa is not None:
            args["ipa"] = f"{left.ipa:#x}"
        if left.thread not in threads[left.domain]:
            continue  # it never ran for a moment: only a damaged recording says so
        yield {"ph": "X", "ts": us(left.start), "dur": round(us(left.end) - us(left.start), 3), "cat": "exit",
               "pid": pids[left.domain], "tid": threads[left.domain][left.thread] + 1, "name": left.reason, "args": args}
    for time, core, domain, thread, kind, text in timeline.instants:
        at_core = kind == form.INTERRUPT or domain not in pids or thread not in threads[domain]
        yield {"ph": "i", "s": "t", "ts": us(time), "cat": form.NAMES[kind], "name": text,
               "pid": CORES_PID if at_core else pids[domain], "tid": core + 1 if at_core else threads[domain][thread]}
    for number, (start, end) in enumerate(timeline.flows):
        if all(thread in threads[domain] for _, thread, domain in (start, end)):
            for phase, (time, thread, domain) in (("s", start), ("f", end)):
                yield {"ph": phase, "bp": "e", "id": number, "ts": us(time), "cat": "ipc", "name": "call",
                       "pid": pids[domain], "tid": threads[domain][thread]}
    for time, percent in shares(timeline):
        for name, value in percent.items():
            yield {"ph": "C", "ts": us(time), "pid": CORES_PID, "tid": 0, "name": f"{name} %",
                   "args": {"share": round(value, 2)}}


def write_perfetto(path, timeline):
    """One event a line: a recording of minutes has millions."""
    recording = timeline.recording
    with open(path, "w", encoding="ascii") as output:
        other = {"frequency": recording.frequency, "lost": recording.lost(), "truncated": recording.truncated}
        output.write(f'{{"displayTimeUnit": "ns", "otherData": {json.dumps(other)}, "traceEvents": [\n')
        separator = ""
        for event in perfetto_events(timeline):
            output.write(separator + json.dumps(event, allow_nan=False))
            separator = ",\n"
        output.write("\n]}\n")


def describe_event(recording, event):
    """What `perf script` has behind the event's name."""
    word0, word1 = event.word0, event.word1
    if event.kind == form.LOST:
        return f"{word0} entries"
    if event.kind == form.SWITCH:
        return f"prio={word0}"
    if event.kind == form.GUEST_ENTER:
        return f"pc={word0:#x}"
    if event.kind == form.GUEST_EXIT:
        return f"esr={word0:#x} pc={word1:#x}"
    if event.kind == form.VM_RETURN:
        reason = form.EXITS[word0] if word0 < len(form.EXITS) else str(word0)
        return f"reason={reason} " + (f"bits={word1:#x}" if reason == "notification" else f"ipa={word1:#x}")
    if event.kind == form.INTERRUPT:
        return f"intid={word0}"
    if event.kind in (form.CALL, form.SEND, form.REPLY):
        return f"to={recording.name(word0, event.time)} info={word1:#x}"
    if event.kind == form.FAULT:
        return f"fault={form.FAULTS.get(word0, word0)} address={word1:#x}"
    return ""


def write_text(path, timeline):
    """Lines as `perf script` prints them: domain, thread, core, seconds, event, what it is about."""
    recording = timeline.recording
    with open(path, "w", encoding="ascii") as output:
        for time, core, _, event in in_order(recording):
            name = recording.name(event.thread, time)
            output.write(f"{name:>16} {event.thread:>7} [{core:03}] {time / recording.frequency:12.6f}: "
                         f"bulkhead:{form.NAMES[event.kind]}: {describe_event(recording, event)}".rstrip() + "\n")


def summary(timeline):
    """The table of domains, and that of the guests' exits."""
    frequency = timeline.recording.frequency
    whole = max(timeline.duration(), 1)

    def ms(ticks):
        return f"{ticks * 1000 / frequency:.1f}"

    rows = [("domain", "ms", "share", "guest", "vmm", "kernel", "switches", "calls")]
    ordered = sorted(timeline.usage.items(), key=lambda item: -item[1].total())
    for name, usage in [item for item in ordered if item[0] not in (IDLE, UNKNOWN)]:
        parts = [ms(usage.ticks[activity]) if name in timeline.vmms else "-"
                 for activity in ("guest", "vmm", "kernel")]
        rows.append((name, ms(usage.total()), f"{100 * usage.total() / whole:.1f} %", *parts, str(usage.switches),
                     str(usage.calls)))
    for name in (IDLE, UNKNOWN):
        ticks = timeline.usage[name].total() if name in timeline.usage else 0
        if ticks or name == IDLE:
            rows.append((name, ms(ticks), f"{100 * ticks / whole:.1f} %", "", "", "", "", ""))
    rows.append(("all", ms(whole), f"{100 * sum(usage.total() for usage in timeline.usage.values()) / whole:.1f} %",
                 "", "", "", "", ""))
    lines = table(rows)

    exits = [("guest", "left for", "times", "mean us", "most us", "ms away")]
    for name in sorted(timeline.vmms):
        for reason, (count, ticks, most) in sorted(timeline.usage[name].exits.items(), key=lambda item: -item[1][0]):
            away = ticks * 1e6 / frequency
            exits.append((name, reason, str(count), f"{away / count:.1f}", f"{most * 1e6 / frequency:.1f}",
                          f"{away / 1000:.1f}") if ticks else (name, reason, str(count), "-", "-", "-"))
    if len(exits) > 1:
        lines += ["", *table(exits, left=2)]
    return "\n".join(lines)


def table(rows, left=1):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) if column < left else cell.rjust(width)
                      for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]


def report(raw, output, text):
    """Decode, write the files, print the summary."""
    timeline = Timeline(form.read(raw))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_perfetto(output, timeline)
    if text:
        write_text(text, timeline)
    print(summary(timeline))
    events = sum(len(events) for events in timeline.recording.cores.values())
    print(f"\n{events} events, {timeline.recording.lost()} lost; {output} is for ui.perfetto.dev"
          + (f", {text} for reading" if text else ""))
    return timeline


DESCRIPTION = """Boot in QEMU as `run` does, and record what the kernel does until the machine ends: who runs,
exits of guests, interrupts, calls. At the end a table says how much time each domain took, and FILE can be
opened in ui.perfetto.dev.

The kernel is one with tracing, and the domain `tracer` takes some time of its own. docs/tracing.md says more."""


def parse_arguments():
    parser = run.make_parser("trace", DESCRIPTION)
    group = parser.add_argument_group("recording")
    group.add_argument("-o", "--output", type=pathlib.Path, default=DIRECTORY / "trace.json", metavar="FILE",
                       help="JSON for ui.perfetto.dev (default build/trace/trace.json)")
    group.add_argument("--text", type=pathlib.Path, metavar="FILE", help="also lines as of `perf script`")
    group.add_argument("--seconds", type=float, metavar="N", help="end the machine after so long")
    group.add_argument("--decode", type=pathlib.Path, metavar="RAW",
                       help="boot nothing, but decode what was recorded before (build/trace/trace.raw)")
    return run.parse_arguments(parser)


def main():
    args = parse_arguments()
    status = 0
    try:
        if not args.decode:
            DIRECTORY.mkdir(parents=True, exist_ok=True)
            RAW.unlink(missing_ok=True)
            machine, welcome = run.make_machine(args, trace=RAW)
            status = qemu.interact(machine, name="trace", headless=args.headless, welcome=welcome,
                                   pure=bool(args.kernel), seconds=args.seconds)
            print()
        report(args.decode or RAW, args.output, args.text)
    except (qemu.Failure, form.TraceError, OSError, ValueError) as error:
        sys.exit(f"trace: {error}")
    # Whoever ends the machine by hand wants its trace.
    sys.exit(0 if status == 130 else status)


if __name__ == "__main__":
    main()
