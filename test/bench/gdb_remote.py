# SPDX-License-Identifier: BSD-2-Clause
"""The part of gdb's remote serial protocol that tracing needs, towards QEMU's stub (gdb manual, appendix E)."""

import socket
import time

import qemu

PC = 32  # its number among the registers of org.gnu.gdb.aarch64.core


class Remote:
    """A machine that was started with `-S -gdb unix:PATH,server=on,wait=off`."""

    def __init__(self, path, timeout):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline:
                    raise qemu.Failure(f"QEMU does not listen at {path}") from None
                time.sleep(0.01)
        self.input = self.socket.makefile("rb")
        self.ask("qXfer:features:read:target.xml:0,ffb")  # without it QEMU does not answer for single registers

    def close(self):
        self.input.close()
        self.socket.close()

    def _send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) % 256))

    def _receive(self):
        while True:
            char = self.input.read(1)
            if char == b"$":
                break
            if not char:
                raise qemu.Failure("QEMU has closed the connection of its debugger")
        data = bytearray()
        while (char := self.input.read(1)) != b"#":
            data += char
        self.input.read(2)  # the checksum
        self.socket.sendall(b"+")
        return data.decode()

    def ask(self, text):
        self._send(text)
        return self._receive()

    def _done(self, text):
        if (answer := self.ask(text)) != "OK":
            raise qemu.Failure(f"QEMU's debugger answers {answer!r} to {text!r}")

    def monitor(self, command):
        """A command of QEMU's monitor; returns what it prints."""
        answer, printed = self.ask("qRcmd," + command.encode().hex()), ""
        while answer.startswith("O") and answer != "OK":
            printed += bytes.fromhex(answer[1:]).decode()
            answer = self._receive()
        return printed

    def break_at(self, address):
        self._done(f"Z1,{address:x},4")

    def unbreak(self, address):
        self._done(f"z1,{address:x},4")

    def pc(self):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{PC:x}")), "little")

    def go(self):
        """Runs to the next breakpoint."""
        if not (answer := self.ask("c")).startswith("T05"):
            raise qemu.Failure(f"the traced machine stopped with {answer!r}")

