#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""QEMU: its command line, its console, and its end. Every run and every test goes through here.

As a module:

    import qemu
    machine = qemu.Machine(kernel=..., initrd=..., disk=..., icount=True)
    with qemu.Console(machine) as console:
        console.expect(r"debian1: ready", timeout=60)
        console.send("uname -r\\n")
        print(console.expect(r"(\\d+\\.\\d+\\S*)").group(1))
        status = console.expect_exit()

expect() raises qemu.Failure when nothing matches in time, when QEMU ends first, or at once when
Bulkhead panics; the message ends with the last lines of the console, and all of it is in the log file
(build/logs/NAME.log). The process is always gone afterwards: killed by its id, because QEMU may ignore
SIGTERM and need not exit when its machine powers off.

As a command: see qemu.py --help. Time limits are multiplied by $BULKHEAD_TIMEOUT_FACTOR.
"""

import argparse
import contextlib
import ctypes
import dataclasses
import functools
import math
import os
import pathlib
import re
import select
import shlex
import signal
import subprocess
import sys
import termios
import threading
import time
import tty

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
TARGET = REPOSITORY / "build" / "target"
LOGS = REPOSITORY / "build" / "logs"
KERNEL = TARGET / "kernel" / "Image"
KERNEL_TRACE = TARGET / "kernel" / "trace" / "Image"

PANIC = rb"(?m)^bulkhead: panic[^\n]*\n"
EXIT = rb"(?m)^bulkhead: exit (\d+)\r?\n"
SKIPPED = 77  # exit status of a test that cannot run here
ESCAPE = b"\x01"  # Ctrl-A, as in QEMU itself: then x ends the machine


class Failure(Exception):
    """What a test reports: what was expected, and what the console said instead."""


@dataclasses.dataclass
class Machine:
    """The machine that QEMU is asked for. Paths may be str or Path."""

    kernel: object = KERNEL
    initrd: object = None
    append: str = None
    memory: str = "2G"
    cpus: int = 1
    cpu: str = "max,pauth-impdef=on"
    virtualization: bool = True     # EL2; off to boot a guest kernel without Bulkhead
    iommu: bool = True              # an SMMUv3 in front of every PCI device
    its: bool = True                # the GIC takes messages of devices (MSI)
    disk: object = None             # raw image
    nvme: bool = False              # the disk is an NVMe controller; else virtio-blk
    snapshot: bool = False          # writes to the disk are thrown away
    network: bool = False           # a virtio-net card with QEMU's user network
    port: int = None                # 127.0.0.1:port on this host reaches 10.0.2.15:80
    trace: object = None            # file to which a virtio console writes (docs/tracing.md)
    forward: tuple = ()             # more of those: (host port, address, port)
    icount: bool = False            # one instruction is one virtual nanosecond
    no_reboot: bool = True          # a reset ends QEMU
    gdb: int = None                 # wait for gdb on this port
    extra: tuple = ()               # further arguments
    binary: str = "qemu-system-aarch64"

    def command(self):
        virt = ["virt", "gic-version=3"]
        if self.virtualization:
            virt.append("virtualization=on")
        if self.iommu:
            virt.append("iommu=smmuv3")
        if not self.its:
            virt.append("its=off")
        platform = ",iommu_platform=on" if self.iommu else ""
        command = [self.binary, "-nodefaults", "-machine", ",".join(virt), "-cpu", self.cpu,
                   "-smp", str(self.cpus), "-m", self.memory, "-display", "none", "-monitor", "none",
                   "-serial", "stdio", "-kernel", str(self.kernel)]
        if self.initrd:
            command += ["-initrd", str(self.initrd)]
        if self.append:
            command += ["-append", self.append]
        if self.disk:
            drive = f"if=none,id=disk,format=raw,file={str(self.disk).replace(',', ',,')}"
            command += ["-drive", drive + (",snapshot=on" if self.snapshot else "")]
            if self.nvme:
                command += ["-device", "nvme,serial=bulkhead,drive=disk"]
            else:
                command += ["-device", f"virtio-blk-pci,drive=disk,disable-legacy=on{platform}"]
        if self.network:
            forwards = [(self.port, "10.0.2.15", 80)] if self.port else []
            user = "user,id=net" + "".join(
                f",hostfwd=tcp:127.0.0.1:{host}-{address}:{port}"
                for host, address, port in [*forwards, *self.forward])
            command += ["-netdev", user, "-device",
                        f"virtio-net-pci,netdev=net,disable-legacy=on,romfile={platform}"]
        if self.trace:
            command += ["-device", f"virtio-serial-pci,id=trace,max_ports=1,disable-legacy=on{platform}",
                        "-chardev", f"file,id=trace,path={str(self.trace).replace(',', ',,')}",
                        "-device", "virtconsole,bus=trace.0,chardev=trace"]
        if self.icount:
            command += ["-icount", "shift=0,sleep=off", "-seed", "1",
                        "-rtc", "base=2024-01-01T00:00:00,clock=vm"]
        if self.no_reboot:
            command.append("-no-reboot")
        if self.gdb:
            command += ["-gdb", f"tcp:127.0.0.1:{self.gdb}", "-S"]
        return command + list(self.extra)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def time_limit(seconds):
    return seconds * float(os.environ.get("BULKHEAD_TIMEOUT_FACTOR", "1"))


def as_bytes(text):
    return text.encode() if isinstance(text, str) else text


class Console:
    """A running QEMU and its serial console."""

    def __init__(self, machine, name=None, log=None, on_output=None, echo=None,
                 merge_errors=True):
        """`log`: transcript file; else build/logs/NAME.log. `on_output` is called with each piece
        of output. `echo` copies the console to stderr (default: if $BULKHEAD_ECHO is set). What QEMU
        itself says becomes part of the console's transcript with `merge_errors`."""
        self.machine = machine
        name = name or os.environ.get("BULKHEAD_TEST") or pathlib.Path(sys.argv[0]).stem or "qemu"
        self.log_path = pathlib.Path(log or LOGS / f"{name}.log")
        self.on_output = on_output
        self.echo = bool(os.environ.get("BULKHEAD_ECHO")) if echo is None else echo
        self.errors = subprocess.STDOUT if merge_errors else None
        self.output = b""       # everything so far
        self.position = 0       # up to where expect() has read
        self.changed = threading.Condition()
        self.process = self.reader = self.log = None
        self.ended = False

    # ---- life ----

    def start(self):
        if self.process:
            return self
        for path in (self.machine.kernel, self.machine.initrd, self.machine.disk):
            if path and not os.path.exists(path):
                raise Failure(f"there is no {path}; run ./bulkhead build first")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.log = open(self.log_path, "wb")  # closed by close()
        command = self.machine.command()
        self.log.write(f"$ {shlex.join(command)}\n".encode())
        self.log.flush()
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                bufsize=0, start_new_session=True, preexec_fn=die_with_parent)
        except FileNotFoundError:
            raise Failure(f"there is no {command[0]}; ./bulkhead build installs it") from None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def _read(self):
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            if data:
                self.log.write(data)
                self.log.flush()
                if self.echo:
                    sys.stderr.buffer.write(data)
                    sys.stderr.buffer.flush()
                if self.on_output:
                    self.on_output(data)
            with self.changed:
                self.output += data
                self.ended = not data
                self.changed.notify_all()
            if not data:
                return

    def close(self):
        """End QEMU, whatever it is doing. Returns nothing; may be called again."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # it leads its own session
            self.process.wait()
            self.reader.join()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None
        if self.log:
            self.log.close()
            self.log = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def running(self):
        return self.process is not None and self.process.poll() is None

    # ---- talk ----

    def send(self, text):
        try:
            self.process.stdin.write(as_bytes(text))
        except (BrokenPipeError, AttributeError):
            raise self.failure("QEMU has ended, nothing can be typed") from None

    def failure(self, reason):
        tail = self.output[-3000:].decode(errors="replace").replace("\r", "")
        return Failure(f"{reason}\n---- end of the console ({self.log_path}) ----\n{tail}\n----")

    def expect(self, *patterns, timeout=60, panic_ok=False):
        """Wait until one of the regular expressions matches what came since the last match. Returns
        the match object (of bytes; .re.pattern tells which), and continues after it."""
        compiled = [re.compile(as_bytes(pattern), re.MULTILINE) for pattern in patterns]
        deadline = time.monotonic() + time_limit(timeout)
        wanted = " or ".join(pattern if isinstance(pattern, str) else repr(pattern)
                             for pattern in patterns)
        with self.changed:
            while True:
                matches = [match for match in
                           (pattern.search(self.output, self.position) for pattern in compiled) if match]
                if matches:
                    first = min(matches, key=lambda match: match.start())
                    self.position = first.end()
                    return first
                if not panic_ok and re.search(PANIC, self.output):
                    self.changed.wait(1)  # let the report arrive
                    raise self.failure(f"Bulkhead panicked; expected {wanted}")
                if self.ended:
                    raise self.failure(f"QEMU ended (status {self.process.wait()}); expected {wanted}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self.failure(f"waited {time_limit(timeout):g} s for {wanted}")
                self.changed.wait(left)

    def expect_exit(self, timeout=60):
        """Wait for the system's last line, `bulkhead: exit N`; returns N."""
        return int(self.expect(EXIT, timeout=timeout).group(1))

    def silence(self, seconds, *patterns):
        """Fail if one of the patterns comes within `seconds`."""
        deadline = time.monotonic() + seconds
        compiled = [re.compile(as_bytes(pattern), re.MULTILINE) for pattern in patterns]
        with self.changed:
            while (left := deadline - time.monotonic()) > 0 and not self.ended:
                self.changed.wait(left)
            for pattern in compiled:
                if match := pattern.search(self.output, self.position):
                    raise self.failure(f"did not expect {match.group(0)!r}")

    def shell(self, command, timeout=60, prompt=r"^[\w-]+:\S*# "):
        """Type a command at a guest's shell prompt; returns (status, output as str)."""
        # The quotes keep the echo of what is typed from looking like what is printed.
        mark = f"{os.getpid():x}{self.position:x}"
        self.send(f"echo \"<{mark}\":; {command}; echo \"[{mark}\":$?]\n")
        match = self.expect(rf"<{mark}:\r?\n(?s:(.*?))\[{mark}:(\d+)\]\r?\n", timeout=timeout)
        if prompt:
            self.expect(prompt, timeout=timeout)
        return int(match.group(2)), match.group(1).decode(errors="replace").replace("\r", "")


