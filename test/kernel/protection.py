#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How the kernel protects itself from itself, seen through QEMU's gdb stub while the kernel tests run.

    protection.py tables    no page is writable and executable, none is for EL0, code is mapped once and guarded (BTI),
                            nothing is below the stacks
    protection.py access    memory of domains is out of the kernel's reach (PSTATE.PAN) on every way in
    protection.py stack     a stack that overflows is a panic that says so
    protection.py branch    so is an indirect branch to what is no landing pad
"""

import pathlib
import re
import socket
import struct
import sys
import tempfile
import time

import qemu

ELF = qemu.TARGET / "kernel" / "kernel.elf"

# The C functions that vectors.S calls on the ways in, in an order in which the tests come to them; those that it calls
# from two places twice.
ENTRIES = ("interrupt_entry", "syscall_entry", "syscall_call", "syscall_reply_recv", "short_signal", "short_poll",
           "syscall_entry", "native_exception", "syscall_vm_enter", "guest_exception", "interrupt_entry")
VECTORS = qemu.REPOSITORY / "kernel" / "aarch64" / "vectors.S"
STOPS = 10  # at each

PAN = 1 << 22
MODE_EL2H = 9
LINK_REGISTER, SP, PC, CPSR = 30, 31, 32, 33  # gdb's numbers

VALID, TABLE = 1, 2
USER, READ_ONLY, GUARDED, PXN, UXN = 1 << 6, 1 << 7, 1 << 50, 1 << 53, 1 << 54
ADDRESS = 0x0000fffffffff000
PAGE = 4096
TTBR1_BASE = 0xffffff8000000000  # TCR_EL2.T1SZ is 25


def symbols():
    """Names and addresses of an ELF64 file's symbol table."""
    image = ELF.read_bytes()
    table, = struct.unpack_from("<Q", image, 40)
    size, count = struct.unpack_from("<HH", image, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, table + i * size) for i in range(count)]
    result = {}
    for _, kind, _, _, offset, length, link, _, _, entry in sections:
        if kind != 2:  # SHT_SYMTAB
            continue
        names = sections[link][4]
        for at in range(offset, offset + length, entry):
            name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, at)
            result[image[names + name:image.index(b"\0", names + name)].decode()] = value
    return result


class Gdb:
    """The remote protocol, as far as it is needed here."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + qemu.time_limit(20)
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise qemu.Failure("QEMU's gdb stub does not answer") from None
                time.sleep(0.05)
        self.socket.settimeout(qemu.time_limit(60))
        self.input = b""
        self.ask("qXfer:features:read:target.xml:0,fff")  # registers are numbered from here on

    def ask(self, request):
        data = request.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xff))
        while not (match := re.search(rb"\$([^#]*)#..", self.input, re.DOTALL)):
            try:
                part = self.socket.recv(65536)
            except OSError:
                part = b""
            if not part:
                raise qemu.Failure("QEMU ended before everything was seen")
            self.input += part
        self.input = self.input[match.end():]
        self.socket.sendall(b"+")
        return match.group(1).decode("latin-1")

    def memory(self, address, size):
        data = b""
        while len(data) < size:
            answer = self.ask(f"m{address + len(data):x},{min(1024, size - len(data)):x}")
            if answer.startswith("E"):
                raise qemu.Failure(f"memory at {address + len(data):#x} cannot be read")
            data += bytes.fromhex(answer)
        return data

    def words(self, address, count):
        return struct.unpack(f"<{count}Q", self.memory(address, count * 8))

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def write(self, number, value):
        if self.ask(f"P{number:x}={value.to_bytes(4 if number == CPSR else 8, 'little').hex()}") != "OK":
            raise qemu.Failure(f"register {number} cannot be written")

    def go(self):
        self.socket.sendall(b"$c#63")

    def system_register(self, name):
        xml = ""
        while not (part := self.ask(f"qXfer:features:read:system-registers.xml:{len(xml):x},800")).startswith("l"):
            xml += part[1:]
        number = re.search(rf'name="{name}"[^>]*regnum="(\d+)"', xml + part[1:])
        return self.register(int(number.group(1)))

    def breakpoint(self, address, on=True):
        if self.ask(f"{'Z' if on else 'z'}0,{address:x},4") != "OK":
            raise qemu.Failure(f"no breakpoint at {address:#x}")


def leaves(gdb, symbol):
    """(virtual address, size, descriptor) of everything that TTBR1_EL2 maps."""
    offset, = gdb.words(symbol["kernel_image_offset"], 1)
    tables = [(symbol["kernel_level1"], TTBR1_BASE, 30)]
    while tables:
        table, base, shift = tables.pop()
        for i, descriptor in enumerate(gdb.words(table, 512)):
            address = base + (i << shift)
            if not descriptor & VALID:
                continue
            if descriptor & TABLE and shift > 12:  # all tables are the image's own
                tables.append(((descriptor & ADDRESS) + offset & (1 << 64) - 1, address, shift - 9))
            else:
                yield address, 1 << shift, descriptor


def kernel_constant(name):
    """Of the kernel's headers."""
    source = (VECTORS.parent.parent / "context.h").read_text()
    value = re.search(rf"^#define {name} (.*)", source, re.MULTILINE).group(1)
    return eval(re.sub(r"[A-Z_]{4,}", lambda match: str(kernel_constant(match.group())), value))  # numbers and sums of them


