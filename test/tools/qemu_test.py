#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The QEMU runner: matching, failing early, and always ending the process. A shell script stands in for QEMU."""

import os
import pathlib
import tempfile
import time
import unittest

import qemu


class Runner(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        (self.directory / "Image").touch()

    def console(self, script):
        binary = self.directory / "qemu"
        binary.write_text(f"#!/bin/sh\n{script}\n")
        binary.chmod(0o755)
        machine = qemu.Machine(kernel=self.directory / "Image", binary=str(binary))
        return qemu.Console(machine, log=self.directory / "log", echo=False)

    def test_expect_returns_the_first_match_and_goes_on_after_it(self):
        with self.console("echo one two three; read x; echo got $x") as console:
            self.assertEqual(console.expect("three", "o(n)e").group(1), b"n")
            console.expect("two")
            console.send("hello\n")
            console.expect("got hello")

    def test_a_panic_fails_at_once(self):
        with self.console("echo 'bulkhead: panic: assertion'; sleep 100") as console:
            start = time.monotonic()
            with self.assertRaisesRegex(qemu.Failure, "panicked"):
                console.expect("never", timeout=50)
            self.assertLess(time.monotonic() - start, 10)

    def test_the_end_of_qemu_fails_at_once(self):
        with self.console("echo bye; exit 3") as console:
            with self.assertRaisesRegex(qemu.Failure, "status 3"):
                console.expect("never", timeout=50)

    def test_a_timeout_shows_the_console(self):
        with self.console("echo last words; sleep 100") as console:
            with self.assertRaisesRegex(qemu.Failure, "last words"):
                console.expect("never", timeout=1)

    def test_the_process_is_gone_afterwards_whatever_it_ignores(self):
        with self.console("trap '' TERM INT; echo up; while :; do sleep 1; done") as console:
            console.expect("up")
            pid = console.process.pid
        self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_exit_status_line(self):
        with self.console("printf 'bulkhead: exit 7\\r\\n'; sleep 100") as console:
            self.assertEqual(console.expect_exit(), 7)

    def test_transcript_is_complete(self):
        with self.console("echo one; echo two") as console:
            console.expect("two")
        self.assertIn("one\ntwo\n", (self.directory / "log").read_text())

    def test_a_run_without_terminal_ends_with_a_panic(self):
        with self.console("echo 'bulkhead: panic: x'; sleep 100") as console:
            machine = console.machine
        start = time.monotonic()
        self.assertEqual(qemu.interact(machine, name="qemu_test_panic", headless=True), 1)
        self.assertLess(time.monotonic() - start, 10)


class FilterTest(unittest.TestCase):
    def filtered(self, *pieces):
        out = []
        sink = qemu.Filter(out.append)
        for piece in pieces:
            sink(piece)
        return b"".join(out), sink.status

    def test_status_line_is_kept_back(self):
        self.assertEqual(self.filtered(b"a\nbulkhead: ex", b"it 3\r\n"), (b"a\n", 3))

    def test_other_lines_pass_at_once(self):
        self.assertEqual(self.filtered(b"prompt# "), (b"prompt# ", None))
        self.assertEqual(self.filtered(b"bulkhead: system ready\n"), (b"bulkhead: system ready\n", None))
        self.assertEqual(self.filtered(b"bulkhead: exit soon\n"), (b"bulkhead: exit soon\n", None))
        self.assertEqual(self.filtered(b"x bulkhead: exit 3\n"), (b"x bulkhead: exit 3\n", None))


if __name__ == "__main__":
    unittest.main(verbosity=2)
