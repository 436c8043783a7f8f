#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Guests with several vCPUs, on one core and on four: Debian uses all of them, turns them off and on, is paused and
resumed, reset and stopped while all of them are busy; the manager makes such guests within its quota; and a guest
whose vCPUs do all sorts of wrong things at the same time harms nobody else."""

import capabilities
import harness
import run
from harness import check, equal

VCPUS = 4
ROUNDS = 5
TABLES = 64 << 10
WHERE = "/sys/devices/system/cpu"
WRONG = b"""begin
itself -4
no such vCPU -2
another cluster -2
aff3 -2
nobody -2
at 0 -9
at a device -9
unaligned -9
beyond memory -9
at the end of addresses -9
in what state 1
at another level -2
on 0
on 0
on 0
end
"""


def description(cores):
    pin = "cores = <3 2 1 0>;" if cores == 4 else ""
    return (harness.demo(guests=2).replace(
        "debian1 {", f"debian1 {{\n            vcpus = <{VCPUS}>;")
        + '/ { quota { memory = <MIB(1024)>; guest-vcpus = <2>; read-only-volumes = "kernel", "initrd", "wild"; };\n'
        + '    domains { root { arguments = "print-capabilities"; }; console { arguments = "show=system"; }; };\n'
        + f'    guests {{ wild {{ memory = <MIB(16)>; kernel = "wild"; vcpus = <{VCPUS}>; {pin} }}; }}; }};\n')


def uses_all(rest):
    equal("Debian finds all its vCPUs", rest.run("debian1", "nproc; grep -c ^processor /proc/cpuinfo")[1],
          f"{VCPUS}\n{VCPUS}\n")
    # Each load is tied to its vCPU, and done when that one has run it for a while.
    loads = " ".join(f"taskset -c {cpu} sh -c 'n=0; while [ $n -lt 40000 ]; do n=$((n+1)); done; "
                     f"echo done by $(cut -d \" \" -f 39 /proc/self/stat)' &" for cpu in range(VCPUS))
    output = rest.run("debian1", f"{loads} wait", timeout=120)[1]
    equal("a load on each of them ends", sorted(line for line in output.split("\n") if line.startswith("done by")),
          [f"done by {cpu}" for cpu in range(VCPUS)])
    used = rest.run("debian1", "grep -c '^cpu[0-9]* [1-9]' /proc/stat")[1]
    equal("all of them have used time", used, f"{VCPUS}\n")
    interrupts = rest.run("debian1", "grep arch_timer /proc/interrupts")[1].split()
    check("each has a timer of its own", all(int(count) > 0 for count in interrupts[1:1 + VCPUS]), interrupts)


def turns_off_and_on(rest):
    def online(cpu, value):
        equal(f"vCPU {cpu} is turned {('off', 'on')[value]}",
              rest.run("debian1", f"echo {value} >{WHERE}/cpu{cpu}/online && nproc")[1].split(),
              [str(VCPUS - 1 + value)])
    for cpu in (1, 3, 0):
        online(cpu, 0)
        equal("its disk works meanwhile", rest.run("debian1", "head -c 65536 /dev/urandom >/data/x && sync")[0], 0)
        online(cpu, 1)
    all_others = "; ".join(f"echo $v >{WHERE}/cpu{cpu}/online" for cpu in range(1, VCPUS))
    equal("all but one are turned off and on, again and again",
          rest.run("debian1", f"for i in $(seq {ROUNDS}); do for v in 0 1; do {all_others}; done; done; nproc",
                   timeout=120)[1], f"{VCPUS}\n")
    for cpu in range(1, VCPUS):
        equal(f"interrupts move to vCPU {cpu}", rest.run(
            "debian1", f"for i in /proc/irq/*/virtio*-[io]*put*; do echo {cpu} >${{i%/*}}/smp_affinity_list; done; "
            "cat /proc/irq/*/virtio*-[io]*put*/../effective_affinity_list | sort -u; "
            f"head -c 65536 /dev/urandom >/data/x && sync && ping -c 1 -W 10 10.0.2.102 >/dev/null && echo works")[1],
            f"{cpu}\nworks\n")


def busy(rest):
    """All vCPUs have something to do from now on. Where the guest's output goes on."""
    start = rest.console("debian1")[1]
    rest.type("debian1", "for c in 0 1 2 3; do (while true; do n=$((n+1)); done) & done; echo bu''sy\n")
    return rest.expect("debian1", r"^busy\r?$", start)[1]


