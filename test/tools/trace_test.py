#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The decoder of traces: what it makes of a recording, and of files that no tracer wrote."""

import contextlib
import io
import pathlib
import random
import re
import tempfile
import unittest

import perfetto_format
import qemu
import trace
import trace_format as form
from trace_timeline import UNKNOWN, Timeline

FREQUENCY = 1000  # a tick is a millisecond
ROOT, SERVER, VMM = 0x100, 0x200, 0x300
ESR_HVC, ESR_MMIO, ESR_WFI = 0x16 << 26, 0x24 << 26, 0x01 << 26
HVC, MMIO = form.EXITS.index("hvc"), form.EXITS.index("mmio")


def block(kind, first, entries, core=0, frequency=FREQUENCY, magic=form.MAGIC, count=None):
    return form.BLOCK.pack(magic, frequency, first, len(entries) if count is None else count, kind,
                           core) + b"".join(entries)


def event(time, kind, thread=0, word0=0, word1=0):
    return form.EVENT.pack(time, thread, kind, word0, word1)


def thread(number, name, since=0):
    return form.THREAD.pack(since, number, 0, name.encode())


def events(*entries, first=0, **more):
    return block(form.BLOCK_EVENTS, first, [event(*entry) for entry in entries], **more)


THREADS = block(form.BLOCK_THREADS, 0, [thread(ROOT, "root"), thread(SERVER, "server"), thread(VMM, "guest")])

# What one core does in 100 ms: root runs, the guest is left for an HVC, an MMIO access, an interrupt and WFI.
STORY = [
    (0, form.SWITCH, ROOT, 255),
    (10, form.SWITCH, VMM, 50),
    (12, form.GUEST_ENTER, VMM, 0x40000000),
    (20, form.GUEST_EXIT, VMM, ESR_HVC, 0x40000010),
    (21, form.VM_RETURN, VMM, HVC, 0),
    (23, form.GUEST_ENTER, VMM, 0x40000010),
    (30, form.GUEST_EXIT, VMM, ESR_MMIO, 0x40000020),
    (31, form.VM_RETURN, VMM, MMIO, 0x9000018),
    (32, form.CALL, VMM, SERVER, 0x30001),
    (32, form.SWITCH, SERVER, 150),
    (35, form.REPLY, SERVER, VMM, 0),
    (35, form.SWITCH, VMM, 50),
    (36, form.GUEST_ENTER, VMM, 0x40000024),
    (40, form.GUEST_EXIT, VMM, 0, 0x40000030),
    (40, form.INTERRUPT, VMM, 26),
    (41, form.GUEST_ENTER, VMM, 0x40000030),
    (50, form.GUEST_EXIT, VMM, ESR_WFI, 0x40000040),
    (50, form.IDLE),
    (90, form.INTERRUPT, 0, 27),
    (90, form.WAKE, VMM),
    (90, form.SWITCH, VMM, 50),
    (91, form.GUEST_ENTER, VMM, 0x40000044),
    (100, form.GUEST_EXIT, VMM, 0, 0x40000044),
]


def timeline(data):
    return Timeline(form.parse(data))


def enumeration(header, name):
    """Name without prefix: number, of an enum of the kernel's interface."""
    text = re.sub(r"/\*.*?\*/", "", (qemu.REPOSITORY / "kernel" / "api" / "bh" / header).read_text(), flags=re.S)
    body = re.search(rf"enum {name} \{{(.*?)\}}", text, re.S).group(1)
    values, number = {}, -1
    for entry in body.replace("\n", " ").split(","):
        if entry.strip():
            constant, _, value = entry.partition("=")
            number = int(value, 0) if value.strip() else number + 1
            values[constant.strip().split("_", 2)[2].lower()] = number
    return values


class InterfaceTest(unittest.TestCase):
    def test_numbers_are_those_of_the_kernels_headers(self):
        self.assertEqual({name: number for number, name in enumerate(form.NAMES) if number != form.LOST},
                         enumeration("trace.h", "bh_trace_kind"))
        self.assertEqual({number: name for name, number in enumeration("object.h", "bh_fault").items()}, form.FAULTS)
        exits = {name.replace("_", "-").removeprefix("exit-"): number
                 for name, number in enumeration("vcpu.h", "bh_exit").items()}
        self.assertEqual({name: exits[name] for name in form.EXITS}, {name: i for i, name in enumerate(form.EXITS)})


