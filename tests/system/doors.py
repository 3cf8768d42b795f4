# SPDX-License-Identifier: GPL-3.0-or-later
"""doors.py - the two sockets of a daemon, for tests: http-host in a folder of
its own, and requests over UNIX sockets."""
import http.client
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import tempfile
import time
import traceback

BUILD = pathlib.Path(os.environ.get("top_builddir", "."))
SOURCE = pathlib.Path(os.environ.get("top_srcdir", "."))
HOST = BUILD / "tests/tools/http-host"
LONG = 120  # seconds: a sanitizer on a busy machine is slow


class Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path):
        super().__init__("chancery", timeout=LONG)
        self.path = str(path)

    def connect(self):
        # With a timeout it would fail at once where the backlog is full.
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)
        self.sock.settimeout(LONG)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["error"]["code"]


class Host:
    """http-host, told by tell() what happens and when it commits."""

    def __init__(self, *options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ch-doors-"))
        self.folder.chmod(0o755)
        self.status = self.folder / "status.sock"
        self.control = self.folder / "control.sock"
        self.errors = open(self.folder / "stderr", "w+b")
        self.process = subprocess.Popen(
            [HOST, *options, self.folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, text=True)
        self.expect("ready")

    def expect(self, line):
        said = self.process.stdout.readline().strip()
        assert said == line, f"{said!r} and not {line!r}: {self.said()}"

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.expect("ok")

    def said(self):
        return (self.folder / "stderr").read_text(errors="replace")

    def get(self, path, door=None, **headers):
        return self.ask("GET", path, None, door or self.status, headers)

    def post(self, path, body=None, door=None, headers=None):
        if isinstance(body, dict):
            body = json.dumps(body)
        return self.ask("POST", path, body, door or self.control,
                        {"Content-Type": "application/json",
                         **(headers or {})})

    def ask(self, method, path, body=None, door=None, headers=None):
        connection = Connection(door or self.status)
        try:
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def open(self, door=None):
        """A bare connection."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(str(door or self.status))
        sock.settimeout(LONG)
        return sock

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        raise AssertionError(f"no metric {name}")

    def memory(self):
        """Resident bytes; 0 under a sanitizer, which keeps what was freed."""
        if b"__asan_init" in HOST.read_bytes():
            return 0
        statm = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text()
        return int(statm.split()[1]) * os.sysconf("SC_PAGESIZE")

    def spool(self):
        return sorted(path.name for path in (self.folder / "spool").iterdir())

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(LONG)
        said = self.said()
        self.errors.close()
        self.process.stdout.close()
        shutil.rmtree(self.folder)
        assert code == 0, f"exit {code}: {said}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.said())
            self.process.kill()
            self.process.wait()
            shutil.rmtree(self.folder)
        else:
            self.close()


def silent(sock, seconds=0.3):
    """Whether nothing comes on it."""
    return not select.select([sock], [], [], seconds)[0]


def rest(sock):
    """All that comes until the other end closes it."""
    data = b""
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


class Events:
    """Server-sent events of one connection."""

    def __init__(self, path, target, last=None):
        self.connection = Connection(path)
        headers = {"Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.connection.request("GET", target, None, headers)
        self.response = self.connection.getresponse()
        if self.response.status == 200:
            assert self.response.readline() == b"retry: 2000\n"
            assert self.response.readline() == b"\n"

    def next(self):
        """(cursor, type, object) of the next."""
        fields = {}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if line == "" and "data" in fields:
                return (int(fields["id"]), fields["event"],
                        json.loads(fields["data"]))
            if ": " in line and not line.startswith(":"):
                name, value = line.split(": ", 1)
                fields[name] = value

    def silent(self):
        """No event comes; the end of the last chunk may, or a comment."""
        sock = self.connection.sock
        return silent(sock) or b"data" not in sock.recv(999, socket.MSG_PEEK)

    def close(self):
        self.connection.close()


def run(tests):
    """Run them, each named; exit 1 where one failed."""
    failed = 0
    for name, test in tests:
        try:
            start = time.monotonic()
            test()
            print(f"ok: {name} {time.monotonic() - start:.1f} s", flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            traceback.print_exc()
            print(f"NOT OK: {name}: {error}", flush=True)
    raise SystemExit(1 if failed else 0)
