#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords that a command gives: chanceryd with real workers, a relay and a
mailbox that take tokens, and a command that this test commands."""
import base64
import contextlib
import os
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import harness
import imap_peer
import smtp_peer
from harness import Room, table, wait_for

# It writes that it runs, and does what the file "do" says; two at once, and it
# would say so.
COMMAND = """#!/bin/sh
cd "$(dirname "$0")" || exit 9
[ -f pid ] && kill -0 "$(cat pid)" 2>/dev/null && echo "$$" >>twice
echo "$$" >pid
echo "$*" >>runs
. ./do
"""
MAIL = b"Message-ID: <%d@fr.members.example>\r\nSubject: mail %d\r\n\r\nYes.\r\n"


class Gate:
    """What takes the tokens in `good`, and remembers what it was told."""

    def __init__(self, *good):
        self.good = set(good)
        self.told = []
        self.lock = threading.Lock()

    def takes(self, response):
        token = response.split(b"Bearer ")[1].split(b"\1")[0].decode()
        with self.lock:
            self.told.append(token)
            return token in self.good

    def smtp(self, session):
        """The "auth" of an SMTP peer's script."""
        response = base64.b64decode(session.said[-1].split(" ")[2])
        if self.takes(response):
            session.say(b"235 2.7.0 ok\r\n")
            return
        session.say(b"334 " + base64.b64encode(b'{"status":"401"}') + b"\r\n")
        session.line()
        session.say(b"535 5.7.8 not this one\r\n")

    def relay(self):
        return smtp_peer.Peer({"auth": self.smtp},
                              keywords=["AUTH XOAUTH2", "PIPELINING"])

    def mailbox(self, mails):
        gate = self

        class Session(imap_peer.Session):
            capabilities = "IMAP4rev1 IDLE SASL-IR AUTH=XOAUTH2"

            def on_authenticate(self, rest):
                if gate.takes(base64.b64decode(rest.split(" ")[2])):
                    self.ok("welcome")
                    return
                self.say("+ " + base64.b64encode(b"no").decode())
                self.hear()
                self.no("[AUTHENTICATIONFAILED] not this one")
        return imap_peer.Peer(Session, mails)


class Command:
    def __init__(self, root):
        self.folder = root / "command"
        self.folder.mkdir()
        self.program = self.folder / "token"
        self.program.write_text(COMMAND)
        self.program.chmod(0o755)

    def does(self, script):
        new = self.folder / "do.new"
        new.write_text(script + "\n")
        new.rename(self.folder / "do")

    def runs(self):
        path = self.folder / "runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def check(self):
        assert not (self.folder / "twice").exists(), "it ran twice at once"


def keys(command, peer, **more):
    return {"port": peer.port, "tls": "none", "auth": "xoauth2", "user": "u",
            "password_command": [str(command.program), "for", "us"],
            "password_timeout": "20s", **more}


@contextlib.contextmanager
def room_with(gate, **more):
    """A room, its relay and its command."""
    with gate.relay() as peer, Room() as r:
        command = Command(r.root)
        relay = keys(command, peer, name="main", connections=1, **more)
        r.relays = [relay]
        r.configure(r.relays)
        yield r, peer, command
        command.check()


def relay_of(r):
    return r.status()["relays"][0]


def alarms(r):
    return sorted(a["type"] for a in r.status()["alarms"])


def raised(r, kind):
    return [e["type"] for e in r.events()].count(kind)


def not_shown(r, *secrets):
    """In no log, no database, no event and no transcript."""
    shown = r.log() + str(r.events()) + str(r.status())
    for path in r.state.rglob("*"):
        if path.is_file():
            shown += path.read_bytes().decode("latin-1")
    for secret in secrets:
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            assert form not in shown, f"{form} is shown"


def test_relay_and_mailbox_share_it():
    """The words are the same: one run, for both."""
    gate = Gate("t-first")
    with room_with(gate) as (r, _, command), \
            gate.mailbox({3: MAIL % (3, 3)}) as box:
        command.does("echo t-first; echo 3600")
        r.configure(r.relays, [keys(command, box, name="desk")])
        r.start()
        r.enqueue("DM-1", table(20))
        r.wait_letters("DM-1", sent=20)
        wait_for("the mail", lambda: r.get("/v1/returns").json["returns"])
        assert command.runs() == 1, command.runs()
        assert (command.folder / "runs").read_text() == "for us\n"
        assert set(gate.told) == {"t-first"}
        not_shown(r, "t-first")
        assert r.stop() == 0


