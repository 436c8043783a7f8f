#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make a bundle: the newc cpio archive that the loader passes to the kernel.

    bundle.py OUTPUT root=FILE system.dtb=FILE name=FILE...

The archive depends on nothing but names and contents: no times, owners or inode numbers of the
build machine. `root` comes first, `system.dtb` second, the rest in order of name. Each file's data
begins on a 4096-byte boundary of the archive (its name is padded with NULs, which namesize counts),
so that the kernel and root map files page by page instead of copying them.
"""

import os
import sys

PAGE = 4096
HEADER = 110


def align(offset, unit):
    return (offset + unit - 1) // unit * unit


def entry(offset, inode, mode, name, data, data_align):
    """The bytes of one archive member that starts at `offset`."""
    path = name.encode() + b"\0"
    start = align(offset + HEADER + len(path), data_align)
    path = path.ljust(start - offset - HEADER, b"\0")
    # Fields: inode, mode, uid, gid, nlink, mtime, size, 4 device numbers, name size, checksum.
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    body = header + path + data
    return body.ljust(align(offset + len(body), 4) - offset, b"\0")


def order(name):
    first = {"root": 0, "system.dtb": 1}
    return first.get(name, 2), name


def pack(files):
    """The archive of `files`, a dict of name to contents."""
    archive = bytearray()
    for inode, name in enumerate(sorted(files, key=order), start=1):
        archive += entry(len(archive), inode, 0o100444, name, files[name], PAGE)
    archive += entry(len(archive), 0, 0, "TRAILER!!!", b"", 4)
    return bytes(archive.ljust(align(len(archive), PAGE), b"\0"))


def write(output, files):
    temporary = f"{output}.new"
    with open(temporary, "wb") as out:
        out.write(pack(files))
    os.replace(temporary, output)


def unpack(archive):
    """The inverse of pack(): name to contents."""
    files, offset = {}, 0
    while True:
        header = archive[offset:offset + HEADER]
        if header[:6] != b"070701":
            raise ValueError(f"no newc header at offset {offset}")
        size = int(header[54:62], 16)
        name_size = int(header[94:102], 16)
        name = archive[offset + HEADER:offset + HEADER + name_size].rstrip(b"\0").decode()
        data = align(offset + HEADER + name_size, 4)
        if name == "TRAILER!!!":
            return files
        files[name] = archive[data:data + size]
        offset = align(data + size, 4)


def main():
    if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    files = {}
    for argument in sys.argv[2:]:
        name, _, path = argument.partition("=")
        if not path:
            sys.exit(f"bundle: expected name=file, got {argument}")
        if name in files:
            sys.exit(f"bundle: {name} is there twice")
        with open(path, "rb") as source:
            files[name] = source.read()
    if "root" not in files:
        sys.exit("bundle: there must be an entry called root")
    write(sys.argv[1], files)


if __name__ == "__main__":
    main()
