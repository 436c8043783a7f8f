#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Disk images: partitions with the right names and contents, the same bytes each time."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import disk


class Disk(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        (self.directory / "file").write_bytes(b"contents" * 1000)

    def make(self, name="disk", volumes=("a=ext4:4M", "b=empty:1M")):
        path = self.directory / name
        disk.make_disk(path, [f"file={self.directory / 'file'}", *volumes])
        return path

    def partitions(self, path):
        """GPT entries: name to (first byte, bytes)."""
        image = path.read_bytes()
        self.assertEqual(image[512:520], b"EFI PART")
        found = {}
        for index in range(128):
            entry = image[1024 + index * 128:1024 + (index + 1) * 128]
            if entry[:16] != bytes(16):
                first, last = (int.from_bytes(entry[at:at + 8], "little") for at in (32, 40))
                name = entry[56:128].decode("utf-16-le").rstrip("\0")
                found[name] = (first * 512, (last - first + 1) * 512)
        return found

    def test_names_sizes_and_alignment(self):
        found = self.partitions(self.make())
        self.assertEqual(list(found), ["file", "a", "b"])
        self.assertEqual([size for _, size in found.values()], [8192, 4 << 20, 1 << 20])
        self.assertTrue(all(first % (1 << 20) == 0 for first, _ in found.values()))

    def test_a_file_is_copied(self):
        path = self.make()
        first, size = self.partitions(path)["file"]
        data = path.read_bytes()[first:first + size]
        self.assertEqual(data, (b"contents" * 1000).ljust(8192, b"\0"))

    def test_ext4_is_clean_and_filled(self):
        tree = self.directory / "tree"
        tree.mkdir()
        (tree / "hello").write_text("hello")
        path = self.make(volumes=(f"a=ext4:4M:{tree}",))
        first, size = self.partitions(path)["a"]
        volume = self.directory / "volume"
        volume.write_bytes(path.read_bytes()[first:first + size])
        environment = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}
        subprocess.run(["fsck.ext4", "-fn", volume], env=environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        text = subprocess.run(["debugfs", "-R", "cat hello", volume], env=environment, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        self.assertEqual(text, b"hello")

    def test_same_arguments_same_bytes(self):
        self.assertEqual(self.make("one").read_bytes(), self.make("two").read_bytes())

    def test_errors_are_words(self):
        for volumes in (("a=ext4:big",), ("a=/does/not/exist",), ("file=empty:1M",), ("a",)):
            with self.assertRaises(disk.DiskError):
                self.make(volumes=volumes)
            self.assertFalse((self.directory / "disk").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
