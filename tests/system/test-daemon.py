#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chanceryd as a service: its configuration, its store, its doors, what it
tells the service manager, and how it stops where it must not go on."""
import os
import pathlib
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import time

import harness
from harness import PROGRAM, Room, Sink, table, wait_for

EX_USAGE, EX_TEMPFAIL, EX_CONFIG = 64, 75, 78
# Under a sanitizer a process that is traced cannot look for leaks.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0"}


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True,
                          text=True, timeout=harness.TIMEOUT, check=False)


def refuses(r, status, *words, **options):
    """It ends by itself with that status, and says why."""
    before = len(r.log())
    r.spawn(**options)
    assert r.wait() == status, (r.process.returncode, r.log())
    for word in words:
        assert word in r.log()[before:], (word, r.log()[before:])


# ---- options and configuration ------------------------------------------


def test_options():
    assert run("--version").stdout.startswith("chanceryd ")
    assert "usage: chanceryd" in run("--help").stdout
    for arguments in (["--unknown"], ["-c"], ["more"]):
        result = run(*arguments)
        assert result.returncode == EX_USAGE and not result.stdout, result
    result = run("-c", "/nowhere/chancery.conf")
    assert result.returncode == EX_CONFIG, result
    assert "/nowhere/chancery.conf" in result.stderr


def test_check():
    with Room() as r:
        result = run("-t", "-c", str(r.conf))
        assert result.returncode == 0 and result.stderr == "", result
        assert list(r.state.iterdir()) == [], "-t has made something"


def test_all_mistakes_at_once():
    """ACCEPTANCE 28 to 32: every one with its line, and no start."""
    with Room() as r:
        secret = r.root / "secret"
        secret.write_text("hush\n")
        secret.chmod(0o644)
        r.conf.write_text(f"""secretariat: {{
    from = "Registry <registry@secretariat.example>";
    envelope = "bounces@chancery.example";
    envelop = "x";
}};
store: {{ path = "/dev/shm/chancery.db"; }};
stop_timeout = "10 parsecs";
relays = ( {{
    name = "a";
    host = "relay.example";
    tls = "none";
    auth = "plain";
    user = "u";
    password = "{secret}";
}}, {{
    name = "b";
    host = "127.0.0.1";
    tls = "none";
    port = 70000;
    password = "an inline secret";
    auth = "login";
    user = "u";
}} );
""")
        result = run("-t", "-c", str(r.conf))
        assert result.returncode == EX_CONFIG
        conf = str(r.conf)
        for line, words in ((4, "envelop"), (7, "stop_timeout"),
                            (19, "port")):
            assert any(text.startswith(f"{conf}:{line}:") and words in text
                       for text in result.stderr.splitlines()), \
                (line, result.stderr)
        # What depends on more than one key comes once those are right.
        text = r.conf.read_text().replace('    envelop = "x";\n', "\n")
        r.conf.write_text(text.replace("10 parsecs", "10s")
                          .replace("70000", "25"))
        result = run("-t", "-c", str(r.conf))
        assert result.returncode == EX_CONFIG
        for line, words in ((6, "volatile"), (11, "TLS"), (14, "644"),
                            (20, "password")):
            assert any(text.startswith(f"{conf}:{line}:") and words in text
                       for text in result.stderr.splitlines()), \
                (line, result.stderr)
        assert "inline secret" not in result.stderr
        refuses(r, EX_CONFIG, "TLS")


# ---- one daemon, one store ------------------------------------------------


def test_second_daemon():
    """ACCEPTANCE 33: the second goes, the first does not notice."""
    with Room() as r:
        r.start()
        first = r.process
        refuses(r, EX_TEMPFAIL, "cannot start")
        r.process = first
        assert r.status()["state"] == "running"
        assert r.stop() == 0


def test_wrong_schema():
    """ACCEPTANCE 34."""
    with Room() as r:
        r.start()
        assert r.stop() == 0
        db = sqlite3.connect(r.state / "chancery.db")
        db.execute("PRAGMA user_version = 99")
        db.commit()
        db.close()
        refuses(r, EX_TEMPFAIL, "99")


def test_damage():
    """ACCEPTANCE 88: a damaged database, or one whose log was deleted while it
    was not closed, sends nothing."""
    with Sink() as sink, Room([sink.relay()]) as r:
        r.start()
        assert r.post("/v1/pause").status == 200
        r.enqueue("DM-1", table(50))
        r.kill()
        for path in (r.state / "chancery.db-wal",
                     r.state / "chancery.db-shm"):
            path.unlink()
        refuses(r, EX_TEMPFAIL, "cannot start")
        assert sink.taken() == []
    with Room() as r:
        r.start()
        r.enqueue("DM-1", table(50))
        assert r.stop() == 0
        with open(r.state / "chancery.db", "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(64 * 1024))
        refuses(r, EX_TEMPFAIL, "cannot start")


def look_at_risk(r):
    """What waits may have been sent since: one letter is known to be. A batch
    that came afterwards has no such letters."""
    r.enqueue("DM-2", table(3))
    assert [r.batch(name)["at_risk"] for name in ("DM-1", "DM-2")] == [20, 0]
    assert {letter["at_risk"] for letter in
                r.letters("DM-2").values()} == {False}
    at = "/v1/batches/DM-1/letters/K00000"
    assert r.get(at + "0").json["at_risk"]
    for target in ("/v1/resume", "/v1/resume?at_risk=19",
                   "/v1/resume?at_risk=21"):
        answer = r.post(target)
        assert answer.status == 409, answer.body
        assert answer.json["error"]["text"].startswith(
            "20 letters that wait may have been sent"), answer.body
    assert r.post("/v1/resume?at_risk=-1").status == 400
    assert r.post(at + "0/resolve", {"as": "sent"}).json == {"touched": 1}
    event = [e for e in r.events() if e["type"] == "letter.resolved"][-1]
    assert (event["key"], event["detail"]["from"], event["detail"]["to"]) == \
        ("K000000", "queued", "sent"), event
    assert r.post(at + "0/resolve", {"as": "sent"}).status == 409
    assert r.post(at + "1/resolve", {"as": "resend"}).status == 409
    assert not r.get(at + "0").json["at_risk"]
    assert r.post("/v1/resume?at_risk=20").status == 409
    assert r.status()["state"] == "paused"
    assert r.status()["at_risk"] == 19
    assert b"\nchancery_letters_at_risk 19\n" in r.get("/metrics").body


def test_restored():
    """ACCEPTANCE 89: an older copy starts paused, with an alarm that stays
    until a person resumes; a restart in between changes nothing."""
    with Sink() as sink, Room([sink.relay()]) as r:
        copy = r.root / "copy"
        r.start()
        r.post("/v1/pause")
        r.enqueue("DM-1", table(20))
        assert r.stop() == 0
        copy.mkdir()
        shutil.copy2(r.state / "chancery.db", copy)
        r.start()
        assert r.status()["state"] == "paused", "a pause outlives a restart"
        assert r.status()["alarms"] == []
        r.post("/v1/resume")
        r.wait_letters("DM-1", sent=20)
        assert r.stop() == 0
        # Its redo log would tell what was sent since.
        (r.state / "chancery.db.redo").unlink()
        for path in r.state.glob("chancery.db-*"):
            path.unlink()
        shutil.copy2(copy / "chancery.db", r.state)
        for _ in range(2):
            r.start()
            status = r.status()
            assert status["state"] == "paused"
            assert [a["type"] for a in status["alarms"]] == \
                ["alarm.restored"], status
            assert status["letters"]["queued"] == 20
            assert (status["restored"], status["at_risk"]) == (True, 20)
            assert r.stop() == 0
        assert len(sink.taken()) == 20
        r.start()
        look_at_risk(r)
        assert len(sink.taken()) == 20
        assert r.post("/v1/resume?at_risk=19").status == 200
        r.wait_letters("DM-1", sent=20)
        r.wait_letters("DM-2", sent=3)
        status = r.status()
        assert (status["restored"], status["at_risk"]) == (False, 0)
        assert status["alarms"] == []
        taken = [to for to, _ in sink.taken()]
        assert len(taken) == 20 + 19 + 3, "the operator said so"
        assert taken.count("office0@k0.example") == 1 + 1, "of DM-1, DM-2"
        # A token of the attempts that are lost equals none of these.
        first, *_ = [letter["attempt"] for letter in r.letters("DM-1").values()
                     if letter["attempt"]]
        assert 0x20000 < first <= 0x40000, first
        assert {letter["attempt"] for letter in
                r.letters("DM-1").values()} == {0, first}
        assert {letter["attempt"] for letter in
                r.letters("DM-2").values()} == {1}


def test_disk_faults():
    """ACCEPTANCE 87: whatever the disk answers while letters go out, it ends
    with 75, and a start after that brings every letter to its end, once."""
    for call, error in (("fdatasync", "EIO"), ("pwrite64", "ENOSPC"),
                        ("pwrite64", "EROFS")):
        with Sink() as sink, Room([sink.relay(connections=2)]) as r:
            r.start()
            r.post("/v1/pause")
            r.enqueue("DM-1", table(200))
            assert r.stop() == 0
            # What the start itself writes is less than that.
            r.start(env=TRACED, before=[
                "strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                "-e", f"inject={call}:error={error}:when=60+"])
            r.post("/v1/resume")
            assert r.wait() == EX_TEMPFAIL, (call, r.process.returncode)
            assert "stopping" in r.log()
            r.start()
            wait_for("the rest", lambda: r.batch("DM-1")["letters"]["queued"]
                     + r.batch("DM-1")["letters"]["claimed"]
                     + r.batch("DM-1")["letters"]["dot"] == 0)
            taken = [to for to, _ in sink.taken()]
            letters = r.batch("DM-1")["letters"]
            assert len(set(taken)) == len(taken), "twice"
            assert letters["sent"] + letters["in_doubt"] == 200, letters
            assert len(taken) >= letters["sent"], (len(taken), letters)
            assert r.stop() == 0


# ---- the doors --------------------------------------------------------------


def test_own_sockets():
    """Mode 0660; a dead one is replaced, anything else is refused."""
    with Room() as r:
        r.start()
        for path in (r.status_socket, r.control_socket):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        r.kill()
        assert os.path.exists(r.status_socket), "it was killed"
        r.start()
        assert r.status()["state"] == "running"
        assert r.stop() == 0
        assert not os.path.exists(r.control_socket)
        target = r.root / "target"
        os.symlink(target, r.status_socket)
        refuses(r, EX_TEMPFAIL, r.status_socket)
        assert os.path.islink(r.status_socket) and not target.exists()
        os.unlink(r.status_socket)
        pathlib.Path(r.status_socket).write_text("precious")
        refuses(r, EX_TEMPFAIL, r.status_socket)
        assert pathlib.Path(r.status_socket).read_text() == "precious"
        os.unlink(r.status_socket)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(r.status_socket)
            other.listen()
            refuses(r, EX_TEMPFAIL, "listens")
        assert os.path.exists(r.status_socket)


def test_unknown_group():
    with Room(conf={"status": {"group": "no-such-group-x"}}) as r:
        refuses(r, EX_TEMPFAIL, "no-such-group-x")
        assert not os.path.exists(r.status_socket)


def test_activation():
    """Sockets of systemd, by their names; none is made beside them."""
    with Room() as r:
        handed = []
        for name in ("control", "status"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(r.root / f"handed-{name}.sock"))
            listener.listen()
            handed.append(listener)

        def place():
            """At 3 and 4, whatever is there now."""
            for i, listener in enumerate(handed):
                os.dup2(listener.fileno(), 100 + i)
            for i in range(len(handed)):
                os.dup2(100 + i, 3 + i)

        script = ("import os, sys\n"
                  "os.environ['LISTEN_PID'] = str(os.getpid())\n"
                  "os.execv(sys.argv[1], sys.argv[1:])\n")
        notify = r.be_service_manager()
        with open(r.stderr, "ab") as stderr:
            r.process = subprocess.Popen(
                ["python3", "-c", script, PROGRAM, "-c", str(r.conf)],
                env={**os.environ, "CHANCERY_LIBEXECDIR": str(r.libexec),
                     "NOTIFY_SOCKET": notify,
                     "LISTEN_FDS": "2", "LISTEN_FDNAMES": "control:status"},
                stdout=stderr, stderr=stderr, preexec_fn=place,
                close_fds=False)
        r.wait_notified("READY=1")
        assert not os.path.exists(r.status_socket)
        assert not os.path.exists(r.control_socket)
        r.status_socket = str(r.root / "handed-status.sock")
        r.control_socket = str(r.root / "handed-control.sock")
        assert r.status()["state"] == "running"
        assert r.post("/v1/pause").status == 200
        answer = harness.ask(r.status_socket, "POST", "/v1/resume", "{}")
        assert answer.status in (403, 405), "the doors are swapped"
        assert r.stop() == 0
        assert os.path.exists(r.status_socket), "it is not ours to remove"
        for listener in handed:
            listener.close()


# ---- what the service manager hears -----------------------------------------


def test_notify():
    with Sink() as sink, Room([sink.relay()]) as r:
        r.start(env={"WATCHDOG_USEC": "400000"})
        r.wait_notified("WATCHDOG=1")
        r.enqueue("DM-1", table(5))
        r.wait_letters("DM-1", sent=5)
        while True:
            lines = r.wait_notified("STATUS=")
            if "5 sent" in lines[0]:
                break
        r.signal(signal.SIGHUP)
        r.wait_notified("RELOADING=1")
        r.wait_notified("READY=1")
        r.signal(signal.SIGINT)
        r.wait_notified("STOPPING=1")
        assert r.wait() == 0


def test_hangs_are_seen():
    """A loop that does not turn sends no WATCHDOG=1."""
    with Room() as r:
        r.start(env={"WATCHDOG_USEC": "200000"})
        r.wait_notified("WATCHDOG=1")
        os.kill(r.process.pid, signal.SIGSTOP)
        # What it has said is ahead of what is said behind its stop.
        wait_for("its stop", lambda: pathlib.Path(
            f"/proc/{r.process.pid}/stat").read_text().rsplit(")", 1)[1]
                 .split()[0] == "T")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
            ours.sendto(b"X_STOPPED=1", r.notify_socket)
        r.wait_notified("X_STOPPED=1")
        time.sleep(0.5)
        assert r.notified.empty()
        os.kill(r.process.pid, signal.SIGCONT)
        r.wait_notified("WATCHDOG=1")


# ---- stops -------------------------------------------------------------------


def test_stop_while_sending():
    """ACCEPTANCE 93: SIGTERM in the midst of it: nothing lost, nothing twice,
    nothing in doubt."""
    with Sink("-d", "3000") as sink, \
            Room([sink.relay(connections=8)]) as r:
        r.start()
        r.enqueue("DM-1", table(1000))
        stops = 0
        while r.batch("DM-1")["letters"]["sent"] < 1000 and stops < 5:
            stops += 1
            sent = r.batch("DM-1")["letters"]["sent"]
            wait_for("some letters", lambda: r.batch("DM-1")["letters"]["sent"]
                     >= min(sent + 20, 1000))
            assert r.stop() == 0
            assert "did not stop in time" not in r.log()
            r.start()
            assert r.batch("DM-1")["letters"]["in_doubt"] == 0
        r.wait_letters("DM-1", sent=1000)
        assert stops >= 3, stops
        taken = [to for to, _ in sink.taken()]
        assert len(taken) == len(set(taken)) == 1000
        assert r.stop() == 0


def test_standstill():
    """ACCEPTANCE 93: SIGSTOP for a while changes nothing."""
    with Sink() as sink, Room([sink.relay(connections=4)]) as r:
        r.start()
        r.enqueue("DM-1", table(500))
        for _ in range(3):
            os.kill(r.process.pid, signal.SIGSTOP)
            time.sleep(0.3)
            os.kill(r.process.pid, signal.SIGCONT)
            time.sleep(0.02)
        r.wait_letters("DM-1", sent=500)
        assert len(set(sink.taken())) == len(sink.taken()) == 500


def test_no_worker_program():
    """Without the program letters wait, with an alarm, and the daemon stays."""
    with Room([{"name": "relay", "port": 1}]) as r:
        (r.libexec / "chancery-send").unlink()
        r.start()
        r.enqueue("DM-1", table(1))
        wait_for("a fault", lambda: r.status()["relays"][0]["text"])
        assert "chancery-send" in r.status()["relays"][0]["text"]
        assert r.batch("DM-1")["letters"]["queued"] == 1
        assert r.stop() == 0


def soon(seconds):
    """A moment so many seconds from now, as RFC 3339."""
    at = time.time() + seconds
    return at, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def test_not_before():
    """--at: nothing goes before its time, and it goes then."""
    with Sink() as sink, Room([sink.relay()]) as r:
        r.start()
        at, text = soon(3)
        r.enqueue("DM-1", table(3), not_before=text)
        r.enqueue("DM-2", table(3, start=10))
        r.wait_letters("DM-2", sent=3)
        assert len(sink.taken()) == 3 or time.time() >= int(at)
        r.wait_letters("DM-1", sent=3)
        assert time.time() >= int(at)


def open_files(r, wait_s=0):
    time.sleep(wait_s)
    return {int(name) for name in os.listdir(f"/proc/{r.process.pid}/fd")}


def test_no_descriptors():
    """ACCEPTANCE 91: without descriptors for a worker letters wait, and go when
    there are some."""
    with Sink() as sink, Room([sink.relay(connections=1)]) as r:
        r.start()
        _, text = soon(3)
        r.enqueue("DM-1", table(3), not_before=text)
        # Until the doors have let go of the client before.
        wait_for("no client", lambda: open_files(r) == open_files(r, 0.2))
        limits = resource.prlimit(r.process.pid, resource.RLIMIT_NOFILE)
        free = next(i for i in range(1000) if i not in open_files(r))
        resource.prlimit(r.process.pid, resource.RLIMIT_NOFILE,
                         (free, limits[1]))
        wait_for("a refusal", lambda: "cannot start a worker" in r.log())
        resource.prlimit(r.process.pid, resource.RLIMIT_NOFILE, limits)
        r.wait_letters("DM-1", sent=3)
        assert len(sink.taken()) == 3


if __name__ == "__main__":
    harness.run_all(dict(globals()))
