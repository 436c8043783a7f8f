# SPDX-License-Identifier: BSD-2-Clause
"""What stands at an address of a program: function and instruction, as objdump says."""

import dataclasses
import functools
import re
import subprocess

LABEL = re.compile(r"^([0-9a-f]+) <(.*)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t[0-9a-f]{8}\s+(.*)$")
COMMENT = re.compile(r"\s*(//|;|<).*")
MARK = re.compile(r"row_(begin|end)_")

MAINTENANCE = ("at", "tlbi", "ic", "dc", "sys", "sysl")


@dataclasses.dataclass(frozen=True)
class Instruction:
    function: str
    text: str

    @property
    def mnemonic(self):
        return self.text.split(" ", 1)[0]


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


@functools.cache
def symbols(elf):
    lines = (line.split() for line in run("aarch64-linux-gnu-nm", elf).splitlines())
    return {line[2]: int(line[0], 16) for line in lines if len(line) == 3}


@functools.cache
def instructions(elf):
    """Address to Instruction, of all sections: programs that are copied to elsewhere are constants."""
    found, function = {}, ""
    for line in run("aarch64-linux-gnu-objdump", "--disassemble-all", "--wide", elf).splitlines():
        if match := LABEL.match(line):
            if not MARK.match(match.group(2)):
                function = match.group(2)
        elif match := INSTRUCTION.match(line):
            text = " ".join(COMMENT.sub("", match.group(2)).split())
            found[int(match.group(1), 16)] = Instruction(function, text)
    return found
