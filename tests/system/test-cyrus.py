#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery-receive against a real Cyrus, in a namespace of its own. Skipped
where the server cannot be downloaded or no namespace can be made."""
import os
import pathlib
import sys
import tempfile

TOP = pathlib.Path(os.environ["top_srcdir"])
sys.path[:0] = [str(TOP / "tests/system"), str(TOP / "tests/servers")]
import cyrushost
import harness
import mailhost
from receiver import Place, receive

BOUNCE_HARD, REPLY = 0, 7
BOUNCE = (TOP / "tests/corpora/dsn/report").read_bytes()
TOKEN = b"aaaaaaaaaeaaaaab-apschjeob2o7jn3z6"


def answer(number, text="We shall be four.\r\n"):
    return (f"From: minister@fr.members.example\r\nSubject: mail {number}\r\n"
            f"Message-ID: <{number}@fr.members.example>\r\n"
            "In-Reply-To: <letter-1@chancery.example>\r\n"
            f"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\n{text}").encode()


def begin(host, place, tls="implicit", **options):
    return place.begin(host.imap if tls == "starttls" else host.imaps,
                       tls=tls, ca_file=host.ca_file, **options)


def subjects(mails):
    return [mail["subject"].decode() for mail in mails]


def uids(host, folder="INBOX", key="ALL"):
    with host.connect() as client:
        client.select(folder, readonly=True)
        return [int(word) for word in
                client.uid("SEARCH", None, key)[1][0].split()]


def every_way_in(host, root):
    host.add(answer(1))
    for tls in ("starttls", "implicit"):
        for auth in ("any", "plain", "login"):
            place = Place(root, f"{tls}-{auth}")
            worker = begin(host, place, tls, auth=auth)
            mail, = receive(worker, 1)
            assert mail["subject"] == b"mail 1" and mail["kind"] == REPLY
            assert place.object(mail) == answer(1)
            assert place.stop() == 0, place.stderr()


def news_come_while_idle(host, root):
    """And nothing is marked."""
    place = Place(root, "idle")
    worker = begin(host, place)
    receive(worker, 1)
    assert worker.expect("receive-state")["reading"] == 0
    host.add(BOUNCE)
    mail, = receive(worker, 1)
    assert mail["kind"] == BOUNCE_HARD and mail["token"] == TOKEN, mail
    assert place.stop() == 0, place.stderr()
    assert uids(host, key="SEEN") == []
    return mail


def goes_on_where_it_was(host, root, last):
    """Behind that mail come many, and one that is read in parts."""
    large = answer("large", ("y" * 76 + "\r\n") * 60000)
    for number in range(300):
        host.add(answer(number))
    host.add(large)
    place = Place(root, "on")
    worker = begin(host, place, uidvalidity=last["uidvalidity"],
                   last_uid=last["uid"], max_message_bytes=64 << 20)
    mails = receive(worker, 301)
    assert subjects(mails) == [f"mail {i}" for i in (*range(300), "large")]
    assert place.object(mails[-1]) == large and mails[-1]["fault"] == b""
    assert place.stop() == 0


def one_is_deleted_meanwhile(host, root, last):
    place = Place(root, "deleted")
    worker = begin(host, place, singly_validity=last["uidvalidity"],
                   singly_to=last["uid"])
    first, = receive(worker, 1, ack=False)
    with host.connect() as client:
        client.select()
        client.uid("STORE", str(last["uid"]), "+FLAGS", "(\\Deleted)")
        client.expunge()
    worker.send("receive-ack", uidvalidity=first["uidvalidity"],
                uid=first["uid"])
    assert subjects(receive(worker, 2)) == ["mail 0", "mail 1"]
    worker.close()
    worker.wait()


def moves_what_is_done_with(host, root):
    with host.connect() as client:
        assert client.create("Done")[0] == "OK"
    host.add(BOUNCE)
    count = len(uids(host))
    place = Place(root, "moves")
    worker = begin(host, place, move_reports="Done", keyword="$Chancery",
                   max_message_bytes=64 << 20)
    receive(worker, count)
    assert worker.expect("receive-state")["reading"] == 0
    assert place.stop() == 0, place.stderr()
    assert len(uids(host, key="KEYWORD $Chancery")) == count - 1 == len(
        uids(host))
    assert len(uids(host, "Done", "KEYWORD $Chancery")) == 1
    assert uids(host, key="SEEN") == [] == uids(host, "Done", "SEEN")


def all_again_after_new_numbers(host, root, last):
    with host.connect("cyrus") as admin:
        assert admin.setacl("user/bureau", "cyrus", "lrswipkxtecda")[0] == "OK"
        assert admin.delete("user/bureau")[0] == "OK"
        assert admin.create("user/bureau")[0] == "OK"
    host.add(answer(1))
    place = Place(root, "anew")
    worker = begin(host, place, uidvalidity=last["uidvalidity"],
                   last_uid=last["uid"])
    mail, = receive(worker, 1)
    assert mail["uidvalidity"] != last["uidvalidity"]
    assert mail["subject"] == b"mail 1" and place.stop() == 0


def made_anew_while_it_is_open(host, root):
    """Cyrus keeps the deleted one open and says nothing."""
    with host.connect() as client:
        assert client.create("Junk")[0] == "OK"
    host.add(answer(1), "Junk")
    place = Place(root, "open")
    worker = begin(host, place, folder="Junk", idle_max_ms=500)
    first, = receive(worker, 1)
    with host.connect() as client:
        assert client.delete("Junk")[0] == "OK"
        assert client.create("Junk")[0] == "OK"
    host.add(answer(2), "Junk")
    while message := worker.receive(60):
        told = message[1]
    assert told["connected"] == 0, told
    assert told["text"] == b"the server numbers the folder anew", told
    worker = begin(host, place, folder="Junk",
                   uidvalidity=first["uidvalidity"], last_uid=first["uid"])
    assert subjects(receive(worker, 1)) == ["mail 2"]
    assert place.stop() == 0


def inside():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        root.chmod(0o755)
        (root / "host").mkdir(mode=0o755)
        with cyrushost.Cyrus(root / "host") as host:
            Place.certificates = pathlib.Path(host.ca_file).parent
            Place.user, Place.secret = "bureau", mailhost.PASSWORD
            every_way_in(host, root)
            last = news_come_while_idle(host, root)
            goes_on_where_it_was(host, root, last)
            one_is_deleted_meanwhile(host, root, last)
            moves_what_is_done_with(host, root)
            made_anew_while_it_is_open(host, root)
            all_again_after_new_numbers(host, root, last)
    return 0


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:] == ["inside"] else
             harness.among_servers(__file__))
