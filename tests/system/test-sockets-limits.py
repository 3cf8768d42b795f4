#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that are slow, many, rude or not allowed cost a bounded amount: the
others are answered all the while."""
import errno
import os
import pathlib
import resource
import socket
import subprocess
import sys
import time

import doors
from doors import Events, Host

HEAD = b"GET /healthz HTTP/1.1\r\nHost: c\r\n"


def answered(host):
    assert host.get("/healthz").body == b"ok\n"


def closed(sock):
    """It is closed without an answer of success."""
    told = doors.rest(sock)
    assert not told.startswith(b"HTTP/1.1 200"), told[:200]
    sock.close()


def half_a_request():
    """Dropped after the time a whole one may take, dripping or not."""
    with Host("--timeout-ms=1500") as host:
        halves = []
        for part in (b"", b"G", b"GET /healthz HTTP/1.1\r\nHo", HEAD):
            sock = host.open()
            sock.sendall(part)
            halves.append(sock)
        for head in (b"Content-Length: 10\r\n\r\n{",
                     b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"):
            sock = host.open(host.control)
            sock.sendall(b"POST /v1/pause HTTP/1.1\r\nHost: c\r\n" + head)
            halves.append(sock)
        # One that has had an answer and drips the next request.
        dripping = host.open()
        begun = time.monotonic()
        dripping.sendall(HEAD + b"\r\n")
        assert dripping.recv(12) == b"HTTP/1.1 200"
        try:
            while time.monotonic() - begun < doors.LONG:
                dripping.sendall(b"G")
                time.sleep(0.05)
                answered(host)
        except (BrokenPipeError, ConnectionResetError):
            pass
        took = time.monotonic() - begun
        assert 1 < took < 30, took
        dripping.close()
        for sock in halves:
            closed(sock)
        assert host.get("/v1/status").json["state"] == "running"


def slow_upload():
    """An upload may take long, but not at a few bytes a second."""
    with Host("--timeout-ms=1000") as host:
        sock = host.open(host.control)
        sock.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: c\r\n"
                     b"Content-Type: multipart/form-data; boundary=xyz\r\n"
                     b"Content-Length: 100000\r\n\r\n"
                     b"--xyz\r\nContent-Disposition: form-data; "
                     b'name="letter"; filename="en.md"\r\n\r\n')
        begun = time.monotonic()
        try:
            while time.monotonic() - begun < doors.LONG:
                sock.sendall(b"x")
                time.sleep(0.05)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert time.monotonic() - begun < 30
        sock.close()
        answered(host)
        assert host.spool() == []


def thousands():
    """5,000 that connect and say nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 6000), hard))
    many = min(5000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)
    with Host("--clients=16", "--timeout-ms=60000") as host:
        before = host.memory()
        fds = pathlib.Path(f"/proc/{host.process.pid}/fd")
        usual = len(list(fds.iterdir()))
        socks, refused = [], 0
        for _ in range(many):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.setblocking(False)
            try:
                sock.connect(str(host.status))
                sock.send(b"GET / HTTP/1.1\r\n")
                socks.append(sock)
            except OSError as error:
                assert error.errno in (errno.EAGAIN, errno.EMFILE), error
                sock.close()
                refused += 1
        # The other door is another matter.
        assert host.get("/healthz", host.control).status == 200
        assert len(list(fds.iterdir())) <= usual + 17
        text = host.get("/metrics", host.control).body.decode()
        assert 'chancery_http_clients{socket="status"} 16' in text
        assert host.memory() - before < 8 * 1024 * 1024
        for sock in socks:
            sock.close()
        answered(host)
        print(f"{len(socks)} connected, {refused} refused")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def no_descriptors():
    """Clients that no descriptor is left for wait for one."""
    with Host("--timeout-ms=60000") as host:
        fds = pathlib.Path(f"/proc/{host.process.pid}/fd")
        usual = len(list(fds.iterdir()))
        _, hard = resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE,
                         (usual + 3, hard))
        socks = [host.open() for _ in range(10)]
        waiting = host.open()
        waiting.sendall(HEAD + b"\r\n")
        assert doors.silent(waiting)
        assert len(list(fds.iterdir())) == usual + 3
        for sock in socks:
            sock.close()
        assert waiting.recv(12) == b"HTTP/1.1 200"
        waiting.close()
        answered(host)


