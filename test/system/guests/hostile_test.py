#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Guests that attack: whatever a guest does to its registers, devices, queues and hypercalls, and even when its
VMM falls over, the other guest runs commands, writes its disk and reaches its network, the services go on, and
all memory comes back."""

import re
import time

import harness
import qemu
import run
from harness import check, equal

# Payloads that come to an end by themselves, and those that are stopped.
ENDING = ("hypercall", "system_register", "device", "virtqueue")
ENDLESS = ("spin", "flood")
TABLES = 64 << 10  # what root may keep when more guests run at a time than ever before
SYSTEM_LOG = '/ { domains { console { arguments = "show=system"; }; }; };\n'
ROOT_FAULT = rb"^root: domain (\S+): .* at pc 0x[^\n]*"


def volumes(payloads):
    return (run.demo_volumes() + [f"{name}={harness.payload(name)}" for name in payloads] +
            [f"scratch-{name}=empty:1M" for name in payloads])


def describe(guests):
    """Guests that start later: name and payload of each."""
    nodes = "".join(f"""
        {name.replace("_", "-")} {{
            memory = <MIB(16)>;
            kernel = "{kernel}";
            disk0 {{ volume = "scratch-{name}"; }};
            net0 {{ network = "lan"; }};
        }};""" for name, kernel in guests)
    return f"{SYSTEM_LOG}/ {{ guests {{{nodes}\n    }};\n}};\n"


def bystander(rest, text):
    """The other guest does what guests do."""
    begin = time.monotonic()
    mark = text.replace(" ", "-")
    status, output = rest.run(
        "debian1", f"echo {mark} >/data/mark && sync && cat /data/mark && ping -c 1 -W 10 10.0.2.15", timeout=60)
    check(f"{text}: the other guest computes, writes and pings ({time.monotonic() - begin:.1f} s)",
          status == 0 and output.startswith(mark) and "1 packets received" in output, output)


def free(rest):
    return rest.get("/v1/system")["memory"]["freeBytes"]


def comes_back(behaviour, rest, memory):
    lost = memory - free(rest)
    check(behaviour, 0 <= lost <= TABLES, f"{lost} bytes are lost")


def begin(rest, name):
    start = rest.console(name)[1]
    rest.post(f"/v1/guests/{name}/start")
    rest.expect(name, r"^begin\r?$", start)
    return start


def end(rest, name, start):
    rest.expect(name, r"^end\r?$", start, timeout=180)
    guest = rest.state(name, "off")
    return guest["reason"]


def attacks(system):
    rest = system.rest
    memory = free(rest)
    for payload in ENDING:
        name = payload.replace("_", "-")
        start = begin(rest, name)
        bystander(rest, f"during {name}")
        equal(f"{name} comes to its own end", end(rest, name, start), "powered off")
        text = rest.console(name, start)[0].decode(errors="replace")
        if payload == "virtqueue":
            check("its devices work again after all that", text.count("works again") >= 2 and
                  "does not work" not in text, text)
        if payload == "hypercall":
            check("PSCI answers after all that", "psci 65537" in text, text)
    for name in ENDLESS:
        start = begin(rest, name)
        for number in range(3):
            bystander(rest, f"{name} {number}")
        if name == "flood":
            match, _ = rest.expect(name, r"^devices (\d+)\r?$", start)
            check("it floods all of its devices", int(match.group(1)) >= 2)
            rest.expect(name, r"^rounds [1-9]", start)
        rest.post(f"/v1/guests/{name}/stop")
        rest.state(name, "off")
        check(f"{name} is stopped", True)
    comes_back("all memory comes back", rest, memory)

    together = [payload for payload in ENDING if payload != "device"]  # which takes long
    starts = {payload: begin(rest, payload.replace("_", "-")) for payload in (*ENDLESS, *together)}
    bystander(rest, "all at once")
    for payload in together:
        end(rest, payload.replace("_", "-"), starts[payload])
    bystander(rest, "the endless ones are left")
    for name in ENDLESS:
        rest.post(f"/v1/guests/{name}/stop")
        rest.state(name, "off")
    comes_back("all memory comes back after all at once", rest, memory)
    faults = [match.group(0).decode() for match in re.finditer(ROOT_FAULT, system.output, re.MULTILINE)]
    equal("no domain has faulted", faults, [])
    equal("the other guest's kernel has nothing to complain of",
          rest.run("debian1", "dmesg | grep -i 'error\\|stall\\|lockup\\|reset' | wc -l")[1], "0\n")


FAULTS = ("fault-write", "fault-execute", "fault-instruction", "fault-spin")


def faulty_vmms(system):
    rest = system.rest
    rest.prompt("debian1")
    memory = free(rest)
    for name in FAULTS:
        begin(rest, name)
        if name == "fault-spin":
            bystander(rest, "a VMM spins")
            rest.post(f"/v1/guests/{name}/stop")
            rest.state(name, "off")
            check("a VMM that spins is stopped", True)
        else:
            guest = rest.state(name, "crashed")
            check(f"a VMM's fault ends its guest: {guest['reason']}", "monitor" in guest["reason"], guest)
            system.wait(rf"^root: domain {name}: .* at pc 0x")
        bystander(rest, f"after {name}")
    comes_back("all memory of faulted VMMs comes back", rest, memory)
    start = rest.console("fault-write")[1]
    rest.post("/v1/guests/fault-write/start")
    rest.expect("fault-write", r"^begin\r?$", start)
    check("a guest whose VMM faulted can be started again", True)


def test():
    payloads = (*ENDING, *ENDLESS)
    description = harness.demo(guests=1, more=describe([(name, name) for name in payloads]))
    with harness.boot("hostile", description, volumes(payloads)) as system:
        system.system_ready()
        system.rest.available()
        system.rest.prompt("debian1")
        attacks(system)

    more = describe([(name, "fault") for name in FAULTS]) + '/ { guests { program = "faulty_vmm"; }; };\n'
    second = "fault-write {{ {0} }}; fault-instruction {{ {0} }}; fault-spin {{ {0} }};"  # which then faults
    more += f"/ {{ guests {{ {second.format('vcpus = <2>;')} }}; }};\n"
    disks = (run.demo_volumes() + [f"fault={harness.payload('fault')}"] +
             [f"scratch-{name}=empty:1M" for name in FAULTS])
    program = qemu.TARGET / "test" / "system" / "faulty_vmm" / "faulty_vmm.elf"
    with harness.boot("faulty-vmm", harness.demo(guests=1, more=more), disks,
                      files={"faulty_vmm": program}, cpus=2) as system:
        system.system_ready()
        system.rest.available()
        faulty_vmms(system)


harness.main(test)