def is_paused(rest):
    busy(rest)
    for _ in range(ROUNDS):
        equal("a busy guest is paused", rest.post("/v1/guests/debian1/pause")["state"], "paused")
        before = rest.get("/v1/guests/debian1/counters")["cpuTimeNanoseconds"]
        equal("another guest goes on meanwhile", rest.run("debian2", "usleep 200000")[0], 0)
        equal("a paused guest uses no time on any vCPU",
              rest.get("/v1/guests/debian1/counters")["cpuTimeNanoseconds"], before)
        equal("it is resumed", rest.post("/v1/guests/debian1/resume")["state"], "running")
        equal("and goes on", rest.run("debian1", "nproc")[1].split()[-1], str(VCPUS))


def is_reset(rest):
    starts = rest.guest("debian1")["starts"]
    ends = ("reboot -f", f"taskset -c {VCPUS - 1} reboot -f",
            "echo 1 >/proc/sys/kernel/panic; taskset -c 2 sh -c 'echo c >/proc/sysrq-trigger'")
    for end in ends:
        start = busy(rest)
        rest.type("debian1", end + "\n")
        rest.expect("debian1", r"^debian1: ready(?s:.*)^debian1:\S*# ", start, harness.BOOT_TIMEOUT)
        equal("a reset starts all vCPUs anew", rest.run("debian1", "nproc")[1], f"{VCPUS}\n")
    equal("each reset is a start", rest.guest("debian1")["starts"], starts + len(ends))


def is_managed(rest):
    guest = {"name": "third", "memory": "64M", "vcpus": 2, "kernel": "kernel", "initrd": "initrd",
             "commandLine": "console=ttyAMA0 quiet bulkhead.name=third", "disks": [{"volume": "debian3"}]}
    for count, status, code in ((0, 400, "invalidField"), (9, 400, "invalidField"), (1.5, 400, "invalidField"),
                                ("2", 400, "invalidField"), (3, 403, "forbidden")):
        rest.error("POST", "/v1/guests", {**guest, "vcpus": count}, status, code)
    check("a number of vCPUs that is impossible, or beyond the quota, is refused", True)
    before = rest.get("/v1/system")["memory"]["freeBytes"]
    equal("a guest with two vCPUs is made", rest.post("/v1/guests", guest, 201)["vcpus"], 2)
    for _ in range(2):
        start = rest.console("third")[1]
        rest.post("/v1/guests/third/start")
        rest.expect("third", r"^third:\S*# ", start, harness.BOOT_TIMEOUT)
        equal("it has them", rest.run("third", "nproc")[1], "2\n")
        rest.post("/v1/guests/third/stop")
        rest.state("third", "off")
    rest.call("DELETE", "/v1/guests/third", status=204)
    after = rest.get("/v1/system")["memory"]["freeBytes"]
    check("all of its memory comes back", before - TABLES <= after, f"{before} {after}")


def goes_wild(rest):
    for number in range(2):
        start = rest.console("wild")[1]
        rest.post("/v1/guests/wild/start")
        rest.expect("wild", r"^end\r?$", start, 120)
        rest.state("wild", "off")
        text = rest.console("wild", start)[0].replace(b"\r", b"")
        equal("PSCI refuses wrong arguments, and survives the rest", text, WRONG)
        equal(f"the end while the others run is a power-off ({number + 1})",
              rest.guest("wild")["lastEvent"]["event"], "off")
    equal("another guest has noticed nothing", rest.run("debian2", "echo on")[1], "on\n")


def placed(system, name):
    """The cores on which root has put a guest's vCPUs."""
    line = rf"^root: guest {name}: virtual processors on cores ([\d ]+)\r?$"
    return system.wait(line).group(1).decode()


def test_on(cores):
    print(f"--- {cores} cores", flush=True)
    volumes = run.demo_volumes() + [f"wild={harness.payload('vcpus')}"]
    with harness.boot(f"vcpus{cores}", description(cores), volumes, cpus=cores) as system:
        system.system_ready()
        system.wait(r"^bulkhead: capability distribution: \d+ capabilities, 0 differences\r?$")
        blob = (harness.directory(f"vcpus{cores}") / "bundle.dtb").read_bytes()
        check("what each domain holds is what the description implies",
              not (different := capabilities.differences(
                  capabilities.printed(system.output), capabilities.implied(blob, ("uart0", "disk1", "nic0")))),
              "\n".join(different))
        rest = system.rest
        if cores > 1:
            equal("its vCPUs are spread over the cores", sorted(placed(system, "debian1").split()),
                  [str(core) for core in range(cores)])
        rest.available()
        for name in ("debian1", "debian2"):
            rest.prompt(name)
        uses_all(rest)
        turns_off_and_on(rest)
        is_managed(rest)
        is_paused(rest)
        is_reset(rest)
        goes_wild(rest)
        if cores > 1:
            equal("the vCPUs of another guest are where the description wants them", placed(system, "wild"), "3 2 1 0")


harness.main(lambda: test_on(4), lambda: test_on(1))
