# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the whole system share: a booted Bulkhead, its consoles and its REST interface.

    def test():
        with harness.boot("name", harness.demo(guests=2)) as system:
            system.ready("debian1")
            status, output = system.run("debian1", "uname -r")
            harness.check("a guest runs commands", status == 0, output)
            answer = system.rest.get("/v1/guests")

    harness.main(test)

Each check prints `ok <behaviour>` or ends the test with a message. Everything is awaited: on the serial
console, or (pause between two requests: POLL) at the REST interface.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import sys
import time

import describe
import disk
import qemu
import run

TOKEN = "system-test-0123456789abcdef"
PAYLOADS = qemu.TARGET / "test" / "system" / "payload"
POLL = 0.1
BOOT_TIMEOUT = 120      # of a Debian guest, on a busy machine
ANSWER_TIMEOUT = 30     # of the manager

MANAGER = f"""
/ {{
    domains {{
        manager {{
            arguments = "token={TOKEN} address={describe.LAN}.15/24 gateway={describe.LAN}.2";
        }};
    }};
}};
"""


def check(behaviour, good, detail=""):
    if not good:
        raise qemu.Failure(f"not so: {behaviour}" + (f"\n{detail}" if detail != "" else ""))
    print(f"ok {behaviour}", flush=True)


def equal(behaviour, value, wanted):
    check(behaviour, value == wanted, f"is     {value!r}\nwanted {wanted!r}")


def main(*tests):
    try:
        for test in tests:
            test()
    except qemu.Failure as failure:
        sys.stdout.flush()
        sys.exit(f"FAILED {failure}")


# ---- what is booted -----------------------------------------------------------------------------

def directory(name):
    """A folder for the files of a test."""
    path = qemu.REPOSITORY / "build" / "run" / "test" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def payload(name):
    path = PAYLOADS / f"{name}.img"
    if not path.exists():
        raise qemu.Failure(f"there is no {path}; run ./bulkhead build first")
    return path


def demo(guests=1, memory=128 << 20, more=""):
    """The demonstration's description, with a token for the tests; `more` is put behind."""
    return describe.demo(guests, memory) + MANAGER + more


def free_ports(count):
    """Ports on the host's loopback interface that nothing listens on."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def make_disk(name, volumes):
    """A fresh disk; `volumes` as for disk.py."""
    path = directory(name) / "disk.img"
    try:
        disk.make_disk(path, volumes)
    except disk.DiskError as error:
        raise qemu.Failure(f"disk: {error}") from None
    return path


def boot(name, description, volumes=None, image=None, files=None, bundle=None, network=True,
         **machine):
    """A System, not yet started. `volumes`: of its disk, else the demonstration's; `image`: a disk that is
    there already; `files`: more entries of the bundle; `bundle`: a finished one instead."""
    if image is None:
        image = make_disk(name, volumes or run.demo_volumes())
    if bundle is None:
        bundle = run.make_bundle(directory(name) / "bundle.cpio", description, files)
    port = free_ports(1)[0] if network else None
    test = os.environ.get("BULKHEAD_TEST") or pathlib.Path(sys.argv[0]).stem
    return System(qemu.Machine(initrd=bundle, disk=image, network=network, port=port, **machine),
                  name=f"{test}-{name}")


class System(qemu.Console):
    """A running Bulkhead. One of its consoles is on the serial line; show() chooses which."""

    def __init__(self, machine, name):
        super().__init__(machine, name=name)
        self.shown = None
        self.rest = Rest(self, machine.port)

    def wait(self, *patterns, timeout=60):
        """expect() from the beginning of the console: for lines whose order is not given."""
        position, self.position = self.position, 0
        try:
            return self.expect(*patterns, timeout=timeout)
        finally:
            self.position = max(position, self.position)

    def system_ready(self):
        self.wait(r"^bulkhead: system ready\r?$", timeout=60)

    def show(self, name):
        """Put the console NAME on the serial line, as an operator does: Ctrl-] l, then Ctrl-] and a key."""
        if self.shown == name:
            return
        self.send("\x1dl")
        line = self.expect(rf"^\[[* ] *(\d+) {re.escape(name)}(?:, closed)?\]\r?$", timeout=20)
        number = int(line.group(1))
        if number < 10:
            self.send(f"\x1d{number}")
            self.expect(rf"^\[console {number}: {re.escape(name)}\]", timeout=20)
        else:
            for _ in range(64):
                self.send("\x1dn")
                if int(self.expect(r"^\[console (\d+): [^\]\n]*\]", timeout=20).group(1)) == number:
                    break
            else:
                raise self.failure(f"Ctrl-] n does not come to console {name}")
        self.shown = name

    def ready(self, *names):
        """Wait until these Debian guests have a prompt."""
        self.system_ready()
        for name in names:
            self.show(name)
            self.expect(rf"^{name}:\S*# ", timeout=BOOT_TIMEOUT)

    def run(self, name, command, timeout=60):
        """Run a command at a guest's prompt on the serial line; returns (status, output)."""
        self.show(name)
        return self.shell(command, timeout=timeout)

    def must(self, name, command, timeout=60):
        """The same for a command that has to succeed; returns its output."""
        status, output = self.run(name, command, timeout)
        if status:
            raise self.failure(f"{name}: `{command}` exited {status}: {output}")
        return output


