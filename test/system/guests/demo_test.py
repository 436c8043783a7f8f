#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration with two Debian guests: it boots without input, each domain holds what the description
says and nothing else, the operator switches between consoles, and the guests reach each other and the
manager over the network. Other processors do as well."""

import re

import capabilities
import harness
from harness import check, equal

GUESTS = ("debian1", "debian2")
PRINT = """
/ { domains { root { arguments = "print-capabilities"; }; console { arguments = "show=system"; }; }; };
"""
FILE_SIZE = 16 << 20


MESSAGES = rb"(?m)^root: device (?:disk1|nic0): \S+ for \w+, interrupts by messages\r?$"
SUMMARY = r"^bulkhead: capability distribution: (\d+) capabilities, (\d+) differences\r?$"


def boots(system):
    system.system_ready()
    check("bulkhead: system ready", True)
    equal("the capability distribution has no differences", int(system.wait(SUMMARY).group(2)), 0)


def distribution(system):
    system.system_ready()
    summary = system.wait(SUMMARY)
    found = capabilities.printed(system.output)
    wanted = capabilities.implied((harness.directory("capabilities") / "bundle.dtb").read_bytes(),
                                  ("uart0", "disk1", "nic0"))
    different = capabilities.differences(found, wanted)
    check("the printed capabilities are what the description implies", not different, "\n".join(different))
    equal("all of them are counted", sum(map(len, found.values())), int(summary.group(1)))


def consoles(system):
    system.ready(*GUESTS)
    check("both guests reach a prompt", True)
    for name in (*GUESTS, *GUESTS):
        equal(f"Ctrl-] shows the console of {name}", system.must(name, "hostname"), f"{name}\n")
    system.send("\x1dh")
    system.expect(r"^\[Ctrl-\] and: .*\]\r?$", timeout=20)
    check("Ctrl-] h prints help", True)
    system.send("\x1dp")
    shown = system.expect(r"^\[console \d+: ([^\]\n]*)\]", timeout=20).group(1).decode()
    system.send("\x1dn")
    again = system.expect(r"^\[console \d+: ([^\]\n]*)\]", timeout=20).group(1).decode()
    equal("Ctrl-] p and Ctrl-] n go there and back", (shown != system.shown, again), (True, system.shown))
    output = system.must("debian1", "echo one; echo two")
    equal("what a guest prints is shown once", output, "one\ntwo\n")


def network(system):
    address = {name: f"10.0.2.{101 + number}" for number, name in enumerate(GUESTS)}
    for name, other in (GUESTS, reversed(GUESTS)):
        output = system.must(name, f"ping -c 3 -W 10 {address[other]}")
        check(f"{name} pings {other}", "3 packets received" in output, output)
        output = system.must(name, "ping -c 3 -W 10 10.0.2.15")
        check(f"{name} pings the manager", "3 packets received" in output, output)

    system.must("debian1", f"mkdir -p /tmp/www && head -c {FILE_SIZE} /dev/urandom >/tmp/www/file && "
                           "httpd -p 80 -h /tmp/www", timeout=120)
    wanted = system.must("debian1", "sha256sum </tmp/www/file", timeout=120)
    got = system.must("debian2", f"wget -q -O /tmp/file http://{address['debian1']}/file && "
                                 "wc -c </tmp/file && sha256sum </tmp/file", timeout=300)
    equal("a guest fetches 16 MiB over HTTP from the other", got, f"{FILE_SIZE}\n{wanted}")
    check("its SHA-256 is right", re.fullmatch(r"[0-9a-f]{64} .*\n", wanted))

    # BusyBox's wget knows no 401; that it says so proves an answer.
    status, output = system.run("debian2", "wget -q -O - http://10.0.2.15/v1/system 2>&1")
    check("a guest has no access to the API without the token", status != 0 and "401" in output, output)


def machines():
    for name, settings in (("cortex-a76", {"cpu": "cortex-a76"}), ("neoverse-n1", {"cpu": "neoverse-n1"}),
                           ("two-processors", {"cpus": 2}), ("icount", {"icount": True}),
                           ("interrupt-lines", {"its": False})):
        with harness.boot(name, harness.demo(guests=1), **settings) as system:
            system.ready("debian1")
            by_messages = len(re.findall(MESSAGES, system.output))
            equal("disk and card interrupt by messages, if there is an ITS", by_messages, 2 * settings.get("its", True))
            output = system.must("debian1", "ping -c 1 -W 10 10.0.2.15 | grep -c 'bytes from'")
            equal(f"it runs on another machine: {name}", output, "1\n")


def machine_off(system):
    system.send("\x1dq")
    equal("Ctrl-] q turns the machine off", system.expect_exit(timeout=20), 0)


def test():
    with harness.boot("capabilities", harness.demo(guests=2, more=PRINT)) as system:
        distribution(system)
    with harness.boot("demo", harness.demo(guests=2)) as system:
        boots(system)
        consoles(system)
        network(system)
        machine_off(system)
    machines()


harness.main(test)
