#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fetching: what verifies is used, what does not is refused, nothing is left half-made."""

import hashlib
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import fetch


class FakeApt:
    """Stands in for apt: every download leaves the same file."""

    def __init__(self, name, data):
        self.name, self.data, self.downloads, self.suite = name, data, 0, "test"

    def download(self, directory, *_):
        self.downloads += 1
        pathlib.Path(directory, self.name).write_bytes(self.data)


class Fetch(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.cache = pathlib.Path(directory.name)
        patch = mock.patch.dict(os.environ, {"BULKHEAD_CACHE": directory.name})
        patch.start()
        self.addCleanup(patch.stop)
        self.apt = FakeApt("x.tar", b"good")
        self.entry = {"package": "x", "file": "x.tar", "sha256": hashlib.sha256(b"good").hexdigest()}

    def test_a_verified_file_is_not_fetched_again(self):
        first = fetch.fetch_source("x", self.entry, self.apt)
        self.assertEqual(fetch.fetch_source("x", self.entry, self.apt), first)
        self.assertEqual(self.apt.downloads, 1)

    def test_a_damaged_cache_is_fetched_again(self):
        path = fetch.fetch_source("x", self.entry, self.apt)
        path.write_bytes(b"bad")
        self.assertEqual(fetch.fetch_source("x", self.entry, self.apt).read_bytes(), b"good")

    def test_a_wrong_checksum_names_file_expected_and_got(self):
        self.apt.data = b"evil"
        with self.assertRaises(fetch.FetchError) as caught:
            fetch.fetch_source("x", self.entry, self.apt)
        for part in ("x.tar", self.entry["sha256"], hashlib.sha256(b"evil").hexdigest()):
            self.assertIn(part, str(caught.exception))
        self.assertEqual(os.listdir(self.cache / "files"), [])

    def test_a_failed_unpack_leaves_nothing(self):
        path = fetch.fetch_source("x", self.entry, self.apt)

        def breaks(_, directory):
            (directory / "half").write_text("")
            raise OSError("disk full")

        with self.assertRaises(OSError):
            fetch.unpack("x", path, breaks)
        self.assertEqual(os.listdir(self.cache / "unpacked"), [])


class Sources(unittest.TestCase):
    def test_deb822(self):
        with tempfile.NamedTemporaryFile("w", suffix=".sources") as file:
            file.write("Types: deb\n# comment\nURIs: http://a/debian\nSuites: bookworm bookworm-updates\n"
                       "Components: main\nSigned-By:\n -----BEGIN\n .\n\nTypes: deb\nSuites: other\n")
            file.flush()
            first, second = fetch.deb822_stanzas(file.name)
        self.assertEqual(first["uris"], "http://a/debian")
        self.assertEqual(first["signed-by"], "\n -----BEGIN\n .")
        self.assertEqual(second["suites"], "other")

    def test_one_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".list") as file:
            file.write("# no\ndeb [signed-by=/k.gpg arch=amd64] http://a/debian bookworm main contrib\n")
            file.flush()
            (only,) = fetch.one_line_stanzas(file.name)
        self.assertEqual((only["uris"], only["suites"], only["components"], only["signed-by"]),
                         ("http://a/debian", "bookworm", "main contrib", "/k.gpg"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
