#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write a system description (docs/system-description.md) from a few parameters, or check one.

    describe.py demo [--guests N] [--guest-memory SIZE]
    describe.py guest [--memory SIZE] [--vcpus N] [--append STRING] [--initrd-size N] [--disk]
    describe.py check FILE.dts|FILE.dtb...

`demo`: the services and N guests, debian1 to debianN, on the network `lan`. `guest`: one guest called
`guest` and only the services that it needs; the machine ends with it. Both expect volumes of those names.
`check` says what root would complain of at boot, and exits 1 if there is anything.
"""

import argparse
import dataclasses
import re
import sys

import description as check_description

LAN = "10.0.2"          # QEMU's user network; the manager is .15, guests are .101 and up
FIRST_GUEST = 100


def parse_size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)i?B?", text)
    if not match:
        raise ValueError(f"{text} is not a size like 256M")
    return int(match.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[match.group(2)]


def quote(text):
    """A device-tree string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def size(value):
    return f"<{value:#x}>" if value < 1 << 32 else f"/bits/ 64 <{value:#x}>"


@dataclasses.dataclass
class Guest:
    name: str
    memory: int
    kernel: str = "kernel"
    initrd: str = "initrd"
    initrd_size: int = 0
    command_line: str = "console=ttyAMA0"
    vcpus: int = 1
    disks: tuple = ()
    networks: tuple = ()
    flags: tuple = ("autostart",)
    properties: dict = dataclasses.field(default_factory=dict)  # further ones, values as in DTS

    def lines(self):
        yield f"{self.name} {{"
        yield f"    memory = {size(self.memory)};"
        yield f"    kernel = {quote(self.kernel)};"
        if self.initrd:
            yield f"    initrd = {quote(self.initrd)};"
            if self.initrd_size:
                yield f"    initrd-size = {size(self.initrd_size)};"
        yield f"    command-line = {quote(self.command_line)};"
        if self.vcpus != 1:
            yield f"    vcpus = <{self.vcpus}>;"
        for flag in self.flags:
            yield f"    {flag};"
        for name, value in self.properties.items():
            yield f"    {name} = {value};"
        for index, volume in enumerate(self.disks):
            yield f"    disk{index} {{ volume = {quote(volume)}; }};"
        for index, network in enumerate(self.networks):
            yield f"    net{index} {{ network = {quote(network)}; }};"
        yield "};"


def indent(lines, depth):
    return "".join(f"{'    ' * depth}{line}\n" for line in lines)


# Behind a description: the tracer as well. The other is for machines whose time jumps while a device works (icount).
TRACER = '\n#include "tools/systems/tracer.dtsi"\n'
TRACER_POLL = TRACER + '/ { domains { tracer { arguments = "poll"; }; }; };\n'


def description(model, guests, changes=""):
    """The text of a description; `changes` are further top-level nodes, which override services.dtsi's."""
    text = ("/dts-v1/;\n#include \"tools/systems/services.dtsi\"\n\n"
            f"/ {{\n    model = {quote(model)};\n{changes}\n    guests {{\n")
    for guest in guests:
        text += indent(guest.lines(), 2)
    return text + "    };\n};\n"


POLL = ["domains {", '    storage { arguments = "poll"; };', "};"]


def demo_guest(number, memory, vcpus=1):
    name = f"debian{number}"
    return Guest(
        name=name, memory=memory, vcpus=vcpus, disks=(name,), networks=("lan",),
        command_line=f"console=ttyAMA0 quiet panic=10 bulkhead.name={name} "
                     f"bulkhead.ip={LAN}.{FIRST_GUEST + number}/24 bulkhead.gateway={LAN}.2")


def demo(guests=2, guest_memory=128 << 20, extra_guests=8, token=None, poll=False, vcpus=1):
    """The demonstration system with `guests` guests, and room for `extra_guests` of the manager's.
    Without a `token` the manager serves nobody. `poll`: storage waits for its disks without idling."""
    quota = ["quota {", f"    guests = <{extra_guests}>;", f"    memory = {size(512 << 20)};",
             f"    guest-memory = {size(256 << 20)};", "    guest-vcpus = <4>;", '    volumes = "debian*";',
             '    read-only-volumes = "kernel", "initrd";', '    networks = "lan";', "};"]
    if token:
        arguments = f"address={LAN}.15/24 gateway={LAN}.2 token={token}"
        quota += ["domains {", f"    manager {{ arguments = {quote(arguments)}; }};", "};"]
    if poll:
        quota += POLL
    return description("Bulkhead demonstration",
                       [demo_guest(number, guest_memory, vcpus) for number in range(1, guests + 1)],
                       "\n" + indent(quota, 1))


def single_guest(memory=256 << 20, append="", initrd=True, initrd_size=0, disk=False, vcpus=1, poll=False):
    """One guest with a disk and without a network; the machine's exit status is the guest's."""
    guest = Guest(
        name="guest", memory=memory, vcpus=vcpus, initrd="initrd" if initrd else None,
        initrd_size=initrd_size, command_line=append, disks=("disk",) if disk else (),
        flags=("autostart", "exit-with-machine"), properties={"on-reset": quote("stop")})
    changes = indent([
        "", "domains {", "    /delete-node/ manager;", "    /delete-node/ network;",
        '    console { arguments = "raw show=guest"; };', "};",
        "devices {", "    /delete-node/ nic0;", "};",
        "channels {", "    /delete-node/ manager-lan;", "    /delete-node/ manager-state;",
        "    /delete-node/ manager-consoles;", "};",
        "networks {", "    /delete-node/ lan;", "};", *(POLL if poll else [])], 1)
    return description("One guest", [guest], changes)


def main():
    parser = argparse.ArgumentParser(description="Write a system description.")
    commands = parser.add_subparsers(dest="kind", required=True)
    many = commands.add_parser("demo")
    many.add_argument("--guests", type=int, default=2)
    many.add_argument("--guest-memory", type=parse_size, default=128 << 20)
    many.add_argument("--vcpus", type=int, default=1)
    one = commands.add_parser("guest")
    one.add_argument("--memory", type=parse_size, default=256 << 20)
    one.add_argument("--vcpus", type=int, default=1)
    one.add_argument("--append", default="")
    one.add_argument("--initrd-size", type=int, default=0)
    one.add_argument("--no-initrd", action="store_true")
    one.add_argument("--disk", action="store_true")
    check = commands.add_parser("check")
    check.add_argument("files", nargs="+")
    args = parser.parse_args()
    if args.kind == "check":
        sys.exit(check_description.report(args.files))
    if args.kind == "demo":
        sys.stdout.write(demo(args.guests, args.guest_memory, vcpus=args.vcpus))
    else:
        sys.stdout.write(single_guest(args.memory, args.append, not args.no_initrd, args.initrd_size,
                                      args.disk, args.vcpus))


if __name__ == "__main__":
    main()