def test_a_mailbox_waits_for_it():
    """Its reader is there and says nothing, until the command succeeds; no
    reader dies of it, and a stop ends one that waits."""
    gate = Gate("t-good")
    with gate.mailbox({3: MAIL % (3, 3)}) as box, Room() as r:
        command = Command(r.root)
        command.does("exit 4")
        r.configure([], [keys(command, box, name="desk")])
        r.start()
        mailbox = lambda: r.status()["mailboxes"][0]
        wait_for("why", lambda: "exit status 4" in mailbox()["text"])
        assert mailbox()["state"] == "fault" and not box.connections
        assert r.stop() == 0
        r.start()
        wait_for("why", lambda: "exit status 4" in mailbox()["text"])
        command.does("echo t-good")
        wait_for("the mail", lambda: r.get("/v1/returns").json["returns"])
        wait_for("no alarm", lambda: not alarms(r))
        assert mailbox()["state"] == "ready" and mailbox()["text"] == ""
        assert r.status()["worker_restarts"] == 0
        assert r.stop() == 0


def test_each_is_judged_alone():
    """A mailbox that never takes what the relay takes is an alarm, and letters
    go."""
    gate, closed = Gate(*(f"t-{i}" for i in range(100))), Gate()
    with room_with(gate, letters_per_connection=1) as (r, _, command), \
            closed.mailbox({}) as box:
        command.does("echo t-$(wc -l <runs)")
        r.configure(r.relays, [keys(command, box, name="desk")])
        r.start()
        r.enqueue("DM-1", table(20))
        r.wait_letters("DM-1", sent=20)
        wait_for("the alarm", lambda: alarms(r) == ["alarm.auth"])
        assert "desk" in r.status()["alarms"][0]["text"]
        assert relay_of(r)["state"] != "fault" and not relay_of(r)["text"]
        assert r.stop() == 0


def test_refused_once_is_renewed():
    """The relay no longer takes it: the next one is fetched, no alarm; letters
    go out once."""
    gate = Gate("t-2")
    with room_with(gate) as (r, peer, command):
        command.does("echo t-$(wc -l <runs)")
        r.start()
        r.enqueue("DM-1", table(5))
        r.wait_letters("DM-1", sent=5)
        assert gate.told[:2] == ["t-1", "t-2"], gate.told
        assert command.runs() == 2
        assert not raised(r, "alarm.auth") and not alarms(r)
        assert len(peer.messages) == 5
        # And once more, after it had worked: the lines have to log in anew.
        gate.good = {"t-3"}
        r.configure([{**r.relays[0], "letters_per_connection": 1}])
        command.does("echo t-3")
        r.signal(harness.signal.SIGHUP)
        wait_for("the reload's run", lambda: command.runs() == 3)
        r.enqueue("DM-2", table(3, start=10))
        r.wait_letters("DM-2", sent=3)
        assert not raised(r, "alarm.auth")
        not_shown(r, "t-1", "t-2", "t-3")
        assert r.stop() == 0


def test_refused_again_rests_with_one_alarm():
    gate = Gate()
    with room_with(gate) as (r, _, command):
        command.does("echo t-$(wc -l <runs)")
        r.start()
        r.enqueue("DM-1", table(5))
        wait_for("the alarm", lambda: alarms(r) == ["alarm.auth"])
        assert gate.told == ["t-1", "t-2"], gate.told
        assert relay_of(r)["state"] == "fault"
        assert "not this one" in relay_of(r)["text"]
        assert raised(r, "alarm.auth") == 1
        # The next is there already, for when its rest is over.
        wait_for("the third", lambda: command.runs() == 3)
        gate.good = {"t-3", "t-4"}
        r.signal(harness.signal.SIGHUP)  # ends the rest, and asks anew
        r.wait_letters("DM-1", sent=5)
        assert set(gate.told[2:]) <= {"t-3", "t-4"}, gate.told
        wait_for("no alarm", lambda: not alarms(r))
        assert r.stop() == 0


def test_renewed_ahead_of_its_end():
    """A worker that lives on is told; nobody is ever refused."""
    gate = Gate("t-1", "t-2", "t-3")
    with room_with(gate, letters_per_connection=1) as (r, _, command):
        command.does("echo t-$(wc -l <runs); echo 4")
        r.start()
        r.enqueue("DM-1", table(2))
        r.wait_letters("DM-1", sent=2)
        wait_for("the second run", lambda: command.runs() == 2)
        command.does("echo t-3")
        wait_for("the third run", lambda: command.runs() == 3)
        r.enqueue("DM-2", table(2, start=5))
        r.wait_letters("DM-2", sent=2)
        assert gate.told[-1] == "t-3" and not raised(r, "alarm.auth")
        assert raised(r, "alarm.command") == 0
        assert r.stop() == 0


