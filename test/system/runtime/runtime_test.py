#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The runtime inside domains: runtime_check.c checks itself; how a domain ends is looked at from outside. On a processor
with random number registers and on one without."""

import os
import pathlib
import sys

import qemu

TARGET = pathlib.Path(os.environ.get("BULKHEAD_TARGET", qemu.TARGET))

LINES = (
    rb"^check: standard output, 42\r\n",
    rb"^check: and a second line in two parts\r\n",
    rb"^check: standard error\r\n",
    rb"^check: x{240}\r\n",
    rb"^check: failures: 0\r\n",
    rb"^check: ended with status 0\r\n",
    rb"^aborting: ended by signal 6\r\n",
    rb"^exiting: unfinished line\r\n",
    rb"^exiting: ended with status 3\r\n",
    rb"^root: domain check: exception",
    rb"^root: domain aborting: exception",
    rb"^root: domain exiting: exception",
)


def run(cpu):
    machine = qemu.Machine(kernel=TARGET / "kernel" / "Image", initrd=TARGET / "runtime_test.cpio", memory="512M",
                           cpu=cpu)
    with qemu.Console(machine, name="runtime_system_test") as console:
        for line in LINES:
            console.position = 0  # the domains' lines come in any order
            console.expect(line, timeout=30)


def main():
    try:
        run("max,pauth-impdef=on")
        run("cortex-a76")
    except qemu.Failure as failure:
        sys.exit(f"runtime_test: {failure}")


if __name__ == "__main__":
    main()
