#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The manager and the network from outside: a client on the host drives the demonstration system through the API. Guests are made,
used over the switch and removed, hostile clients and guests are kept in their place, and the machine is turned off."""

import http.client
import json
import os
import pathlib
import re
import socket
import struct
import sys
import tempfile
import time

import qemu

if "BULKHEAD_TARGET" in os.environ:
    qemu.TARGET = pathlib.Path(os.environ["BULKHEAD_TARGET"])

import run  # noqa: E402: it looks at qemu.TARGET

TOKEN = "system-test"
MANAGER = "10.0.2.15"
NEIGHBOUR = "10.0.2.101"
GATEWAY = "10.0.2.2"


def check(condition, text):
    if not condition:
        raise qemu.Failure(text)


class Api:
    """The API at a port of this host."""

    def __init__(self, port):
        self.port = port

    def send(self, method, path, body=None, json_body=None, token=TOKEN):
        """Returns status, fields and body."""
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        if json_body is not None:
            body = json.dumps(json_body).encode()
            fields["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=qemu.time_limit(30))
        try:
            connection.request(method, "/v1" + path, body, fields)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        except OSError as error:
            raise qemu.Failure(f"{method} {path}: {error}") from None
        finally:
            connection.close()

    def expect(self, expected, method, path, **rest):
        status, _, body = self.send(method, path, **rest)
        check(status == expected, f"{method} {path}: {status}, expected {expected}: {body[:300]}")
        return json.loads(body) if body else None

    def until(self, what, test, timeout=90):
        deadline = time.monotonic() + qemu.time_limit(timeout)
        while not (result := test()):
            check(time.monotonic() < deadline, f"waited in vain: {what}")
            time.sleep(0.5)
        return result


class Shell:
    """A guest's shell, through the API's console."""

    def __init__(self, api, name):
        self.api, self.name = api, name
        self.next = 0
        self.count = 0

    def read(self):
        status, fields, body = self.api.send("GET", f"/guests/{self.name}/console?from={self.next}")
        check(status == 200, f"console of {self.name}: {status}")
        check(int(fields["X-Console-From"]) == self.next, f"console of {self.name}: output was lost")
        self.next = int(fields["X-Console-Next"])
        return body.decode(errors="replace").replace("\r", "")

    def wait(self, pattern, timeout=90):
        text = ""

        def look():
            nonlocal text
            text += self.read()
            return re.search(pattern, text)
        try:
            return self.api.until(pattern, look, timeout)
        except qemu.Failure as error:
            raise qemu.Failure(f"{error}; console of {self.name}: {text[-1000:]}") from None

    def type(self, text):
        data = text.encode()
        while data:
            accepted = self.api.expect(200, "POST", f"/guests/{self.name}/console", body=data)["accepted"]
            data = data[accepted:]

    def run(self, command, timeout=60):
        """Returns exit status and output."""
        self.count += 1
        self.type(f"echo '<'{self.count}; {command}; echo '['{self.count}:$?']'\n")
        match = self.wait(rf"<{self.count}\n((?s:.*?))\[{self.count}:(\d+)\]\n", timeout)
        return int(match.group(2)), match.group(1)


def test_answers(api):
    """What is there is shown, and only to whom it may be."""
    system = api.expect(200, "GET", "/system")
    check(system["product"] == "Bulkhead", f"product: {system}")
    check(0 < system["memory"]["freeBytes"] < system["memory"]["totalBytes"] == 2 << 30, f"memory: {system}")
    check({"name": "network"} in system["domains"], f"domains: {system}")
    later = api.expect(200, "GET", "/system")
    check(later["uptimeNanoseconds"] > system["uptimeNanoseconds"], "the uptime does not grow")
    volumes = {volume["name"]: volume for volume in api.expect(200, "GET", "/volumes")["volumes"]}
    check(volumes["debian1"]["bytes"] == 64 << 20, f"volumes: {volumes}")
    guests = api.expect(200, "GET", "/guests")["guests"]
    check([guest["name"] for guest in guests] == ["debian1"], f"guests: {guests}")
    for token in (None, "wrong", TOKEN + "x", TOKEN[:-1]):
        api.expect(401, "GET", "/system", token=token)
    api.expect(404, "GET", "/guests/nobody")
    api.expect(405, "PUT", "/guests")
    error = api.expect(400, "POST", "/guests", json_body={"name": "x", "size": 1})["error"]
    check(error["message"].startswith("size: "), f"message: {error}")
    error = api.expect(422, "POST", "/guests", json_body={"name": "x", "memory": "32M", "kernel": "kernel",
                                                            "disks": [{"volume": "debian99"}]})
    check('"debian99"' in error["error"]["message"], f"message: {error}")
    api.expect(403, "DELETE", "/guests/debian1")


def create(api, name, volume, address):
    api.expect(201, "POST", "/guests", json_body={
        "name": name, "memory": "128M", "kernel": "kernel", "initrd": "initrd",
        "commandLine": f"console=ttyAMA0 quiet bulkhead.name={name} bulkhead.ip={address}/24 bulkhead.gateway={GATEWAY}",
        "disks": [{"volume": volume}], "networks": [{"network": "lan"}]})


def test_guest_life(api):
    """A guest is made, reaches everybody over the switch, is counted, paused, stopped, removed."""
    create(api, "web", "debian2", "10.0.2.110")
    check(api.expect(200, "GET", "/guests/web")["state"] == "off", "a new guest is not off")
    api.expect(409, "POST", "/guests", json_body={"name": "web", "memory": "32M", "kernel": "kernel"})
    api.expect(409, "POST", "/guests/web/pause")
    api.expect(200, "POST", "/guests/web/start")
    shell = Shell(api, "web")
    shell.wait("web: ready")
    for address in (NEIGHBOUR, MANAGER, GATEWAY):
        status, output = shell.run(f"ping -c 2 -w 20 {address}")
        check(status == 0, f"web does not reach {address}: {output}")
    before = api.expect(200, "GET", "/guests/web/counters")
    shell.run(f"ping -c 5 -w 20 {NEIGHBOUR}")
    after = api.expect(200, "GET", "/guests/web/counters")
    check(after["network"]["sentFrames"] >= before["network"]["sentFrames"] + 5, f"not counted: {before} {after}")
    check(after["exits"]["mmio"] > 0 and after["block"]["readBytes"] > 0, f"not counted: {after}")
    check(after["cpuTimeNanoseconds"] > before["cpuTimeNanoseconds"] > 0, f"not counted: {before} {after}")

    check(api.expect(200, "POST", "/guests/web/pause")["state"] == "paused", "not paused")
    shell.type("echo still-$((40 + 2))\n")
    time.sleep(2)
    check("still-42" not in shell.read(), "a paused guest runs")
    check(api.expect(200, "POST", "/guests/web/resume")["state"] == "running", "not resumed")
    shell.wait("still-42")


def test_transfer(api):
    """A stream between two guests arrives whole."""
    web, debian = Shell(api, "web"), Shell(api, "debian1")
    web.read()
    debian.wait("debian1: ready")
    debian.type("nc -l -p 5000 | md5sum\n")
    time.sleep(1)
    _, output = web.run("dd if=/dev/urandom of=/tmp/data bs=64K count=64 2>/dev/null; md5sum < /tmp/data; "
                        f"nc -w 60 {NEIGHBOUR} 5000 < /tmp/data", timeout=120)
    debian.wait(re.search("[0-9a-f]{32}", output).group(0))


def test_stolen_address(api):
    """A guest with its neighbour's MAC address gets none of its frames, nor disturbs it."""
    web, debian = Shell(api, "web"), Shell(api, "debian1")
    web.read()
    debian.read()
    _, mac = debian.run("cat /sys/class/net/eth0/address")
    _, own = web.run("cat /sys/class/net/eth0/address")
    change = "ip link set eth0 down; ip link set eth0 address {}; ip link set eth0 up; ip addr add 10.0.2.110/24 dev eth0"
    web.run(change.format(mac.strip()))
    status, _ = web.run(f"ping -c 2 -w 4 {GATEWAY}")
    check(status != 0, "a guest with a stolen address is let through")
    status, _ = debian.run(f"ping -c 2 -w 20 {GATEWAY}")
    check(status == 0, "its owner is cut off")
    web.run(change.format(own.strip()))
    status, _ = web.run(f"ping -c 2 -w 20 {GATEWAY}")
    check(status == 0, "a guest with its own address again is not let through")


