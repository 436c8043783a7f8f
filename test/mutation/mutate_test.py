#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mutation tester on itself: all mutations apply, what breaks is killed and what does not survives. Two small host
tests stand for all suites."""

import os
import pathlib
import re
import unittest

import mutate
import mutations
from suites import SUITES

FILE = "kernel/device_tree.c"
WORK = mutate.REPOSITORY / "build" / "mutation_test"


def mutation(old, new, suite="unit"):
    return mutations.Mutation("one", FILE, old, new, "something", (suite,))


class Mutate(unittest.TestCase):
    def setUp(self):
        mutate.WORK = WORK
        WORK.mkdir(parents=True, exist_ok=True)
        self.tree = mutate.Tree(1)
        self.addCleanup(self.tree.log.close)
        self.tree.update()
        self.baseline = mutate.Baseline()

    def result(self, one):
        before = (self.tree.root / FILE).read_bytes()
        result = mutate.try_mutation(one, self.tree, self.baseline, None, False)
        self.assertEqual((self.tree.root / FILE).read_bytes(), before)
        self.assertEqual((mutate.REPOSITORY / FILE).read_bytes(), before)
        return result

    def test_every_mutation_applies(self):
        self.assertEqual(mutate.check_data(), [])

    def test_every_suite_has_a_mutation(self):
        named = {suite.name for one in mutations.MUTATIONS for suite, _ in mutate.plan(one, None)}
        self.assertEqual(named, set(SUITES))

    def test_every_group_of_the_kernels_tests_is_in_a_suite(self):
        groups = re.findall(r"&(\w+)_group", (mutate.REPOSITORY / "test/kernel/groups.c").read_text(encoding="utf-8"))
        self.assertEqual(set(groups) | {"cores"}, {group for suite in SUITES.values() for group in suite.groups})

    def test_what_breaks_is_killed_by_name(self):
        result = self.result(mutation("#define FDT_MAGIC 0xd00dfeedu", "#define FDT_MAGIC 0xd00dfeecu"))
        self.assertIsNone(result.error)
        self.assertEqual(list(result.killers), ["unit"])
        self.assertEqual(result.killers["unit"], ["device_tree_test reads_the_machine"])

    def test_what_changes_nothing_survives(self):
        result = self.result(mutation("#define DEPTH_MAX 16", "#define DEPTH_MAX (8 + 8)"))
        self.assertIsNone(result.error)
        self.assertEqual(result.killers, {})
        self.assertEqual(mutate.verdict(result), "SURVIVED")

    def test_what_does_not_end_is_killed_by_its_time(self):
        mutate.LIMIT_MIN, mutate.LIMIT_FACTOR, before = 5, 1, (mutate.LIMIT_MIN, mutate.LIMIT_FACTOR)
        try:
            result = self.result(mutation("    uint32_t total = be32(fdt + 4);\n",
                                          "    while (be32(fdt) == FDT_MAGIC) {\n    }\n"
                                          "    uint32_t total = be32(fdt + 4);\n"))
        finally:
            mutate.LIMIT_MIN, mutate.LIMIT_FACTOR = before
        self.assertIsNone(result.error)
        self.assertRegex(result.killers["unit"][0], "out of time")

    def test_what_is_not_there_is_an_error(self):
        self.assertRegex(self.result(mutation("no such text", "")).error, "0 times")

    def test_what_stands_twice_is_an_error(self):
        self.assertRegex(self.result(mutation("uint32_t", "int32_t")).error, "times")

    def test_what_does_not_build_is_an_error(self):
        self.assertRegex(self.result(mutation("#define DEPTH_MAX 16", "")).error, "does not build")


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).parent)
    unittest.main()
