#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails that came back, as they are kept: compressed, called by their hash, for
as long as the configuration says, and what was attached to them for good. The
daemon and its reader are real, the mailbox is a scripted server."""
import base64
import contextlib
import email.message
import email.policy
import hashlib
import os
import pathlib
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import harness
import imap_peer
from imap_peer import Peer, Session
from receiver import UNLIMITED

CHANCERY = str(harness.BUILD / "chancery")
FORM = b"%PDF-1.4 \x00\xff a registration form" * 2000
FORM_SHA = hashlib.sha256(FORM).hexdigest()


def answer(number, name, content=FORM, encoding="base64"):
    body = base64.encodebytes(content).replace(b"\n", b"\r\n") \
        if encoding == "base64" else content
    return (b"From: minister%d@fr.members.example\r\n"
            b"Message-ID: <%d@fr.members.example>\r\n"
            b"Subject: Re: invitation\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"--b\r\nContent-Type: text/plain\r\n\r\n"
            b"Please find our form attached.\r\n"
            b"--b\r\nContent-Type: application/pdf\r\n"
            b"Content-Disposition: attachment; filename=\"%s\"\r\n"
            b"Content-Transfer-Encoding: %s\r\n\r\n%s\r\n--b--\r\n"
            % (number, number, name.encode(), encoding.encode(), body))


BOUNCE = (b"From: MAILER-DAEMON@mx.example\r\nMessage-ID: <b@mx.example>\r\n"
          b"Subject: Undelivered\r\nMIME-Version: 1.0\r\n"
          b"Content-Type: multipart/report; boundary=b;"
          b" report-type=delivery-status\r\n\r\n"
          b"--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
          b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
          b"Reporting-MTA: dns; mx.example\r\n\r\n"
          b"Final-Recipient: rfc822; a@mfa.example\r\n"
          b"Action: failed\r\nStatus: 5.1.1\r\n\r\n"
          b"Final-Recipient: rfc822; b@mfa.example\r\n"
          b"Action: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n")
MAILS = {3: answer(3, "form.pdf"), 4: BOUNCE, 5: answer(5, "again.pdf")}
ROWS = 4  # the bounce reports two addresses


class Room(harness.Room):
    def __init__(self, peer, **groups):
        super().__init__()
        self.peer = peer
        self.password = self.root / "password"
        self.password.touch(0o600)
        self.password.write_text(imap_peer.PASSWORD)
        self.set_up(**groups)

    def set_up(self, limit=256 << 20, **groups):
        self.configure(mailboxes=[
            {"name": "desk", "port": self.peer.port, "tls": "none",
             "auth": "plain", "user": imap_peer.USER,
             "password": str(self.password), "max_message": f"{limit >> 10}KiB"}],
            **groups)

    def keep_for(self, **times):
        """From now on, and told at once."""
        self.set_up(retention=times)
        self.signal(signal.SIGHUP)

    def returns(self):
        return self.get("/v1/returns").json["returns"]

    def wait_returns(self, count=ROWS):
        harness.wait_for(f"{count} mails came back",
                         lambda: len(self.returns()) == count)
        return self.returns()

    def path(self, raw):
        name = hashlib.sha256(raw).hexdigest()
        return self.state / "objects" / name[:2] / (name[2:] + ".zst")

    def kept(self):
        """Which of MAILS are there; and nothing else is."""
        there = {uid for uid, raw in MAILS.items() if self.path(raw).exists()}
        files = [path for path in (self.state / "objects").rglob("*")
                 if path.is_file()]
        assert len(files) == len(there), files
        return there

    def removed(self):
        return [(event["detail"]["mails"], event["detail"]["size_bytes"])
                for event in self.events() if event["type"] == "return.removed"]

    def chancery(self, *words, code=0, errors=False, data_bytes=None):
        """What it says; in so much memory of its own at most."""
        def limit():
            if data_bytes and not UNLIMITED:
                resource.setrlimit(resource.RLIMIT_DATA, (data_bytes,) * 2)
        run = subprocess.run(
            [CHANCERY, "--socket-dir", self.root, *map(str, words)],
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=harness.TIMEOUT, preexec_fn=limit)
        assert run.returncode == code, (words, run, self.log()[-2000:])
        return run.stderr.decode() if code or errors else run.stdout


def test_a_mail_is_kept_whole_and_found_by_its_hash():
    with Peer(Session, MAILS) as peer, Room(peer) as room:
        room.start()
        rows = {row["uid"]: row for row in room.wait_returns()}
        for uid, raw in MAILS.items():
            assert harness.unpacked(room.path(raw).read_bytes()) == raw
            assert room.path(raw).stat().st_size < len(raw)
            assert rows[uid]["sha256"] == hashlib.sha256(raw).hexdigest()
            assert rows[uid]["size_bytes"] == len(raw)
            assert rows[uid]["removed_at"] is None
            assert room.chancery("reply", rows[uid]["cursor"],
                                 "--eml") == raw
        # the same form, twice
        for uid, name in ((3, "form.pdf"), (5, "again.pdf")):
            assert rows[uid]["files"] == [
                {"name": name, "type": "application/pdf",
                 "size_bytes": len(FORM), "sha256": FORM_SHA}]
        assert rows[4]["files"] == []
        shown = room.chancery("reply", rows[5]["cursor"]).decode()
        assert "    again.pdf, application/pdf, " in shown, shown
        assert f"      SHA-256 {FORM_SHA}\n" in shown, shown
        folder = room.root / "forms"
        said = room.chancery("reply", rows[3]["cursor"],
                             "--save-attachments", folder).decode()
        assert said == f"{FORM_SHA}  {folder}/form.pdf\n"
        assert (folder / "form.pdf").read_bytes() == FORM
        damage(room, MAILS[3], rows[3]["cursor"])


def damage(room, raw, number):
    """Nothing that is not the mail is ever given for it."""
    path = room.path(raw)
    whole = path.read_bytes()
    middle = len(whole) // 2
    for bytes_, why in (
            (whole[:-9], "cut short"), (b"", "cut short"), (raw, "damaged"),
            (whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:],
             ""),
            (room.path(MAILS[5]).read_bytes(), "")):
        path.write_bytes(bytes_)
        said = room.chancery("reply", number, "--eml", code=76)
        assert "not the bytes that came" in said and why in said, said
        said = room.chancery("reply", number, "--save-attachments",
                             room.root / "damaged", code=76)
        assert not (room.root / "damaged").exists()
    path.unlink()
    said = room.chancery("reply", number, "--eml", code=66)
    assert "not among the objects" in said, said
    path.write_bytes(whole)
    assert room.chancery("reply", number, "--eml") == raw


def scanned(files):
    """A filled form that somebody has scanned: base64, quoted-printable, and as
    it is."""
    mail = email.message.EmailMessage()
    mail["From"] = "minister9@fr.members.example"
    mail["Subject"] = "Re: invitation"
    mail.set_content("Our forms are attached.\n")
    for name, content in files.items():
        mail.add_attachment(content, "application", "pdf", filename=name,
                            cte="quoted-printable" if name == "quoted.pdf"
                            else "base64")
    return mail.as_bytes(policy=email.policy.SMTP)


def test_attachments_of_any_size_are_saved_whole():
    """In a few megabytes of memory each, the reader and the CLI."""
    contents = random.Random(5)
    files = {"long.pdf": contents.randbytes(16 << 20),
             "quoted.pdf": b"=\x00\xff 100 % =3D\r\n" * 100000,
             "formulaire n\u00ba 3.pdf": contents.randbytes(9 << 20)}
    raw = scanned(files)
    assert len(raw) > 30 << 20
    with Peer(Session, {3: raw}) as peer, Room(peer) as room:
        room.start()
        row, = room.wait_returns(1)
        assert row["fault"] == "" and row["attachments"] == 3, row
        assert row["files"] == [
            {"name": name, "type": "application/pdf",
             "size_bytes": len(content),
             "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()]
        folder = room.root / "forms"
        said = room.chancery("reply", row["cursor"], "--save-attachments",
                             folder, data_bytes=24 << 20).decode()
        assert said == "".join(
            f"{hashlib.sha256(content).hexdigest()}  {folder}/{name}\n"
            for name, content in files.items())
        for name, content in files.items():
            assert (folder / name).read_bytes() == content
        assert room.chancery("reply", row["cursor"], "--eml",
                             data_bytes=24 << 20) == raw


def test_what_is_beyond_a_limit_is_named():
    """A mail longer than max_message, and one with more files than are read."""
    cut = answer(3, "form.pdf", FORM * 20)
    many = email.message.EmailMessage()
    many["From"] = "minister4@fr.members.example"
    many.set_content("All our forms.\n")
    for i in range(203):
        many.add_attachment(b"form %d" % i, "application", "pdf",
                            filename=f"{i}.pdf")
    with Peer(Session, {3: cut, 4: many.as_bytes()}) as peer, \
            Room(peer) as room:
        room.set_up(limit=1 << 20)
        room.start()
        first, second = room.wait_returns(2)
        assert "only the first 1048576 of" in first["fault"], first
        assert [file["sha256"] for file in first["files"]] == [None]
        assert second["fault"] == "more than 200 files are attached"
        assert second["attachments"] == len(second["files"]) == 200
        for row, names, word in (
                (first, ["form.pdf"], "Only the first 1048576 of"),
                (second, [f"{i}.pdf" for i in range(200)],
                 "more than 200 files are attached")):
            folder = room.root / f"forms-{row['cursor']}"
            said = room.chancery("reply", row["cursor"], "--save-attachments",
                                 folder, errors=True)
            assert word in said, said
            assert sorted(os.listdir(folder)) == sorted(names)


def facts(room):
    """What is known, but for when a mail was removed."""
    return [{name: value for name, value in row.items()
             if name != "removed_at"} for row in room.returns()]


def test_what_is_old_goes_and_what_it_said_stays():
    with Peer(Session, MAILS) as peer, Room(peer) as room:
        room.start()
        room.wait_returns()
        before = facts(room)
        sizes = {uid: room.path(raw).stat().st_size
                 for uid, raw in MAILS.items()}
        # a year from now nothing is old
        room.keep_for(reports="365d", answers="365d")
        room.keep_for(reports="1ms")
        room.wait_event("return.removed")
        assert room.kept() == {3, 5}
        assert room.removed() == [(1, sizes[4])]
        assert {row["uid"] for row in room.returns() if row["removed_at"]} \
            == {4}
        gone = [row["cursor"] for row in room.returns() if row["removed_at"]]
        said = room.chancery("reply", gone[0], "--eml", code=66)
        assert "was kept until" in said, said
        room.keep_for(reports="1ms", answers="1ms")
        harness.wait_for("answers are removed",
                         lambda: len(room.removed()) == 2)
        assert room.removed()[1] == (2, sizes[3] + sizes[5])
        assert room.kept() == set()
        assert facts(room) == before
        room.stop()
        # for ever again, and all of it is read once more: gone is gone
        peer.uidvalidity = 8
        room.set_up()
        room.start()
        harness.wait_for("they are removed once more",
                         lambda: removed_again(room))
        assert facts(room) == before


def removed_again(room):
    """A reload looks at once; a mail that is read behind it has to wait for
    the next."""
    with harness.durable(room) as store:
        if store.execute("SELECT last_uid FROM mailbox WHERE uidvalidity = 8"
                         ).fetchall() != [(5,)]:
            return False
    room.signal(signal.SIGHUP)
    return sum(mails for mails, _ in room.removed()) == 2 * len(MAILS) and \
        room.kept() == set()


def dies_once(room, step):
    """The first reader is killed at that step, those after it are not."""
    program = room.libexec / "chancery-receive"
    real = program.resolve()
    program.unlink()
    program.write_text(f"#!/bin/sh\nif mkdir {room.root}/died; then\n"
                       f"export CHANCERY_CRASH_AT={step}\nfi 2>/dev/null\n"
                       f"exec {real}\n")
    program.chmod(0o755)


def test_a_reader_that_dies_behind_the_writing_leaves_nothing_double():
    """Killed between the writing and the report: the mails are there, nothing is
    known of them, and then it is, once."""
    for step in ("receive-writing", "receive-stored", "receive-looking",
                 "receive-told"):
        with Peer(Session, MAILS) as peer, Room(peer) as room:
            dies_once(room, step)
            room.start()
            room.wait_returns()
            assert "(Killed)" in room.log(), room.log()
            assert room.kept() == set(MAILS)
            for raw in MAILS.values():
                assert harness.unpacked(room.path(raw).read_bytes()) == raw
            assert not list((room.state / "objects").glob(".*"))
            assert [row["removed_at"] for row in room.returns()] \
                == [None] * ROWS


DAY = 86400


def store_is_older(room, days):
    """Its store was made so many days before."""
    with contextlib.closing(
            sqlite3.connect(room.state / "chancery.db")) as db:
        since, = db.execute("SELECT value FROM setting "
                            "WHERE name = 'objects_since'").fetchone()
        db.execute("UPDATE setting SET value = ? "
                   "WHERE name = 'objects_since'",
                   (b"%d" % (int(since) - days * DAY * 1000000),))
        db.commit()


def written_before(room, raw, days):
    stamp = time.time() - days * DAY
    os.utime(room.path(raw), (stamp, stamp))


def left_behind(room):
    """Two mails are written and never told; then their mailbox is given up."""
    dies_once(room, "receive-stored")
    (room.libexec / "chancery-receive").write_text(
        (room.libexec / "chancery-receive").read_text().replace(
            "\nfi", "\nelse exit 75\nfi"))
    room.start()
    harness.wait_for("its reader is dead", lambda: "(Killed)" in room.log())
    room.stop()
    room.configure()
    assert room.kept() == set(MAILS)


def test_what_no_row_names_goes_when_it_is_old():
    """Its reader was killed before it told of it, and nobody reads that mailbox
    any more. A store that is new knows less than what lies there."""
    with Peer(Session, MAILS) as peer, Room(peer) as room:
        left_behind(room)
        half = room.state / "objects" / ".0123456789abcdef.1"
        half.touch()
        os.utime(half, (1, 1))
        written_before(room, MAILS[3], 31)
        written_before(room, MAILS[4], 29)
        written_before(room, MAILS[5], 400)
        room.start()
        room.stop()
        assert all(room.path(raw).exists() for raw in MAILS.values())
        store_is_older(room, 31)
        room.start()
        harness.wait_for("the old ones go",
                         lambda: room.log().count("removed") == 2)
        half_gone = harness.wait_for("half a mail goes",
                                     lambda: not half.exists())
        assert half_gone and room.kept() == {4}
        for number in (3, 5):
            name = hashlib.sha256(MAILS[number]).hexdigest()
            assert f"object {name}, " in room.log()
        assert not room.returns() and not room.removed()


def test_what_a_row_names_stays_however_old_it_is():
    with Peer(Session, MAILS) as peer, Room(peer) as room:
        room.start()
        room.wait_returns()
        room.stop()
        store_is_older(room, 31)
        extra = room.path(b"nobody's")
        extra.parent.mkdir(exist_ok=True)
        extra.write_bytes(room.path(MAILS[3]).read_bytes())
        written_before(room, b"nobody's", 31)
        for raw in MAILS.values():
            written_before(room, raw, 400)
        room.start()
        harness.wait_for("the look is over", lambda: not extra.exists())
        room.stop()
        assert room.kept() == set(MAILS)


def test_a_crash_while_they_go_removes_them_once():
    for step in ("retention.marked", "retention.unlinked",
                 "retention.unlinked:2", "retention.unlinked:3"):
        with Peer(Session, MAILS) as peer, Room(peer) as room:
            room.start()
            room.wait_returns()
            before = facts(room)
            room.stop()
            room.set_up(retention={"reports": "1ms", "answers": "1ms"})
            try:
                room.start(env={"CHANCERY_CRASH_AT": step})
            except AssertionError:
                pass  # in the start itself
            assert room.wait() == -signal.SIGKILL, room.log()
            # It goes on with what was marked, whatever is said now.
            room.set_up()
            room.start()
            harness.wait_for("all are removed",
                             lambda r=room: sum(m for m, _ in r.removed())
                             == len(MAILS))
            assert room.kept() == set()
            assert facts(room) == before
            assert all(row["removed_at"] for row in room.returns())


def test_what_came_while_a_copy_was_away_is_not_missed():
    """The store comes back from a copy, without what was said of mails that are
    among the objects: they are read again, and the same files are theirs."""
    with Peer(Session, MAILS) as peer, Room(peer) as room:
        room.start()
        room.wait_returns()
        room.stop()
        for path in room.state.glob("chancery.db*"):
            path.unlink()
        stamps = {uid: room.path(raw).read_bytes()
                  for uid, raw in MAILS.items()}
        room.start()
        room.wait_returns()
        assert room.kept() == set(MAILS)
        assert {uid: room.path(raw).read_bytes()
                for uid, raw in MAILS.items()} == stamps


if __name__ == "__main__":
    harness.run_all(globals())
