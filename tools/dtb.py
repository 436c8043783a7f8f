#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compile a system description: device-tree source through the C preprocessor and dtc.

    dtb.py SOURCE OUTPUT [--include DIR]... [--define NAME=VALUE]... [--depfile FILE]
"""

import argparse
import os
import subprocess
import sys


def compile_dts(source, output, includes=(), defines=(), depfile=None):
    preprocess = ["gcc", "-E", "-nostdinc", "-undef", "-D__DTS__", "-P", "-x", "assembler-with-cpp"]
    preprocess += [f"-I{directory}" for directory in includes]
    preprocess += [f"-D{define}" for define in defines]
    if depfile:
        preprocess += ["-MD", "-MF", depfile, "-MT", output]
    text = subprocess.run(preprocess + [source], check=True, stdout=subprocess.PIPE).stdout
    temporary = f"{output}.new"
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", temporary, "-"], input=text,
                   check=True)
    os.replace(temporary, output)


def main():
    parser = argparse.ArgumentParser(description="Compile a system description.")
    parser.add_argument("source")
    parser.add_argument("output")
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--define", action="append", default=[])
    parser.add_argument("--depfile")
    args = parser.parse_args()
    try:
        compile_dts(args.source, args.output, args.include, args.define, args.depfile)
    except subprocess.CalledProcessError as error:
        sys.exit(f"dtb: {args.source}: {error.cmd[0]} failed")


if __name__ == "__main__":
    main()
