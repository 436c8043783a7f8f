#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fail when a program takes the address of a function that has no landing pad (BTI).

    check_landing_pads.py OBJDUMP ELF

The compiler puts landing pads where its own code needs them. Assembly and libraries built without them are linked as
well, under a property that says that the program has all it needs (domain.ld): they may be called by name, but not through a pointer.
Addresses are found in pairs of ADRP and ADD, in ADR, and in words of constants and data. Jumps within a function, by
tables of the compiler's, are left to the compiler. The program's entry is reached by no branch.
"""

import os
import re
import struct
import subprocess
import sys

PAD = re.compile(r"^(?:bti\t(?:c|jc)|paci[ab]sp)\b")
LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S.*)$")
ADRP = re.compile(r"^adrp\t(x\d+), ([0-9a-f]+)")
ADR = re.compile(r"^adr\tx\d+, ([0-9a-f]+)")
ADD = re.compile(r"^add\tx\d+, (x\d+), #0x([0-9a-f]+)")
WRITES = re.compile(r"^(?!st|cmp|cmn|tst|cb|tb)\S+\t[xw](\d+)\b")  # its first operand
LOAD, EXECUTE = 1, 1  # PT_LOAD, PF_X


def listing(objdump, elf):
    """Names of functions by address, and the instructions by address."""
    functions, code, name = {}, {}, None
    text = subprocess.run([objdump, "-d", "--no-show-raw-insn", elf], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    for line in text.splitlines():
        if line.endswith(">:"):
            address, name = line[:-2].split(" <")
            functions[int(address, 16)] = name
        elif match := LINE.match(line):
            code[int(match.group(1), 16)] = match.group(2)
    return functions, code


def taken_by_code(functions, code):
    pages = {}
    for at, instruction in code.items():
        if at in functions:
            pages = {}
        if match := ADRP.match(instruction):
            pages[match.group(1)] = int(match.group(2), 16)
        elif match := ADR.match(instruction):
            yield int(match.group(1), 16)
        elif (match := ADD.match(instruction)) and match.group(1) in pages:
            yield pages[match.group(1)] + int(match.group(2), 16)
        if (match := WRITES.match(instruction)) and not instruction.startswith("adrp"):
            pages.pop("x" + match.group(1), None)


def taken_by_data(elf):
    with open(elf, "rb") as file:
        image = file.read()
    table, = struct.unpack_from("<Q", image, 32)
    count, = struct.unpack_from("<H", image, 56)
    for i in range(count):
        kind, flags, offset, _, _, size = struct.unpack_from("<IIQQQQ", image, table + i * 56)
        if kind == LOAD and not flags & EXECUTE:
            yield from struct.unpack_from(f"<{size // 8}Q", image, offset)


def entry(elf):
    with open(elf, "rb") as file:
        return struct.unpack_from("<Q", file.read(64), 24)[0]


def main():
    objdump, elf = sys.argv[1:3]
    functions, code = listing(objdump, elf)
    functions.pop(entry(elf), None)
    bad = sorted({functions[address] for address in (*taken_by_code(functions, code), *taken_by_data(elf))
                  if address in functions and not PAD.match(code.get(address, ""))})
    if bad:
        print(f"{elf}: the addresses of functions without a landing pad are taken: {', '.join(bad)}", file=sys.stderr)
        os.unlink(elf)
        sys.exit(1)


if __name__ == "__main__":
    main()