# ---- REST ---------------------------------------------------------------------------------------

class Rest:
    """The manager's API, as a client on the host sees it."""

    def __init__(self, system, port):
        self.system, self.port = system, port

    def request(self, method, path, body=None, token=TOKEN, headers=None, timeout=ANSWER_TIMEOUT):
        """Returns (status, fields, body as bytes). `body`: bytes, or what becomes JSON."""
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields["Content-Type"] = "application/json"
        fields.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=qemu.time_limit(timeout))
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise self.system.failure(f"{method} {path}: no answer: {error!r}") from None
        finally:
            connection.close()

    def call(self, method, path, body=None, status=200, **options):
        """A request that has to end in `status`; returns its JSON (None: it has none)."""
        got, fields, data = self.request(method, path, body, **options)
        if got != status:
            raise self.system.failure(f"{method} {path}: expected {status}, got {got}: {data[:500]!r}")
        if not data:
            return None
        if fields.get_content_type() != "application/json":
            return data
        try:
            return json.loads(data)
        except ValueError as error:
            raise self.system.failure(f"{method} {path}: {error}: {data[:500]!r}") from None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None, status=200):
        return self.call("POST", path, body, status)

    def available(self):
        """Wait until the manager answers at all: QEMU accepts connections from the start."""
        deadline = time.monotonic() + qemu.time_limit(60)
        while True:
            try:
                return self.request("GET", "/v1/system", timeout=5)
            except qemu.Failure:
                if time.monotonic() > deadline or not self.system.running():
                    raise
                time.sleep(POLL)

    def error(self, method, path, body, status, code, **options):
        """A request that has to be refused in the documented way; returns the message."""
        answer = self.call(method, path, body, status, **options)
        error = answer.get("error") if isinstance(answer, dict) else None
        if not error or error.get("code") != code or not error.get("message"):
            raise self.system.failure(f"{method} {path}: expected the error {code}, got {answer}")
        return error["message"]

    def until(self, what, condition, timeout=60):
        """Ask until `condition()` gives something true; returns that."""
        deadline = time.monotonic() + qemu.time_limit(timeout)
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise self.system.failure(f"waited {qemu.time_limit(timeout):g} s until {what}")
            time.sleep(POLL)
        return value

    def guest(self, name):
        return self.get(f"/v1/guests/{name}")

    def state(self, name, *wanted, timeout=60):
        """Wait until a guest is in one of these states; returns it as JSON."""
        seen = {}

        def arrived():
            seen.update(self.guest(name))
            return seen["state"] in wanted
        try:
            self.until(f"{name} is {' or '.join(wanted)}", arrived, timeout)
        except qemu.Failure as failure:
            raise qemu.Failure(f"{name} is {seen.get('state')} ({seen.get('reason')}): {failure}") from None
        return seen

    def console(self, name, start=0):
        """What a guest has put out from byte `start` on; returns (bytes, where to go on)."""
        status, fields, data = self.request("GET", f"/v1/guests/{name}/console?from={start}")
        if status != 200:
            raise self.system.failure(f"console of {name}: {status}: {data!r}")
        return data, int(fields["X-Console-Next"])

    def expect(self, name, pattern, start=0, timeout=60):
        """Wait for a match in a guest's output from byte `start` on; returns (match, where to go on)."""
        compiled = re.compile(qemu.as_bytes(pattern), re.MULTILINE)
        text, position = b"", start

        def matched():
            nonlocal text, position
            data, position = self.console(name, position)
            text += data
            return compiled.search(text)
        try:
            return self.until(f"{name} prints {pattern}", matched, timeout), position
        except qemu.Failure as failure:
            tail = text[-1000:].decode(errors="replace")
            raise qemu.Failure(f"{failure}\n---- the output of {name} ----\n{tail}") from None

    def type(self, name, text):
        data = qemu.as_bytes(text)
        while data:
            accepted = self.call("POST", f"/v1/guests/{name}/console", data)["accepted"]
            data = data[accepted:]

    def run(self, name, command, timeout=60):
        """Run a command at a guest's prompt; returns (status, output)."""
        _, start = self.console(name)
        mark = f"{start:x}"
        self.type(name, f"echo \"<{mark}\":; {command}; echo \"[{mark}\":$?]\n")
        match, _ = self.expect(name, rf"<{mark}:\r?\n(?s:(.*?))\[{mark}:(\d+)\]\r?\n", start, timeout)
        return int(match.group(2)), match.group(1).decode(errors="replace").replace("\r", "")

    def prompt(self, name, timeout=BOOT_TIMEOUT):
        """Wait until a Debian guest has a prompt."""
        self.expect(name, rf"^{name}:\S*# ", timeout=timeout)
