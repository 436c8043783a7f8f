# SPDX-License-Identifier: BSD-2-Clause
"""The tracer's stream (ipc/trace.h, kernel/api/bh/trace.h): reading it, whatever it contains.

    recording = trace_format.read(path)
    for event in recording.cores[0]: ...

Anything that no tracer writes is a TraceError that says where and what. A stream that ends in the middle of a
block, as one does when QEMU is killed, is read up to there.
"""

import bisect
import dataclasses
import pathlib
import struct
import typing

BLOCK = struct.Struct("<QQQIHH")
EVENT = struct.Struct("<QIIQQ")
THREAD = struct.Struct("<QII32s")
MAGIC = int.from_bytes(b"BHtrblk1", "little")
BLOCK_EVENTS, BLOCK_THREADS = 1, 2
BLOCK_SIZE_MAX = 65536  # the tracer's buffer
CORES_MAX = 64
TCB_BITS = 11  # BH_TCB_BITS: a thread's number is its address shifted by that

# enum bh_trace_kind
(SWITCH, IDLE, GUEST_ENTER, GUEST_EXIT, VM_RETURN, INTERRUPT, CALL, SEND, REPLY, WAKE, FAULT) = range(1, 12)
LOST = 0  # not in the stream: put where entries are missing; word0 says how many
NAMES = ("lost", "switch", "idle", "guest_enter", "guest_exit", "vm_return", "interrupt", "call", "send", "reply",
         "wake", "fault")

# enum bh_exit, as far as bh_vm_enter returns it
EXITS = ("notification", "hvc", "smc", "mmio", "abort", "sysreg", "irq-completed", "exception", "invalid")
FAULTS = {1: "vm", 2: "exception", 3: "syscall", 4: "timeout"}  # enum bh_fault


class TraceError(Exception):
    """What is wrong with a recording."""


class Event(typing.NamedTuple):
    time: int  # ticks
    thread: int
    kind: int
    word0: int
    word1: int


@dataclasses.dataclass
class Recording:
    frequency: int
    cores: dict             # number: list of Event in the order of time
    threads: dict           # number: list of (since, name) in the order of time
    truncated: bool = False

    def name(self, thread, time):
        """The domain that the thread belongs to at that time."""
        entries = self.threads.get(thread)
        if not entries:
            return f"thread-{thread << TCB_BITS:x}" if thread else "idle"
        # Before root has noted it, it can't have run as somebody else's but in a recording with gaps.
        return entries[max(bisect.bisect_right(entries, time, key=lambda entry: entry[0]) - 1, 0)][1]

    def lost(self):
        return sum(event.word0 for events in self.cores.values() for event in events if event.kind == LOST)


def thread_name(data, where):
    text, end, rest = data.partition(b"\0")
    if not end or rest.strip(b"\0") or not text or not all(0x21 <= byte <= 0x7e for byte in text):
        raise TraceError(f"{where}: {data!r} is no name of a domain")
    return text.decode("ascii")


class Reader:
    def __init__(self):
        self.recording = None
        self.expected = {}  # (kind, core): number of the next entry

    def gap(self, kind, core, first, count, where):
        """How many entries are missing before this block."""
        before = self.expected.get((kind, core), 0)
        if first < before:
            raise TraceError(f"{where}: entries from {first} on, but they are past: {before} is next")
        self.expected[kind, core] = first + count
        return first - before

    def events(self, data, core, lost, where):
        events = self.recording.cores.setdefault(core, [])
        time = events[-1].time if events else 0
        for number, fields in enumerate(EVENT.iter_unpack(data)):
            event = Event(fields[0], fields[1], fields[2], fields[3], fields[4])
            if not SWITCH <= event.kind <= FAULT:
                raise TraceError(f"{where}: entry {number}: there is no kind {event.kind}")
            if event.time < time:
                raise TraceError(f"{where}: entry {number}: time goes back from {time} to {event.time}")
            if lost:
                events.append(Event(event.time, 0, LOST, lost, 0))
                lost = 0
            time = event.time
            events.append(event)

    def threads(self, data, where):
        for since, thread, _, name in THREAD.iter_unpack(data):
            if thread == 0:
                raise TraceError(f"{where}: thread 0 is none")
            entries = self.recording.threads.setdefault(thread, [])
            if entries and since < entries[-1][0]:
                raise TraceError(f"{where}: names of thread {thread:#x} go back in time")
            entries.append((since, thread_name(name, where)))

    def block(self, data, offset):
        """Reads the block at `offset`; returns where the next one begins."""
        where = f"block at {offset:#x}"
        magic, frequency, first, count, kind, core = BLOCK.unpack_from(data, offset)
        if magic != MAGIC:
            raise TraceError(f"{where}: this is no block of a trace, or one of another version")
        if kind not in (BLOCK_EVENTS, BLOCK_THREADS):
            raise TraceError(f"{where}: there is no kind {kind} of block")
        if core >= CORES_MAX:
            raise TraceError(f"{where}: there is no core {core}")
        if frequency == 0 or (self.recording and frequency != self.recording.frequency):
            raise TraceError(f"{where}: a frequency of {frequency} Hz")
        entry = EVENT if kind == BLOCK_EVENTS else THREAD
        if count == 0 or BLOCK.size + count * entry.size > BLOCK_SIZE_MAX:
            raise TraceError(f"{where}: {count} entries")
        self.recording = self.recording or Recording(frequency, {}, {})
        start = offset + BLOCK.size
        whole = min(count, (len(data) - start) // entry.size)
        self.recording.truncated = whole < count
        lost = self.gap(kind, core, first, count, where)
        body = data[start:start + whole * entry.size]
        if kind == BLOCK_EVENTS and body:
            self.events(body, core, lost, where)
        elif kind == BLOCK_THREADS:
            self.threads(body, where)
        return start + count * entry.size


def parse(data):
    """The recording in these bytes."""
    reader = Reader()
    offset = 0
    while offset < len(data):
        if len(data) - offset < BLOCK.size:
            if reader.recording is None:
                raise TraceError("this is too short for a trace")
            reader.recording.truncated = True
            break
        offset = reader.block(data, offset)
    if reader.recording is None:
        raise TraceError("there is nothing in it: the machine ended before the tracer wrote, or its kernel does not "
                         "trace")
    return reader.recording


def read(path):
    return parse(pathlib.Path(path).read_bytes())
