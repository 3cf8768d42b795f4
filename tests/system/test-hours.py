#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending windows: nothing is claimed outside of them, what is under way
finishes, and the next opening is known and kept; with this test as the send
worker."""
import datetime
import signal
import subprocess

import harness
from harness import FAILED, SENT, Room, table, wait_for

RELAY = [{"name": "relay", "port": 1, "connections": 1,
          "connections_per_worker": 1}]
ALWAYS = ({"days": "Mon-Sun", "from": "00:00", "to": "24:00"},)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def weekday(day):
    return "Mon Tue Wed Thu Fri Sat Sun".split()[day.weekday()]


class Windows(list):
    """A list of groups, as the harness writes it."""


def conf(windows, **sending):
    return {"sending": {"windows": Windows(windows), **sending}}


def group_list(value, plain=harness.setting):
    if isinstance(value, Windows):
        return "( " + ", ".join(plain(dict(item)) for item in value) + " )"
    return plain(value)


harness.setting = group_list


def room(windows, **sending):
    return Room(RELAY, puppets=True, conf=conf(windows, **sending))


def closed_now():
    """A window that is not open now, and when it opens."""
    day = (now() + datetime.timedelta(days=2)).date()
    return ({"days": weekday(day), "from": "00:00", "to": "24:00"},), \
        f"{day}T00:00:00Z"


def test_nothing_goes_outside():
    windows, opens = closed_now()
    with room(windows) as r:
        r.start()
        r.enqueue("DM-1", table(2))
        hours = r.status()["hours"]
        assert hours == {"open": False, "until": opens, "time_zone": "UTC"}, \
            hours
        assert r.status()["state"] == "running"
        assert "chancery_sending 0\n" in r.get("/metrics").body.decode()
        assert r.status()["relays"][0]["workers"] == 0
        r.configure(RELAY, **conf(ALWAYS, time_zone="Europe/Vienna"))
        r.signal(signal.SIGHUP)
        worker = r.puppet()
        worker.ready(1)
        letter = worker.letter()
        assert r.status()["hours"] == {"open": True, "until": None,
                                       "time_zone": "Europe/Vienna"}
        # It closes while that one is under way.
        r.configure(RELAY, **conf(windows))
        r.signal(signal.SIGHUP)
        wait_for("closed", lambda: not r.status()["hours"]["open"])
        worker.expect("stop")  # as after every reload
        worker.dot(letter)
        assert worker.expect("send-go")["go"] == 1
        worker.result(letter, SENT, 250)
        r.wait_letters("DM-1", sent=1, queued=1)
        r.configure(RELAY)
        r.signal(signal.SIGHUP)
        wait_for("no hours", lambda: r.status()["hours"] is None)


def test_it_opens_by_itself():
    """At the second that was said, not before, and closes again."""
    at = now() + datetime.timedelta(seconds=3)
    if at.date() != (at + datetime.timedelta(seconds=60)).date():
        return  # midnight is in the way
    until = at + datetime.timedelta(seconds=60)
    with room(({"days": "Mon-Sun", "from": f"{at:%H:%M:%S}",
                "to": f"{until:%H:%M:%S}"},)) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        said = r.status()["hours"]
        worker = r.puppet()
        worker.ready(1)
        worker.letter()
        assert now() >= at.replace(microsecond=0)
        if not said["open"]:
            assert said["until"] == f"{at:%Y-%m-%dT%H:%M:%SZ}", said
        assert r.status()["hours"]["until"] == f"{until:%Y-%m-%dT%H:%M:%SZ}"
        assert "letters may go until" in r.log()


def relay(name, windows, **more):
    return {**RELAY[0], "name": name, "windows": Windows(windows), **more}


def test_hours_of_a_relay():
    """Others take its letters; and where there are none letters wait, though a
    backup is there."""
    closed, opens = closed_now()
    open_, shut = relay("open", ALWAYS), relay("shut", closed)
    with Room([open_, shut], puppets=True) as r:
        r.start()
        r.enqueue("DM-1", table(3))
        worker = r.puppet()
        worker.ready(3)
        for _ in range(3):
            worker.result(worker.letter(), FAILED, 550)
        r.wait_letters("DM-1", failed=3)
        assert {letter["addresses"][0]["relay"]
                for letter in r.letters("DM-1").values()} == {"open"}
        states = {one["name"]: one for one in r.status()["relays"]}
        assert states["shut"]["next_at"] == opens, states
        assert states["shut"]["workers"] == 0, states
        assert states["open"]["next_at"] is None, states
        assert r.status()["hours"] is None
        assert f"letters wait over relay shut until {opens}" in r.log()
        r.configure([shut, relay("spare", (), backup=True)])
        r.signal(signal.SIGHUP)
        worker.expect("stop")
        worker.exit()
        wait_for("the others", lambda: len(r.status()["relays"]) == 2)
        r.enqueue("DM-2", table(1))
        assert [one["workers"] for one in r.status()["relays"]] == [0, 0]
        assert r.batch("DM-2")["letters"]["queued"] == 1
        r.configure([relay("shut", ALWAYS)])
        r.signal(signal.SIGHUP)
        worker = r.puppet()
        worker.ready(1)
        worker.result(worker.letter(), FAILED, 550)
        r.wait_letters("DM-2", failed=1)


def test_a_relay_opens_by_itself():
    at = now() + datetime.timedelta(seconds=3)
    if at.date() != (at + datetime.timedelta(seconds=60)).date():
        return  # midnight is in the way
    until = at + datetime.timedelta(seconds=60)
    with Room([relay("main", ({
            "days": "Mon-Sun", "from": f"{at:%H:%M:%S}",
            "to": f"{until:%H:%M:%S}"},))], puppets=True) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready(1)
        worker.letter()
        assert now() >= at.replace(microsecond=0)


def test_mistakes_in_the_hours_of_a_relay():
    with Room([relay("main", ({"days": "Mon-Fry", "from": "08:00", "to": "24:01"},
                              ))]) as r:
        check = subprocess.run(
            [harness.PROGRAM, "-t", "-c", r.conf], capture_output=True,
            text=True, check=False)
        assert check.returncode == 78, check
        for words in ("relays[0].windows[0].days", '"Mon-Fry" are no weekdays',
                      "relays[0].windows[0].to", '"24:01" is no time'):
            assert words in check.stderr, check.stderr


def test_holidays():
    """Of the list and of a file, whose mistakes have their lines."""
    today = now().date()
    days = [today + datetime.timedelta(days=i) for i in range(-1, 3)]
    with room(ALWAYS) as r:
        path = r.root / "holidays"
        path.write_text("".join(f"{day}  # closed\n" for day in days[2:]))
        r.configure(RELAY, **conf(
            ALWAYS, holidays=[str(day) for day in days[:2]],
            holidays_file=str(path)))
        r.start()
        hours = r.status()["hours"]
        opens = days[-1] + datetime.timedelta(days=1)
        assert hours["open"] is False, hours
        assert hours["until"] == f"{opens}T00:00:00Z", hours
        path.write_text("2026-12-25\n\n 25.12.2026\n")
        r.signal(signal.SIGHUP)
        wait_for("the old one stays",
                 lambda: "1 mistakes in" in r.log())
        assert f"{path}:3:2: this is no date" in r.log(), r.log()
        assert r.status()["hours"] == hours


if __name__ == "__main__":
    harness.run_all(globals())
