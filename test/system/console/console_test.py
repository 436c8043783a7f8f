#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The console domain as an operator sees it: what is shown, what is not, what the keys do, and that a
client that breaks the protocol or falls over leaves the others alone."""

import os
import pathlib
import sys

import qemu

TARGET = pathlib.Path(os.environ.get("BULKHEAD_TARGET", qemu.TARGET))
KEY = "\x1d"
FLOOD_LINES = 3000


def machine(bundle):
    return qemu.Machine(kernel=TARGET / "kernel" / "Image", initrd=TARGET / bundle, memory="512M")


def check(console, condition, text):
    if not condition:
        raise console.failure(text)


def expect_flood(console):
    """Every line of it, in order and whole."""
    start = console.position
    end = console.expect(r"end of flood\r\n", timeout=120).start()
    lines = console.output[start:end].split(b"\r\n")
    numbers = [int(line.split()[1]) for line in lines if line.startswith(b"flood ")]
    check(console, numbers == list(range(FLOOD_LINES)), "the flood is not complete")
    check(console, all(line.endswith(b"lazy dog") for line in lines if line.startswith(b"flood ")),
          "lines of the flood are damaged")


def normal():
    with qemu.Console(machine("console_test.cpio"), name="console_system_test") as console:
        # What the system says before and after the console that is asked for appears.
        console.expect(r"^root: domain console: ready\r\n")
        console.expect(r"^\[console 2: two-console\]\r\nhere is two\r\n> ")
        console.expect(r"^bulkhead: system ready\r\n")
        start = console.position

        console.send("hello")
        console.expect(r"<h><e><l><l><o>")
        check(console, b"here is one" not in console.output, "output of a hidden console is shown")
        check(console, b"one: starts" not in console.output[start:], "a hidden log is shown")

        console.send(KEY + "1")
        console.expect(r"\r\n\[console 1: one-console\]\r\nhere is one\r\n> ")
        console.send("a" + KEY + "]")
        console.expect(r"<a><\x1d>")
        console.send(KEY + "p")
        console.expect(r"\[console 0: system\]\r\n(?s:.*)one: starts\r\n(?s:.*)two: starts\r\n")
        console.send("unheard" + KEY + "n" + KEY + "n")
        console.expect(r"\[console 2: two-console\]\r\nhere is two\r\n> <h><e><l><l><o>")
        console.send(KEY + "?" + KEY + "l")
        console.expect(r"q turn the machine off")
        console.expect(r"\[   0 system\]\r\n\[   1 one-console\]\r\n\[\*  2 two-console\]\r\n")

        console.send("f")
        expect_flood(console)

        # One floods in the background, the other answers; the flood's end is in the history.
        console.send(KEY + "1f" + KEY + "2z")
        console.expect(r"<z>")
        console.send(KEY + "1")
        console.expect(r"flood 0\d{4} (?s:.*)end of flood\r\n")

        console.send("b" + KEY + "0")
        console.expect(r"console: channel of one: an impossible entry; not served any more\r\n")
        console.send(KEY + "2y")
        console.expect(r"<y>")
        console.send(KEY + "0" + KEY + "2x" + KEY + "0")
        console.expect(r"^two: panics as it was told to\r\n")
        console.expect(r"^root: domain two: exception")
        console.send(KEY + "q")
        console.expect(r"\[turning the machine off\]\r\n")
        check(console, console.expect_exit() == 0, "the machine's status is not 0")


def raw():
    with qemu.Console(machine("console_raw_test.cpio"), name="console_raw_system_test") as console:
        console.expect(r"here is two\r\n> ")
        console.expect(r"^bulkhead: system ready\r\n")
        start = console.position
        console.send("a" + KEY + "l" + KEY + "h" + KEY + "1" + "b" + KEY + "2" + "c")
        console.expect(r"<c>")
        seen = console.output[start:console.position]
        check(console, seen == b"<a><c>", f"more than the console's bytes: {seen!r}")
        start = console.position
        console.send("f")
        expect_flood(console)
        check(console, console.output[start:].startswith(b"flood 00000 "), "something precedes")
        console.send(KEY + "q")
        console.expect_exit()


def main():
    try:
        normal()
        raw()
    except qemu.Failure as failure:
        sys.exit(f"console_test: {failure}")


if __name__ == "__main__":
    main()
