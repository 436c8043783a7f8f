# SPDX-License-Identifier: BSD-2-Clause
"""The capabilities that a system description implies, computed from the description alone, and those that
root prints with `print-capabilities` (docs/system-description.md)."""

import re

import fdt

LINE = re.compile(rb"^cap (\S+) (\d+) (\S+) ([-rwgc]{4}) (0x[0-9a-f]+) (\S+)\r?$", re.MULTILINE)
SERVED = {"block": "block", "net": "net", "console": "console", "console-input": "console"}


def text(node, name, default=None):
    value = node.properties.get(name)
    return default if value is None else value.rstrip(b"\0").decode()


def words(node, name):
    value = node.properties.get(name)
    return [] if value is None else value.rstrip(b"\0").decode().split("\0")


def printed(output):
    """Domain to sorted [(type, rights, what)] of a console's output."""
    found = {}
    for match in LINE.finditer(output):
        domain, _, kind, rights, _, what = (group.decode() for group in match.groups())
        found.setdefault(domain, []).append((kind, rights, what))
    return {domain: sorted(held) for domain, held in found.items()}


def implied(blob, devices):
    """The same from a compiled description. `devices`: those that the machine has."""
    tree = fdt.parse(blob)
    domains = {name: node for name, node in tree.child("domains").children.items() if name != "root"}
    guests = {name: node for name, node in tree.child("guests").children.items()
              if "autostart" in node.properties}
    server = {text(node, "serves"): name for name, node in domains.items() if text(node, "serves")}
    held = {name: [("endpoint", "-w-c", "root"), ("notification", "rw--", "self")]
            for name in [*domains, *guests]}

    def signal(domain, what):
        held[domain].append(("notification", "-w--", what))

    def channel(client, protocol, name):
        serving = server.get(SERVED[protocol])
        if serving:
            if client in held:
                signal(client, f"client:{name}:{serving}")
            signal(serving, f"server:{client}:{name}")

    for name, node in {"root": tree.child("domains").child("root"), **domains}.items():
        if "log" in node.properties:
            channel(name, "console", "log")
    for name, node in tree.child("channels").children.items():
        channel(text(node, "client"), text(node, "protocol"), text(node, "as", name))
    for name, node in guests.items():
        channel(name, "console", "log")
        channel(name, "console", "console")
        channel(name, "block", "kernel")
        if text(node, "initrd"):
            channel(name, "block", "initrd")
        for device in node.children:
            channel(name, "block" if device.startswith("disk") else "net", device)
            signal(name, f"doorbell:{device}")
        held[name].append(("guest-space", "rwgc", "guest-space"))
        vcpus = int.from_bytes(node.properties.get("vcpus", b"\1"), "big")
        for number in range(vcpus):
            held[name].append(("vcpu", "rwgc", f"vcpu:{number}"))
            if vcpus > 1:
                held[name].append(("notification", "rw--" if number else "-w--", f"kick:{number}"))
                held[name].append(("notification", "rw--", f"park:{number}"))
    for name, node in domains.items():
        held[name] += [("irq", "rwgc", f"irq:{device}") for device in words(node, "devices")
                       if device in devices]
        if "statistics" in words(node, "reads"):
            for owner, other in domains.items():
                if owner != name and "statistics" in other.properties:
                    signal(name, f"refresh:{owner}")
            for owner in guests:
                signal(name, f"refresh:{owner}")
    return {name: sorted(capabilities) for name, capabilities in held.items()}


def differences(found, wanted):
    """What one has and the other lacks, a line each."""
    lines = []
    for domain in sorted({*found, *wanted}):
        has, needs = list(found.get(domain, [])), list(wanted.get(domain, []))
        for capability in list(has):
            if capability in needs:
                has.remove(capability)
                needs.remove(capability)
        lines += [f"{domain} holds {' '.join(capability)}" for capability in has]
        lines += [f"{domain} lacks {' '.join(capability)}" for capability in needs]
    return lines
