#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending windows: nothing is claimed outside of them, what is under way
finishes, and the next opening is known and kept; with this test as the send
worker."""
import datetime
import signal

import harness
from harness import SENT, Room, table, wait_for

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
