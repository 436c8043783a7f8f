#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The REST interface (docs/api.md) with real guests behind it: what it tells, what it does to guests, what of
a guest's own end it sees, and what it refuses."""

import re
import time

import harness
import run
from harness import check, equal

MIB = 1 << 20
PAYLOADS = ("tick", "crash", "reset")
GUESTS = """
/ {
    quota { memory = <MIB(3072)>; guest-memory = <MIB(3072)>; };
    guests {
        tick { memory = <MIB(16)>; kernel = "tick"; };
        crash { memory = <MIB(16)>; kernel = "crash"; };
        reset { memory = <MIB(16)>; kernel = "reset"; on-reset = "stop"; };
    };
};
"""


def lists(rest):
    equal("a request without the token is refused",
          [rest.request("GET", "/v1/guests", token=token)[0] for token in (None, "wrong", harness.TOKEN + "x")],
          [401, 401, 401])
    guests = {guest["name"]: guest for guest in rest.get("/v1/guests")["guests"]}
    equal("all guests are listed", sorted(guests), ["crash", "debian1", "debian2", "reset", "tick"])
    equal("their states are told", [guests[name]["state"] for name in ("debian1", "debian2", "tick")],
          ["running", "running", "off"])
    check("their memory is told", guests["debian1"]["memory"] == 128 * MIB and guests["tick"]["memory"] == 16 * MIB)
    volumes = {volume["name"]: volume["bytes"] for volume in rest.get("/v1/volumes")["volumes"]}
    check("volumes are listed", volumes.get("debian1") == 64 * MIB and "kernel" in volumes, volumes)


def console(rest):
    for name in ("debian1", "debian2"):
        rest.prompt(name)
    equal("a command typed over REST runs in the guest", rest.run("debian1", "echo $((6*7)); hostname"),
          (0, "42\ndebian1\n"))
    equal("its exit status is seen", rest.run("debian2", "false")[0], 1)
    output = rest.run("debian1", "seq 1 3000")[1]
    equal("long output arrives whole", output.split(), [str(number) for number in range(1, 3001)])


def counters(rest):
    before = rest.get("/v1/guests/debian1/counters")
    command = "head -c 1048576 /dev/urandom >/data/counted && sync && ping -c 2 -W 10 10.0.2.102"
    equal("a guest writes and pings", rest.run("debian1", command)[0], 0)
    after = rest.get("/v1/guests/debian1/counters")
    again = rest.get("/v1/guests/debian1/counters")

    def grown(*path):
        values = []
        for document in (before, after):
            for step in path:
                document = document[step]
            values.append(document)
        return values[1] - values[0]

    check("written bytes are counted", grown("block", "writeBytes") >= MIB, after)
    check("flushes are counted", grown("block", "flushes") >= 1, after)
    check("sent and received frames are counted",
          grown("network", "sentFrames") >= 2 and grown("network", "receivedFrames") >= 2, after)
    check("exits are counted", grown("exits", "mmio") + grown("exits", "doorbell") > 0 and
          grown("exits", "wfi") > 0, after)
    check("processor time is counted", grown("cpuTimeNanoseconds") > 0, after)

    def falls(old, new):
        if isinstance(old, dict):
            return [name for name in old for name in falls(old[name], new[name])]
        return [] if not isinstance(old, int) or new >= old else [old]
    for part in ("exits", "block", "network"):
        equal(f"counters of {part} never fall", falls(after[part], again[part]), [])


def ticks(rest):
    data, _ = rest.console("tick")
    return int(re.findall(rb"^tick (\d+)\r?\n", data, re.MULTILINE)[-1])


def pause(rest):
    rest.post("/v1/guests/tick/start")
    rest.expect("tick", r"^tick 5\r?$")
    equal("a paused guest says so", rest.post("/v1/guests/tick/pause")["state"], "paused")
    stopped = ticks(rest)
    # It would print ten numbers while the other guest sleeps.
    equal("another guest goes on meanwhile", rest.run("debian1", "usleep 500000")[0], 0)
    check("a paused guest makes no progress", ticks(rest) <= stopped + 1, f"{stopped} {ticks(rest)}")
    stopped = ticks(rest)
    equal("a resumed guest says so", rest.post("/v1/guests/tick/resume")["state"], "running")
    rest.expect("tick", rf"^tick {stopped + 5}\r?$")
    check("a resumed guest goes on where it was", True)
    rest.error("POST", "/v1/guests/tick/resume", None, 409, "wrongState")

    rest.post("/v1/guests/debian1/pause")
    rest.post("/v1/guests/debian1/resume")
    equal("Debian goes on after a pause", rest.run("debian1", "echo on")[1], "on\n")

    rest.post("/v1/guests/tick/stop")
    rest.state("tick", "off")
    check("a guest is stopped", True)
    rest.error("POST", "/v1/guests/tick/pause", None, 409, "wrongState")
    start = rest.console("tick")[1]
    rest.post("/v1/guests/tick/start")
    rest.expect("tick", r"^tick 1\r?$", start)
    check("a stopped guest starts from the beginning", True)
    rest.post("/v1/guests/tick/stop")


def next_prompt(rest, name, start):
    rest.expect(name, rf"^{name}: ready", start, harness.BOOT_TIMEOUT)
    rest.expect(name, rf"^{name}:\S*# ", start)


