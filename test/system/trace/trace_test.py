#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Traces of whole systems: the demonstration's adds up, and agrees with what the kernel counted itself; the command
behind `./bulkhead trace` records, and ends as its guest does; without tracing the tracer says so."""

import dataclasses
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "guests"), str(HERE.parents[1] / "tools")]

import describe  # noqa: E402
import harness  # noqa: E402
import perfetto_format  # noqa: E402
import qemu  # noqa: E402
import trace  # noqa: E402
import trace_format  # noqa: E402
from harness import check, equal  # noqa: E402
from trace_timeline import IDLE, UNKNOWN, Timeline  # noqa: E402

DIRECTORY = harness.directory("trace")
GUESTS = ("debian1", "debian2")
DOMAINS = {"root", "console", "storage", "network", "manager", "tracer", *GUESTS}
REFRESH = 1 << 2  # BH_SIGNAL_REFRESH
# What the manager's counters call the exits.
COUNTERS = {"notification": "notification", "hvc": "hvc", "smc": "smc", "mmio": "mmio", "abort": "abort",
            "sysreg": "systemRegister", "irq-completed": "interruptCompleted", "exception": "exception",
            "wfi": "wfi", "irq": "interrupt", "doorbell": "doorbell"}


def grown(raw, times):
    """Wait until the tracer has written again, `times` times: the last time from its beginning after this call."""
    for _ in range(times):
        size, deadline = raw.stat().st_size, time.monotonic() + qemu.time_limit(20)
        while raw.stat().st_size == size:
            if time.monotonic() > deadline:
                raise qemu.Failure("the tracer writes nothing any more")
            time.sleep(harness.POLL)


def record_demonstration(raw):
    """Two guests that do something; the counters of the first, which is paused before the end."""
    with harness.boot("trace", harness.demo(2) + describe.TRACER, kernel=qemu.KERNEL_TRACE, trace=raw) as system:
        system.ready(*GUESTS)
        summary = system.wait(r"^bulkhead: capability distribution: (\d+) capabilities, (\d+) differences\r?$")
        equal("with the tracer the capability distribution has no differences", int(summary.group(2)), 0)
        system.must("debian1", "ping -c 3 -W 10 10.0.2.102")
        system.must("debian1", "dd if=/dev/zero of=/data/trace bs=64k count=16 conv=fsync; rm /data/trace")
        system.rest.get("/v1/guests/debian1/counters")
        system.rest.post("/v1/guests/debian1/pause")
        system.rest.state("debian1", "paused")
        counters = system.rest.get("/v1/guests/debian1/counters")
        grown(raw, 2)
        return counters


def until_refresh(recording, name):
    """The recording up to where the VMM last brought its counters up to date."""
    events = recording.cores[0]
    last = max(number for number, event in enumerate(events)
               if event.kind == trace_format.VM_RETURN and event.word0 == trace_format.EXITS.index("notification")
               and event.word1 & REFRESH and recording.name(event.thread, event.time) == name)
    return dataclasses.replace(recording, cores={0: events[:last + 1]})


def close(behaviour, value, wanted, part):
    check(f"{behaviour}, within {100 * part:g} %", abs(value - wanted) <= part * wanted, f"{value} and {wanted}")


def demonstration():
    raw = DIRECTORY / "demo.raw"
    raw.unlink(missing_ok=True)
    counters = record_demonstration(raw)
    recording = trace_format.read(raw)
    timeline = Timeline(recording)
    print(trace.summary(timeline))

    equal("no entry of the demonstration's trace is lost", recording.lost(), 0)
    usage = timeline.usage
    equal("all time is a domain's, or idle", {name for name in usage if usage[name].total()} - {UNKNOWN},
          DOMAINS | {IDLE})
    known = sum(usage[name].total() for name in DOMAINS | {IDLE})
    close("the times of the domains and idle add up to the time there was", known, timeline.duration(), 0.01)
    check("the recording begins when the machine does", timeline.start < recording.frequency // 2, timeline.start)

    guest = Timeline(until_refresh(recording, "debian1")).usage["debian1"]
    found = {COUNTERS[reason]: count for reason, (count, _, _) in guest.exits.items()}
    equal("the exits of a guest are those that the kernel counted", found,
          {name: count for name, count in counters["exits"].items() if count and name in COUNTERS.values()})
    nanoseconds = 1e9 / recording.frequency
    close("the time in the guest is what the kernel counted", guest.ticks["guest"] * nanoseconds,
          counters["guestTimeNanoseconds"], 0.01)
    close("the time of guest and VMM is what the kernel charged", usage["debian1"].total() * nanoseconds,
          counters["cpuTimeNanoseconds"], 0.01)

    output = DIRECTORY / "demo.json"
    trace.write_perfetto(output, timeline)
    problems = perfetto_format.problems(perfetto_format.load(output))
    check("the JSON keeps the rules of its format", not problems, "\n".join(problems[:10]))


def command(*arguments, timeout=120):
    """Exit status, output and complaints of the command behind `./bulkhead trace`."""
    whole = [sys.executable, "-B", str(qemu.REPOSITORY / "tools" / "trace.py"), *map(str, arguments)]
    try:
        done = subprocess.run(whole, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=qemu.time_limit(timeout))
    except subprocess.TimeoutExpired as expired:
        raise qemu.Failure(f"{whole} does not end; its output: {expired.stdout}") from None
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def shares(said):
    """Domain to percent, in the order of the table that the command prints."""
    return {name: float(share) for name, share in re.findall(r"(?m)^(\S+) +[\d.]+ +([\d.]+) %", said)}


def commands():
    output, text = DIRECTORY / "hello.json", DIRECTORY / "hello.txt"
    for path in (output, text):
        path.unlink(missing_ok=True)
    for name, status in (("hello", 0), ("crash", 1)):
        got, said, errors = command("--kernel", harness.payload(name), "--headless", "-o", output, "--text", text)
        equal(f"trace --kernel {name}: the exit status is {status}", got, status)
        check(f"trace --kernel {name}: the table has the domains",
              {"guest", "root", "storage", "console", "tracer", "idle", "all"} <= set(shares(said)), said + errors)
    problems = perfetto_format.problems(perfetto_format.load(output))
    check("trace -o writes JSON that keeps the rules", not problems, "\n".join(problems[:10]))
    check("trace --text writes a line for each event", "bulkhead:guest_exit:" in text.read_text(encoding="ascii"))
    got, said, errors = command("--kernel", harness.payload("spin"), "--headless", "--seconds", 15, "-o", output)
    equal("trace --seconds ends a guest that does not", got, 0)
    check("a guest that spins has most of the time", shares(said).get("guest", 0) > 50, said + errors)

    # The guest of the measurements: tens of thousands of exits, as fast as they come.
    got, said, errors = command("--kernel", qemu.TARGET / "test" / "bench" / "exits.Image", "--headless", "--icount",
                                "-o", output)
    check("under icount, no entry of a guest that only exits is lost", got == 0 and " events, 0 lost;" in said,
          said + errors)
    check("and its 8,000 accesses to devices are there", re.search(r"(?m)^guest +mmio +8\d\d\d ", said), said)

    broken = DIRECTORY / "broken"
    broken.write_bytes(b"this is no trace, whatever its name says")
    got, said, errors = command("--decode", broken)
    check("trace --decode says what is wrong with a file that is no trace",
          got == 1 and errors.startswith("trace: block at 0x0: this is no block of a trace"), errors)


def without():
    with harness.boot("plain", harness.demo(0) + describe.TRACER, trace=DIRECTORY / "none.raw") as system:
        system.system_ready()
        system.wait(r"^root: tracer can't read the trace: the kernel was built without\r?$")
        system.wait(r"^tracer: the kernel does not trace, or it may not be read\r?$")
    check("a kernel without tracing leaves the tracer with nothing to do", True)
    equal("and nothing is recorded", (DIRECTORY / "none.raw").stat().st_size, 0)


harness.main(demonstration, commands, without)
