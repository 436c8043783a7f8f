#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The storage domain on an NVMe and a virtio disk behind the SMMU, looked at from both ends: from a
client domain (storage_check.c), and on the disk images afterwards."""

import os
import pathlib
import shutil
import struct
import sys
import tempfile

import disk
import qemu

SECTOR = 512
TARGET = pathlib.Path(os.environ.get("BULKHEAD_TARGET", qemu.TARGET))


def partitions(image):
    """Name to (first sector, sectors) of an image's GPT."""
    with open(image, "rb") as file:
        file.seek(2 * SECTOR)
        table = file.read(128 * 128)
    found = {}
    for at in range(0, len(table), 128):
        entry = table[at:at + 128]
        first, last = struct.unpack_from("<QQ", entry, 32)
        if any(entry[:16]):
            name = entry[56:].decode("utf-16-le").rstrip("\0")
            found[name] = (first, last - first + 1)
    return found


def contents(image, name):
    first, count = partitions(image)[name]
    with open(image, "rb") as file:
        file.seek(first * SECTOR)
        return file.read(count * SECTOR)


def check(condition, text):
    if not condition:
        raise qemu.Failure(text)


def check_stamped(image, name):
    """Each sector holds the volume's mark and its own number, as storage_check leaves it."""
    mark = name[-6:].encode() + bytes(2)
    data = contents(image, name)
    for number in range(len(data) // SECTOR):
        expected = (mark + struct.pack("<Q", number)) * 32
        check(data[number * SECTOR:(number + 1) * SECTOR] == expected,
              f"sector {number} of volume {name} is not what the client wrote")


def machine(disks, bundle="storage_test.cpio", platform="on",
            nvme_drive="driver=raw,file.driver=file,file.filename={}"):
    """`nvme_drive`: how QEMU gets at the image of the NVMe disk."""
    return qemu.Machine(
        kernel=TARGET / "kernel" / "Image", initrd=TARGET / bundle,
        extra=("-drive", "if=none,id=first," + nvme_drive.format(disks.nvme),
               "-device", "nvme,serial=first,drive=first",
               "-drive", f"if=none,id=second,format=raw,file={disks.virtio}", "-device",
               f"virtio-blk-pci,drive=second,disable-legacy=on,iommu_platform={platform}"))


class Disks:
    """Fresh images; `original` is what the volumes nobody writes hold."""

    def __init__(self, directory):
        self.original = os.urandom(3000000)
        source = directory / "original"
        source.write_bytes(self.original)
        self.nvme, self.virtio = directory / "nvme.img", directory / "virtio.img"
        disk.make_disk(self.nvme, ["nvme-first=empty:8M", f"nvme-other={source}",
                                   "nvme-second=empty:4M"])
        disk.make_disk(self.virtio, [f"virtio-read={source}", "virtio-first=empty:8M"])

    def check_written(self, virtio=True):
        check_stamped(self.nvme, "nvme-first")
        check_stamped(self.nvme, "nvme-second")
        self.check_untouched(self.nvme, "nvme-other")
        if virtio:
            check_stamped(self.virtio, "virtio-first")
            self.check_untouched(self.virtio, "virtio-read")

    def check_untouched(self, image, name):
        data = contents(image, name)
        check(data[:len(self.original)] == self.original and not any(data[len(self.original):]),
              f"volume {name} has changed")


def count(console, text):
    return console.output.count(text.encode())


def test_volumes(disks):
    """What clients write is on the disks, in its place, and flushes reach the disks. Both interrupt by messages."""
    before = [path.read_bytes()[:34 * SECTOR] for path in (disks.nvme, disks.virtio)]
    run = machine(disks)
    run.extra += ("-trace", "pci_nvme_flush_ns", "-trace", "pci_nvme_irq_*")
    with qemu.Console(run, name="storage_volumes") as console:
        for number, driver in enumerate(["nvme", "virtio-blk"]):
            console.expect(f"device disk{number}: {driver} for storage, interrupts by messages", timeout=120)
        console.expect("storage-check: checked 5 volumes, 0 failures", timeout=120)
        check(console.expect_exit() == 0, "the client saw failures")
        flushes = count(console, "pci_nvme_flush_ns")
        check(count(console, "pci_nvme_irq_msix") > 0 and count(console, "pci_nvme_irq_pin") == 0,
              "the NVMe disk did not interrupt by messages alone")
    check(flushes >= 4, f"the NVMe disk saw {flushes} flushes, expected 4")
    disks.check_written()
    after = [path.read_bytes()[:34 * SECTOR] for path in (disks.nvme, disks.virtio)]
    check(before == after, "a partition table has changed")


def test_interrupt_lines(disks):
    """On a machine without an ITS the disks interrupt by their lines."""
    run = machine(disks)
    run.its = False
    run.extra += ("-trace", "pci_nvme_irq_*")
    with qemu.Console(run, name="storage_lines") as console:
        for number, driver in enumerate(["nvme", "virtio-blk"]):
            console.expect(rf"device disk{number}: {driver} for storage\r?$", timeout=120)
        console.expect("storage-check: checked 5 volumes, 0 failures", timeout=120)
        check(console.expect_exit() == 0, "the client saw failures")
        check(count(console, "pci_nvme_irq_pin") > 0 and count(console, "pci_nvme_irq_msix") == 0,
              "the NVMe disk did not interrupt by its line")
    disks.check_written()


def test_backup_table(disks):
    """A damaged partition table is replaced by its backup."""
    with open(disks.nvme, "r+b") as file:
        file.seek(SECTOR + 60)
        file.write(b"damage")
    with qemu.Console(machine(disks), name="storage_backup") as console:
        console.expect("storage: disk0: warning: the partition table is damaged: "
                       "the header's checksum is wrong; looking for its backup")
        console.expect("storage: disk0: warning: using the backup of the partition table")
        check(console.expect_exit(timeout=120) == 0, "the client saw failures")
    disks.check_written()


def test_unusable_disk(disks):
    """A disk that bypasses the SMMU is refused, and the other one is served."""
    run = machine(disks, platform="off")
    with qemu.Console(run, name="storage_unusable") as console:
        console.expect(r"storage: disk1: it does not offer VIRTIO_F_ACCESS_PLATFORM "
                       r"\(QEMU: iommu_platform=on\); its volumes give errors")
        console.expect("storage-check: checked 3 volumes, 0 failures", timeout=120)
    disks.check_written(virtio=False)


def test_read_errors(disks):
    """A bad sector of the medium is the client's error, and nothing else."""
    first, _ = partitions(disks.nvme)["nvme-second"]
    rules = disks.nvme.with_suffix(".rules")
    rules.write_text(f'[inject-error]\nevent = "read_aio"\nsector = "{first + 100}"\nerrno = "5"\n')
    drive = ("driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename={},"
             f"file.config={rules}")
    with qemu.Console(machine(disks, nvme_drive=drive), name="storage_errors") as console:
        console.expect("storage: disk0: a read of [0-9]+ bytes at sector [0-9]+ failed")
        console.expect("storage-check: nvme-second: FAILED: .*: status 1, expected 0")
        console.expect("storage-check: checked 5 volumes", timeout=120)
        check(b"nvme-first: FAILED" not in console.output, "another volume suffers")


def test_detach(disks):
    """Channels that go away with commands in flight, and come back, disturb nothing."""
    with qemu.Console(machine(disks, "storage_detach_test.cpio"), name="storage_detach") as console:
        for _ in range(11):
            console.expect("guest resets: running", timeout=30)
            console.expect("guest resets: resets", timeout=30)
        console.expect("guest resets: powered off", timeout=30)
        check(console.expect_exit() == 0, "the guest crashed")
        check(b"resetting it" not in console.output, "a disk had to be reset")


TESTS = [test_volumes, test_interrupt_lines, test_backup_table, test_unusable_disk, test_read_errors,
         test_detach]


def main():
    wanted = sys.argv[1:]
    for test in TESTS:
        if wanted and test.__name__ not in wanted:
            continue
        directory = pathlib.Path(tempfile.mkdtemp(prefix="storage-"))
        try:
            test(Disks(directory))
            print(f"{test.__name__}: passed")
        except qemu.Failure as failure:
            print(f"{test.__name__}: {failure}", file=sys.stderr)
            sys.exit(1)
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