# ---- interactive use ----------------------------------------------------------------------------

class Filter:
    """Passes console output on but for the status line at the end, whose number it keeps. With a `notices` sink,
    what the system says of itself goes there: all until it is ready, then the lines that begin with `bulkhead: `."""

    SYSTEM = b"bulkhead: "
    READY = b"bulkhead: system ready"

    def __init__(self, sink, notices=None):
        self.sink, self.notices = sink, notices or sink
        self.starting = notices is not None
        self.line = b""     # the line so far
        self.held = b""     # its end, not passed on yet: it may become a line of the system's
        self.status = None
        self.panicked = False

    def __call__(self, data):
        out = b""
        for char in (bytes([byte]) for byte in data):
            self.line += char
            self.held += char
            ended = char == b"\n"
            if not ended and (self.SYSTEM.startswith(self.line) or self.line.startswith(self.SYSTEM)):
                continue
            match = re.fullmatch(EXIT, self.held)
            self.panicked = self.panicked or self.line.startswith(b"bulkhead: panic")
            if match:
                self.status = int(match.group(1))
            elif self.starting or self.line.startswith(self.SYSTEM):
                if out:
                    self.sink(out)
                    out = b""
                self.notices(self.held)
            else:
                out += self.held
            self.starting = self.starting and not self.line.startswith(self.READY)
            self.held = b""
            self.line = b"" if ended else self.line
        if out:
            self.sink(out)


