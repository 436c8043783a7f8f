# SPDX-License-Identifier: BSD-2-Clause
"""What a recording says of who ran when, and why guests were left. All times are ticks.

    timeline = Timeline(recording)

walks through the events of each core once, and collects slices of time and a summary of each domain.
"""

import collections
import dataclasses
import heapq
import typing

import trace_format as form
from trace_format import EXITS, FAULTS

IDLE, UNKNOWN = "idle", "(unknown)"

# Found on the way into a guest, whatever it was left for before.
BEFORE_ENTRY = ("notification", "irq-completed", "invalid")

# ESR_EL2.EC (Arm ARM D17.2.37) of exits that the kernel may deal with alone
EC_WFX, EC_DATA_ABORT = 0x01, 0x24


def in_order(recording):
    """(time, core, number on that core, event) of all cores."""
    def of_core(core, events):
        return ((event.time, core, number, event) for number, event in enumerate(events))
    return heapq.merge(*(of_core(core, events) for core, events in recording.cores.items()))


class Slice(typing.NamedTuple):
    """A core did one thing from start to end. `activity`: run (a native domain), vmm, guest, kernel, idle, unknown."""

    core: int
    domain: str
    thread: int
    activity: str
    start: int
    end: int


class Exit(typing.NamedTuple):
    """A guest was left at start, and was run again at end: others may have run in between."""

    core: int
    domain: str
    thread: int
    reason: str
    start: int
    end: int
    kernel: int  # ticks until bh_vm_enter returned, or until the guest went on
    pc: int
    ipa: int     # of an mmio or abort, else None


@dataclasses.dataclass
class Usage:
    """What one domain took."""

    ticks: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(int))  # by activity
    switches: int = 0
    calls: int = 0
    exits: dict = dataclasses.field(default_factory=dict)  # reason: [count, ticks away from the guest, most ticks]

    def total(self):
        return sum(self.ticks.values())


@dataclasses.dataclass
class Open:
    """A guest that was left and has not gone on yet."""

    core: int
    domain: str
    start: int
    esr: int
    pc: int
    reason: str = None
    ipa: int = None
    kernel: int = None


class Walk:
    """The state of one core while its events pass by."""

    def __init__(self, timeline, core, start):
        self.timeline, self.core, self.time = timeline, core, start
        self.domain, self.thread, self.activity = UNKNOWN, 0, "unknown"
        self.begun = start  # of the present slice

    def change(self, time, domain, thread, activity):
        if (domain, thread, activity) == (self.domain, self.thread, self.activity):
            return
        if time > self.begun:
            self.timeline.slices.append(Slice(self.core, self.domain, self.thread, self.activity, self.begun, time))
            self.timeline.usage[self.domain].ticks[self.activity] += time - self.begun
        self.domain, self.thread, self.activity, self.begun = domain, thread, activity, time


class Timeline:
    def __init__(self, recording):
        self.recording = recording
        self.slices, self.exits, self.instants, self.flows = [], [], [], []
        self.usage = collections.defaultdict(Usage)
        self.interrupts = collections.Counter()  # (core, INTID)
        self.start = min(events[0].time for events in recording.cores.values()) if recording.cores else 0
        self.end = max(events[-1].time for events in recording.cores.values()) if recording.cores else 0
        self.inside = set()   # threads that run their guest, or shall
        self.open = {}        # thread: Open
        self.called = {}      # thread that was called: (time, thread, domain of the caller)
        # Which domains are VMMs decides how their own time is called.
        self.vmms = {recording.name(event.thread, event.time) for events in recording.cores.values()
                     for event in events if event.kind == form.GUEST_ENTER}
        self.walk()

    def walk(self):
        """All cores together, in the order of time: a thread may move from one to another."""
        walks = {core: Walk(self, core, events[0].time) for core, events in self.recording.cores.items()}
        for time, core, _, event in in_order(self.recording):
            self.step(walks[core], time, event)
        for thread in list(self.open):  # a guest that sleeps, for instance
            self.close(thread, self.end)
        for walk in walks.values():  # what a core did last it did until the end, or there would be entries
            walk.change(self.end, None, 0, None)

    def native(self, domain):
        return "vmm" if domain in self.vmms else "run"

    def step(self, walk, time, event):
        kind, thread = event.kind, event.thread
        domain = self.recording.name(thread, time)
        if kind == form.SWITCH:
            walk.change(time, domain, thread, "kernel" if thread in self.inside else self.native(domain))
            self.usage[domain].switches += 1
            if thread in self.called:
                self.flows.append((self.called.pop(thread), (time, thread, domain)))
        elif kind == form.IDLE:
            walk.change(time, IDLE, 0, "idle")
        elif kind == form.GUEST_ENTER:
            self.close(thread, time)
            self.inside.add(thread)
            walk.change(time, domain, thread, "guest")
        elif kind == form.GUEST_EXIT:
            self.open[thread] = Open(walk.core, domain, time, event.word0, event.word1)
            walk.change(time, domain, thread, "kernel")
        elif kind == form.VM_RETURN:
            self.returned(walk, time, event, domain)
        elif kind == form.LOST:
            walk.change(walk.time, UNKNOWN, 0, "unknown")  # from the last event that is there
            self.open.clear()
        else:
            self.instant(walk, time, event, domain)
        walk.time = time

    def returned(self, walk, time, event, domain):
        reason = EXITS[event.word0] if event.word0 < len(EXITS) else f"exit {event.word0}"
        left = self.open.get(event.thread)
        if left and left.reason is None and reason not in BEFORE_ENTRY:
            left.reason = reason
            left.ipa = event.word1 if reason in ("mmio", "abort") else None
        if left and left.kernel is None:
            left.kernel = time - left.start
        if reason in BEFORE_ENTRY:
            self.count(domain, reason, 0)
        self.inside.discard(event.thread)
        walk.change(time, domain, event.thread, self.native(domain))

    def close(self, thread, time):
        left = self.open.pop(thread, None)
        if left is None:
            return
        if left.esr == 0:
            reason = "irq"
        elif left.esr >> 26 == EC_WFX:
            reason = "wfi"
        elif left.reason is None:
            reason = "doorbell" if left.esr >> 26 == EC_DATA_ABORT else f"exception class {left.esr >> 26:#x}"
        else:
            reason = left.reason
        kernel = time - left.start if left.kernel is None else left.kernel
        self.exits.append(Exit(left.core, left.domain, thread, reason, left.start, time, kernel, left.pc, left.ipa))
        self.count(left.domain, reason, time - left.start)

    def count(self, domain, reason, ticks):
        entry = self.usage[domain].exits.setdefault(reason, [0, 0, 0])
        entry[0] += 1
        entry[1] += ticks
        entry[2] = max(entry[2], ticks)

    def instant(self, walk, time, event, domain):
        kind = event.kind
        if kind == form.INTERRUPT:
            self.interrupts[walk.core, event.word0] += 1
            text = f"interrupt {event.word0}"
        elif kind == form.WAKE:
            text = f"wake {domain}"
        elif kind == form.FAULT:
            text = f"fault: {FAULTS.get(event.word0, event.word0)} {event.word1:#x}"
        else:
            other = self.recording.name(event.word0, time)
            text = f"{form.NAMES[kind]} {other}"
            if kind == form.CALL:
                self.usage[domain].calls += 1
                self.called[event.word0] = (time, event.thread, domain)
        self.instants.append((time, walk.core, domain, event.thread, kind, text))

    def duration(self):
        """Of all cores together: what the domains' times add up to."""
        return sum(self.end - events[0].time for events in self.recording.cores.values())
