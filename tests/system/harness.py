# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail room for tests: chanceryd from the build tree with a store, sockets
and workers of its own in a temporary folder, asked over its sockets as any
client would. Everything waits for events: READY=1, a line, a state.

    with harness.Sink() as sink, harness.Room(relays=[sink.relay()]) as room:
        room.start()
        room.enqueue("DM-1", harness.table(100))
        room.wait_letters("DM-1", sent=100)
        assert room.stop() == 0

Workers are those of the build, or puppets: with Room(puppets=["send"]) each
chancery-send hands its channel to the test, which then plays the worker."""
import contextlib
import http.client
import json
import os
import pathlib
import queue
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import wire

BUILD = pathlib.Path(os.environ["top_builddir"])
PROGRAM = str(BUILD / "daemon/chanceryd/chanceryd")
WORKERS = ("import", "send", "receive", "alarm")
# Built with sanitizers, or run under something slow.
SLOW = re.search(r"(?m)^#define CH_WORKER_UNLIMITED 1",
                 (BUILD / "config.h").read_text()) is not None
TIMEOUT = 240 if SLOW else 60
SKIP = 77 # of automake's tests

LETTER = {
    "letter.conf": "",
    "en.md": "Subject: Session, {{name}}\n\n{{name}},\n\n"
             "The marker is {{key}}.\n",
}

# A worker that is only its channel: it hands it over and ends when told.
PUPPET = """#!{python}
import os, socket
test = socket.socket(socket.AF_UNIX)
test.connect({path!r})
socket.send_fds(test, [f"{{os.getpid()}} {role}".encode()], [3])
os.close(3)
status = test.recv(1)
os._exit(status[0] if status else 0)
"""


@contextlib.contextmanager
def durable(room):
    """The room's database as it would be found after a power cut now: a
    connection to a copy."""
    with tempfile.TemporaryDirectory(prefix="ch-durable-") as folder:
        for end in ("", "-wal", ".redo", ".epoch"):
            if os.path.exists(f"{room.state}/chancery.db{end}"):
                shutil.copy(f"{room.state}/chancery.db{end}",
                            f"{folder}/store.db{end}")
        subprocess.run([BUILD / "tests/system/store-life", "open", folder],
                       check=True)
        with contextlib.closing(sqlite3.connect(f"{folder}/store.db")) as db:
            yield db


def wait_for(what, condition, timeout=TIMEOUT):
    """Ask until `condition` gives something true, and return that."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(0.02)


def run_all(names):
    """Run each test_… of a file, or those named on the command line."""
    wanted = sys.argv[1:] or [n for n in names if n.startswith("test_")]
    for name in wanted:
        began = time.monotonic()
        names[name]()
        print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)


SERVERS = pathlib.Path(os.environ["top_srcdir"]) / "tests/servers"


@contextlib.contextmanager
def mail_servers(root, program="mailhost.py"):
    """What the private servers of that program say of themselves, in
    root/host, until the end; where that is a failure, what they have logged is
    printed. `root` becomes a folder that all may look into."""
    root.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, SERVERS / program, root / "host"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line, "the servers did not start"
        yield json.loads(line)
    except BaseException:
        for log in sorted((root / "host/log").glob("*")):
            print(f"== {log.name}", log.read_text(errors="replace")[-3000:],
                  sep="\n")
        raise
    finally:
        process.stdin.close()
        process.wait(60)


def among_servers(script, *options):
    """Run `script inside`, with options, where the private mail servers can be
    started. Its exit status, or SKIP where they cannot be had."""
    tree = BUILD / "servers"
    enter = ["sh", SERVERS / "enter.sh", tree]
    for command in (["sh", SERVERS / "fetch.sh", tree], [*enter, "true"]):
        status = subprocess.run(command, check=False).returncode
        if status == 69:
            return SKIP
        assert status == 0, command
    return subprocess.run([*enter, sys.executable, script, "inside",
                           *options], check=False).returncode


def table(rows, address="office{i}@k{i}.example", start=0):
    """A recipients' table; `address` gives that of row i."""
    lines = ["key,language,to,name"]
    lines += [f"K{i:06},en,{address.format(i=i)},Country {i}"
              for i in range(start, start + rows)]
    return "\n".join(lines) + "\n"


