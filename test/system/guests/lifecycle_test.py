#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A guest is created over the REST interface, started, used and destroyed twenty times in a row, beside a guest
that goes on: each time all of its memory comes back, and its volume and its name are free again. (The first time root may
keep a few pages: tables that more guests at a time than ever before need.)"""

import harness
import run
from harness import check, equal

ROUNDS = 20
TABLES = 64 << 10
QUOTA = '/ { quota { read-only-volumes = "kernel", "initrd", "tick"; }; };\n'
SMALL = {"name": "third", "memory": "16M", "kernel": "tick", "disks": [{"volume": "debian3"}],
         "networks": [{"network": "lan"}]}
DEBIAN = {"name": "third", "memory": "96M", "kernel": "kernel", "initrd": "initrd",
          "commandLine": "console=ttyAMA0 quiet bulkhead.name=third bulkhead.ip=10.0.2.103/24",
          "disks": [{"volume": "debian3"}], "networks": [{"network": "lan"}]}


def free(rest):
    return rest.get("/v1/system")["memory"]["freeBytes"]


def use_payload(rest, start):
    rest.expect("third", r"^tick 3\r?$", start)


def use_debian(rest, start):
    rest.expect("third", r"^third:\S*# ", start, harness.BOOT_TIMEOUT)
    status, output = rest.run("third", "grep -c /data /proc/mounts; ping -c 1 -W 10 10.0.2.101 | grep received")
    check("a guest made at run time has its disk and its network",
          (status, output) == (0, "1\n1 packets transmitted, 1 packets received, 0% packet loss\n"), output)


def life(rest, definition, use):
    before = free(rest)
    guest = rest.post("/v1/guests", definition, 201)
    if guest["state"] != "off":
        raise rest.system.failure(f"a new guest is {guest['state']}")
    start = rest.console("third")[1]  # an earlier guest of this name may have used it
    rest.post("/v1/guests/third/start")
    use(rest, start)
    during = free(rest)
    if before - during < guest["memory"]:
        raise rest.system.failure(f"a running guest holds {before - during} bytes")
    rest.call("DELETE", "/v1/guests/third", status=204)
    rest.until("the guest is gone", lambda: rest.request("GET", "/v1/guests/third")[0] == 404)
    return before, free(rest)


def test():
    volumes = run.demo_volumes() + [f"tick={harness.payload('tick')}"]
    with harness.boot("lifecycle", harness.demo(guests=1, more=QUOTA), volumes) as system:
        system.system_ready()
        rest = system.rest
        rest.available()
        rest.prompt("debian1")
        memory = free(rest)
        for number in range(1, ROUNDS + 1):
            debian = number == ROUNDS // 2
            before, after = life(rest, DEBIAN if debian else SMALL, use_debian if debian else use_payload)
            if number == 1:
                check(f"the first guest costs root {memory - after} bytes", 0 <= memory - after <= TABLES)
                before = memory = after
            equal(f"round {number}: all memory comes back", (before, after), (memory, memory))
        equal("the other guest has gone on", rest.run("debian1", "echo fine"), (0, "fine\n"))

        # A definition without a start, and one that is destroyed before it has booted.
        rest.post("/v1/guests", DEBIAN, 201)
        rest.error("POST", "/v1/guests", DEBIAN, 409, "guestExists")
        rest.call("DELETE", "/v1/guests/third", status=204)
        rest.error("DELETE", "/v1/guests/third", None, 404, "noSuchGuest")
        rest.post("/v1/guests", DEBIAN, 201)
        rest.post("/v1/guests/third/start")
        rest.call("DELETE", "/v1/guests/third", status=204)
        rest.until("the guest is gone", lambda: rest.request("GET", "/v1/guests/third")[0] == 404)
        equal("a guest destroyed while it starts leaves nothing", free(rest), memory)


harness.main(test)
