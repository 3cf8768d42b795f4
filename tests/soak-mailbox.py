#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make soak: chanceryd and its readers are killed at random while mail comes
into two folders, some of it of megabytes, and one folder is numbered anew in
the middle; then each mail must have one row, one event and its bytes.

    soak-mailbox.py [--mails 20000] [--kills 100] [--seed N]

A third of the kills hit chanceryd, which is then started again, a third a
reader, a third both. The last line is a JSON object."""
import argparse
import collections
import hashlib
import json
import pathlib
import random
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent / "system"),
                str(pathlib.Path(__file__).parent / "peers")]
import harness  # noqa: E402
import imap_peer  # noqa: E402

MAIL = (b"From: minister@fr.members.example\r\nSubject: mail %d\r\n"
        b"Message-ID: <%d@fr.members.example>\r\n\r\nWe shall be %d.\r\n")
LARGE_EVERY = 1000  # mails, of 3 MB
QUARANTINED = "unread"


class Folders(imap_peer.Session):
    """Sequence numbers are of no use to anybody here."""

    def number_of(self, uid):
        return 1


def mail_of(number):
    mail = MAIL % (number, number, number)
    if number % LARGE_EVERY == 0:
        mail += (b"x" * 76 + b"\r\n") * 40000
    return mail


def kill_some(room, chance):
    """Returns whom, or None where there was nobody."""
    whom = chance.choice(["chanceryd", "reader", "both"])
    if whom != "chanceryd" and not harness.kill_child(
            room, "chancery-receiv", chance):
        return None
    if whom != "reader":
        time.sleep(chance.random() * 0.003)
        room.kill()
        room.start()
    return whom


def all_returns(room):
    after = 0
    while after is not None:
        page = room.get(f"/v1/returns?limit=1000&after={after}").json
        yield from page["returns"]
        after = page["next"]


def read_to(room):
    return [m["last_uid"] for m in room.status()["mailboxes"]]


def feed_and_kill(room, peers, options, chance):
    kills = collections.Counter()
    number = 0
    step = options.mails // options.kills
    while number < options.mails or sum(kills.values()) < options.kills:
        for _ in range(min(step, options.mails - number)):
            number += 1
            peer = peers[number % 2]
            peer.add(number, mail_of(number))
        time.sleep(chance.random() * 0.15)
        if sum(kills.values()) == options.kills // 2:
            peers[0].uidvalidity = 8
            if not kills["anew"]:  # the next one must begin from there
                room.kill()
                room.start()
                kills["anew"] = 1
        whom = kill_some(room, chance)
        if whom:
            kills[whom] += 1
    return kills


def compare(room, options):
    wanted = {hashlib.sha256(mail_of(n)).hexdigest(): n
              for n in range(1, options.mails + 1)}
    rows = collections.Counter()
    quarantined = other = 0
    for row in all_returns(room):
        if row["rule"] == QUARANTINED:
            quarantined += 1
        elif row["sha256"] in wanted:
            rows[row["sha256"]] += 1
        else:
            other += 1
    events = collections.Counter(
        event["detail"]["return"] for event in room.events()
        if event["type"] == "return.unmatched")
    objects = room.state / "objects"
    wrong_bytes = sum(
        hashlib.sha256(harness.unpacked(
            (objects / name[:2] / (name[2:] + ".zst")).read_bytes()))
        .hexdigest() != name for name in rows)
    return {"mails": options.mails, "rows": sum(rows.values()),
            "lost": len(wanted) - len(rows),
            "twice": sum(count > 1 for count in rows.values()),
            "other": other, "quarantined": quarantined,
            "events": sum(events.values()),
            "events_twice": sum(count > 1 for count in events.values()),
            "other_bytes": wrong_bytes,
            "left_over": len(list(objects.glob(".*")))}


def soak(options, chance):
    with imap_peer.Peer(Folders) as inbox, imap_peer.Peer(Folders) as junk, \
            harness.Room() as room:
        password = room.root / "password"
        password.touch(0o600)
        password.write_text(imap_peer.PASSWORD)
        room.configure(mailboxes=[
            {"name": name, "port": peer.port, "tls": "none", "auth": "plain",
             "user": imap_peer.USER, "password": str(password)}
            for name, peer in (("inbox", inbox), ("junk", junk))])
        room.start()
        began = time.monotonic()
        kills = feed_and_kill(room, (inbox, junk), options, chance)
        last = [options.mails - options.mails % 2,
                options.mails - 1 + options.mails % 2]
        harness.wait_for("all of it", lambda: read_to(room) == last, 600)
        assert room.stop() == 0
        room.start()
        harness.wait_for("both readers", lambda: all(
            m["state"] == "ready" for m in room.status()["mailboxes"]))
        result = compare(room, options)
        assert room.stop() == 0
    return {**result, "kills": sum(kills.values()), **kills,
            "seed": options.seed, "seconds": round(time.monotonic() - began)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mails", type=int, default=20000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    result = soak(options, random.Random(options.seed))
    print(json.dumps(result))
    # A mail at which two kills fell is passed by, and listed.
    sys.exit(any(result[name] for name in ("twice", "other", "events_twice",
                                           "other_bytes", "left_over")) or
             result["lost"] != result["quarantined"] or
             result["events"] != result["mails"])


if __name__ == "__main__":
    main()