class Answer:
    def __init__(self, status, body):
        self.status = status
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("chancery", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def unpacked(mail):
    """The bytes of a mail as the object store has it and chanceryd serves it."""
    return subprocess.run(["zstd", "-dqc"], input=mail, check=True,
                          capture_output=True).stdout


def ask(path, method, target, body=None, headers=(), timeout=TIMEOUT):
    connection = UnixConnection(path, timeout)
    try:
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def multipart(fields, files):
    """(body, content type) of fields and then files: (name, filename, data)."""
    mark = "=-=chancery-test=-="
    parts = []
    for name, value in fields:
        parts.append((f'form-data; name="{name}"', value.encode()))
    for name, filename, data in files:
        data = data.encode() if isinstance(data, str) else data
        parts.append((f'form-data; name="{name}"; filename="{filename}"',
                      data))
    body = b"".join(
        f"--{mark}\r\nContent-Disposition: {head}\r\n\r\n".encode() + data +
        b"\r\n" for head, data in parts)
    return (body + f"--{mark}--\r\n".encode(),
            f"multipart/form-data; boundary={mark}")


class Puppet(wire.Worker):
    """The channel of a worker, played by the test: like chanceryd's end of one
    it reads and sends messages."""

    def __init__(self, connection):
        data, descriptors, _, _ = socket.recv_fds(connection, 100, 1)
        self.connection = connection
        pid, self.role = data.decode().split()
        self.pid = int(pid)
        self.channel = socket.socket(fileno=descriptors[0])
        self.channel.setblocking(True)
        self.bytes = bytearray()
        self.recalls = []  # (letter, attempt): asked for, and not said

    def receive(self, timeout=TIMEOUT):
        """As a worker that has begun with each letter: what is asked for is
        not given back."""
        while message := super().receive(timeout):
            if message[0] != "send-recall":
                break
            self.recalls.append((message[1]["letter_id"],
                                 message[1]["attempt"]))
        return message

    def recalled(self, timeout=TIMEOUT):
        """The next letter that is asked for."""
        while not self.recalls:
            message = super().receive(timeout)
            assert message and message[0] == "send-recall", message
            self.recalls.append((message[1]["letter_id"],
                                 message[1]["attempt"]))
        return self.recalls.pop(0)

    def exit(self, status=0):
        """The process ends so, and the channel with it."""
        self.channel.close()
        self.connection.sendall(bytes([status]))
        self.connection.close()

    def die(self):
        """As if it had crashed."""
        self.channel.close()
        os.kill(self.pid, signal.SIGKILL)
        self.connection.close()

    def ready(self, want=2):
        """Take the setup, and ask for letters."""
        setup = self.expect("send-setup", TIMEOUT)
        self.send("send-ready", want=want)
        return setup

    def letter(self, timeout=TIMEOUT):
        """The next letter; what is said of its batch before it is skipped."""
        message = self.receive(timeout)
        while message and message[0] == "send-batch":
            message = self.receive(timeout)
        assert message and message[0] == "send-letter", message
        return message[1]

    def dot(self, letter, digest=b"\1" * 32):
        seqs = [a["seq"] for a in letter["addresses"] if a["pending"]]
        self.send("send-dot", letter_id=letter["letter_id"],
                  attempt=letter["attempt"], sha256=digest, size_bytes=100,
                  seqs=seqs)

    def result(self, letter, outcome, code=0, reply="", status=""):
        results = [{"seq": a["seq"], "outcome": outcome, "code": code,
                    "reply": reply, "status": status}
                   for a in letter["addresses"] if a["pending"]]
        self.send("send-result", letter_id=letter["letter_id"],
                  attempt=letter["attempt"], results=results)

    def is_silent(self, seconds=0.3):
        """Nothing comes; for what must not happen there is no event."""
        return not self.bytes and not select.select([self.channel], [], [],
                                                    seconds)[0]


SENT, DEFERRED, FAILED, IN_DOUBT, UNTRIED, HELD = range(6)


class Sink:
    """bench/sink with a ledger."""

    def __init__(self, *options, port=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ch-sink-"))
        self.ledger = self.folder / "ledger"
        self.process = subprocess.Popen(
            [str(BUILD / "bench/sink"), "-p", str(port), "-l",
             str(self.ledger), *options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(re.search(r"\d+", self.process.stdout.readline())[0])

    def relay(self, **keys):
        return {"name": "sink", "port": self.port, **keys}

    def taken(self):
        """(recipient, message id) of each letter that was accepted."""
        if not self.ledger.exists():
            return []
        return [tuple(line.split("\t")[:2])
                for line in self.ledger.read_text().splitlines()]

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def take_all(notify, messages):
    """What a service manager does: nobody waits to be heard by it."""
    while True:
        messages.put(notify.recv(65536).decode().split("\n"))


def setting(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)) and value \
            and isinstance(value[0], dict):
        return "( " + ", ".join(group(item) for item in value) + " )"
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(setting(item) for item in value) + " ]"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return group(value)
    return json.dumps(value)


def group(keys):
    return "{ " + " ".join(f"{k} = {setting(v)};" for k, v in keys.items()) \
        + " }"


class Room:
    def __init__(self, relays=(), mailboxes=(), puppets=(), conf=None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="ch-room-"))
        self.state = self.root / "state"
        self.state.mkdir()
        self.conf = self.root / "chancery.conf"
        self.status_socket = str(self.root / "status.sock")
        self.control_socket = str(self.root / "control.sock")
        self.stderr = self.root / "stderr"
        self.process = None
        self.puppets = None
        self.waiting = []
        self.make_workers(puppets)
        self.configure(relays, mailboxes, **(conf or {}))

    # ---- what it is started with --------------------------------------

    def make_workers(self, puppets):
        self.libexec = self.root / "libexec"
        self.libexec.mkdir()
        for role in WORKERS:
            (self.libexec / f"chancery-{role}").symlink_to(
                BUILD / f"daemon/{role}/chancery-{role}")
        if not puppets:
            return
        path = str(self.root / "puppets.sock")
        self.puppets = socket.socket(socket.AF_UNIX)
        self.puppets.bind(path)
        self.puppets.listen(100)
        for role in ["send"] if puppets is True else puppets:
            program = self.libexec / f"chancery-{role}"
            program.unlink()
            program.write_text(PUPPET.format(python=sys.executable,
                                             path=path, role=role))
            program.chmod(0o755)

    def configure(self, relays=(), mailboxes=(), **groups):
        """Write the configuration; groups such as sending={"retry": ["1s"]}
        are added to what a test needs anyway. Those delays are then for every
        kind of refusal that has none of its own there."""
        keys = {
            "secretariat": {"from": "Registry <registry@secretariat.example>",
                            "envelope": "bounces@chancery.example"},
            "store": {"path": str(self.state / "chancery.db"),
                      "allow_volatile": True},
            "status": {"socket": self.status_socket,
                       "control_socket": self.control_socket},
            "release": {"second_person": False},
        }
        if "retry" in groups.get("sending", {}):
            delays = groups["sending"]["retry"]
            groups["sending"] = {"retry_busy": delays, "retry_policy": delays,
                                 "retry_mailbox": delays,
                                 **groups["sending"]}
        top = {k: v for k, v in groups.items() if not isinstance(v, dict)}
        for name, extra in groups.items():
            if isinstance(extra, dict):
                keys[name] = {**keys.get(name, {}), **extra}
        lines = [f"{name}: {group(members)};"
                 for name, members in keys.items()]
        lines += [f"{name} = {setting(value)};" for name, value in top.items()]
        for name, items, common in (
                ("relays", relays, {"host": "127.0.0.1", "tls": "none"}),
                ("mailboxes", mailboxes, {"host": "127.0.0.1"})):
            if items:
                items = [group({**common, **item}) for item in items]
                lines.append(f"{name} = ( {', '.join(items)} );")
        self.conf.write_text("\n".join(lines) + "\n")

    # ---- its life -------------------------------------------------------

    def be_service_manager(self):
        """From now on `notified` gets what is sent to the socket returned."""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = str(self.root / f"notify.{time.monotonic_ns()}")
        notify.bind(path)
        self.notify_socket = path
        self.notified = queue.SimpleQueue()
        threading.Thread(target=take_all, args=(notify, self.notified),
                         daemon=True).start()
        return path

    def spawn(self, arguments=(), env=None, before=(), **options):
        """Start the program, by the words `before` it (strace …); it may end
        at once."""
        path = self.be_service_manager()
        with open(self.stderr, "ab") as stderr:
            self.process = subprocess.Popen(
                [*before, PROGRAM, "-c", str(self.conf), *arguments],
                env={**os.environ, "CHANCERY_LIBEXECDIR": str(self.libexec),
                     "NOTIFY_SOCKET": path, **(env or {})},
                stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                **options)

    def start(self, arguments=(), env=None, **options):
        """Start it, and wait until it is ready."""
        self.spawn(arguments, env, **options)
        self.wait_notified("READY=1")

    def wait_notified(self, wanted, timeout=TIMEOUT):
        """The first message to the service manager with such a line."""
        end = time.monotonic() + timeout
        while True:
            try:
                lines = self.notified.get(timeout=0.05)
            except queue.Empty:
                lines = []
            if any(line.startswith(wanted) for line in lines):
                return lines
            if lines:
                continue
            if self.process.poll() is not None:
                raise AssertionError(
                    f"chanceryd ended with {self.process.returncode}: "
                    f"{self.log()[-2000:]}")
            if time.monotonic() > end:
                raise TimeoutError(f"no {wanted}; {self.log()[-2000:]}")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=TIMEOUT):
        """Its exit status, or minus the signal."""
        return self.process.wait(timeout)

    def stop(self, timeout=TIMEOUT):
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.puppets:
            self.puppets.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind and self.stderr.exists():
            sys.stderr.write(self.log()[-5000:])
        self.close()

    def log(self):
        return self.stderr.read_text(errors="replace") \
            if self.stderr.exists() else ""

    def puppet(self, role=None, timeout=TIMEOUT):
        """The next worker that was started, of that role or of any."""
        for puppet in self.waiting:
            if role in (None, puppet.role):
                self.waiting.remove(puppet)
                return puppet
        self.puppets.settimeout(timeout)
        while True:
            puppet = Puppet(self.puppets.accept()[0])
            if role in (None, puppet.role):
                return puppet
            self.waiting.append(puppet)

    # ---- what is asked of it --------------------------------------------

    def get(self, target):
        return ask(self.status_socket, "GET", target)

    def post(self, target, body=None):
        return ask(self.control_socket, "POST", target,
                   json.dumps(body or {}),
                   {"Content-Type": "application/json"})

    def upload(self, reference, recipients, letter=None, **fields):
        """Enqueue; the answer, whatever it is."""
        files = [("letter", name, data)
                 for name, data in (letter or LETTER).items()]
        files.append(("recipients", "members.csv", recipients))
        body, kind = multipart([("reference", reference), *fields.items()],
                               files)
        return ask(self.control_socket, "POST", "/v1/batches", body,
                   {"Content-Type": kind}, timeout=10 * TIMEOUT)

    def enqueue(self, reference, recipients, letter=None, **fields):
        answer = self.upload(reference, recipients, letter, **fields)
        assert answer.status == 201, (answer.status, answer.body)
        return answer.json["batch"]

    def status(self):
        return self.get("/v1/status").json

    def batch(self, reference):
        name = urllib.parse.quote(reference, safe="")
        answer = self.get(f"/v1/batches/{name}")
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json

    def letters(self, reference, state=None):
        """All letters of a batch, by key."""
        name = urllib.parse.quote(reference, safe="")
        target = f"/v1/batches/{name}/letters?limit=1000"
        if state:
            target += f"&state={state}"
        found, after = {}, None
        while True:
            page = self.get(target + (f"&after={after}" if after else ""))
            assert page.status == 200, (page.status, page.body)
            found.update({x["key"]: x for x in page.json["letters"]})
            after = page.json["next"]
            if after is None:
                return found

    def events(self, after=0):
        """All events behind a cursor."""
        found = []
        while True:
            answer = self.get(f"/v1/events?limit=10000&after={after}")
            assert answer.status == 200, (answer.status, answer.body)
            lines = [json.loads(line)
                     for line in answer.body.decode().splitlines()]
            found += lines
            if len(lines) < 10000:
                return found
            after = lines[-1]["cursor"]

    def wait_letters(self, reference, timeout=TIMEOUT, **states):
        """Until the batch has so many letters in these states."""
        def reached():
            letters = self.batch(reference)["letters"]
            return all(letters[k] == n for k, n in states.items())
        try:
            wait_for(f"{reference} {states}", reached, timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.batch(reference)}") from None

    def wait_event(self, kind, after=0, timeout=TIMEOUT):
        """The first event of that type."""
        return wait_for(kind, lambda: next(
            (e for e in self.events(after) if e["type"] == kind), None),
            timeout)


def kill_child(room, name, chance):
    """SIGKILL to one of those, by chance; False where there is none."""
    children = children_of(room.process.pid, name)
    if not children:
        return False
    try:
        os.kill(chance.choice(children), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def children_of(pid, name):
    """Processes of this daemon whose name begins so, by /proc."""
    found = []
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    for child in children.read_text().split():
        try:
            theirs = pathlib.Path(f"/proc/{child}/comm").read_text()
        except OSError:
            continue
        if theirs.startswith(name):
            found.append(int(child))
    return found


# ---- a send worker that is played ------------------------------------------

def worker(room, want=0):
    """The next one that chanceryd starts; it wants so many letters."""
    one = room.puppet()
    one.expect("send-setup", TIMEOUT)
    if want:
        one.send("send-ready", want=want)
    return one


def key(letter):
    return letter["key"].decode()


def take_letters(one):
    """The letters that it is given, until no more come."""
    letters = []
    while not one.is_silent():
        letters.append(one.letter())
    return letters


def send(one, letter):
    """Through its dot to a good reply."""
    one.dot(letter)
    assert one.expect("send-go")["go"] == 1
    one.result(letter, SENT, 250)