def end_of(client):
    """What the server says last; nothing if it resets the connection."""
    try:
        return client.recv(1000)
    except ConnectionResetError:
        return b""


def test_hostile_clients(api):
    """Garbage, resets, silence and slowness do not keep others from being served."""
    def connect():
        return socket.create_connection(("127.0.0.1", api.port), timeout=qemu.time_limit(20))

    for size in (1, 10, 100, 2000, 20000):
        with connect() as client:
            client.sendall(os.urandom(size))
    for _ in range(30):
        with connect() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"GET / HTT")
    api.expect(200, "GET", "/system")
    request = f"GET /v1/volumes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    with connect() as client:
        client.sendall(request * 100)
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK\r\n") < 100 or not answers.endswith(b"]}\n"):
            piece = client.recv(65536)
            check(piece, "the connection ended before all pipelined requests were answered")
            answers += piece
    with connect() as client:
        for byte in request.replace(b"volumes", b"nothing"):
            client.sendall(bytes([byte]))
        check(client.recv(1000).startswith(b"HTTP/1.1 404 "), "a request in single bytes is not answered")
    idle = [connect() for _ in range(20)]
    api.expect(200, "GET", "/system")
    for client in idle:
        client.close()
    slow = [connect() for _ in range(8)]
    for client in slow:
        client.sendall(b"GET /")
    api.expect(200, "GET", "/system")  # in the place of one of them
    for client in slow:
        client.close()
    # Alone, a slow client is told why it is closed. What is left of the connections above may still arrive, through
    # QEMU's network, and take its place: then it is closed without a word, and tries again.
    for _ in range(8):
        with connect() as client:
            client.sendall(b"GET /")
            end = end_of(client)
        if end:
            break
    check(end.startswith(b"HTTP/1.1 408 "), f"a slow client is told {end}")


