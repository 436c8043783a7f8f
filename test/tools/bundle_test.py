#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bundles: page-aligned, deterministic, readable by cpio."""

import os
import subprocess
import tempfile
import unittest

import bundle


class Bundle(unittest.TestCase):
    files = {"vmm": b"v" * 5000, "root": b"r", "system.dtb": b"d" * 4096, "console": b""}

    def test_root_and_description_come_first(self):
        self.assertEqual(list(bundle.unpack(bundle.pack(self.files))),
                         ["root", "system.dtb", "console", "vmm"])

    def test_contents_survive(self):
        self.assertEqual(bundle.unpack(bundle.pack(self.files)), self.files)

    def test_data_begins_on_a_page(self):
        archive = bundle.pack({"root": b"\xaaROOT", "vmm": b"\xaaVMM"})
        for mark in (b"\xaaROOT", b"\xaaVMM"):
            self.assertEqual(archive.index(mark) % bundle.PAGE, 0)

    def test_order_of_arguments_does_not_matter(self):
        backwards = dict(reversed(self.files.items()))
        self.assertEqual(bundle.pack(self.files), bundle.pack(backwards))

    def test_headers_say_nothing_of_the_build_machine(self):
        header = bundle.pack({"root": b"x"})[:bundle.HEADER]
        uid, gid, mtime = header[22:30], header[30:38], header[46:54]
        self.assertEqual({uid, gid, mtime}, {b"00000000"})

    def test_cpio_reads_it(self):
        if not any(os.access(os.path.join(path, "cpio"), os.X_OK)
                   for path in os.environ["PATH"].split(":")):
            self.skipTest("no cpio here")
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run(["cpio", "-id", "--quiet"], cwd=directory, input=bundle.pack(self.files),
                           check=True)
            with open(os.path.join(directory, "vmm"), "rb") as file:
                self.assertEqual(file.read(), self.files["vmm"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