def write_all(descriptor, data):
    while data:
        try:
            data = data[os.write(descriptor, data):]
        except BlockingIOError:
            select.select([], [descriptor], [], 1)
        except BrokenPipeError:
            return


@contextlib.contextmanager
def raw_terminal(enabled):
    if not enabled:
        yield
        return
    saved = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)


class Welcome:
    """Passes console output on, and puts `text` behind the first line that matches `pattern`."""

    def __init__(self, sink, pattern, text):
        self.sink, self.pattern, self.text, self.seen = sink, re.compile(pattern), text, b""

    def __call__(self, data):
        if self.pattern:
            self.seen = (self.seen + data)[-4096:]
            match = self.pattern.search(self.seen)
            if match:
                end = max(match.end() - (len(self.seen) - len(data)), 0)
                data = data[:end] + self.text.replace("\n", "\r\n").encode() + data[end:]
                self.pattern = None
        self.sink(data)


def interact(machine, name="run", headless=False, wait_for_shutdown=5, welcome=None, pure=False, seconds=None):
    """Run a machine with its console on this terminal. Returns the exit status: what the system's
    status line said, 1 after Bulkhead's panic, else QEMU's own. Ctrl-A x ends it; Ctrl-A Ctrl-A sends Ctrl-A.
    `welcome`: a pattern, and the text to print behind what first matches it. `pure`: what the system says of itself
    goes to standard error, so that standard output has the shown guest's console alone. `seconds`: ends it after that
    time, with status 0."""
    sink = functools.partial(write_all, sys.stdout.fileno())
    output = Filter(Welcome(sink, *welcome) if welcome else sink,
                    functools.partial(write_all, sys.stderr.fileno()) if pure else None)
    terminal = sys.stdin.isatty() and not headless
    sys.stdout.flush()
    interrupted, escaped, input_open = False, False, not headless
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    with Console(machine, name=name, on_output=output, echo=False,
                 merge_errors=False) as console, raw_terminal(terminal):
        try:
            while console.running() and output.status is None and time.monotonic() < deadline:
                sources = [sys.stdin] if input_open else []
                if output.panicked and not terminal:
                    time.sleep(1)  # the rest of the report
                    output.status = 1
                    break
                if not select.select(sources, [], [], 0.1)[0]:
                    continue
                data = os.read(sys.stdin.fileno(), 4096)
                input_open = bool(data)
                typed = b""
                for char in (bytes([byte]) for byte in data):
                    if not terminal:
                        typed += char
                    elif escaped:
                        escaped = False
                        if char in b"xX":
                            interrupted = True
                        typed += char if char == ESCAPE else b""
                    elif char == ESCAPE:
                        escaped = True
                    else:
                        typed += char
                if interrupted:
                    break
                if typed:
                    console.send(typed)
        except (KeyboardInterrupt, Failure):
            interrupted = True
        late = time.monotonic() >= deadline and console.running()
        if not interrupted and not late and output.status is None:
            console.reader.join(wait_for_shutdown)
        status = 0 if late and output.status is None else output.status
        if status is None:
            status = 130 if interrupted else console.process.wait()
    return status


