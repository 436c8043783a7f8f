#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A proof counts only if everything holds, everything marked is reached, and there is something to prove."""

import unittest

import verify


def result(description, status):
    return {"description": description, "status": status, "property": "x.1", "sourceLocation": {"function": "x"}}


def judge(*results, messages=()):
    return verify.judge([*messages, {"result": list(results)}])


HOLDS = result("a == b", "SUCCESS")
REACHED = result("reached: the end", "FAILURE")  # an assertion that nothing can pass


class Judge(unittest.TestCase):
    def test_what_holds_and_is_reached_is_proved(self):
        self.assertEqual(judge(HOLDS, REACHED), (1, 1, []))

    def test_a_property_that_does_not_hold_fails(self):
        self.assertIn("a == b", judge(result("a == b", "FAILURE"), REACHED)[2][0])

    def test_a_property_that_was_not_decided_fails(self):
        self.assertIn("a == b", judge(result("a == b", "UNKNOWN"), REACHED)[2][0])

    def test_a_place_that_is_never_reached_fails(self):
        self.assertIn("the end", judge(HOLDS, REACHED, result("reached: the end", "SUCCESS"))[2][0])

    def test_a_proof_without_marks_fails(self):
        self.assertEqual(len(judge(HOLDS)[2]), 1)

    def test_a_proof_of_nothing_fails(self):
        self.assertEqual(len(judge(REACHED)[2]), 1)

    def test_no_result_fails(self):
        self.assertIn("no result", verify.judge([{"messageType": "ERROR", "messageText": "syntax"}])[2])

    def test_a_function_without_a_body_fails(self):
        warning = {"messageType": "WARNING", "messageText": "no body for function f"}
        self.assertEqual(judge(HOLDS, REACHED, messages=[warning])[2], ["no body for function f"])


class Proofs(unittest.TestCase):
    def test_every_file_is_about_sources_and_every_proof_has_a_claim(self):
        for file, proofs in verify.read_proofs().items():
            self.assertTrue(verify.describe(file)[0], file)
            for proof in proofs:
                self.assertRegex(proof.claim, r"\.$")


if __name__ == "__main__":
    unittest.main()
