#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What guests write is on the disk when they are told so: it is there after the power has gone and come
back. On a virtio disk and on NVMe."""

import harness
import qemu
from harness import check, equal

GUESTS = ("debian1", "debian2")
FILE_SIZE = 4 << 20


def write(system):
    system.ready(*GUESTS)
    sums = {}
    for name in GUESTS:
        mounts = system.must(name, "grep /data /proc/mounts")
        check(f"{name} has its ext4 on /data", mounts.startswith("/dev/vda /data ext4 rw"), mounts)
        system.must(name, f"head -c {FILE_SIZE} /dev/urandom >/data/file && echo {name} >/data/name && sync",
                    timeout=120)
        sums[name] = system.must(name, "sha256sum </data/file", timeout=120)
    check("guests write and sync", True)
    return sums


def read_back(system, sums):
    system.ready(*GUESTS)
    for name in GUESTS:
        equal(f"{name} finds its own disk after the power cycle", system.must(name, "cat /data/name"),
              f"{name}\n")
        equal(f"{name} finds what it had written",
              system.must(name, "sha256sum </data/file", timeout=120), sums[name])
    for name in GUESTS:
        output = system.must(name, "umount /data && mount -t ext4 -o ro /dev/vda /data && dmesg | grep -i "
                                   "'EXT4-fs error\\|I/O error' | wc -l")
        equal(f"{name} sees no errors of its disk", output, "0\n")


def cycle(nvme):
    kind = "NVMe" if nvme else "virtio-blk"
    print(f"-- the disk is {kind}")
    description = harness.demo(guests=2)
    name = f"storage-{kind.lower()}"
    with harness.boot(name, description, network=False, nvme=nvme) as system:
        sums = write(system)
        machine = system.machine
    with harness.System(machine, name=f"guests_{name}-again") as system:
        read_back(system, sums)
    if not nvme:
        refuse(machine)


def refuse(machine):
    """Without the disk the system says so and comes up all the same."""
    with harness.System(qemu.Machine(initrd=machine.initrd), name="guests_storage-none") as system:
        system.system_ready()
        check("without a disk the system comes up", True)


def test():
    cycle(nvme=False)
    cycle(nvme=True)


harness.main(test)