def test_removal(api):
    api.expect(200, "POST", "/guests/web/stop")
    api.until("web is off", lambda: api.expect(200, "GET", "/guests/web")["state"] == "off")
    check(api.expect(200, "GET", "/guests/web/counters")["exits"]["mmio"] == 0, "a guest that is off counts")
    free = api.expect(200, "GET", "/system")["memory"]["freeBytes"]
    for _ in range(3):  # what a guest held is free again
        create(api, "again", "debian3", "10.0.2.111")
        api.expect(200, "POST", "/guests/again/start")
        Shell(api, "again").wait("again: ready")
        status, _, _ = api.send("DELETE", "/guests/again")
        check(status == 204, f"delete: {status}")
        api.until("again is gone", lambda: api.send("GET", "/guests/again")[0] == 404)
    api.until("the memory is free again",
              lambda: api.expect(200, "GET", "/system")["memory"]["freeBytes"] == free, timeout=20)


def main():
    with tempfile.TemporaryDirectory() as directory:
        system = run.demo_system(1, directory=directory, token=TOKEN)
        api = Api(run.free_port(18080, False))
        machine = qemu.Machine(kernel=qemu.TARGET / "kernel" / "Image", initrd=system.bundle, disk=system.disk,
                               network=True, port=api.port)
        try:
            with qemu.Console(machine, name="manager_system_test") as console:
                console.expect("manager: serving http://10.0.2.15:80/v1")
                console.expect("debian1: ready", timeout=120)
                for test in (test_answers, test_guest_life, test_transfer, test_stolen_address,
                             test_hostile_clients, test_removal):
                    print(test.__name__, flush=True)
                    test(api)
                log = api.send("GET", "/system/console")[2].decode()
                check("manager: serving" in log, "the system's log is not shown")
                api.expect(202, "POST", "/system/poweroff", json_body={"exitStatus": 7})
                check(console.expect_exit() == 7, "the exit status is not what was asked for")
        except qemu.Failure as failure:
            sys.exit(f"FAILED: {failure}")
    print("passed")


if __name__ == "__main__":
    main()