def main():
    parser = argparse.ArgumentParser(description="Run a QEMU machine with its console on the terminal.")
    parser.add_argument("--kernel", default=KERNEL)
    parser.add_argument("--initrd", help="the bundle")
    parser.add_argument("--append")
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--cpu", default=Machine.cpu)
    parser.add_argument("--disk")
    parser.add_argument("--nvme", action="store_true")
    parser.add_argument("--snapshot", action="store_true")
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--port", type=int, help="127.0.0.1:PORT reaches the manager")
    parser.add_argument("--icount", action="store_true")
    parser.add_argument("--gdb", type=int, metavar="PORT", help="wait for gdb")
    parser.add_argument("--no-virtualization", action="store_true", help="no EL2 and no SMMU")
    parser.add_argument("--headless", action="store_true", help="no input")
    parser.add_argument("--show", action="store_true", help="print the command and do nothing")
    parser.add_argument("extra", nargs="*", help="further QEMU arguments, after --")
    args = parser.parse_args()
    machine = Machine(
        kernel=args.kernel, initrd=args.initrd, append=args.append, memory=args.memory, cpus=args.cpus,
        cpu=args.cpu, virtualization=not args.no_virtualization, iommu=not args.no_virtualization,
        disk=args.disk, nvme=args.nvme, snapshot=args.snapshot, network=args.network or bool(args.port),
        port=args.port, icount=args.icount, gdb=args.gdb, extra=args.extra)
    if args.show:
        print(shlex.join(machine.command()))
        return
    try:
        sys.exit(interact(machine, headless=args.headless))
    except Failure as failure:
        sys.exit(f"qemu: {failure}")


if __name__ == "__main__":
    main()
