#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Domains that have been taken over: what each tries (intruder.c) is a fault of its own, and the system goes on."""

import os
import pathlib
import sys

import qemu

TARGET = pathlib.Path(os.environ.get("BULKHEAD_TARGET", qemu.TARGET))

# Domain, kind of fault, and what the address must match.
FAULTS = (
    ("null", "memory fault", "0x0"),
    ("text", "memory fault", "0x2[0-9a-f]{5}"),
    ("constants", "memory fault", "0x2[0-9a-f]{5}"),
    ("page", "memory fault", "0x10000000"),
    ("data-code", "memory fault", "0x[0-9a-f]+"),
    ("stack-code", "memory fault", "0x100f[0-9a-f]{4}"),
    ("constant-code", "memory fault", "0x2[0-9a-f]{5}"),
    ("overflow", "memory fault", "0x100ef[0-9a-f]{3}"),  # the page below 64 KiB of stack
    ("heap-end", "memory fault", "0x2[0-9a-f]{7}"),
    ("kernel", "memory fault", "0xffffffffc0000000"),
    ("uart", "memory fault", "0x9000000"),
    ("float", "exception", "0x0"),
    ("register", "exception", "0x0"),
    ("branch", "exception", "0x0, syndrome 0x36000003"),  # EC 0x0d, BTYPE of BR (Arm ARM D17.2.37)
)


def main():
    machine = qemu.Machine(kernel=TARGET / "kernel" / "Image", initrd=TARGET / "isolation_test.cpio", memory="512M")
    try:
        with qemu.Console(machine, name="isolation_test") as console:
            for domain, kind, address in FAULTS:
                console.position = 0  # the lines come in any order
                console.expect(rf"(?m)^root: domain {domain}: {kind} at pc 0x[0-9a-f]+, address {address}[,\r]", timeout=60)
            console.position = 0
            console.expect(r"(?m)^capabilities: operations: 0, requests: 0\r$", timeout=120)
            console.position = 0
            console.expect(r"(?m)^bulkhead: capability distribution: \d+ capabilities, 0 differences\r$", timeout=60)
            console.position = 0
            console.expect(r"(?m)^bulkhead: system ready\r$", timeout=60)
            if b"nothing happens" in console.output:
                raise qemu.Failure("an attempt came to nothing")
    except qemu.Failure as failure:
        sys.exit(f"isolation_test: {failure}")


if __name__ == "__main__":
    main()
