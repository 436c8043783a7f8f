#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`./bulkhead run --kernel FILE`: the guest's console is the terminal and nothing else is on it, and how the
guest ends is how the command ends."""

import subprocess
import sys

import harness
import qemu
from harness import check, equal

DEBIAN = qemu.REPOSITORY / "build" / "guest"


def run(*arguments, timeout=120):
    """Exit status, output and complaints of the command behind `./bulkhead run`."""
    command = [sys.executable, "-B", str(qemu.REPOSITORY / "tools" / "run.py"), *map(str, arguments)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=qemu.time_limit(timeout))
    except subprocess.TimeoutExpired as expired:
        raise qemu.Failure(f"{command} does not end; its output: {expired.stdout}") from None
    return done.returncode, done.stdout, done.stderr.decode()


def ends(name, status, output, *arguments):
    got, text, errors = run("--kernel", harness.payload(name), "--headless", *arguments)
    equal(f"run --kernel {name}: the exit status is {status}", got, status)
    check(f"run --kernel {name}: the output is the guest's alone", text.replace(b"\r\n", b"\n") == output,
          f"{text!r}\n{errors}")


def linux():
    if not (DEBIAN / "Image").exists():
        raise qemu.Failure(f"there is no {DEBIAN}/Image; run ./bulkhead build first")
    status, output, errors = run(
        "--kernel", DEBIAN / "Image", "--initrd", DEBIAN / "initrd", "--headless", "--append",
        "console=ttyAMA0 quiet bulkhead.name=one bulkhead.exec=echo%20%22%3C%24((6*7))%3E%22;poweroff%20-f")
    check("run --kernel Image --initrd: Debian runs a command", b"<42>" in output, f"{output!r}\n{errors}")
    equal("run --kernel Image --initrd: power-off ends it with status 0", status, 0)
    status, output, errors = run(
        "--kernel", DEBIAN / "Image", "--initrd", DEBIAN / "initrd", "--headless", "--cpus", "2", "--vcpus", "3",
        "--append", "console=ttyAMA0 quiet bulkhead.exec=echo%20%22%3C%24(nproc)%3E%22;poweroff%20-f")
    check("run --vcpus 3 --cpus 2: Debian has three processors", status == 0 and b"<3>" in output, f"{output!r}\n{errors}")
    status, _, errors = run("--kernel", harness.payload("hello"), "--headless", "--vcpus", "9")
    check("run --vcpus 9 is refused", status != 0 and "--vcpus must be 1 to 8" in errors, errors)


def wrong():
    status, _, errors = run("--kernel", "/no/such/file", "--headless")
    check("run --kernel of a file that is not there says so", status != 0 and "no file /no/such/file" in errors,
          f"{status} {errors}")
    text = harness.directory("run") / "text"
    text.write_bytes(b"This is no kernel.\n" * 100)
    status, output, errors = run("--kernel", text, "--headless")
    equal("run --kernel of a file that is no kernel: the exit status is 1", status, 1)
    check("run --kernel of a file that is no kernel says why", "is no arm64 Image" in errors, f"{output!r}\n{errors}")


def test():
    ends("hello", 0, b"hello from a payload\n")
    ends("hello", 0, b"hello from a payload\n", "--nvme", "--memory", "16M")
    ends("hello", 0, b"hello from a payload\n", "--icount")
    ends("crash", 1, b"about to crash\n")
    ends("reset", 0, b"about to reset\n")
    linux()
    wrong()


harness.main(test)
