#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Postfix and a real Dovecot, in a namespace of their own: chanceryd is
killed at a final dot, and what comes into its mailbox says that the letter was
sent. Nobody decides anything. Skipped where the servers cannot be had."""
import pathlib
import sys
import tempfile

import harness
from harness import Room, wait_for

TABLE = ("key,language,to,cc,name\n"
         "FRA,fr,minister@fr.members.example,{cc},France\n")
LETTER = {"letter.conf": "", "fr.md": "Subject: Séance\n\n{{name}}: {{key}}\n"}
JOURNAL = {"sending": {"journal": "journal@chancery.example",
                       "retry": ["1h"]}}


def room_at(host, root, **groups):
    room = Room(conf={})
    password = room.root / "password"
    password.touch(0o600)
    password.write_text(host["password"] + "\n")
    login = {"host": "localhost", "auth": "plain", "user": host["user"],
             "password": str(password), "ca_file": host["ca_file"]}
    room.configure(
        [{"name": "postfix", "port": host["smtp"], "tls": "starttls",
          **login}],
        [{"name": "desk", "port": host["imaps"], "tls": "implicit", **login}],
        **groups)
    return room


def arrived(host, reference):
    """How many mails of that letter the ministries have."""
    marks = [path.read_bytes() for folder in ("new", "cur")
             for path in (pathlib.Path(host["members"]) / folder).glob("*")]
    return sum(reference.encode() in raw for raw in marks)


def told(room, kind):
    return [event for event in room.events() if event["type"] == kind]


def send(host, room, reference, cc="", dies=False):
    """A letter, until nothing of it waits or is in doubt; `dies`: chanceryd
    does at the reply to its dot, and is started again."""
    letter = {**LETTER, "fr.md": LETTER["fr.md"] + f"({reference})\n"}
    room.enqueue(reference, TABLE.format(cc=cc), letter)
    if dies:
        assert room.wait() == -9, room.log()
        room.start()
    room.wait_letters(reference, sent=1)
    count = 2 if cc else 1
    wait_for("the letter", lambda: arrived(host, reference) >= count)
    assert arrived(host, reference) == count


def evidence(room, reference):
    """Of each address of the letter that was in doubt."""
    doubts = [e["detail"]["seq"] for e in told(room, "letter.in_doubt")
              if e["batch"] == reference]
    sent = [(e["detail"]["seq"], e["detail"]["evidence"])
            for e in told(room, "letter.sent") if e["batch"] == reference]
    assert doubts == [seq for seq, _ in sent], room.events()
    return [name for _, name in sent]


def last_uid(room):
    return room.status()["mailboxes"][0]["last_uid"]


def a_copy_decides(host, root):
    with room_at(host, root, **JOURNAL) as room:
        room.start(env={"CHANCERY_CRASH_AT": "sending.result"})
        send(host, room, "COPY-1", "mission@fr.members.example", dies=True)
        assert evidence(room, "COPY-1") == ["journal copy"] * 2
        # Nothing was in doubt of this one, and its copy is as little kept.
        uid = last_uid(room)
        send(host, room, "COPY-2")
        wait_for("the copy", lambda: last_uid(room) > uid)
        assert room.stop() == 0
        # Not chanceryd ends at the dot, but each worker.
        room.start(env={"CHANCERY_CRASH_AT": "smtp-dot-is-out"})
        send(host, room, "COPY-3", "mission@fr.members.example")
        assert evidence(room, "COPY-3") == ["journal copy"] * 2
        assert room.get("/v1/returns").json["returns"] == []
        assert {e["type"] for e in room.events()} & {
            "alarm.loop", "alarm.journal", "letter.resolved",
            "return.unmatched"} == set()
        assert [path for path in (room.state / "objects").rglob("*")
                if path.is_file() and b"Delivered-To" in path.read_bytes()
                ] == []
        assert room.stop() == 0


def a_notice_of_success_decides(host, root):
    with room_at(host, root, sending={"dsn_success": True,
                                      "retry": ["1h"]}) as room:
        room.start(env={"CHANCERY_CRASH_AT": "sending.result"})
        send(host, room, "NOTICE", dies=True)
        assert evidence(room, "NOTICE") == ["delivery"]
        assert [(r["kind"], r["verified"]) for r in
                room.get("/v1/returns").json["returns"]
                if r["batch"] == "NOTICE"] == [("delivered", True)]
        assert room.stop() == 0


def refused_it_goes_without(host, root):
    """The relay knows no such address of ours."""
    groups = {"sending": {"journal": "refused@fr.members.example",
                          "retry": ["1h"]}}
    with room_at(host, root, **groups) as room:
        room.start()
        room.enqueue("REFUSED", TABLE.format(cc=""), LETTER)
        room.wait_letters("REFUSED", sent=1)
        assert len(told(room, "alarm.journal")) == 1
        assert room.stop() == 0


def inside():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        with harness.mail_servers(root) as host:
            for check in (a_copy_decides, a_notice_of_success_decides,
                          refused_it_goes_without):
                check(host, root)
                print("ok", check.__name__, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:] == ["inside"] else
             harness.among_servers(__file__))
