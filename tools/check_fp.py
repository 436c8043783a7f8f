#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fail when a program that must leave the FP/SIMD registers alone contains code that does not.

    check_fp.py OBJDUMP ELF

Domains are built without FP so that a guest's FP registers stay in place across every exit
(see docs/decisions). The compiler flag covers our own code;
this check covers assembly and libraries.
"""

import os
import re
import subprocess
import sys

REGISTER = re.compile(r"(?<![\w.#+-])(?:[bhsdq]\d{1,2}|v\d{1,2}\.\d*[bhsdq]|[zp]\d{1,2}\.[bhsd]|fp[cs]r)(?![\w])")


def offenders(objdump, elf):
    listing = subprocess.run([objdump, "-d", "--no-show-raw-insn", elf], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    function, found = "?", {}
    for line in listing.splitlines():
        if line.endswith(">:"):
            function = line.split("<")[1][:-2]
            continue
        fields = line.split("\t")
        if len(fields) < 3:
            continue
        operands = re.sub(r"\b[0-9a-f]+ <[^>]*>|//.*", "", "\t".join(fields[2:]))
        if REGISTER.search(operands):
            found.setdefault(function, " ".join(fields[1:]).strip())
    return found


def main():
    objdump, elf = sys.argv[1:3]
    found = offenders(objdump, elf)
    if not found:
        return
    print(f"{elf}: built without FP, but these functions use FP/SIMD registers:", file=sys.stderr)
    for function, instruction in sorted(found.items()):
        print(f"  {function}: {instruction}", file=sys.stderr)
    print("  (avoid them, or give the domain the word FP in its CMakeLists.txt)", file=sys.stderr)
    os.unlink(elf)
    sys.exit(1)


if __name__ == "__main__":
    main()
