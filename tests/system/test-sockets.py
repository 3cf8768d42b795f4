#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two sockets answer, and when: reading, events, commands."""
import hashlib
import json
import re
import subprocess

import doors
from doors import Events, Host

ZERO = "dd" + "00" * 31  # the digest of every batch of http-host


def reading():
    with Host() as host:
        host.tell("batch A/77/12 250")
        host.tell("batch DM-1 3")
        host.tell("send A/77/12 K7")
        host.tell("return A/77/12 K7")
        status = host.get("/v1/status").json
        assert status["state"] == "running"
        assert status["letters"] == {
            "queued": 252, "claimed": 0, "dot": 0, "sent": 1, "failed": 0,
            "in_doubt": 0, "cancelled": 0, "held": 0}, status
        assert (status["total"], status["bounced"]) == (253, 1)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                            status["started_at"])
        # What strangers wrote: valid UTF-8, escaped, nothing lost.
        assert status["relays"][1]["text"] == "535 \ufffd\x1b[2J no"
        batches = host.get("/v1/batches").json
        assert [b["reference"] for b in batches["batches"]] == [
            "A/77/12", "DM-1"]
        assert batches["next"] is None
        batch = host.get("/v1/batches/A%2F77%2F12").json
        assert batch["letters"]["sent"] == 1 and batch["total"] == 250
        assert batch["digest"] == ZERO and batch["bounced"] == 1
        assert batch["files"] == [{"role": "letter", "name": "en.md",
                                   "sha256": "ab" + "00" * 31,
                                   "size_bytes": 9}]
        letter = host.get("/v1/batches/A%2f77%2f12/letters/K7").json
        assert letter["state"] == "sent" and letter["bounced"] is True
        assert letter["addresses"][0]["reply"].startswith(
            "Ok \ufffd\x1b]52;c;x\x07 queued")
        returned = host.get("/v1/batches/A%2F77%2F12/letters/K7/returns").json
        assert [(r["key"], r["kind"], r["verified"])
                for r in returned["returns"]] == [("K7", "bounce_hard", True)]
        assert host.get("/v1/batches/DM-1/returns").json == {
            "returns": [], "next": None}
        assert len(host.get("/v1/returns").json["returns"]) == 1


def pages():
    with Host() as host:
        host.tell("batch DM-1 250")
        host.tell("send DM-1 K7")
        for limit in (1000, 100, 37, 250):
            keys, after = [], 0
            while after is not None:
                page = host.get(f"/v1/batches/DM-1/letters?limit={limit}"
                                f"&after={after}").json
                assert len(page["letters"]) <= limit
                keys += [letter["key"] for letter in page["letters"]]
                after = page["next"]
            assert keys == [f"K{i}" for i in range(250)], limit
        sent = host.get("/v1/batches/DM-1/letters?state=sent").json
        assert [letter["key"] for letter in sent["letters"]] == ["K7"]
        none = host.get("/v1/batches/DM-1/letters?state=in_doubt").json
        assert none == {"letters": [], "next": None}
        lines = host.get("/v1/events?limit=10").body.splitlines()
        assert len(lines) == 10
        cursors = [json.loads(line)["cursor"] for line in lines]
        while lines:
            lines = host.get(f"/v1/events?after={cursors[-1]}&limit=100"
                             ).body.splitlines()
            cursors += [json.loads(line)["cursor"] for line in lines]
        assert cursors == list(range(1, 252)), cursors