def never_reads():
    """Who asks for much and reads nothing is dropped, and costs little."""
    with Host("--timeout-ms=1000") as host:
        host.tell("batch DM-1 3000")
        before = host.memory()
        socks = []
        for i in range(8):
            sock = host.open()
            sock.sendall(b"GET /v1/batches/DM-1/letters?limit=1000 HTTP/1.1"
                         b"\r\nHost: c\r\n\r\n" if i % 2 else
                         b"GET /v1/events?follow=1&after=0 HTTP/1.1\r\n"
                         b"Host: c\r\n\r\n")
            socks.append(sock)
        host.tell("send DM-1 K0")  # 3,000 events for the followers
        end = time.monotonic() + doors.LONG
        while host.metric('chancery_http_clients{socket="status"}') > 1:
            assert time.monotonic() < end, "still there"
            time.sleep(0.05)
        assert host.memory() - before < 16 * 1024 * 1024
        for sock in socks:
            assert len(doors.rest(sock)) < 1000000
            sock.close()
        answered(host)


def followers_leave_room():
    with Host("--clients=8") as host:
        events = [Events(host.status, "/v1/events") for _ in range(8 - 2)]
        more = Events(host.status, "/v1/events")
        assert more.response.status == 429
        more.close()
        answered(host)
        events.pop().close()
        host.tell("batch DM-1 1")  # one who is gone is missed by now
        for each in events:
            assert each.next()[1] == "batch.enqueued"
            each.close()


def long_lists():
    """20,000 letters cost no more memory than 20."""
    with Host() as host:
        host.tell("batch DM-1 20000")
        host.get("/v1/batches/DM-1/letters?limit=1000")
        before = host.memory()
        count, after = 0, 0
        while after is not None:
            page = host.get("/v1/batches/DM-1/letters?limit=1000"
                            f"&after={after}").json
            count += len(page["letters"])
            after = page["next"]
        assert count == 20000
        events = host.get("/v1/events?limit=10000").body
        assert events.count(b"\n") == 1
        assert host.memory() - before < 2 * 1024 * 1024, (
            host.memory() - before)


ASK = """
import os, sys
sys.path.insert(0, sys.argv[1])
import doors
os.setgid(65534)
os.setuid(65534)
host = doors.Host.__new__(doors.Host)
answer = host.ask("POST", "/v1/pause", None, sys.argv[2])
print(answer.status, answer.json.get("error", {}).get("code"))
answer = host.ask("GET", "/v1/status", None, sys.argv[2])
print(answer.status, answer.json.get("error", {}).get("code"))
print(host.ask("GET", "/v1/status", None, sys.argv[3]).status)
"""


def strangers():
    """A uid that may not use the control socket is refused, and noted."""
    if os.geteuid() != 0:
        print("not root: nobody else to be")
        return
    here = str(pathlib.Path(__file__).parent)
    with Host("--uid=12345") as host:
        told = subprocess.run(
            [sys.executable, "-c", ASK, here, host.control, host.status],
            capture_output=True, text=True, timeout=doors.LONG, check=False)
        assert told.stdout.split("\n")[:3] == [
            "403 forbidden", "403 forbidden", "200"], told
        assert host.get("/v1/status").json["state"] == "running"
        assert "refused POST from uid 65534" in host.said(), host.said()
        # root, and who runs the daemon, may.
        assert host.post("/v1/pause", {}).status == 200
    with Host() as host:  # no list: the socket's mode decides
        told = subprocess.run(
            [sys.executable, "-c", ASK, here, host.control, host.status],
            capture_output=True, text=True, timeout=doors.LONG, check=False)
        assert told.stdout.startswith("200"), told


if __name__ == "__main__":
    doors.run([(name, globals()[name]) for name in (
        "half_a_request", "slow_upload", "thousands", "no_descriptors",
        "never_reads", "followers_leave_room", "long_lists", "strangers")])
