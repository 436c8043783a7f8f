#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make a disk image: a GPT whose partitions are the volumes, each named after its volume.

    disk.py OUTPUT --volume NAME=FILE | NAME=ext4:SIZE[:DIRECTORY] | NAME=empty:SIZE ...

SIZE is a number with K, M or G. A volume made from a file is as long as the file, rounded up to 4 KiB;
`ext4:` makes a file system, filled from DIRECTORY if one is given. The image is sparse and depends on
the arguments only: identifiers are derived from names and times are fixed. It needs no root and no
loop device.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

SECTOR = 512
ALIGN = 1 << 20  # partitions begin on a MiB, as partitioning tools do
BLOCK = 4096
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "bulkhead.volumes")
LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"


class DiskError(Exception):
    """A request that cannot be met, in words."""


def parse_size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)i?B?", text)
    if not match:
        raise DiskError(f"{text} is not a size like 64M")
    return int(match.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[match.group(2)]


def round_up(value, unit):
    return (value + unit - 1) // unit * unit


def identifier(name):
    return str(uuid.uuid5(NAMESPACE, name)).upper()


def make_ext4(path, name, size, directory):
    with open(path, "wb") as file:
        file.truncate(size)
    # libext2fs takes the time from E2FSPROGS_FAKE_TIME, mke2fs's seed and UUID from options.
    environment = {**os.environ, "E2FSPROGS_FAKE_TIME": "1704067200",
                   "SOURCE_DATE_EPOCH": "1704067200", "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    command = ["mkfs.ext4", "-q", "-F", "-b", str(BLOCK), "-L", name[:16], "-U", identifier(name),
               "-E", f"hash_seed={identifier(name)},lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0",
               "-m", "0"]
    if directory:
        command += ["-d", directory]
    result = subprocess.run(command + [path], env=environment, check=False, text=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if result.returncode:
        raise DiskError(f"mkfs.ext4 for volume {name} failed: {result.stderr.strip()}")


class Volume:
    """A partition to be: its name, its size and where its contents come from."""

    def __init__(self, argument):
        self.name, _, source = argument.partition("=")
        if not self.name or not source:
            raise DiskError(f"expected NAME=SOURCE, got {argument}")
        if len(self.name) > 36:
            raise DiskError(f"volume name {self.name} is longer than GPT's 36 characters")
        kind, _, rest = source.partition(":")
        self.file, self.directory, self.file_system = None, None, False
        if kind == "empty" and rest:
            self.size = parse_size(rest)
        elif kind == "ext4" and rest:
            size, _, directory = rest.partition(":")
            self.size, self.directory, self.file_system = parse_size(size), directory or None, True
        else:
            if not os.path.isfile(source):
                raise DiskError(f"volume {self.name}: there is no file {source}")
            self.file, self.size = source, os.path.getsize(source)
        self.size = max(round_up(self.size, BLOCK), BLOCK)


def copy_sparse(source, image, offset):
    """Copy a file's contents to `offset`, leaving holes where there are only zeros."""
    zeros = bytes(1 << 16)
    with open(source, "rb") as file:
        while block := file.read(len(zeros)):
            if block != zeros[:len(block)]:
                image.seek(offset)
                image.write(block)
            offset += len(block)


def make_disk(output, arguments):
    volumes = [Volume(argument) for argument in arguments]
    names = [volume.name for volume in volumes]
    if len(set(names)) != len(names):
        raise DiskError("two volumes have the same name")

    output = pathlib.Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    table = ["label: gpt", f"label-id: {identifier('disk:' + ','.join(names))}", "unit: sectors",
             f"first-lba: {ALIGN // SECTOR}"]
    offset, offsets = ALIGN, {}
    for volume in volumes:
        offsets[volume.name] = offset
        table.append(f"start={offset // SECTOR}, size={volume.size // SECTOR}, type={LINUX_DATA}, "
                     f"uuid={identifier(volume.name)}, name=\"{volume.name}\"")
        offset = round_up(offset + volume.size, ALIGN)

    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as directory:
        path = pathlib.Path(directory, "disk")
        with open(path, "wb") as image:
            image.truncate(offset + ALIGN)  # room for the second table
            for volume in volumes:
                if volume.file:
                    copy_sparse(volume.file, image, offsets[volume.name])
                elif volume.file_system:
                    contents = pathlib.Path(directory, "file-system")
                    make_ext4(contents, volume.name, volume.size, volume.directory)
                    copy_sparse(contents, image, offsets[volume.name])
        sfdisk = shutil.which("sfdisk") or "/sbin/sfdisk"
        result = subprocess.run([sfdisk, "--quiet", "--no-tell-kernel", path], text=True, check=False,
                                input="\n".join(table) + "\n", stderr=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        if result.returncode:
            raise DiskError(f"sfdisk failed: {result.stderr.strip()}")
        os.replace(path, output)


def main():
    parser = argparse.ArgumentParser(description="Make a disk image from volumes.")
    parser.add_argument("output")
    parser.add_argument("--volume", action="append", default=[], metavar="NAME=SOURCE", required=True)
    args = parser.parse_args()
    try:
        make_disk(args.output, args.volume)
    except (DiskError, OSError) as error:
        sys.exit(f"disk: {error}")


if __name__ == "__main__":
    main()
