#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boot the kernel where, or with what, it cannot run: it must say why in one line and stop.

    refuse.py CASE
"""

import pathlib
import re
import struct
import sys
import tempfile

import bundle
import qemu

GOOD = qemu.TARGET / "kernel_tests.cpio"
MESSAGE = re.compile(rb"(?m)^bulkhead: [^\r\n]*\r?$")
LOAD, SEGMENT = 1, 56  # PT_LOAD, size of a program header


def files():
    return bundle.unpack(GOOD.read_bytes())


def with_root(change):
    """A bundle whose root is the good one, changed."""
    contents = files()
    image = bytearray(contents["root"])
    change(image)
    contents["root"] = bytes(image)
    return bundle.pack(contents)


def headers(image):
    """Offsets of the program headers of an ELF64 file."""
    table, = struct.unpack_from("<Q", image, 32)
    count, = struct.unpack_from("<H", image, 56)
    return [table + i * SEGMENT for i in range(count)]


def segment(image, field, value, n=0):
    """Sets a 64-bit field of the n-th loaded segment."""
    loads = [header for header in headers(image)
             if struct.unpack_from("<I", image, header) == (LOAD,)]
    struct.pack_into("<Q", image, loads[n] + field, value)


def poke(offset, data):
    def change(image):
        image[offset:offset + len(data)] = data
    return change


def flags(image):
    struct.pack_into("<I", image, headers(image)[0] + 4, 7)


def overlap(image):
    address, = struct.unpack_from("<Q", image, headers(image)[0] + 16)
    segment(image, 16, address, n=1)


def renamed():
    contents = files()
    return bundle.pack({"toor": contents["root"]})


# Name: (settings of the machine, bundle, the reason that is expected)
MACHINES = {
    "no_el2": (dict(virtualization=False, iommu=False), r"EL2"),
    "no_vhe": (dict(cpu="cortex-a72"), r"Virtualization Host Extensions"),
    "gic_v2": (dict(iommu=False, extra=("-machine", "gic-version=2")), r"GICv3"),
    "little_memory": (dict(memory="32M"), r"memory"),
}
BUNDLES = {
    "no_bundle": (lambda: None, r"bundle"),
    "garbage": (lambda: bytes(range(1, 256)) * 64, r"not a newc cpio archive"),
    "empty_archive": (lambda: bundle.pack({}), r"root"),
    "short_header": (lambda: b"070701", r"not a newc cpio archive"),
    "truncated": (lambda: GOOD.read_bytes()[:6000], r"truncated"),
    "huge_size": (lambda: bytes(GOOD.read_bytes()[:54] + b"FFFFFFFF" + GOOD.read_bytes()[62:]), r"truncated"),
    "huge_name": (lambda: bytes(GOOD.read_bytes()[:94] + b"FFFFFFFF" + GOOD.read_bytes()[102:]), r"truncated"),
    "other_name": (renamed, r"root"),
    "not_elf": (lambda: bundle.pack({"root": b"#!/bin/sh\n" * 100}), r"ELF"),
    "empty_root": (lambda: bundle.pack({"root": b""}), r"ELF"),
    "elf_header_only": (lambda: bundle.pack({"root": files()["root"][:64]}), r"truncated"),
    "elf_32": (lambda: with_root(poke(4, b"\1")), r"ELF"),
    "elf_x86": (lambda: with_root(poke(18, b"\x3e\0")), r"ELF"),
    "headers_beyond": (lambda: with_root(poke(32, b"\xff" * 8)), r"truncated"),
    "segment_beyond": (lambda: with_root(lambda image: segment(image, 8, 1 << 40)), r"truncated"),
    "segment_in_kernel": (lambda: with_root(lambda image: segment(image, 16, 0xffffff8000000000)), r"outside"),
    "segment_over_stack": (lambda: with_root(lambda image: segment(image, 16, 0x10000000)), r"outside"),
    "segment_at_null": (lambda: with_root(lambda image: segment(image, 16, 0)), r"outside"),
    "segment_too_large": (lambda: with_root(lambda image: segment(image, 40, (1 << 64) - 1)), r"outside"),
    "segment_unaligned": (lambda: with_root(lambda image: segment(image, 16, 0x300010)), r"page"),
    "segment_write_execute": (lambda: with_root(flags), r"writable and executable"),
    "segments_overlap": (lambda: with_root(overlap), r"overlap"),
}


def boot(name, settings, initrd, reason):
    machine = qemu.Machine(initrd=initrd, **{"memory": "256M", **settings})
    with qemu.Console(machine) as console:
        console.expect(r"^bulkhead: [^\r\n]*\r?\n", timeout=30)
        console.silence(0.5, r"\S")
        lines = MESSAGE.findall(console.output)
    if len(lines) != 1 or not re.search(rb"^bulkhead: cannot start: .*" + reason.encode(), lines[0]):
        raise qemu.Failure(f"{name}: expected one line \"bulkhead: cannot start: ..{reason}..\", got {lines}")
    print(lines[0].decode().strip())


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in {**MACHINES, **BUNDLES}:
        sys.exit(f"{__doc__}\nCASE: {' '.join([*MACHINES, *BUNDLES])}")
    name = sys.argv[1]
    try:
        if not GOOD.exists():
            raise qemu.Failure(f"there is no {GOOD}; run ./bulkhead build first")
        if name in MACHINES:
            settings, reason = MACHINES[name]
            boot(name, settings, GOOD, reason)
            return
        make, reason = BUNDLES[name]
        with tempfile.TemporaryDirectory() as directory:
            data = make()
            path = None
            if data is not None:
                path = pathlib.Path(directory) / "bundle.cpio"
                path.write_bytes(data)
            boot(name, {}, path, reason)
    except qemu.Failure as failure:
        sys.exit(f"{name}: {failure}")


if __name__ == "__main__":
    main()
