#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The measuring itself: what is compared with the baseline, what is counted on a path, and where its parts end."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import baseline  # noqa: E402
import disassembly  # noqa: E402
import paths  # noqa: E402
import qemu  # noqa: E402
import result  # noqa: E402
import rows  # noqa: E402
import table  # noqa: E402
import recorder  # noqa: E402


def path(*steps):
    """Steps from `owner instruction`."""
    return [recorder.Step(owner, 4 * number, disassembly.Instruction("function", text))
            for number, (owner, text) in enumerate(step.split(" ", 1) for step in steps)]


ROUND = path("user svc #0", "kernel mrs x0, elr_el2", "kernel eret", "guest add x0, x0, #1", "guest hvc #0x12",
             "kernel msr hcr_el2, x3", "kernel isb", "kernel eret", "user mov x0, x1")


class Baseline(unittest.TestCase):
    before = {"row": {"value": 100.0, "barriers": 1}, "kernel_lines": {"value": 5000}}

    def worse(self, **figures):
        return baseline.worse({"row": {"value": 100.0, "barriers": 1}, "kernel_lines": {"value": 5000}, **figures},
                              self.before)

    def test_the_same_is_not_worse(self):
        self.assertEqual(self.worse(), [])

    def test_three_percent_are_allowed(self):
        self.assertEqual(self.worse(row={"value": 103.0, "barriers": 1}), [])

    def test_more_than_three_percent_are_worse(self):
        self.assertEqual(len(self.worse(row={"value": 103.1, "barriers": 1})), 1)

    def test_a_barrier_more_is_worse(self):
        self.assertEqual(len(self.worse(row={"value": 90.0, "barriers": 2})), 1)

    def test_a_row_that_was_not_measured_is_worse(self):
        self.assertEqual(len(baseline.worse({}, self.before)), 3)

    def test_size_is_held_to_its_limit(self):
        self.assertEqual(self.worse(kernel_lines={"value": 8000}), [])
        self.assertEqual(len(self.worse(kernel_lines={"value": 8001})), 1)

    def test_the_baseline_in_the_tree_has_every_row_that_is_measured(self):
        expected = {row.name for row in rows.ALL.values() if not row.planned} - set(baseline.UNSTEADY)
        self.assertEqual(set(baseline.read()), expected)


class Paths(unittest.TestCase):
    def test_an_exit_is_the_instruction_that_trapped_and_the_kernel(self):
        self.assertEqual([step.pc for step in paths.way_through_kernel(ROUND, "guest", "user")], [16, 20, 24, 28])

    def test_an_entry_is_the_system_call_and_the_kernel(self):
        self.assertEqual([step.pc for step in paths.way_through_kernel(ROUND, "user", "guest")], [0, 4, 8])

    def test_an_interrupt_begins_in_the_kernel(self):
        self.assertEqual([step.pc for step in paths.way_through_kernel(ROUND, "guest", "user", interrupt=True)],
                         [20, 24, 28])

    def test_idle_ends_behind_the_last_wfi(self):
        steps = path("user svc #0", "kernel wfi", "kernel nop", "kernel wfi", "kernel mrs x0, esr_el2", "kernel eret",
                     "user nop")
        self.assertEqual([step.pc for step in paths.way_through_kernel(steps, "idle", "user")], [16, 20])

    def test_a_way_that_is_not_there_is_an_error(self):
        with self.assertRaises(qemu.Failure):
            paths.way_through_kernel(ROUND, "guest", "guest")

    def test_barriers_and_system_registers_are_counted(self):
        counts = paths.count(ROUND + path("kernel dsb ish", "kernel dmb ish", "kernel tlbi vmalls12e1",
                                          "kernel at s1e1r, x0"))
        self.assertEqual((counts.instructions, counts.kernel, counts.user, counts.guest), (13, 9, 2, 2))
        self.assertEqual((counts.barriers, counts.register_accesses, counts.maintenance), (3, 2, 2))

    def test_the_account_has_every_instruction(self):
        numbered = [line for line in paths.listing(ROUND).splitlines() if not line.startswith(" " * 8)]
        self.assertEqual(len(numbered), len(ROUND))
        self.assertTrue(numbered[-1].startswith(f"{len(ROUND):5}"))


class Log(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "log"
            file.write_text(text, encoding="ascii")
            return recorder.read_log(file)

    def test_an_instruction_before_which_an_interrupt_came_was_not_executed(self):
        line = "Trace 0: 0x7f0000000140 [0000000000000000/00000000002014b4/00000003/ff000201] function\n"
        stopped = "Stopped execution of TB chain before 0x7f0000000140 [00000000002014b4] function\n"
        self.assertEqual(self.read(line + stopped + line), [(0, 0x2014b4)])

    def test_a_round_ends_with_what_its_core_executes(self):
        self.assertEqual(recorder.one_round([(0, 8), (0, 4), (0, 8), (1, 40), (0, 12), (1, 44), (1, 40)], 8), [8, 40, 12])


class Results(unittest.TestCase):
    row = rows.Row("row", "a row", 10, 5)

    def test_a_path_that_differs_from_what_was_measured_is_an_error(self):
        self.assertEqual(result.with_path(self.row, {"row": 9.2}, {"row": ROUND}).value, 9.2)
        with self.assertRaises(qemu.Failure):
            result.with_path(self.row, {"row": 12.5}, {"row": ROUND})

    def test_a_goal_is_missed_met_or_stretched(self):
        self.assertEqual([result.Result(self.row, value).verdict for value in (11, 10, 5)],
                         ["missed", "met", "stretch"])

    def test_columns_of_the_text_are_aligned(self):
        results = [result.Result(row, 1234.0, paths.count(ROUND)) for row in rows.PRIMITIVES]
        lines = table.text({"primitives": results}).splitlines()[:len(results) + 1]
        full = [line for line, one in zip(lines[1:], results) if one.row.sel4_mcs is not None]
        self.assertEqual(len({len(line) for line in full}), 1)

    def test_a_row_that_misses_its_goal_is_accounted_for_by_function(self):
        missed = result.with_path(self.row, {"row": 12.0}, {"row": ROUND + path(*["kernel nop"] * 3)})
        met = result.with_path(self.row, {"row": 9.0}, {"row": ROUND})
        lines = table.missed({"exits": [missed, met]}).splitlines()[2:]
        self.assertEqual(lines, ["| a row | 12 | 10 | 8 `function`, 2 `function` (EL0), 2 `function` (guest) "
                                 "| `./bulkhead bench path row` |"])


if __name__ == "__main__":
    unittest.main()