def tables(gdb, symbol, console):
    gdb.breakpoint(symbol["syscall_entry"])
    gdb.ask("c")
    offset, = gdb.words(symbol["kernel_image_offset"], 1)
    identity = symbol["identity_level1"] - offset & (1 << 64) - 1
    if gdb.system_register("TTBR0_EL2") & ADDRESS == identity:
        raise qemu.Failure("the boot's identity map is still in TTBR0_EL2")
    mapped = list(leaves(gdb, symbol))
    code = range(symbol["_start"], symbol["_text_end"], 4096)
    executable = set()
    writable = []
    constant = set()
    for address, size, descriptor in mapped:
        physical = descriptor & ADDRESS
        if descriptor & USER or not descriptor & UXN:
            raise qemu.Failure(f"{address:#x} is for EL0")
        if bool(descriptor & GUARDED) != (not descriptor & PXN):
            raise qemu.Failure(f"{address:#x} is code that is not guarded, or guarded and no code")
        if not descriptor & READ_ONLY:
            writable.append((physical, physical + size, address))
        else:
            constant.update(range(physical, physical + size, 4096))
        if not descriptor & PXN:
            if not descriptor & READ_ONLY:
                raise qemu.Failure(f"{address:#x} is writable and executable")
            executable.update(range(address, address + size, 4096))
    if executable != set(code):
        raise qemu.Failure("what is executable is not the kernel's text")
    virtual = {page for address, size, _ in mapped for page in range(address, address + size, PAGE)
               if address >= symbol["_start"]}
    areas = range(symbol["core_areas"], symbol["core_areas"] + cores() * kernel_constant("CORE_AREA_SIZE"),
                  kernel_constant("CORE_AREA_SIZE"))
    for area in areas:
        if area in virtual or not virtual.issuperset(range(area + PAGE, area + kernel_constant("CORE_AREA_SIZE"), PAGE)):
            raise qemu.Failure(f"the stack above {area:#x} is not mapped up to a page that is not")
    for start, end, address in writable:
        if any(start <= page < end for page in constant):
            raise qemu.Failure(f"{address:#x} is a writable mapping of what is read-only elsewhere")
    print(f"{len(mapped)} mappings, {len(executable)} pages of code, {len(areas)} guards below stacks")


def cores():
    source = (VECTORS.parent.parent / "api" / "bh" / "types.h").read_text()
    return int(re.search(r"^#define BH_CORES_MAX (\d+)", source, re.MULTILINE).group(1))


def panic_of(console):
    """Syndrome, program counter and address that the kernel's panic tells."""
    match = console.expect(r"^bulkhead: panic: exception in the kernel: ESR_EL2 0x([0-9a-f]+), "
                           r"ELR_EL2 0x([0-9a-f]+), FAR_EL2 0x([0-9a-f]+)\r?\n", timeout=60)
    return [int(group, 16) for group in match.groups()]


def stack(gdb, symbol, console):
    """A function is entered with as good as no stack left, and stores its frame below."""
    gdb.breakpoint(symbol["syscall_entry"])
    gdb.ask("c")
    gdb.breakpoint(symbol["syscall_entry"], on=False)
    gdb.write(SP, symbol["core_areas"] + PAGE)
    gdb.go()
    syndrome, _, address = panic_of(console)
    if syndrome >> 26 != 0x25 or not 0 <= address - symbol["core_areas"] < PAGE:
        raise qemu.Failure(f"the panic is about {address:#x}, syndrome {syndrome:#x}")
    print("the stack's overflow is a panic")


def branch(gdb, symbol, console):
    """The same instruction, once as if it came by a call through a pointer (PSTATE.BTYPE)."""
    gdb.breakpoint(symbol["syscall_entry"])
    gdb.ask("c")
    gdb.breakpoint(symbol["syscall_entry"], on=False)
    gdb.write(CPSR, gdb.register(CPSR) | 2 << 10)
    gdb.go()
    syndrome, pc, _ = panic_of(console)
    if syndrome >> 26 != 0x0d or pc != symbol["syscall_entry"]:
        raise qemu.Failure(f"the panic is at {pc:#x}, syndrome {syndrome:#x}")
    print("an indirect branch to what is no landing pad is a panic")


def access(gdb, symbol, console):
    called = re.findall(r"^(?:\d+:)?\s+bl\s+(\w+)", VECTORS.read_text(), re.MULTILINE)
    if sorted(called) != sorted((*ENTRIES, "kernel_leave")):
        raise qemu.Failure(f"vectors.S calls other functions than this test knows: {called}")
    callers = {}
    for name in ENTRIES:
        address, stops = symbol[name], 0
        before = set(callers.get(name, ()))
        while stops < STOPS:
            gdb.breakpoint(address)
            if gdb.ask("c")[0] not in "ST":
                raise qemu.Failure(f"the tests ended before {name} was seen")
            gdb.breakpoint(address, on=False)
            state, caller = gdb.register(CPSR), gdb.register(LINK_REGISTER)
            if not state & PAN or state & 0x1f != MODE_EL2H:
                raise qemu.Failure(f"{name} was entered with PSTATE {state:#x}")
            if caller not in before:
                callers.setdefault(name, set()).add(caller)
                stops += 1
            gdb.ask("s")  # off the breakpoint
    print(f"PSTATE.PAN was 1 at {len(ENTRIES)} ways in, {STOPS} times each")


def main():
    checks = {"tables": tables, "access": access, "stack": stack, "branch": branch}
    if len(sys.argv) != 2 or sys.argv[1] not in checks:
        sys.exit(__doc__)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "gdb"
            machine = qemu.Machine(initrd=qemu.TARGET / "kernel_tests.cpio", memory="1G",
                                   extra=("-device", "edu,dma_mask=0xffffffffffffffff",
                                          "-gdb", f"unix:{path},server=on,wait=off", "-S"))
            with qemu.Console(machine) as console:
                checks[sys.argv[1]](Gdb(path), symbols(), console)
    except qemu.Failure as failure:
        sys.exit(f"protection: {failure}")


if __name__ == "__main__":
    main()