class DecoderTest(unittest.TestCase):
    def test_time_is_the_domains_that_took_it(self):
        result = timeline(THREADS + events(*STORY))
        ticks = {name: dict(usage.ticks) for name, usage in result.usage.items() if usage.ticks}
        self.assertEqual(ticks, {
            "root": {"run": 10},
            "guest": {"vmm": 2 + 2 + 1 + 1, "guest": 8 + 7 + 4 + 9 + 9, "kernel": 1 + 1 + 1 + 1},
            "server": {"run": 3},
            "idle": {"idle": 40}})
        self.assertEqual(sum(usage.total() for usage in result.usage.values()), result.duration())
        self.assertEqual(result.usage["guest"].switches, 3)
        self.assertEqual(result.usage["guest"].calls, 1)

    def test_exits_have_reasons_and_durations(self):
        result = timeline(THREADS + events(*STORY))
        self.assertEqual([(left.reason, left.start, left.end, left.kernel, left.ipa) for left in result.exits],
                         [("hvc", 20, 23, 1, None), ("mmio", 30, 36, 1, 0x9000018), ("irq", 40, 41, 1, None),
                          ("wfi", 50, 91, 41, None), ("irq", 100, 100, 0, None)])
        self.assertEqual(result.usage["guest"].exits, {
            "hvc": [1, 3, 3], "mmio": [1, 6, 6], "irq": [2, 1, 1], "wfi": [1, 41, 41]})

    def test_a_guest_that_was_left_when_the_recording_ends_counts(self):
        result = timeline(THREADS + events((0, form.GUEST_ENTER, VMM), (3, form.GUEST_EXIT, VMM, ESR_WFI),
                                           (3, form.IDLE), (10, form.INTERRUPT, 0, 27)))
        self.assertEqual(result.usage["guest"].exits, {"wfi": [1, 7, 7]})

    def test_a_store_that_signals_is_a_doorbell(self):
        result = timeline(THREADS + events((0, form.GUEST_ENTER, VMM), (1, form.GUEST_EXIT, VMM, ESR_MMIO),
                                           (2, form.GUEST_ENTER, VMM)))
        self.assertEqual([left.reason for left in result.exits], ["doorbell"])

    def test_a_call_leads_to_whoever_serves_it(self):
        result = timeline(THREADS + events(*STORY))
        self.assertEqual(result.flows, [((32, VMM, "guest"), (32, SERVER, "server"))])

    def test_a_thread_has_the_name_of_its_time(self):
        names = block(form.BLOCK_THREADS, 0, [thread(VMM, "old", 5), thread(VMM, "new", 50)])
        recording = form.parse(names + events((0, form.WAKE, VMM)))
        self.assertEqual([recording.name(VMM, time) for time in (0, 5, 49, 50, 99)],
                         ["old", "old", "old", "new", "new"])
        self.assertEqual(recording.name(0x42, 0), f"thread-{0x42 << 11:x}")

    def test_each_core_adds_up_by_itself(self):
        one = events((0, form.SWITCH, ROOT), (100, form.IDLE), core=0)
        other = events((20, form.IDLE), (60, form.SWITCH, SERVER), (90, form.IDLE), core=1)
        result = timeline(THREADS + one + other)
        self.assertEqual(result.duration(), 100 + 80)
        self.assertEqual({name: usage.total() for name, usage in result.usage.items() if usage.total()},
                         {"root": 100, "server": 30, "idle": 40 + 10})

    def test_two_threads_of_a_domain_may_run_at_once(self):
        names = block(form.BLOCK_THREADS, 0, [thread(VMM, "guest"), thread(VMM + 1, "guest")])
        run = ((0, form.GUEST_ENTER), (10, form.GUEST_EXIT), (20, form.GUEST_ENTER), (30, form.IDLE))
        cores = [events(*[(time + 5 * core, kind, VMM + core if kind != form.IDLE else 0, ESR_WFI)
                          for time, kind in run], core=core) for core in (0, 1)]
        result = timeline(names + cores[0] + cores[1])
        self.assertEqual(dict(result.usage["guest"].ticks), {"guest": 2 * 20, "kernel": 2 * 10})
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "trace.json"
            trace.write_perfetto(path, result)
            loaded = perfetto_format.load(path)
        self.assertEqual(perfetto_format.problems(loaded), [])
        tracks = {item["args"]["name"] for item in loaded["traceEvents"] if item["name"] == "thread_name"}
        self.assertLessEqual({"thread 0", "exits of vCPU 0", "thread 1", "exits of vCPU 1"}, tracks)

    def test_a_core_without_work_is_idle_all_the_time(self):
        result = timeline(THREADS + events((0, form.SWITCH, ROOT), (100, form.IDLE)) + events((0, form.IDLE), core=1))
        self.assertEqual({name: usage.total() for name, usage in result.usage.items() if usage.total()},
                         {"root": 100, "idle": 100})

    def test_lost_entries_are_counted_and_their_time_is_nobodys(self):
        result = timeline(THREADS + events((0, form.SWITCH, ROOT), (10, form.WAKE, VMM)) +
                          events((30, form.WAKE, VMM), (40, form.SWITCH, SERVER), (50, form.IDLE), first=9))
        self.assertEqual(result.recording.lost(), 7)
        self.assertEqual({name: usage.total() for name, usage in result.usage.items() if usage.total()},
                         {"root": 10, UNKNOWN: 30, "server": 10})

    def test_the_first_entries_may_be_lost(self):
        self.assertEqual(form.parse(events((5, form.IDLE), first=1000)).lost(), 1000)

    def test_a_recording_that_stops_in_a_block_is_read_up_to_there(self):
        whole = THREADS + events(*STORY)
        for cut in range(1, len(STORY) * form.EVENT.size):
            recording = form.parse(whole[:-cut])
            self.assertTrue(recording.truncated)
            count = len(recording.cores.get(0, []))
            self.assertEqual(count, len(STORY) - (cut + form.EVENT.size - 1) // form.EVENT.size)
            Timeline(recording)
        self.assertFalse(form.parse(whole).truncated)
        self.assertTrue(form.parse(whole + whole[:form.BLOCK.size - 1]).truncated)


class HostileTest(unittest.TestCase):
    def refused(self, data, reason):
        with self.assertRaisesRegex(form.TraceError, reason):
            form.parse(data)

    def test_what_is_no_trace_is_refused(self):
        self.refused(b"", "nothing in it")
        self.refused(b"x", "too short")
        self.refused(b"\x7fELF" + bytes(100), "no block of a trace")
        self.refused(THREADS + bytes(form.BLOCK.size), re.escape(f"block at {len(THREADS):#x}"))
        self.refused(events((0, form.IDLE), magic=int.from_bytes(b"BHtrblk2", "little")), "another version")

    def test_impossible_blocks_are_refused(self):
        self.refused(events((0, form.IDLE), frequency=0), "frequency of 0")
        self.refused(THREADS + events((0, form.IDLE), frequency=5), "frequency of 5")
        self.refused(events((0, form.IDLE), core=64), "no core 64")
        self.refused(block(3, 0, [event(0, form.IDLE)]), "no kind 3 of block")
        self.refused(events(), "0 entries")
        self.refused(events((0, form.IDLE), count=0xffffffff), "4294967295 entries")
        self.refused(events((0, form.IDLE), count=2048), "2048 entries")

    def test_impossible_entries_are_refused(self):
        self.refused(events((0, 0)), "entry 0: there is no kind 0")
        self.refused(events((0, form.IDLE), (1, 12)), "entry 1: there is no kind 12")
        self.refused(events((9, form.IDLE), (8, form.IDLE)), "time goes back from 9 to 8")
        self.refused(events((9, form.IDLE)) + events((8, form.IDLE), first=1), "time goes back")
        self.refused(events((9, form.IDLE)) + events((9, form.IDLE), first=0), "they are past")

    def test_impossible_names_are_refused(self):
        for name in (b"", b"a b", b"a\nb", b"a\x1b[2J", b"\xff", b"a\0b", b"x" * 32):
            entry = form.THREAD.pack(0, 1, 0, name)
            self.refused(block(form.BLOCK_THREADS, 0, [entry]), "no name of a domain")
        self.refused(block(form.BLOCK_THREADS, 0, [thread(0, "root")]), "thread 0")
        self.refused(block(form.BLOCK_THREADS, 0, [thread(1, "a", 5), thread(1, "b", 4)]), "back in time")

    def test_damage_anywhere_is_an_error_or_a_trace(self):
        good = bytearray(THREADS + events(*STORY))
        chance = random.Random(1)
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "trace.json"
            for _ in range(1500):
                data = bytearray(good)
                for _ in range(chance.randint(1, 4)):
                    data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)))
                try:
                    result = timeline(bytes(data))
                except form.TraceError:
                    continue
                trace.summary(result)
                if chance.random() < 0.05 and result.end < 1 << 40:
                    trace.write_perfetto(path, result)
                    self.assertEqual(perfetto_format.problems(perfetto_format.load(path)), [])

    def test_a_command_says_what_is_wrong_in_one_line(self):
        with tempfile.TemporaryDirectory() as directory:
            raw = pathlib.Path(directory) / "raw"
            raw.write_bytes(b"no trace at all, but long enough to be one")
            with self.assertRaises(form.TraceError):
                trace.report(raw, pathlib.Path(directory) / "out.json", None)


class OutputTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        raw = self.directory / "raw"
        raw.write_bytes(THREADS + events(*STORY))
        self.output = io.StringIO()
        with contextlib.redirect_stdout(self.output):
            trace.report(raw, self.directory / "trace.json", self.directory / "trace.txt")

    def test_the_json_keeps_the_formats_rules(self):
        loaded = perfetto_format.load(self.directory / "trace.json")
        self.assertEqual(perfetto_format.problems(loaded), [])
        self.assertEqual(loaded["otherData"], {"frequency": FREQUENCY, "lost": 0, "truncated": False})

    def test_the_json_has_a_track_for_each_core_and_domain(self):
        events_ = perfetto_format.load(self.directory / "trace.json")["traceEvents"]
        names = {item["pid"]: item["args"]["name"] for item in events_ if item["name"] == "process_name"}
        self.assertEqual(sorted(names.values()), ["cores", "guest", "root", "server"])
        core = [(item["ts"], item["dur"], item["name"]) for item in events_
                if item["ph"] == "X" and names[item["pid"]] == "cores"]
        self.assertEqual(core[0], (0, 10000, "root"))
        self.assertIn((50000, 40000, "idle"), core)
        exits = [item for item in events_ if item.get("cat") == "exit"]
        self.assertEqual(exits[1]["name"], "mmio")
        self.assertEqual(exits[1]["args"], {"pc": "0x40000020", "kernel_us": 1000, "ipa": "0x9000018"})
        # Shares of the processor in windows of 10 ms.
        shares = {item["ts"]: item["args"]["share"] for item in events_ if item["name"] == "guest %"}
        self.assertEqual((shares[0], shares[10000], shares[30000], shares[60000]), (0, 100, 70, 0))

    def test_the_text_is_as_perf_script_has_it(self):
        lines = (self.directory / "trace.txt").read_text().splitlines()
        self.assertEqual(len(lines), len(STORY))
        shape = re.compile(r" *\S+ +\d+ \[\d{3}\] +\d+\.\d{6}: bulkhead:[a-z_]+:( .*)?")
        for line in lines:
            self.assertRegex(line, shape)
        self.assertEqual(lines[3].split(), ["guest", str(VMM), "[000]", "0.020000:", "bulkhead:guest_exit:",
                                            f"esr={ESR_HVC:#x}", "pc=0x40000010"])

    def test_the_summary_adds_up(self):
        table = self.output.getvalue().split("\n\n")[0]
        rows = {line.split()[0]: line.split() for line in table.splitlines()}
        self.assertEqual(rows["guest"], ["guest", "47.0", "47.0", "%", "37.0", "6.0", "4.0", "3", "1"])
        self.assertEqual(rows["root"][:4], ["root", "10.0", "10.0", "%"])
        self.assertEqual(rows["idle"][:4], ["idle", "40.0", "40.0", "%"])
        self.assertEqual(rows["all"][:4], ["all", "100.0", "100.0", "%"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
