#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms that a program of the operators is told: each once, many in one run,
again where it failed, and none of them late for a program that hangs."""
import json
import os
import pathlib

import harness

AUTH = 2  # enum ch_relay_fault

# It keeps what it reads, if it is let.
COMMAND = """#!/bin/sh
cd "$(dirname "$0")" || exit 9
echo "$*" >>runs
[ -f hang ] && exec sleep 1000
[ -f fail ] && { echo "no line to $1" >&2; cat >/dev/null; exit 3; }
cat >>heard
"""


class Room(harness.Room):
    """Two relays that are not there, each an alarm after its first failures,
    and a command."""

    def __init__(self, every="1s", timeout="60s"):
        super().__init__(puppets=["receive", "send"])
        self.folder = self.root / "command"
        self.folder.mkdir()
        program = self.folder / "tell"
        program.write_text(COMMAND)
        program.chmod(0o755)
        self.alarms = {"command": [str(program), "operators"],
                       "every": every, "timeout": timeout}
        self.relays = [{"name": name, "port": 9, "connections": 1}
                       for name in ("main", "other")]
        self.configure(self.relays, alarms=self.alarms)

    def heard(self):
        """The alarms of whole lines."""
        path = self.folder / "heard"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def runs(self):
        path = self.folder / "runs"
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def refuse(self, worker):
        """A relay that does not like our password: alarm.auth."""
        worker.ready(0)
        worker.send("send-fault", fault=AUTH, code=535, text="no")


def fault_of_two_relays(room):
    room.start()
    room.enqueue("DM-1", harness.table(2))
    for _ in range(2):
        room.refuse(room.puppet("send"))


def alarms(room):
    return [{k: event[k] for k in ("at", "type", "batch", "key", "detail")}
            for event in room.events() if event["type"].startswith("alarm.")]


def test_each_alarm_is_told_once():
    with Room() as room:
        fault_of_two_relays(room)
        harness.wait_for("two alarms", lambda: len(room.heard()) == 2)
        assert room.heard() == alarms(room), (room.heard(), alarms(room))
        assert room.runs() == ["operators"], room.runs()
        assert {a["detail"]["about"] for a in room.heard()} == {
            "main", "other"}, room.heard()


def test_what_failed_is_told_again():
    with Room() as room:
        (room.folder / "fail").touch()
        fault_of_two_relays(room)
        harness.wait_for("three runs", lambda: len(room.runs()) >= 3)
        assert room.heard() == []
        assert "alarms.command: exit status 3: no line to operators" in \
            room.log(), room.log()
        (room.folder / "fail").unlink()
        harness.wait_for("two alarms", lambda: len(room.heard()) == 2)
        assert room.heard() == alarms(room)


def test_one_that_hangs_is_ended():
    with Room(timeout="2s") as room:
        (room.folder / "hang").touch()
        fault_of_two_relays(room)
        harness.wait_for("its end", lambda: "did not end in time" in
                         room.log())
        (room.folder / "hang").unlink()
        harness.wait_for("two alarms", lambda: len(room.heard()) == 2)
        assert room.batch("DM-1")["letters"]["queued"] == 2


def test_many_are_told_together_and_counted():
    """Bounces of more letters than are kept, within one rest."""
    count = 230
    with Room() as room:
        (room.folder / "fail").touch()
        mailbox = {"name": "desk", "port": 9, "tls": "none", "auth": "plain",
                   "user": "desk", "password": str(room.root / "password")}
        (room.root / "password").touch(0o600)
        (room.root / "password").write_text("secret")
        room.configure(room.relays[:1], [mailbox], alarms=room.alarms,
                       sending={"breaker": {"percent": 0}})
        room.start()
        reader = room.puppet("receive")
        reader.expect("receive-setup")
        reader.send("receive-state", connected=1, uidvalidity=7)
        room.enqueue("DM-1", harness.table(count))
        sender = room.puppet("send")
        sender.ready(1)
        for uid in range(1, count + 1):
            if uid > 1:
                sender.send("send-ready", want=1)
            letter = sender.letter()
            sender.dot(letter)
            sender.expect("send-go")
            sender.result(letter, harness.SENT, 250, "ok")
            token = letter["envelope_from"].split(b"+")[1].split(b"@")[0]
            address = letter["addresses"][0]["address"]
            reader.send("receive-mail", uidvalidity=7, uid=uid, kind=0,
                        rule="test", size_bytes=100,
                        sha256=uid.to_bytes(32, "big"), token=token,
                        recipients=[{"kind": 0, "address": address,
                                     "status": "5.1.1",
                                     "diagnostic": "unknown"}],
                        message_id=b"%d@relay.example" % uid,
                        **{"from": "daemon@relay.example", "subject": "x"})
            reader.expect("receive-ack")
        (room.folder / "fail").unlink()
        harness.wait_for("all of them", lambda: sum(
            a.get("alarms", 1) for a in room.heard()) == count)
        told = [a for a in room.heard() if a["type"] == "alarm.bounce"]
        assert len(told) >= 200 and told[0] == alarms(room)[0], told[0]
        assert told[0]["key"] and told[0]["batch"] == "DM-1", told[0]


def test_a_program_that_others_could_change():
    with Room() as room:
        os.chmod(pathlib.Path(room.alarms["command"][0]), 0o777)
        room.spawn()
        assert room.wait() == 78
        assert "can be changed by others" in room.log(), room.log()
        room.configure(room.relays, alarms={"command": ["tell"]})
        room.spawn()
        assert room.wait() == 78
        assert "absolute path" in room.log(), room.log()


if __name__ == "__main__":
    harness.run_all(dict(globals()))