def ends(rest):
    starts = rest.guest("debian2")["starts"]
    rest.type("debian2", "poweroff -f\n")
    guest = rest.state("debian2", "off")
    equal("a guest's power-off is seen", guest["lastEvent"]["event"], "off")
    start = rest.console("debian2")[1]
    rest.post("/v1/guests/debian2/start")
    next_prompt(rest, "debian2", start)
    check("it can be started again", True)

    start = rest.console("debian2")[1]
    rest.type("debian2", "reboot -f\n")
    next_prompt(rest, "debian2", start)
    equal("a guest's reboot starts it anew", rest.guest("debian2")["starts"], starts + 2)

    start = rest.console("debian2")[1]
    rest.type("debian2", "echo 1 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger\n")
    rest.expect("debian2", r"Kernel panic - not syncing", start)
    next_prompt(rest, "debian2", start)
    equal("a kernel's panic starts it anew when the kernel asks for that", rest.guest("debian2")["starts"],
          starts + 3)

    rest.post("/v1/guests/crash/start")
    guest = rest.state("crash", "crashed")
    equal("a guest that reports its panic has crashed", guest["lastEvent"]["event"], "crashed")
    check("the reason is told", guest["reason"] != "", guest)
    rest.post("/v1/guests/reset/start")
    guest = rest.state("reset", "off")
    equal("a guest that is not to be restarted stops at its reset", guest["lastEvent"]["event"], "reset")


def definition(**changes):
    fields = {"name": "extra", "memory": "16M", "kernel": "kernel"}
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not None}


def refused(rest):
    memory = rest.get("/v1/system")["memory"]
    cases = (
        ("malformed JSON", b"{\"name\": \"extra\",,}", 400, "invalidJson"),
        ("JSON that ends early", b"{\"name\": \"ex", 400, "invalidJson"),
        ("deeply nested JSON", b"[" * 30000, 400, "invalidJson"),
        ("JSON of another shape", b"[1, 2, 3]", 400, "invalidField"),
        ("an unknown field", definition(color="red"), 400, "invalidField"),
        ("a missing field", definition(kernel=None), 400, "invalidField"),
        ("a name that is a number", definition(name=7), 400, "invalidField"),
        ("a name that is too long", definition(name="x" * 32), 400, "invalidField"),
        ("a name with a path in it", definition(name="../root"), 400, "invalidField"),
        ("memory of a wrong type", definition(memory=[16]), 400, "invalidField"),
        ("memory that is no multiple of 2 MiB", definition(memory="17M"), 400, "invalidField"),
        ("negative memory", definition(memory=-16 * MIB), 400, "invalidField"),
        ("disks that are no array", definition(disks="debian3"), 400, "invalidField"),
        ("a command line that is too long", definition(commandLine="x" * 1024), 400, "invalidField"),
        ("a guest that exists", definition(name="debian1"), 409, "guestExists"),
        ("the name of a domain", definition(name="storage"), 409, "guestExists"),
        ("a kernel beyond the quota", definition(kernel="state"), 403, "forbidden"),
        ("a network beyond the quota", definition(networks=[{"network": "wan"}]), 403, "forbidden"),
        ("an unknown volume", definition(disks=[{"volume": "debian99"}]), 422, "noSuchVolume"),
        ("more memory than the quota", definition(memory="3074M"), 403, "forbidden"),
    )
    for what, body, status, code in cases:
        fields = {"Content-Type": "application/json"} if isinstance(body, bytes) else None
        message = rest.error("POST", "/v1/guests", body, status, code, headers=fields)
        check(f"refused: {what}: {message}", True)

    # What is known only when the guest is to start.
    for what, changes, status, code in (
            ("more memory than there is", {"memory": "3G"}, 507, "insufficientMemory"),
            ("another guest's disk", {"disks": [{"volume": "debian1"}]}, 409, "volumeBusy")):
        rest.post("/v1/guests", definition(**changes), 201)
        message = rest.error("POST", "/v1/guests/extra/start", None, status, code)
        rest.call("DELETE", "/v1/guests/extra", status=204)
        check(f"refused: {what}: {message}", True)

    rest.error("GET", "/v1/guests/nobody", None, 404, "noSuchGuest")
    rest.error("POST", "/v1/guests/nobody/start", None, 404, "noSuchGuest")
    rest.error("POST", "/v1/guests/debian1/console", b"x" * 70000, 413, "bodyTooLarge")
    rest.error("DELETE", "/v1/guests/debian1", None, 403, "forbidden")
    rest.error("PUT", "/v1/guests", None, 405, "methodNotAllowed")
    rest.error("GET", "/v1/nothing", None, 404, "notFound")
    rest.error("GET", "/v1/guests/debian1/console?from=x", None, 400, "badParameter")
    rest.error("POST", "/v1/guests", b"{}", 415, "unsupportedMediaType", headers={"Content-Type": "text/plain"})
    check("refused: unknown guests, long bodies, wrong methods, paths and types", True)
    equal("refused requests cost no memory", rest.get("/v1/system")["memory"], memory)
    equal("the system goes on", rest.run("debian1", "echo fine")[1], "fine\n")


def test():
    volumes = run.demo_volumes() + [f"{name}={harness.payload(name)}" for name in PAYLOADS]
    begin = time.monotonic()
    with harness.boot("rest", harness.demo(guests=2, more=GUESTS), volumes) as system:
        system.system_ready()
        system.rest.available()
        for part in (console, lists, counters, pause, refused, ends):
            part(system.rest)
            print(f"-- {part.__name__}: {time.monotonic() - begin:.0f} s", flush=True)


harness.main(test)
