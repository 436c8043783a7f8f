#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boot a system in QEMU: the demonstration, or one guest of yours. Behind `./bulkhead run` and `debug`.

As a module, tests use demo_system() and guest_system() to make what they boot.
"""

import argparse
import dataclasses
import hashlib
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys

import bundle
import describe
import description as check_description
import disk
import dtb
import qemu

REPOSITORY = qemu.REPOSITORY
RUN = REPOSITORY / "build" / "run"
GUEST = REPOSITORY / "build" / "guest"
DOMAINS = qemu.TARGET / "domains"
KERNEL_SYMBOLS = qemu.TARGET / "kernel" / "kernel.elf"
DEFAULT_GUESTS = 2
DEMO_GUESTS = 8  # volumes on the demonstration disk
DEFAULT_PORT = 8080


@dataclasses.dataclass
class System:
    """What a machine boots: the bundle, and the disk beside it."""

    bundle: pathlib.Path
    disk: pathlib.Path


def domain_files():
    """Program name to stripped ELF file, of all domains that were built."""
    files = {path.stem: path for path in sorted(DOMAINS.glob("*/*.elf"))}
    if "root" not in files:
        raise qemu.Failure(f"there are no domains in {DOMAINS}; run ./bulkhead build first")
    return files


def make_bundle(output, description, files=None, strict=False):
    """Write a bundle of the description (DTS text) and the domains. `files`: further entries. `strict`: what root would
    complain of is an error; else it is said, since root goes on without it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    source, blob = output.with_suffix(".dts"), output.with_suffix(".dtb")
    source.write_text(description, encoding="utf-8")
    try:
        dtb.compile_dts(str(source), str(blob), [REPOSITORY, REPOSITORY / "kernel" / "api"])
    except subprocess.CalledProcessError:
        raise qemu.Failure(f"the system description {source} does not compile") from None
    for problem in check_description.check(blob.read_bytes()):
        if strict:
            raise qemu.Failure(problem)
        print(f"run: {source.name}: {problem}", file=sys.stderr)
    # The tracer is rarely wanted, and what is in the bundle takes time to load.
    entries = {name: path.read_bytes() for name, path in domain_files().items()
               if name != "tracer" or "tracer" in description}
    entries["system.dtb"] = blob.read_bytes()
    for name, path in (files or {}).items():
        entries[name] = pathlib.Path(path).read_bytes()
    bundle.write(output, entries)
    return output


def make_disk(output, volumes, fresh=False):
    """Write the disk unless it is there and was made from the same volumes and files."""
    state = hashlib.sha256()
    for volume in volumes:
        state.update(volume.encode() + b"\0")
        path = pathlib.Path(volume.partition("=")[2])
        if path.is_file():
            status = path.stat()
            state.update(f"{status.st_size} {status.st_mtime_ns}\0".encode())
    stamp = output.with_suffix(".stamp")
    if fresh or not output.exists() or not stamp.exists() or stamp.read_text() != state.hexdigest():
        stamp.unlink(missing_ok=True)
        try:
            disk.make_disk(output, volumes)
        except disk.DiskError as error:
            raise qemu.Failure(f"disk: {error}") from None
        stamp.write_text(state.hexdigest())
    return output


def demo_volumes():
    """The volumes of the demonstration disk, as arguments of disk.py."""
    return [f"kernel={GUEST / 'Image'}", f"initrd={GUEST / 'initrd'}",
            *[f"debian{number}=ext4:64M" for number in range(1, DEMO_GUESTS + 1)],
            "state=empty:16M"]


def demo_system(guests=DEFAULT_GUESTS, guest_memory=128 << 20, directory=RUN, name="demo", fresh=False,
                description=None, token=None, poll=False, vcpus=1, trace=False):
    """The demonstration system. Tests give a directory or name of their own; `token` opens the manager's API;
    `poll` keeps virtual time from jumping while a disk works (for icount); `trace` adds the tracer."""
    directory = pathlib.Path(directory)
    text = description or describe.demo(guests, guest_memory, token=token, poll=poll, vcpus=vcpus)
    if trace:
        text += describe.TRACER_POLL if poll else describe.TRACER
    return System(bundle=make_bundle(directory / f"{name}.cpio", text),
                  disk=make_disk(directory / f"{name}.img", demo_volumes(), fresh))