def paths():
    bad = {
        "/v1/batches/NO": 404, "/v1/batches/NO/letters": 404,
        "/v1/batches/DM-1/letters/NO": 404, "/v2/status": 404,
        "/v1/batches/DM-1/": 404, "/v1//status": 400, "//": 400,
        "/v1/batches/%": 400, "/v1/batches/%4": 400,
        "/v1/batches/%zz": 400, "/v1/batches/%00": 400,
        "/v1/batches/a%0ab": 400, "/v1/batches/%ff": 400,
        "/v1/batches/%E2%80%AE": 400, "/a/b/c/d/e/f/g/h/i": 404,
        "/v1/batches/../status": 404, "/v1/batches?limit=0": 400,
        "/v1/batches?limit=1001": 400, "/v1/batches?limit=-1": 400,
        "/v1/batches?limit=9999999999999999999999": 400,
        "/v1/batches?limit=1&limit=2": 400, "/v1/batches?x=1": 400,
        "/v1/batches?=1": 400, "/v1/batches/DM-1/letters?state=lost": 400,
        "/v1/batches?after=1x": 400, "/v1/events?follow=2": 400,
        "/" + "a" * 5000: 414,
    }
    with Host() as host:
        host.tell("batch DM-1 1")
        for path, status in bad.items():
            answer = host.get(path)
            assert answer.status == status, (path, answer.status, answer.body)
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert set(answer.json["error"]) == {"status", "code", "text",
                                                 "hint"}
        assert host.get("/v1/batches/DM-1").status == 200
        head = host.ask("HEAD", "/v1/batches/DM-1")
        assert head.status == 200 and head.body == b""
        page = host.get("/")
        assert page.headers["Content-Type"].startswith("text/html")
        assert page.body == (doors.SOURCE / "web/page.html").read_bytes()
        assert b"://" not in page.body, "it loads nothing from elsewhere"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert host.get("/healthz").body == b"ok\n"
        answer = host.get("/v1/status", Host="evil.example:8080")
        assert answer.code == "forbidden", answer.body
        assert host.get("/v1/status", Host="localhost:8080").status == 200
        # A connection that goes on; and one that does not speak HTTP.
        connection = doors.Connection(host.status)
        for _ in range(3):
            connection.request("GET", "/healthz")
            assert connection.getresponse().read() == b"ok\n"
        connection.close()
        sock = host.open()
        sock.sendall(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\r\n\r\n")
        assert b"200" not in doors.rest(sock)[:15]
        sock.close()


def doors_apart():
    with Host() as host:
        host.tell("batch DM-1 2")
        for path in ("/v1/pause", "/v1/batches/DM-1/pause", "/v1/batches",
                     "/v1/batches/DM-1/letters/K0/resolve"):
            answer = host.post(path, {}, door=host.status)
            assert (answer.status, answer.code) == (403, "forbidden"), path
        for path in ("/v1/batches/DM-1/letters/K0/source",
                     "/v1/objects/" + "00" * 32):
            assert host.get(path).code == "forbidden", path
        assert host.ask("PUT", "/v1/status").status == 405
        assert host.ask("DELETE", "/v1/batches/DM-1").status == 405
        assert host.post("/v1/status", {}, door=host.status).status == 403
        assert host.get("/v1/status").json["state"] == "running"
        assert host.get("/v1/pause", host.control).status == 405
        assert host.ask("DELETE", "/v1/batches/DM-1", None,
                        host.control).status == 405
        assert "refused POST from uid" in host.said()
        # The control socket reads as well.
        assert host.get("/v1/status", host.control).status == 200
        answer = host.post("/v1/pause", {}, headers={"Origin": "http://x"})
        assert answer.code == "forbidden"


def source():
    data = b"%PDF-1.4 \x00\xff annex" * 500000
    name = hashlib.sha256(data).hexdigest()
    with Host() as host:
        host.tell("batch DM-1 2")
        letter = host.get("/v1/batches/DM-1/letters/K1/source",
                          host.control).json
        assert letter["fields"] == [{"name": "country", "value": "Ruritania"},
                                    {"name": "name", "value": "Łódź"}]
        assert letter["addresses"] == [{"seq": 0, "role": "to",
                                        "address": "K1@ministry.example"}]
        assert letter["sha256"] is None and letter["date_us"] == 1000000
        assert letter["batch"]["deadline"] == "2026-12-07"
        folder = host.folder / "objects" / name[:2]
        folder.mkdir()
        before = host.memory()
        (folder / name[2:]).write_bytes(data)
        answer = host.get("/v1/objects/" + name, host.control)
        assert answer.status == 200 and answer.body == data
        assert host.memory() - before < 4 * 1024 * 1024
        assert answer.headers["Content-Encoding"] is None
        for bad in ("00" * 32, ):
            assert host.get("/v1/objects/" + bad, host.control).status == 404
        for bad in ("x", name.upper(), name + "0", "..%2f..%2fetc"):
            assert host.get("/v1/objects/" + bad, host.control).status == 400


def compressed():
    """What came back lies there as zstd, and goes out so: to all who can read
    it, and to those who do not say what they can read."""
    data = b"Subject: form\r\n\r\n" + b"the same line\r\n" * 1000
    name = hashlib.sha256(data).hexdigest()
    packed = subprocess.run(["zstd", "-q", "-c"], input=data, check=True,
                            capture_output=True).stdout
    path = "/v1/objects/" + name
    with Host() as host:
        folder = host.folder / "objects" / name[:2]
        folder.mkdir()
        (folder / (name[2:] + ".zst")).write_bytes(packed)
        for words in ("zstd", "gzip, zstd;q=0.5", "*"):
            answer = host.get(path, host.control, **{"Accept-Encoding": words})
            assert (answer.status, answer.body) == (200, packed), words
            assert answer.headers["Content-Encoding"] == "zstd"
        for words in ("identity", "gzip", "zstd;q=0", ""):
            answer = host.get(path, host.control, **{"Accept-Encoding": words})
            assert (answer.status, answer.code) == (406, "not_acceptable")
            assert "curl --compressed" in answer.json["error"]["hint"]
        curl = ["curl", "-sSf", "--unix-socket", host.control,
                "http://localhost" + path]
        assert subprocess.run(curl, check=True,
                              capture_output=True).stdout == packed
        assert subprocess.run([*curl, "--compressed"], check=True,
                              capture_output=True).stdout == data


def commands():
    with Host() as host:
        host.tell("batch A/77/12 3")
        host.tell("send A/77/12 K0")
        at = "/v1/batches/A%2F77%2F12"
        assert host.post(at + "/pause", {}).json == {"touched": 1}
        assert host.get(at).json["state"] == "paused"
        assert host.post(at + "/pause", {}).json == {"touched": 0}
        assert host.post(at + "/resume").json == {"touched": 1}
        # Nothing of what is done can be released, sent again or resolved.
        assert host.post(at + "/release", {"digest": ZERO}).code == "conflict"
        assert host.post(at + "/letters/K0/retry", {}).status == 409
        assert host.post(at + "/letters/K0/cancel", {}).status == 409
        assert host.post(at + "/letters/K0/resolve",
                         {"as": "resend"}).status == 409
        assert host.get(at + "/letters/K0").json["state"] == "sent"
        assert host.post(at + "/letters/K1/cancel").json == {"touched": 1}
        assert host.get(at + "/letters/K1").json["state"] == "cancelled"
        assert host.post("/v1/batches/NO/pause", {}).status == 404
        assert host.post(at + "/letters/NO/cancel", {}).status == 404
        assert host.post("/v1/pause", {}).status == 200
        assert host.get("/v1/status").json["state"] == "paused"
        assert host.post("/v1/resume", {}).status == 200
        who = [json.loads(line)["who"] for line in
               host.get("/v1/events").body.splitlines()
               if b'"batch.paused"' in line]
        assert len(who) == 1 and "uid" in who[0], who


def bad_bodies():
    deep = '{"digest":' + "[" * 100 + "]" * 100 + "}"
    bodies = {
        "not JSON": 400, "{": 400, '{"digest":1}': 400, "[]": 400,
        "null": 400, '"x"': 400, deep: 400, "[" * 60000: 400,
        '{"digest":"' + "x" * 70000 + '"}': 413,
        '{"digest":"a","digest":"a"}': 400, '{"digest":"a","x":1}': 400,
        "{}": 400, "": 400, '{"digest":"\\u0000"}': 400,
        '{"digest":"\xff"}': 400, '{"digest":"' + ZERO + '"} x': 400,
        '{"digest":"' + ZERO.upper() + '"}': 400,
    }
    with Host() as host:
        host.tell("batch DM-1 2")
        for body, status in bodies.items():
            sock = host.open(host.control)
            sock.sendall(b"POST /v1/batches/DM-1/release HTTP/1.1\r\n"
                         b"Host: c\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" %
                         len(body.encode("latin-1")))
            try:
                sock.sendall(body.encode("latin-1"))
            except BrokenPipeError:
                pass
            told = doors.rest(sock)  # and closed
            assert told.startswith(b"HTTP/1.1 %d " % status), (
                body[:80], told[:300])
            sock.close()
        for size, status in ((60000, b"400"), (70000, b"413")):
            sock = host.open(host.control)
            sock.sendall(b"POST /v1/pause HTTP/1.1\r\nHost: c\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n")
            chunk = b"%x\r\n" % 1000 + b" " * 1000 + b"\r\n"
            sock.sendall(chunk * (size // 1000) + b"1\r\n{\r\n0\r\n\r\n")
            assert doors.rest(sock).split()[1] == status, size
            sock.close()
        answer = host.post("/v1/pause", "{}", headers={
            "Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status == 415
        assert host.ask("GET", "/v1/status", "{}").status == 400
        assert host.get("/v1/status").json["state"] == "running"


def after_the_commit():
    with Host() as host:
        host.tell("batch DM-1 250")
        asks = [b"POST /v1/batches/DM-1/pause HTTP/1.1\r\nHost: c\r\n"
                b"Content-Length: 0\r\n\r\n"]
        asks += [b"GET %s HTTP/1.1\r\nHost: c\r\n\r\n" % path for path in (
            b"/v1/status", b"/v1/batches/DM-1", b"/metrics",
            b"/v1/batches/DM-1/letters?limit=1000", b"/v1/events")]
        events = Events(host.status, "/v1/events")
        host.tell("open")
        socks = []
        for ask in asks:
            sock = host.open(host.control)
            sock.sendall(ask)
            socks.append(sock)
        for sock in socks:
            assert doors.silent(sock), "told before the commit"
        assert events.silent()
        host.tell("commit")
        for sock, ask in zip(socks, asks):
            assert sock.recv(12) == b"HTTP/1.1 200", ask
            sock.close()
        assert events.next()[1] == "host.open"
        assert events.next()[1] == "batch.paused"
        events.close()


def following():
    with Host() as host:
        host.tell("batch DM-1 3")
        first = Events(host.status, "/v1/events")
        others = [Events(host.status, "/v1/events?follow=1")
                  for _ in range(5)]
        assert first.response.headers["Content-Type"] == "text/event-stream"
        assert first.silent(), "nothing is new"
        host.tell("send DM-1 K0")
        got = [first.next() for _ in range(3)]
        assert [event[0] for event in got] == [2, 3, 4]
        assert {event[1] for event in got} == {"letter.sent",
                                               "letter.requeued"}
        for other in others:
            assert [other.next() for _ in range(3)] == got
        host.tell("send DM-1 K1")
        last = host.get("/v1/status").json["last_event"]
        assert last > 4
        for each in others + [first]:
            assert [each.next()[0] for _ in range(last - 4)] == list(
                range(5, last + 1))
            each.close()
        # While nobody listens it goes on; each picks up where it was.
        host.tell("send DM-1 K2")
        last = host.get("/v1/status").json["last_event"]
        for start in range(last + 1):
            again = Events(host.status, "/v1/events", last=start)
            assert [again.next()[0] for _ in range(last - start)] == list(
                range(start + 1, last + 1))
            again.close()
        again = Events(host.status, "/v1/events?after=1", last=last - 1)
        assert again.next()[0] == last, "the header wins"
        again.close()
        assert Events(host.status, "/v1/events",
                      last="1x").response.status == 400


def many_events():
    with Host() as host:
        host.tell("batch DM-1 400")
        events = Events(host.status, "/v1/events?after=0")
        for i in range(5):
            host.tell(f"send DM-1 K{i}")
        last = host.get("/v1/status").json["last_event"]
        assert last > 1900
        seen = [events.next()[0] for _ in range(last)]
        assert seen == list(range(1, last + 1))
        events.close()


def metrics():
    sample = re.compile(r'chancery_([a-z_]+)(?:\{([a-z]+)="((?:[^"\\\n]|'
                        r'\\\\|\\"|\\n)*)"\})? ([0-9.]+)')
    with Host() as host:
        host.tell("batch DM-1276 5")
        host.tell("send DM-1276 K0")
        answer = host.get("/metrics")
        assert answer.headers["Content-Type"].startswith(
            "text/plain; version=0.0.4")
        text = answer.body.decode()
        assert text.endswith("\n")
        helped, kinds, samples = set(), {}, {}
        for line in text.splitlines():
            if line.startswith("# HELP chancery_"):
                helped.add(line.split()[2].removeprefix("chancery_"))
                assert len(line.split(" ", 3)[3]) > 5
            elif line.startswith("# TYPE chancery_"):
                _, _, name, kind = line.split()
                name = name.removeprefix("chancery_")
                assert name in helped and name not in kinds, line
                kinds[name] = kind
            else:
                match = sample.fullmatch(line)
                assert match, line
                name, label, value, number = match.groups()
                assert name in kinds, line
                assert (name, label, value) not in samples, line
                samples[name, label, value] = float(number)
        for name, kind in kinds.items():
            assert (kind == "counter") == name.endswith("_total"), name
            assert kind in ("counter", "gauge"), name
        manual = (doors.SOURCE / "man/chancery-status.7").read_text()
        assert {f"chancery_{name}" for name in kinds} == set(
            re.findall(r"^\.It Li (chancery_\w+) Ta", manual, re.M))
        assert samples["letters", "state", "queued"] == 4
        assert samples["letters", "state", "sent"] == 1
        assert samples["relay_ready", "relay", 'se\\"co\\\\nd\\nline'] == 0
        assert samples["alarms_by_type", "type", "alarm.auth"] == 2
        assert samples["alarms", None, None] == 3
        assert samples["http_clients", "socket", "status"] == 1
        assert samples["resident_memory_bytes", None, None] > 1000000
        for secret in ("@", "DM-1276", "K0", "Invitation", "Ruritania"):
            assert secret not in text, secret


def metrics_file():
    import pathlib
    import tempfile
    with tempfile.TemporaryDirectory(prefix="ch-metrics-") as folder:
        path = pathlib.Path(folder) / "chancery.prom"
        with Host(f"--metrics={path}") as host:
            host.get("/v1/status")
            text = path.read_text()
            assert "\nchancery_letters_silent 0\n" in text
            assert "\nchancery_letters_at_risk 0\n" in text
            assert "chancery_letters{state=\"queued\"} 0" in text
            assert path.stat().st_mode & 0o777 == 0o644
            assert [p.name for p in pathlib.Path(folder).iterdir()] == [
                "chancery.prom"]
            assert host.said() == ""
    with Host("--metrics=/nonexistent/x.prom") as host:
        host.get("/v1/status")
        assert "metrics file" in host.said()


def stopping():
    """Whatever it is at, the host ends at once and leaks nothing."""
    host = Host()
    host.tell("batch DM-1 250")
    events = Events(host.status, "/v1/events")
    half = host.open(host.control)
    half.sendall(b"POST /v1/pause HTTP/1.1\r\nContent-Le")
    host.tell("open")
    waiting = host.open(host.control)
    waiting.sendall(b"POST /v1/pause HTTP/1.1\r\nHost: c\r\n"
                    b"Content-Length: 0\r\n\r\n")
    assert doors.silent(waiting)
    host.close()
    assert doors.rest(half) == b""
    for sock in (half, waiting):
        sock.close()
    events.close()


if __name__ == "__main__":
    doors.run([(name, globals()[name]) for name in (
        "reading", "pages", "paths", "doors_apart", "source", "compressed",
        "commands", "bad_bodies", "after_the_commit", "following", "many_events",
        "metrics", "metrics_file", "stopping")])