def test_its_failures():
    """Each is one alarm with its reason, what it says is in the journal and
    escaped, and it recovers by itself."""
    gate = Gate("t-good")
    failures = [
        ("echo oh no >&2; exit 3", "exit status 3: oh no"),
        ("kill -9 $$", "signal 9 (Killed)"),
        ("echo", "its first line is empty"),
        ("echo t-secret; echo later", "its second line does not say"),
        ("echo t-secret; echo 60; echo more", "more than two lines"),
        ("head -c 20000 /dev/zero | tr '\\0' x", "more than 16384 bytes"),
        ("printf 't-secret\\033\\n'", "control character"),
        ("echo t-secret; echo 'sent t-secret' >&2; printf '\\033[2J\\n' >&2;"
         "exit 1", "exit status 1: \\x1B[2J"),
        ("echo t-secret; echo 'token t-secret' >&2; exit 1",
         "exit status 1: (a line with the password)"),
    ]
    for script, reason in failures:
        with room_with(gate) as (r, peer, command):
            command.does(script)
            r.start()
            r.enqueue("DM-1", table(2))
            wait_for(reason, lambda: reason in relay_of(r)["text"])
            assert relay_of(r)["state"] == "fault"
            assert alarms(r) == ["alarm.command"], alarms(r)
            assert not peer.sessions, "it was connected to without a password"
            assert raised(r, "alarm.command") == 1
            command.does("echo t-good")
            r.wait_letters("DM-1", sent=2)
            wait_for("no alarm", lambda: not alarms(r))
            assert relay_of(r)["text"] == ""
            assert "main says: " in r.log() or ">&2" not in script
            not_shown(r, "t-secret", "t-good")
            assert r.stop() == 0


def test_one_that_hangs():
    """It is ended with all that it started; the loop goes on meanwhile."""
    gate = Gate("t-good")
    with room_with(gate, password_timeout="1s") as (r, _, command):
        command.does("echo t-x; sleep 1000 & echo $! >child; wait")
        r.start()
        r.enqueue("DM-1", table(2))
        wait_for("its child", lambda: (command.folder / "child").exists())
        assert r.status()["state"] == "running"
        wait_for("its end",
                 lambda: "did not end in time" in relay_of(r)["text"])
        child = int((command.folder / "child").read_text())
        wait_for("the child's end", lambda: not alive(child))
        command.does("echo t-good")
        r.wait_letters("DM-1", sent=2)
        assert r.stop() == 0


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().split(") ")[1]
        return state[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_stop_ends_it():
    gate = Gate("t-good")
    with room_with(gate) as (r, _, command):
        command.does("exec sleep 1000")
        r.start()
        wait_for("it runs", lambda: (command.folder / "pid").exists())
        assert r.stop() == 0
        pid = int((command.folder / "pid").read_text())
        wait_for("its end", lambda: not alive(pid))


def test_what_it_is_given():
    """No descriptor of ours, nothing to read, no shell that looks at its words;
    the service manager's words are for us."""
    gate = Gate("t-good")
    with room_with(gate) as (r, _, command):
        command.does("ls /proc/$$/fd >fds; env >env; cat >input; "
                     "printf '%s\\n' \"$@\" >words; echo t-good")
        relay = {**r.relays[0], "password_command":
                 [str(command.program), "$HOME", "a  b", "*", ""]}
        r.configure([relay])
        r.start(env={"CREDENTIALS_DIRECTORY": str(r.root),
                     "WATCHDOG_USEC": "60000000"})
        r.enqueue("DM-1", table(1))
        r.wait_letters("DM-1", sent=1)
        read = lambda name: (command.folder / name).read_text()
        assert read("words") == "$HOME\na  b\n*\n\n", read("words")
        assert read("input") == ""
        # A shell holds the script itself at 10 or above.
        assert {f for f in read("fds").split() if int(f) < 10} <= \
            {"0", "1", "2", "3"}, read("fds")
        assert f"CREDENTIALS_DIRECTORY={r.root}" in read("env")
        assert "NOTIFY_SOCKET" not in read("env")
        assert "WATCHDOG" not in read("env")
        assert r.stop() == 0


def test_others_send_meanwhile():
    """Where one relay's command fails, a backup has the letters."""
    gate = Gate()
    with room_with(gate) as (r, _, command), harness.Sink() as sink:
        command.does("exit 1")
        r.configure([*r.relays, sink.relay(backup=True)])
        r.start()
        r.enqueue("DM-1", table(50))
        r.wait_letters("DM-1", sent=50)
        assert len(sink.taken()) == 50 and not gate.told
        assert r.stop() == 0


if __name__ == "__main__":
    harness.run_all(globals())
