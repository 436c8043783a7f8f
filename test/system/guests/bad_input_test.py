#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a builder or an operator can get wrong: bundles, programs, descriptions, volumes, partition tables. Each
mistake is named with its reason, and costs what it has to and nothing else. (What the kernel refuses by
itself is in test/kernel/refuse.py.)"""

import gzip
import struct

import bundle
import harness
import run
from harness import check

SECTOR = 512
SYSTEM_LOG = '/ { domains { console { arguments = "show=system"; }; }; };\n'
LOAD, SEGMENT = 1, 56  # ELF: PT_LOAD, size of a program header

# Guests that cannot run: name, properties, and what is said of them.
GUESTS = (
    ("no-kernel", 'memory = <MIB(16)>; kernel = "nowhere";', r"guest no-kernel .*there is no volume \"nowhere\""),
    ("no-disk", 'memory = <MIB(16)>; kernel = "hello"; disk0 { volume = "gone"; };', r"guest no-disk .*there is no volume \"gone\""),
    ("text", 'memory = <MIB(16)>; kernel = "text";', r"kernel volume \"text\" is no arm64 Image"),
    ("zeros", 'memory = <MIB(16)>; kernel = "zeros";', r"kernel volume \"zeros\" is empty"),
    ("gzip", 'memory = <MIB(16)>; kernel = "gzip";', r"kernel volume \"gzip\" is compressed with gzip"),
    ("elf", 'memory = <MIB(16)>; kernel = "elf";', r"kernel volume \"elf\" is an ELF file"),
    ("small", 'memory = <MIB(16)>; kernel = "kernel";', r"kernel volume \"kernel\" does not fit"),
    ("initrd", 'memory = <MIB(16)>; kernel = "hello"; initrd = "debian2";', r"its initrd.*too large"),
    ("large", "memory = <MIB(3072)>; kernel = \"hello\";", r"guest large .*not enough memory"),
    ("odd", "memory = <0x1100001>; kernel = \"hello\";", r"/guests/odd: memory:? must be a multiple of 2 MiB"),
    ("stranger", 'memory = <MIB(16)>; kernel = "hello"; colour = "red";', r"/guests/stranger: colour: no such property"),
)


def headers(image):
    """Offsets of the loaded segments' headers of an ELF64 file."""
    table, = struct.unpack_from("<Q", image, 32)
    count, = struct.unpack_from("<H", image, 56)
    return [table + i * SEGMENT for i in range(count)
            if struct.unpack_from("<I", image, table + i * SEGMENT) == (LOAD,)]


def overlapping(image):
    image = bytearray(image)
    first, second = headers(image)[:2]
    image[second + 16:second + 24] = image[first + 16:first + 24]
    return bytes(image)


def write(name, data):
    path = harness.directory("bad-input") / name
    path.write_bytes(data)
    return path


def describe(more):
    return harness.demo(guests=1, more=SYSTEM_LOG + more)


def make_bundle(name, description, change):
    """A bundle whose files `change` has been at; returns its path."""
    path = run.make_bundle(harness.directory("bad-input") / f"{name}.cpio", description)
    files = bundle.unpack(path.read_bytes())
    change(files)
    bundle.write(path, files)
    return path


def stops(name, path, message, image, status=None):
    with harness.boot(name, None, image=image, bundle=path, network=False) as system:
        said = system.expect(message, timeout=60).group(0).decode().strip()
        if status is not None and system.expect_exit(timeout=30) != status:
            raise system.failure(f"{name}: expected the exit status {status}")
    check(f"{name}: {said}", True)


def stopped_boots(image):
    good = describe("")

    def cut(files):
        files["root"] = files["root"][:3000]
    stops("root cut short", make_bundle("cut", good, cut), r"^bulkhead: cannot start: .*truncated.*$", image)
    broken = bytearray(make_bundle("magic", good, lambda files: None).read_bytes())
    broken[0:6] = b"070709"
    stops("an archive of another kind", write("magic.cpio", bytes(broken)),
          r"^bulkhead: cannot start: .*not a newc cpio archive.*$", image)

    def no_tree(files):
        files["system.dtb"] = b"\xd0\x0d\xfe\xee" + files["system.dtb"][4:]
    stops("a description that is no device tree", make_bundle("no-tree", good, no_tree),
          r"^root: .*system description.*$", image, 1)

    def half(files):
        files["system.dtb"] = files["system.dtb"][:200]
    stops("half a description", make_bundle("half", good, half), r"^root: .*system description.*$", image, 1)
    stops("no description", make_bundle("none", good, lambda files: files.pop("system.dtb")),
          r"^root: .*system\.dtb.*$", image, 1)
    other = good.replace("/ {\n    model", '/ {\n    compatible = "somebody,else";\n    model', 1)
    stops("a description of another kind", make_bundle("other", other, lambda files: None),
          r"^root: .*compatible.*$", image, 1)