def guest_system(kernel, initrd=None, append="", disk_file=None, memory=256 << 20, vcpus=1,
                 directory=RUN, name="guest", poll=False, trace=False):
    """A system whose only guest boots `kernel`; the guest's end is the machine's."""
    directory = pathlib.Path(directory)
    volumes = [f"kernel={kernel}"]
    if initrd:
        volumes.append(f"initrd={initrd}")
    if disk_file:
        volumes.append(f"disk={disk_file}")
    for volume in volumes:
        path = volume.partition("=")[2]
        if not os.path.isfile(path):
            raise qemu.Failure(f"there is no file {path}")
    text = describe.single_guest(
        memory=memory, append=append, initrd=bool(initrd), disk=bool(disk_file), vcpus=vcpus, poll=poll,
        initrd_size=os.path.getsize(initrd) if initrd else 0)
    if trace:
        text += describe.TRACER_POLL if poll else describe.TRACER
    return System(bundle=make_bundle(directory / f"{name}.cpio", text, strict=True),
                  disk=make_disk(directory / f"{name}.img", volumes, fresh=True))


def free_port(wanted, explicit):
    """`wanted` if nothing listens there; if the user did not insist, the next that is free."""
    for port in range(wanted, wanted + (1 if explicit else 100)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise qemu.Failure(f"port {wanted} is in use; choose another with --port")


def write_gdbinit(path, port):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"""set confirm off
set pagination off
set architecture aarch64
set substitute-path /bulkhead {REPOSITORY}
file {KERNEL_SYMBOLS}
target remote 127.0.0.1:{port}
define domain
    add-symbol-file {DOMAINS}/$arg0/$arg0
end
document domain
Load the symbols of a domain: domain NAME. All domains are linked at the same address.
end
""", encoding="utf-8")


def debug(machine, with_console):
    """Boot stopped, with gdb here (or, `with_console`, the console here and gdb elsewhere)."""
    gdbinit = RUN / "gdbinit"
    write_gdbinit(gdbinit, machine.gdb)
    gdb = shutil.which("gdb-multiarch") or "gdb"
    if with_console:
        print(f"run: waiting for gdb; in another terminal: {gdb} -x {gdbinit}", file=sys.stderr)
        return qemu.interact(machine, name="debug")
    with qemu.Console(machine, name="debug", echo=False) as console:
        print(f"run: the console goes to {console.log_path}", file=sys.stderr)
        return subprocess.run([gdb, "-q", "-x", gdbinit], check=False).returncode


RUN_DESCRIPTION = """Boot in QEMU with the console on this terminal.

Without --kernel: the demonstration system, guests debian1 to debianN with Debian's kernel, the manager's
API on http://127.0.0.1:PORT/v1 (docs/api.md). Ctrl-] switches between consoles. Disks persist in build/run/demo.img.

With --kernel: one guest that boots FILE. Its console is this terminal, and the command ends with it: exit
status 0 after power-off, 1 after a crash.

Ctrl-A x ends the machine at once."""


