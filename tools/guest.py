#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Build the demo and test guest: Debian's arm64 kernel and an initrd with busybox.

    guest.py [DIRECTORY]        default: build/guest

Makes DIRECTORY/Image and DIRECTORY/initrd. They depend on the fetched packages, on guest/init and on
this file only, are the same bytes wherever they are built, and are not built again when nothing changed.
"""

import gzip
import hashlib
import os
import pathlib
import re
import shutil
import sys

import bundle
import fetch

TOOLS = pathlib.Path(__file__).parent
BUILD = TOOLS.parent / "build" / "guest"

# In the order in which they are loaded; what each depends on comes before it.
MODULES = [
    "virtio_pci", "virtio_mmio", "virtio_blk", "virtio_net", "virtio_console", "virtio-rng",
    "virtio_balloon", "vmw_vsock_virtio_transport",
]


def module_files(linux):
    """Module name to file."""
    return {path.stem.replace("-", "_"): path for path in (linux / "lib" / "modules").rglob("*.ko")}


def dependencies(path):
    match = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
    return [name for name in match.group(1).decode().split(",") if name] if match else []


def load_order(files, wanted):
    """The files of `wanted` and of all that they depend on, dependencies first."""
    order = []

    def visit(name):
        path = files[name.replace("-", "_")]
        if path not in order:
            for dependency in dependencies(path):
                visit(dependency)
            order.append(path)

    for name in wanted:
        visit(name)
    return order


def make_initrd(linux, busybox):
    """The newc archive, not yet compressed."""
    modules = load_order(module_files(linux), MODULES)
    entries = [(name, 0o040755, b"") for name in
               ("bin", "data", "dev", "etc", "lib", "lib/modules", "proc", "root", "sys", "tmp")]
    entries.append(("bin/busybox", 0o100755, (busybox / "bin" / "busybox").read_bytes()))
    entries.append(("bin/sh", 0o120777, b"busybox"))
    entries.append(("init", 0o100755, (TOOLS / "guest" / "init").read_bytes()))
    order = "".join(f"{path.name}\n" for path in modules)
    entries.append(("lib/modules/order", 0o100644, order.encode()))
    entries += [(f"lib/modules/{path.name}", 0o100644, path.read_bytes()) for path in modules]

    archive = bytearray()
    for inode, (name, mode, data) in enumerate(entries, start=1):
        archive += bundle.entry(len(archive), inode, mode, name, data, 4)
    archive += bundle.entry(len(archive), 0, 0, "TRAILER!!!", b"", 4)
    return bytes(archive)


def write(path, data):
    temporary = path.with_suffix(".new")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def build(directory=BUILD):
    """Make the guest's files unless they are up to date; returns (Image, initrd)."""
    directory = pathlib.Path(directory)
    image, initrd, stamp = directory / "Image", directory / "initrd", directory / "stamp"
    fetcher = fetch.Fetcher()
    linux, busybox = fetcher.get("linux"), fetcher.get("busybox")

    inputs = [linux.name, busybox.name]
    for source in (TOOLS / "guest" / "init", TOOLS / "guest.py", TOOLS / "bundle.py"):
        inputs.append(hashlib.sha256(source.read_bytes()).hexdigest())
    state = "\n".join(inputs) + "\n"
    if stamp.exists() and stamp.read_text() == state and image.exists() and initrd.exists():
        return image, initrd

    print(f"guest: making {image} and {initrd}", file=sys.stderr, flush=True)
    directory.mkdir(parents=True, exist_ok=True)
    with fetch.exclusive("guest"):
        kernel = next((linux / "boot").glob("vmlinuz-*"))
        temporary = directory / "Image.new"
        shutil.copyfile(kernel, temporary)
        os.replace(temporary, image)
        write(initrd, gzip.compress(make_initrd(linux, busybox), compresslevel=9, mtime=0))
        stamp.write_text(state)
    return image, initrd


def main():
    try:
        build(*sys.argv[1:2])
    except (fetch.FetchError, OSError) as error:
        sys.exit(f"guest: {error}")


if __name__ == "__main__":
    main()