def hello(system, behaviour):
    """The guest that is in order runs."""
    start = system.rest.console("hello")[1]
    system.rest.post("/v1/guests/hello/start")
    system.rest.expect("hello", r"^hello from a payload\r?$", start)
    check(behaviour, True)


def bad_guests():
    volumes = run.demo_volumes() + [
        f"hello={harness.payload('hello')}",
        f"text={write('text', b'This is no kernel.' * 100)}",
        "zeros=empty:1M",
        f"gzip={write('gzip', gzip.compress(harness.payload('hello').read_bytes()))}",
        f"elf={run.domain_files()['root']}",
    ]
    nodes = "".join(f"{name} {{ autostart; {properties} }};\n" for name, properties, _ in GUESTS)
    more = (f'/ {{ guests {{ hello {{ memory = <MIB(16)>; kernel = "hello"; }};\n{nodes}}};\n'
            '  domains { extra { program = "overlap"; log; }; cut { log; }; absent { log; }; }; };\n')

    def change(files):
        files["overlap"] = overlapping(files["network"])
        files["cut"] = files["network"][:len(files["network"]) // 2]
    image = harness.make_disk("bad-guests", volumes)
    with harness.boot("bad-guests", None, image=image,
                      bundle=make_bundle("guests", describe(more), change)) as system:
        system.system_ready()
        for name, _, message in GUESTS:
            said = system.wait(rf"^[^\r\n]*{message}[^\r\n]*\r?$").group(0).decode().strip()
            check(f"guest {name}: {said}", True)
        for domain, message in (("extra", "share a page"), ("cut", "truncated"), ("absent", "not in the bundle")):
            said = system.wait(rf"^root: [^\r\n]*{domain}[^\r\n]*{message}[^\r\n]*\r?$").group(0).decode().strip()
            check(f"domain {domain}: {said}", True)
        system.rest.available()
        system.rest.prompt("debian1")
        check("the guest that is in order runs beside them", True)
        hello(system, "another one can be started")
        states = {guest["name"]: guest for guest in system.rest.get("/v1/guests")["guests"]}
        for name in ("text", "zeros", "gzip", "elf", "small", "initrd"):
            check(f"guest {name} is {states[name]['state']}: {states[name]['reason']}",
                  states[name]["state"] == "crashed" and states[name]["reason"], states[name])


def damaged(image, name, first, last):
    """A copy of a disk whose GPT headers (the first, the last sector) are damaged."""
    data = bytearray(image.read_bytes())
    if first:
        data[SECTOR + 20] ^= 0xff   # within the header: its checksum is wrong
    if last:
        data[-SECTOR + 20] ^= 0xff
    return write(name, bytes(data))


def partition_tables():
    more = '/ { guests { hello { memory = <MIB(16)>; kernel = "hello"; }; }; };\n'
    path = run.make_bundle(harness.directory("bad-input") / "tables.cpio",
                           describe(more).replace("autostart;", ""))
    volumes = [f"hello={harness.payload('hello')}", "state=empty:1M"]
    image = harness.make_disk("tables", volumes)

    with harness.boot("one-table", None, image=damaged(image, "one-table.img", True, False),
                      bundle=path) as system:
        system.wait(r"^storage: .*the partition table is damaged: .*$")
        system.wait(r"^storage: .*using the backup of the partition table.*$")
        system.system_ready()
        system.rest.available()
        hello(system, "a damaged partition table: its backup is used, and the log says so")

    for name, contents, message in (
            ("no-table", damaged(image, "no-table.img", True, True), r"backup of the partition table is damaged too"),
            ("zero-disk", write("zero-disk.img", bytes(4 << 20)), r"no volumes"),
            ("tiny-disk", write("tiny-disk.img", bytes(SECTOR)), r"no volumes: the disk is too small")):
        with harness.boot(name, None, image=contents, bundle=path) as system:
            said = system.wait(rf"^storage: [^\r\n]*{message}[^\r\n]*\r?$").group(0).decode().strip()
            system.system_ready()
            system.rest.available()
            system.rest.error("POST", "/v1/guests/hello/start", None, 422, "noSuchVolume")
            check(f"{name}: {said}; the system goes on without volumes", True)


def test():
    image = harness.make_disk("bad-input", run.demo_volumes())
    stopped_boots(image)
    bad_guests()
    partition_tables()


harness.main(test)