def make_parser(command, description):
    """The options of `run`, which other commands extend."""
    parser = argparse.ArgumentParser(prog=f"./bulkhead {command}", description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--headless", action="store_true", help="read no input")
    parser.add_argument("--nvme", action="store_true", help="the disk is NVMe (default: virtio-blk)")
    parser.add_argument("--memory", metavar="SIZE",
                        help="of the machine (default 2G); with --kernel, of the guest (default 256M)")
    parser.add_argument("--cpus", type=int, default=1, metavar="N", help="of the machine (default 1)")
    parser.add_argument("--vcpus", type=int, default=1, metavar="N", help="of each guest (1 to 8, default 1)")
    parser.add_argument("--icount", action="store_true",
                        help="deterministic: one instruction is one nanosecond of virtual time")
    parser.add_argument("--qemu", action="append", default=[], metavar="ARG", help="further QEMU argument")
    demo = parser.add_argument_group("demonstration")
    demo.add_argument("--guests", type=int, default=DEFAULT_GUESTS, metavar="N",
                      help=f"0 to {DEMO_GUESTS} (default {DEFAULT_GUESTS})")
    demo.add_argument("--port", type=int, metavar="P",
                      help=f"of the manager on this host (default {DEFAULT_PORT}, or the next free one)")
    demo.add_argument("--token", metavar="T", help="that opens the manager's API (default: a new one each time)")
    demo.add_argument("--fresh", action="store_true", help="make the disk anew")
    demo.add_argument("--system", metavar="FILE.dts", help="another system description")
    guest = parser.add_argument_group("one guest")
    guest.add_argument("--kernel", metavar="FILE", help="arm64 Image")
    guest.add_argument("--initrd", metavar="FILE")
    guest.add_argument("--append", default="", metavar="STRING", help="kernel command line")
    guest.add_argument("--disk", metavar="FILE", help="raw image of /dev/vda; a copy, changes are lost")
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--console", action="store_true", help=argparse.SUPPRESS)
    return parser


def parse_arguments(parser):
    args = parser.parse_args()
    if not 0 <= args.guests <= DEMO_GUESTS:
        parser.error(f"--guests must be 0 to {DEMO_GUESTS}")
    if not 1 <= args.vcpus <= check_description.VCPUS_MAX:
        parser.error(f"--vcpus must be 1 to {check_description.VCPUS_MAX}")
    if not args.kernel and (args.initrd or args.append or args.disk):
        parser.error("--initrd, --append and --disk go with --kernel")
    return args


def make_machine(args, trace=None):
    """The machine, and what to print when its first guest is ready (or None). `trace`: the file to trace to."""
    common = {"cpus": args.cpus, "nvme": args.nvme, "icount": args.icount, "extra": tuple(args.qemu)}
    if trace:
        common |= {"kernel": qemu.KERNEL_TRACE, "trace": trace}
    if args.debug:
        common["gdb"] = free_port(1234, False)
    if args.kernel:
        memory = describe.parse_size(args.memory or "256M")
        system = guest_system(args.kernel, args.initrd, args.append, args.disk, memory, args.vcpus,
                              poll=args.icount, trace=bool(trace))
        total = max(2 << 30, memory + (512 << 20))
        return qemu.Machine(initrd=system.bundle, disk=system.disk, memory=f"{total >> 20}M", **common), None

    description = pathlib.Path(args.system).read_text(encoding="utf-8") if args.system else None
    token = args.token or secrets.token_hex(16)
    system = demo_system(args.guests, fresh=args.fresh, description=description, token=token,
                         poll=args.icount, vcpus=args.vcpus, trace=bool(trace))
    port = free_port(args.port or DEFAULT_PORT, args.port is not None)
    calls = f"curl -H 'Authorization: Bearer {token}' http://127.0.0.1:{port}/v1/guests"
    welcome = (rb"(?m)^[\w-]+: ready\r?\n",
               "  Ctrl-] then 1 to 9 shows another guest's console, Ctrl-] h says what else there is\n"
               f"  {calls}   calls the manager (docs/api.md)\n"
               "  Ctrl-A x quits\n")
    return qemu.Machine(initrd=system.bundle, disk=system.disk, memory=args.memory or "2G", network=True,
                        port=port, **common), None if description else welcome


def main():
    args = parse_arguments(make_parser("run", RUN_DESCRIPTION))
    try:
        machine, welcome = make_machine(args)
        if args.debug:
            status = debug(machine, args.console)
        else:
            status = qemu.interact(machine, headless=args.headless, welcome=welcome,
                                   pure=bool(args.kernel))
    except (qemu.Failure, OSError, ValueError) as error:
        sys.exit(f"run: {error}")
    sys.exit(status)


if __name__ == "__main__":
    main()
