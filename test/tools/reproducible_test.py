#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two clean builds give the same kernel image and the same bundle, byte for byte, wherever they are made."""

import filecmp
import pathlib
import shutil
import subprocess
import sys
import tempfile

import qemu

COMPARED = ("kernel/Image", "system.cpio")


def main():
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=qemu.REPOSITORY,
                           check=True, capture_output=True, text=True).stdout.split("\0")
    with tempfile.TemporaryDirectory(prefix="bulkhead-elsewhere-") as directory:
        copy = pathlib.Path(directory) / "another" / "place"
        for name in filter(None, files):
            source, target = qemu.REPOSITORY / name, copy / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        for command in (["cmake", "--preset", "target"], ["cmake", "--build", "build/target"]):
            result = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
            if result.returncode != 0:
                sys.exit(f"{' '.join(command)} failed:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}")
        different = [name for name in COMPARED
                     if not filecmp.cmp(qemu.TARGET / name, copy / "build" / "target" / name, shallow=False)]
    if different:
        sys.exit("different from the build in another directory: " + ", ".join(different))
    print("the same in both: " + ", ".join(COMPARED))


if __name__ == "__main__":
    main()
