#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Check a system description against its binding (docs/system-description.md) before it is booted.

    description.py FILE.dtb|FILE.dts...

Says what root would say at boot, and exits 1 if there is anything to say. Descriptions that are not of
compatible "bulkhead,system-1" are left alone.
"""

import dataclasses
import pathlib
import re
import sys
import tempfile

import dtb
import fdt

COMPATIBLE = "bulkhead,system-1"
KIB, MIB = 1 << 10, 1 << 20
VCPUS_MAX = 8
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,29}[a-z0-9])?")
VOLUME = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,30}")
PROTOCOLS = {"block": "block", "net": "net", "console": "console", "console-input": "console"}


class Wrong(Exception):
    """A value that the binding does not allow, in words."""


# ---- types of properties: functions from bytes to a value ---------------------------------------

def flag(value):
    if value:
        raise Wrong("must have no value")
    return True


def string(value):
    if not value.endswith(b"\0") or b"\0" in value[:-1]:
        raise Wrong("must be one string")
    return value[:-1].decode(errors="replace")


def strings(value):
    if not value.endswith(b"\0"):
        raise Wrong("must be strings")
    return [text.decode(errors="replace") for text in value[:-1].split(b"\0")]


def text(maximum):
    def check(value):
        if len(string(value)) > maximum:
            raise Wrong(f"must have at most {maximum} characters")
        return string(value)
    return check


def volume(value):
    if not VOLUME.fullmatch(string(value)):
        raise Wrong("must be the name of a volume: 1 to 31 printable characters")
    return string(value)


def one_of(*choices):
    def check(value):
        if string(value) not in choices:
            raise Wrong(f"must be one of {', '.join(choices)}")
        return string(value)
    return check


def some_of(*choices):
    def check(value):
        for word in strings(value):
            if word not in choices:
                raise Wrong(f"{word} is none of {', '.join(choices)}")
        return strings(value)
    return check


def cell(minimum=0, maximum=0xFFFFFFFF, power_of_two=False):
    def check(value):
        number = int.from_bytes(value, "big")
        if len(value) != 4:
            raise Wrong("must be one cell")
        if not minimum <= number <= maximum:
            raise Wrong(f"must be {minimum} to {maximum}")
        if power_of_two and number & (number - 1):
            raise Wrong("must be a power of two")
        return number
    return check


def cells(count):
    def check(value):
        if len(value) != 4 * count:
            raise Wrong(f"must be {count} cells")
        return [int.from_bytes(value[at:at + 4], "big") for at in range(0, len(value), 4)]
    return check


def some_cells(count, maximum):
    def check(value):
        numbers = [int.from_bytes(value[at:at + 4], "big") for at in range(0, len(value), 4)]
        if len(value) % 4 or not 1 <= len(numbers) <= count:
            raise Wrong(f"must be 1 to {count} cells")
        if max(numbers) > maximum:
            raise Wrong(f"must be 0 to {maximum} each")
        return numbers
    return check


def size(minimum=0, maximum=1 << 48, multiple=1, unit=""):
    def check(value):
        if len(value) not in (4, 8):
            raise Wrong("must be a size of one or two cells")
        number = int.from_bytes(value, "big")
        if number % multiple:
            raise Wrong(f"must be a multiple of {unit}")
        if not minimum <= number <= maximum:
            raise Wrong(f"must be {minimum} to {maximum} bytes")
        return number
    return check


def octets(count):
    def check(value):
        if len(value) != count:
            raise Wrong(f"must be {count} bytes")
        return value
    return check


# ---- the binding --------------------------------------------------------------------------------

SCHEDULING = {"priority": cell(1, 254), "budget-us": cell(100, 10_000_000),
              "period-us": cell(100, 10_000_000), "partition": cell(0, 7)}
MEMORY = {"heap-size": size(0, 64 * MIB), "stack-size": size(4 * KIB, 512 * KIB)}
DATA = size(4 * KIB, 16 * MIB)

ROOT = {"compatible": string, "model": string}
DOMAIN = {
    "program": string, **SCHEDULING, **MEMORY, "arguments": text(255), "fp": flag, "devices": strings,
    "serves": one_of("block", "net", "console"), "log": flag, "statistics": flag,
    "reads": some_of("history", "volumes", "guests", "statistics", "trace"),
    "may": some_of("machine-off", "machine-reset", "manage-guests"),
}
ROOT_DOMAIN = {"log": flag, "arguments": text(255)}
DEVICE = {
    "driver": one_of("nvme", "virtio-blk", "virtio-net", "virtio-console", "e1000e", "pl011"),
    "pci-class": cell(0, 0xFFFFFF), "pci-id": cells(2), "pci-slot": cells(2), "path": string,
    "node-compatible": string, "index": cell(), "dma-size": size(0, 16 * MIB), "optional": flag,
}
NETWORK = {"uplink": string, "vlan": cell(1, 4094), "isolated": flag}
VOLUME_ALIAS = {"partition": volume, "read-only": flag}
CHANNEL = {
    "client": string, "server": string, "protocol": one_of(*PROTOCOLS), "as": string, "volume": volume,
    "read-only": flag, "network": string, "mac": octets(6), "entries": cell(8, 1024, True),
    "data-size": DATA,
}
GUESTS = {"program": string, **SCHEDULING, **MEMORY, "disk-data-size": DATA, "boot-data-size": DATA,
          "net-data-size": DATA}
GUEST = {
    "memory": size(16 * MIB, multiple=2 * MIB, unit="2 MiB"), "vcpus": cell(1, VCPUS_MAX), "cores": some_cells(VCPUS_MAX, VCPUS_MAX - 1),
    "kernel": volume,
    "initrd": volume, "initrd-size": size(), "command-line": text(1023), "autostart": flag,
    "on-reset": one_of("restart", "stop"), "on-crash": one_of("restart", "stop"),
    "exit-with-machine": flag, **SCHEDULING, "disk-data-size": DATA, "net-data-size": DATA,
}
GUEST_DISK = {"volume": volume, "read-only": flag}
GUEST_NETWORK = {"network": string, "mac": octets(6)}
QUOTA = {"guests": cell(0, 60), "memory": size(), "guest-memory": size(),
         "guest-vcpus": cell(1, VCPUS_MAX), "volumes": strings,
         "read-only-volumes": strings, "networks": strings}
WINDOW = {"partition": cell(0, 7), "length-us": cell(100, 10_000_000)}
WINDOWS = 32
SECTIONS = ("domains", "devices", "channels", "networks", "volumes", "guests", "quota", "schedule")


@dataclasses.dataclass
class Checker:
    tree: fdt.Node
    problems: list = dataclasses.field(default_factory=list)

    def say(self, node, prop, reason):
        where = f"{node.path}: {prop}" if prop else node.path
        self.problems.append(f"{where}: {reason}")

    def properties(self, node, schema, required=(), children=()):
        """The node's values, as far as they are right; complains of the rest."""
        values = {}
        for name, value in node.properties.items():
            if name not in schema:
                self.say(node, name, "there is no such property")
                continue
            try:
                values[name] = schema[name](value)
            except Wrong as wrong:
                self.say(node, name, str(wrong))
        for name in required:
            if name not in node.properties:
                self.say(node, name, "is missing")
        for child in node.children.values():
            if children is not None and child.name not in children:
                self.say(child, "", "there is no such node")
        if values.get("budget-us", 0) > values.get("period-us", 10_000_000):
            self.say(node, "budget-us", "must not be above period-us")
        return values

    def section(self, name, schema, required=()):
        """Name to (node, values) for all subnodes of a section."""
        found = {}
        for child in self.tree.child(name).children.values():
            self.name(child)
            found[child.name] = (child, self.properties(child, schema, required))
        return found

    def name(self, node):
        if not NAME.fullmatch(node.name):
            self.say(node, "", "a name is 1 to 31 of a-z, 0-9 and -, not beginning or ending with -")

    # ---- what each section says ----

    def check(self):
        top = self.properties(self.tree, ROOT, ("compatible",), SECTIONS)
        if top.get("compatible") != COMPATIBLE:
            self.say(self.tree, "compatible", f"must be {COMPATIBLE}")
        if "domains" not in self.tree.children:
            self.say(self.tree, "domains", "is missing")
        for section in ("domains", "devices", "channels", "networks", "volumes", "schedule"):
            self.properties(self.tree.child(section), {}, (), None)

        self.check_schedule()
        self.devices = self.section("devices", DEVICE, ("driver",))
        self.check_devices()
        self.domains = self.check_domains()
        self.networks = self.section("networks", NETWORK)
        self.check_networks()
        self.aliases = self.section("volumes", VOLUME_ALIAS, ("partition",))
        self.opened = {}  # partition to who has it and whether for writing
        self.check_channels()
        self.check_guests()
        self.check_quota()
        return self.problems

    def check_schedule(self):
        """Who has time: without a schedule partition 0, else those with windows."""
        windows = self.section("schedule", WINDOW, ("partition", "length-us"))
        self.partitions = {values.get("partition") for _, values in windows.values()} or {0}
        node = self.tree.child("schedule")
        if len(windows) > WINDOWS:
            self.say(node, "", f"has more than {WINDOWS} windows")
        if 0 not in self.partitions:
            self.say(node, "", "has no window of partition 0, which is root's")

    def check_partition(self, node, values):
        if values.get("partition", 0) not in self.partitions:
            self.say(node, "partition", "has no window in /schedule")

    def check_devices(self):
        for node, values in self.devices.values():
            pci = [name for name in ("pci-class", "pci-id", "pci-slot") if name in values]
            platform = [name for name in ("path", "node-compatible") if name in values]
            if bool(pci) + len(platform) != 1:
                self.say(node, "", "must be found by PCI properties, or by path, or by node-compatible")

    def check_domains(self):
        domains, owners, servers, managers = {}, {}, {}, []
        for node in self.tree.child("domains").children.values():
            self.name(node)
            if node.name == "root":
                self.properties(node, ROOT_DOMAIN)
                continue
            values = self.properties(node, DOMAIN)
            self.check_partition(node, values)
            domains[node.name] = (node, values)
            for device in values.get("devices", ()):
                if device not in self.devices:
                    self.say(node, "devices", f"there is no device {device}")
                elif device in owners:
                    self.say(node, "devices", f"{device} belongs to {owners[device]}")
                owners.setdefault(device, node.name)
            if "serves" in values and servers.setdefault(values["serves"], node.name) != node.name:
                self.say(node, "serves", f"{servers[values['serves']]} serves {values['serves']} already")
            if "manage-guests" in values.get("may", ()):
                managers.append(node)
        for node in managers[1:]:
            self.say(node, "may", f"{managers[0].name} manages the guests already")
        self.servers = servers
        return domains

    def check_networks(self):
        used = {}
        _, server = self.domains.get(self.servers.get("net"), (None, {}))
        for node, values in self.networks.values():
            uplink = values.get("uplink")
            if uplink is None:
                continue
            if uplink not in server.get("devices", ()):
                self.say(node, "uplink", f"{uplink} is no device of the network server")
            key = (uplink, values.get("vlan"))
            if key in used:
                self.say(node, "uplink", f"{used[key]} uses the card with the same vlan")
            used.setdefault(key, node.name)

    def open_volume(self, node, prop, name, read_only):
        """Note who uses a volume: many may read it, but a writer is alone."""
        partition = name
        if name in self.aliases:
            _, alias = self.aliases[name]
            partition = alias.get("partition", name)
            if alias.get("read-only") and not read_only:
                self.say(node, prop, f"{name} is read-only")
                return
        users = self.opened.setdefault(partition, [])
        for user, user_read_only in users:
            if not (read_only and user_read_only):
                self.say(node, prop, f"{name} is open in {user}, and one of the two writes")
                break
        users.append((node.path, read_only))

    def check_channels(self):
        needs = {name: set() for name in self.domains}
        for node, values in self.section("channels", CHANNEL, ("client", "server", "protocol")).values():
            client, server, protocol = (values.get(key) for key in ("client", "server", "protocol"))
            if client and client not in self.domains:
                self.say(node, "client", f"there is no domain {client}")
            if server and server not in self.domains:
                self.say(node, "server", f"there is no domain {server}")
            elif server and protocol and self.servers.get(PROTOCOLS[protocol]) != server:
                self.say(node, "server", f"{server} does not serve {protocol}")
            if client in needs and server in needs:
                needs[client].add(server)
            if protocol == "block":
                if "volume" in values:
                    self.open_volume(node, "volume", values["volume"], "read-only" in values)
                else:
                    self.say(node, "volume", "is missing")
            if protocol == "net":
                self.check_network_name(node, values)
        self.check_circles(needs)

    def check_circles(self, needs):
        ready = set()
        while more := {name for name, of in needs.items() if name not in ready and of <= ready}:
            ready |= more
        for name in sorted(set(needs) - ready):
            self.say(self.domains[name][0], "", "waits for itself through its channels' servers")

    def check_network_name(self, node, values):
        if "network" not in values:
            self.say(node, "network", "is missing")
        elif values["network"] not in self.networks:
            self.say(node, "network", f"there is no network {values['network']}")

    def check_guests(self):
        guests = self.tree.child("guests")
        defaults = self.properties(guests, GUESTS, (), None)
        self.check_partition(guests, defaults)
        for node in guests.children.values():
            self.name(node)
            if node.name in self.domains or node.name == "root":
                self.say(node, "", "there is a domain of that name")
            if node.name == "system":
                self.say(node, "", "a name that is taken: the console of all logs")
            disks = [f"disk{index}" for index in range(4)]
            cards = [f"net{index}" for index in range(2)]
            values = self.properties(node, GUEST, ("memory", "kernel"), disks + cards)
            self.check_partition(node, values)
            for volume_property in ("kernel", "initrd"):
                if volume_property in values:
                    self.open_volume(node, volume_property, values[volume_property], True)
            for names in (disks, cards):
                there = [name in node.children for name in names]
                if there != sorted(there, reverse=True):
                    self.say(node, "", f"{names[0]} and so on must be numbered without gaps")
            for name, child in node.children.items():
                if name in disks:
                    disk = self.properties(child, GUEST_DISK, ("volume",))
                    if "volume" in disk:
                        self.open_volume(child, "volume", disk["volume"], "read-only" in disk)
                elif name in cards:
                    self.check_network_name(child, self.properties(child, GUEST_NETWORK))

    def check_quota(self):
        node = self.tree.child("quota")
        for network in self.properties(node, QUOTA).get("networks", ()):
            if network not in self.networks:
                self.say(node, "networks", f"there is no network {network}")


def check(blob):
    """What is wrong with a compiled description: a list of lines."""
    try:
        tree = fdt.parse(blob)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        return [str(error)]
    compatible = tree.properties.get("compatible", b"")
    if compatible and not compatible.startswith(b"bulkhead,system"):
        return []
    return Checker(tree).check()


def check_file(path):
    path = pathlib.Path(path)
    if path.suffix != ".dts":
        return check(path.read_bytes())
    with tempfile.TemporaryDirectory() as directory:
        blob = pathlib.Path(directory, "description.dtb")
        dtb.compile_dts(str(path), str(blob), [pathlib.Path(__file__).resolve().parent.parent])
        return check(blob.read_bytes())


def report(paths):
    """Print what is wrong with the files; returns the exit status."""
    wrong = 0
    for path in paths:
        for problem in check_file(path):
            print(f"{path}: {problem}", file=sys.stderr)
            wrong = 1
    return wrong


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    sys.exit(report(sys.argv[1:]))


if __name__ == "__main__":
    main()
