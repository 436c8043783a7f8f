#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""System descriptions: what tools/describe.py writes is right, and mistakes are found before the boot."""

import pathlib
import tempfile
import unittest

import describe
import description

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


class Description(unittest.TestCase):
    def problems(self, text):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "system.dts")
            path.write_text(text)
            return description.check_file(path)

    def change(self, change, wanted):
        """The demonstration with a change at its end has this problem and no other."""
        problems = self.problems(describe.demo(2) + f"\n/ {{ {change} }};\n")
        self.assertEqual(len(problems), 1, problems)
        self.assertRegex(problems[0], wanted)

    def test_generated_descriptions_are_right(self):
        self.assertEqual(self.problems(describe.demo(guests=8)), [])
        self.assertEqual(self.problems(describe.single_guest(disk=True)), [])
        self.assertEqual(self.problems(describe.single_guest(initrd=False, append='a="b\\c"')), [])

    def test_the_example_is_right(self):
        for path in sorted((REPOSITORY / "tools" / "systems").glob("*.dts")):
            self.assertEqual(description.check_file(path), [], path)

    def test_memory(self):
        self.change("guests { debian1 { memory = <(17 << 20)>; }; };",
                    "^/guests/debian1: memory: must be a multiple of 2 MiB")

    def test_unknown_property(self):
        self.change("guests { debian1 { memroy = <1>; }; };", "memroy: there is no such property")

    def test_unknown_node(self):
        self.change("guest { };", "^/guest: there is no such node")

    def test_wrong_type(self):
        self.change("guests { debian1 { autostart = <1>; }; };", "autostart: must have no value")

    def test_missing_references(self):
        self.change('guests { debian1 { net0 { network = "wan"; }; }; };', "there is no network wan")
        self.change('channels { x { client = "who"; server = "console"; protocol = "console"; }; };',
                    "there is no domain who")
        self.change('networks { x { uplink = "nic7"; }; };', "nic7 is no device of the network server")

    def test_a_volume_has_one_writer(self):
        self.change('guests { debian2 { disk0 { volume = "debian1"; }; }; };',
                    "debian1 is open in /guests/debian1/disk0")

    def test_a_device_has_one_owner(self):
        self.change('domains { manager { devices = "nic0"; }; };', "nic0 belongs to network")

    def test_two_networks_on_a_card_differ_by_vlan(self):
        self.change('networks { x { uplink = "nic0"; }; };', "lan uses the card with the same vlan")

    def test_names(self):
        self.change('domains { Bad { }; };', "a name is 1 to 31")
        self.change('guests { system { memory = <(16 << 20)>; kernel = "kernel"; }; };', "the console of all logs")

    def test_who_has_a_partition_has_a_window(self):
        self.change("guests { debian1 { partition = <1>; }; };",
                    "^/guests/debian1: partition: has no window in /schedule")
        self.change("domains { manager { partition = <8>; }; };", "partition: must be 0 to 7")
        windows = "schedule { a { partition = <0>; length-us = <1000>; }; b { partition = <1>; length-us = <500>; }; }; "
        self.assertEqual(self.problems(describe.demo(2) + "/ { " + windows +
                                       "guests { debian1 { partition = <1>; }; }; };"), [])
        self.change(windows + "guests { debian1 { partition = <2>; }; };", "^/guests/debian1: partition: has no window")

    def test_root_has_a_window(self):
        self.change("schedule { a { partition = <0>; }; };", "^/schedule/a: length-us: is missing")
        problems = self.problems(describe.demo(1) + "/ { schedule { a { partition = <1>; length-us = <500>; }; }; };")
        self.assertIn("/schedule: has no window of partition 0, which is root's", problems)

    def test_disks_have_no_gaps(self):
        self.change('guests { debian1 { disk2 { volume = "x"; }; }; };', "without gaps")


if __name__ == "__main__":
    unittest.main(verbosity=2)
