#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same batches through a real Postfix, Exim and OpenSMTPD, each over
STARTTLS and implicit TLS and with every login that it offers: what it delivers
is, behind the trace fields that it adds, byte for byte what the store has the
SHA-256 of, to each address once and to nobody else."""
import base64
import collections
import concurrent.futures
import hashlib
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile

import harness
from harness import BUILD, SERVERS, Room, wait_for

sys.path.insert(0, str(SERVERS))
import mailhost  # noqa: E402

SEND = BUILD / "tests/tools/smtp-send"
# What a relay may put above a letter (RFC 5321 sections 4.4 and 7.2, and of
# its own).
TRACE = {"return-path", "received", "delivered-to", "x-original-to",
         "envelope-to", "delivery-date"}
SUBJECTS = {"en": "Session", "fr": "Séance", "es": "Sesión", "ru": "Сессия",
            "zh": "会议", "ar": "دورة"}
TEXT = """Subject: {subject} – {{{{name}}}}

{{{{name}}}},

.a line that begins with a dot, and one that has nothing else:

.

From here on {subject}: {{{{key}}}}, “{{{{name}}}}”. {long}
"""
ANNEX = b"%PDF-1.7\n" + random.Random(1).randbytes(200000)
LETTER = {
    "letter.conf": 'annexes = ["map.pdf"];', "map.pdf": ANNEX,
    **{f"{code}.md": TEXT.format(subject=subject, long=f"{subject} " * 200)
       for code, subject in SUBJECTS.items()},
}
PLAIN = {name: data for name, data in LETTER.items() if name != "map.pdf"}
PLAIN["letter.conf"] = ""
HUGE = {**LETTER, "map.pdf": ANNEX * 5}
STATES = ("fr", "gb", "es", "ru", "cn", "eg")


def rows(mark):
    """To and cc of each letter; of every kind of address there is."""
    for i, (state, language) in enumerate(zip(STATES, SUBJECTS)):
        at = f"@{state}.members.example"
        yield f"{mark}{state}A", language, ["minister" + at], []
        yield (f"{mark}{state}B", language, ["mission" + at, "minister" + at],
               ["busy" + at] if i % 2 else ["refused" + at])
    yield f"{mark}NONE", "en", ["refused@us.members.example"], []


def table(mark):
    return "key,language,to,cc,name\n" + "".join(
        f'{key},{language},"{", ".join(to)}","{", ".join(cc)}",Nação Ж {key}\n'
        for key, language, to, cc in rows(mark))


def stored(room, reference, key):
    """The bytes of a letter, which have the SHA-256 of the store."""
    run = subprocess.run(
        [BUILD / "chancery", "--socket-dir", room.root, "show",
         f"{reference}/{key}", "--eml"], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    letter = room.get(f"/v1/batches/{reference}/letters/{key}").json
    assert hashlib.sha256(run.stdout).hexdigest() == letter["sha256"]
    assert len(run.stdout) == letter["size_bytes"], letter
    return run.stdout


def trace_of(head):
    """The fields in it, by lower-case names; it has nothing else."""
    fields = re.findall(r"([A-Za-z-]+):((?:.*\n)(?:[ \t].*\n)*)",
                        head.decode())
    assert "".join(f"{name}:{value}" for name, value in fields) == \
        head.decode(), head
    return [(name.lower(), value.strip()) for name, value in fields]


def take_apart(relay, raw, letters):
    """Whose letter it is that was delivered, and to whom."""
    assert b"\r" not in raw, "a lone CR in what was delivered"
    found = [key for key, bytes_ in letters.items() if raw.endswith(bytes_)]
    assert len(found) == 1, (found, raw[:3000])
    trace = trace_of(raw[:-len(letters[found[0]])])
    assert {name for name, _ in trace} <= TRACE, trace
    to = [value for name, value in trace if name == relay["field"].lower()]
    assert len(to) == 1, trace
    return found[0], to[0]


def delivered(relay):
    return set(pathlib.Path(relay["box"]).glob("new/*"))


def check_delivered(room, relay, reference, mark, before):
    """Against what the store says of each address."""
    expected = collections.Counter()
    for key, letter in room.letters(reference).items():
        for address in letter["addresses"]:
            kind = address["address"].split("@")[0]
            assert address["state"] == \
                ("failed" if kind == "refused" else "sent"), letter
            if kind != "refused":
                expected[key, address["address"]] += 1
    asked = {(key, one) for key, _, to, cc in rows(mark) for one in to + cc
             if not one.startswith("refused")}
    assert set(expected) == asked, expected
    total = sum(expected.values())
    arrived = wait_for("delivery", lambda: len(
        found := delivered(relay) - before) >= total and found)
    letters = {key: stored(room, reference, key).replace(b"\r\n", b"\n")
               for key, _ in expected}
    assert len(set(letters.values())) == len(letters)
    got = collections.Counter(take_apart(relay, path.read_bytes(), letters)
                              for path in arrived)
    assert got == expected, (got - expected, expected - got)


def send_batch(room, relay, reference, letter, mark, put_off):
    before = delivered(relay)
    room.enqueue(reference, table(mark), letter)
    room.wait_letters(reference, queued=0, claimed=0, dot=0)
    check_delivered(room, relay, reference, mark, before)
    for one in room.letters(reference).values():
        if put_off and "busy@" in json.dumps(one["addresses"]):
            assert one["attempt"] > 1, one
    print(f"  {relay['name']}: {reference} in order", flush=True)


def too_large(room, relay):
    """It goes nowhere, and the relay's limit is named; what comes after it
    goes."""
    before = delivered(relay)
    room.enqueue("HUGE", table("H").splitlines()[0] +
                 "\nBIG,en,minister@us.members.example,,Big\n", HUGE)
    room.wait_letters("HUGE", failed=1)
    said = room.get("/v1/batches/HUGE/letters/BIG").json
    assert "1000000 bytes" in json.dumps(said), said
    assert delivered(relay) == before


def ways_in(relay):
    """Every login over STARTTLS or implicit TLS, and each at least once."""
    tls = ["starttls", "implicit"]
    for i, auth in enumerate(relay["auth"]):
        yield tls[i % 2], auth


def relay_conf(facts, relay, tls, auth, secret):
    return {"name": relay["name"], "host": "localhost", "port": relay[tls],
            "tls": tls, "ca_file": facts["ca_file"], "auth": auth,
            "user": facts["user"], "password": str(secret), "connections": 3}


def through(facts, relay, root):
    secret = root / f"password-{relay['name']}"
    secret.write_text(facts["password"])
    secret.chmod(0o600)
    for number, (tls, auth) in enumerate(ways_in(relay)):
        conf = relay_conf(facts, relay, tls, auth, secret)
        with Room([conf], conf={"sending": {"retry": ["1s"]}}) as room:
            room.start()
            # Whoever is put off is so the first time alone.
            send_batch(room, relay, f"DM-{tls}-{auth}",
                       PLAIN if number else LETTER, f"N{number}",
                       number == 0)
            if number == 0:
                too_large(room, relay)
            assert room.stop() == 0, room.log()


def told(facts, relay, tls, **changes):
    options = {"host": "localhost", "port": relay[tls], "tls": tls,
               "ca": facts["ca_file"], "auth": "any", "user": facts["user"],
               "password": facts["password"], "connect_ms": 20000,
               "command_ms": 20000, "data_ms": 20000, "dot_ms": 20000,
               "attempt_ms": 60000, **changes}
    run = subprocess.run(
        [SEND, *(f"{name}={value}" for name, value in options.items()),
         "minister@de.members.example"], capture_output=True, text=True,
        timeout=120, check=True)
    return run.stdout


# What we say up to the login may look like this, and like nothing else.
OPENING = re.compile(r"C: (EHLO [a-z0-9.-]+|STARTTLS|AUTH [A-Z0-9-]+( \*\*\*)?|"
                     r"\*\*\*|QUIT)")


def forms_of(secret):
    """As it stands, and as it is in the middle of something in base64."""
    yield secret.encode()
    for before in range(3):
        whole = base64.b64encode(b"x" * before + secret.encode())
        # Of these characters no other byte has a part.
        yield whole[(before * 8 + 5) // 6:(before + len(secret)) * 8 // 6]


def nowhere(secret, places):
    for form in forms_of(secret):
        assert len(form) > 8, form
        for text in places:
            assert form not in text, (form, text[:300])


def opening_of(room, reference):
    answer = harness.ask(
        room.control_socket, "GET",
        f"/v1/batches/{reference}/letters/A/transcript")
    assert answer.status == 200, answer.body
    opening = answer.json["opening"]
    for line in opening:
        assert line.startswith("S: ") or OPENING.fullmatch(line), opening
    shown = subprocess.run(
        [BUILD / "chancery", "--socket-dir", room.root, "show",
         f"{reference}/A", "--transcript"], capture_output=True, text=True,
        check=True).stdout
    assert all(line[3:] in shown for line in opening), shown
    return "\n".join(opening)


def no_password_is_told(facts, relay, root):
    """With every login of this relay, when it is refused, when it is good, and
    after a reload with another way to log in."""
    secret = root / f"told-{relay['name']}"
    secret.touch(0o600)
    user = facts["user"]
    one = "key,language,to,name\nA,en,minister@ec.members.example,Land\n"
    logins = [(auth, facts["password"]) for auth in relay["auth"]]
    logins += [(auth, mailhost.token(user)) for auth in relay["tokens"]]
    confs = [relay_conf(facts, relay, "starttls", auth, secret)
             for auth, _ in logins]
    wrong = "no such secret here"
    with Room([confs[0]], conf={"sending": {"retry": ["1s"]}}) as room:
        secret.write_text(wrong)
        room.start()
        room.enqueue("BAD", one, PLAIN)
        room.wait_event("alarm.auth")
        for i, (auth, password) in enumerate(logins):
            secret.write_text(password + "\n")
            room.configure([confs[i]], sending={"retry": ["1s"]})
            room.signal(signal.SIGHUP)
            room.wait_notified("READY=1")
            room.enqueue(f"T-{i}", one, PLAIN)
            room.wait_letters(f"T-{i}", sent=1)
            assert f"C: AUTH {auth.upper()}" in opening_of(room, f"T-{i}")
        places = [room.get(target).body for target in (
            "/v1/status", "/v1/events?limit=1000", "/metrics")]
        assert room.stop() == 0, room.log()
        places += [path.read_bytes() for path in room.state.rglob("*")
                   if path.is_file()]
        places.append(room.log().encode())
        for password in {wrong, *(password for _, password in logins)}:
            nowhere(password, places)


def refused_ways_in(facts, relay):
    """A name that is not the certificate's, and a wrong password."""
    before = delivered(relay)
    for tls in ("starttls", "implicit"):
        said = told(facts, relay, tls, host="127.0.0.1")
        assert said.startswith("fault tls 0 ") and "mismatch" in said, said
        said = told(facts, relay, tls, ca="/etc/ssl/certs/ca-certificates.crt")
        assert said.startswith("fault tls 0 "), said
    for auth in relay["auth"]:
        said = told(facts, relay, "starttls", auth=auth, password="wrong")
        assert said.startswith("fault auth 535 "), said
    said = told(facts, relay, "starttls", auth="none")
    assert not re.search("(?m)^(sent|dot|in-doubt)", said), said
    assert delivered(relay) == before


def one_relay(facts, relay, root):
    refused_ways_in(facts, relay)
    no_password_is_told(facts, relay, root)
    through(facts, relay, root)
    return relay["name"]


def inside():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        with harness.mail_servers(root, "relays.py") as facts:
            wanted = [relay for relay in facts["relays"] if not sys.argv[2:]
                      or relay["name"] in sys.argv[2:]]
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                for name in pool.map(
                        lambda relay: one_relay(facts, relay, root), wanted):
                    print(f"ok: {name}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:2] == ["inside"]
             else harness.among_servers(__file__))
