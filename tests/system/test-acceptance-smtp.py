#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMTP server's faults of the acceptance list, 36 to 58, against the whole
house: chanceryd, its send worker and its store, over plain text, STARTTLS and
implicit TLS. What is in the store afterwards, which alarm stands, and what the
server has heard.

test-smtp.py has the same numbers for the connection alone, with more variants.
The table at the end says which test covers which number in which way; a number
without one, plain or over TLS, is a failure. Those that are about STARTTLS or a
certificate have no plain side."""
import collections
import concurrent.futures
import contextlib
import datetime
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import harness
from harness import BUILD, Room, wait_for

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import smtp_peer  # noqa: E402
from smtp_peer import Peer, Turns  # noqa: E402

PLAIN, STARTTLS, IMPLICIT = "none", "starttls", "implicit"
ALL, TLS = (PLAIN, STARTTLS, IMPLICIT), (STARTTLS, IMPLICIT)
GONE = [b"421 4.3.2 going down\r\n", "close"]
NASTY = b"\x1b[2J\x1b]52;c;eA==\x07 \xff\xc3\x28 %n%s%9999d \xe2\x80\xae \0 \t"
# A step that is late for it is tried again; a dot is not, so that one has all
# its time but where it is waited for in vain.
SOON = {"connect_timeout": "700ms", "command_timeout": "700ms",
        "data_timeout": "700ms"}
DOT_SOON = {"dot_timeout": "700ms"}
LARGE = {**harness.LETTER, "letter.conf": 'annexes = ["a.pdf"];',
         "a.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 30000}
TITLES = {
    36: "hangs before the dot", 37: "421 before the dot",
    38: "EHLO refused", 39: "STARTTLS absent", 40: "bytes after 220",
    41: "wrong certificate", 42: "AUTH 535", 43: "AUTH not offered",
    44: "RCPT 450 and 550", 45: "all refused, DATA and dot taken",
    46: "DATA answered 250", 47: "reading stalls", 48: "close after the dot",
    49: "silence after the dot", 50: "bare 250", 51: "250- and close",
    52: "250- then 451", 53: "199, 999, 2500", 54: "dot 451 and 554",
    55: "endless or dripped reply", 56: "ESC, 8-bit, %n in a reply",
    57: "SIZE too small", 58: "4yz for five days",
}
SCENARIOS = []
Shared = collections.namedtuple("Shared", "root authority good bad secret")


def scenario(*modes):
    def add(function):
        SCENARIOS.extend((function, mode) for mode in modes or ALL)
        return function
    return add


class Stage:
    """A room, a relay that keeps to a script, and one letter between them."""

    def __init__(self, room, peer):
        self.room, self.peer = room, peer

    @property
    def letter(self):
        return self.room.letters("DM")["A"]

    @property
    def state(self):
        return self.letter["state"]

    def settled(self):
        """Something came of it: a result, or a word about the relay."""
        letter = self.letter
        if letter["state"] in ("claimed", "dot"):
            return False
        return letter["state"] != "queued" or "relay script" in \
            self.room.log() or letter["attempt"] > 0

    def expect(self, state, alarm=None, taken=0):
        """How it ended; and nothing was taken whole but what the store
        knows of."""
        wait_for("an outcome", self.settled)
        assert self.state == state, (self.state, self.room.log()[-2000:])
        if alarm:
            alarms = wait_for("an alarm",
                              lambda: self.room.status()["alarms"])
            assert [one["type"] for one in alarms] == [alarm], alarms
        assert self.room.stop() == 0, self.room.log()[-2000:]
        self.peer.settle()
        messages = [one for one in self.peer.messages if one]
        assert len(messages) == taken, messages
        return self.words()

    def words(self):
        """The commands that were heard: those under TLS begin with "*"."""
        return [line.split(" ")[0] for line in self.peer.said]


@contextlib.contextmanager
def stage(shared, mode, script, to="a@members.example", letter=None, peer=None,
          **relay):
    """The letter is on its way."""
    retry = relay.pop("retry", "1h")
    options = {"context": shared.good, **(peer or {})}
    with Peer(script, tls=None if mode == PLAIN else mode,
              **options) as server:
        conf = {"name": "script", "host": "localhost", "port": server.port,
                "tls": mode, "connections": 1,
                **({"ca_file": str(shared.authority.ca)}
                   if mode != PLAIN else {}), **relay}
        with Room([conf], conf={"sending": {"retry": [retry]}}) as room:
            room.start()
            room.enqueue("DM", f'key,language,to,name\nA,en,"{to}",Land\n',
                         letter)
            yield Stage(room, server)


def mended(s, before=0):
    """Whoever has mended the relay has the letter sent, once, and no alarm of
    it stands. `before`: whole messages that it had refused."""
    s.peer.script.clear()
    # Where the relay was tried again in the meantime, there is no need.
    assert s.room.post("/v1/batches/DM/retry").status in (200, 409)
    s.room.wait_letters("DM", sent=1)
    wait_for("no alarm", lambda: not s.room.status()["alarms"])
    s.expect("sent", taken=before + 1)
    messages = [one for one in s.peer.messages if one]
    assert len(set(messages)) == 1, "an attempt with other bytes"


def retried(name, script, modes=ALL, before=0, **relay):
    """Back in the queue with no dot told of, and sent when it is tried again."""
    def run(shared, mode):
        with stage(shared, mode, dict(script), **relay) as s:
            wait_for("an outcome", s.settled)
            assert s.state == "queued", (s.state, s.room.log()[-2000:])
            mended(s, before)
    run.__name__ = name
    scenario(*modes)(run)


def login(shared):
    """What a relay must not hear where something is wrong with TLS."""
    return {"auth": "plain", "user": smtp_peer.USER,
            "password": str(shared.secret)}


def no_mail(words):
    assert not any(word.lstrip("*") in ("MAIL", "RCPT", "DATA")
                   for word in words), words


# ---- before a letter ---------------------------------------------------------

@scenario()
def n36_hang_at_connect(shared, mode):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        full = [socket.socket() for _ in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        with stage(shared, mode, {}, port=listener.getsockname()[1],
                   host="127.0.0.1", **SOON) as s:
            s.expect("queued")
            assert "in time" in s.room.log()
        for one in full:
            one.close()


def hang(step, before_mail):
    def run(shared, mode):
        with stage(shared, mode, {step: "hang"}, **SOON) as s:
            words = s.expect("queued")
            assert "in time" in s.room.log()
            if before_mail:
                no_mail(words)
    run.__name__ = f"n36_hang_at_{step}"
    return run


for _step in ("greeting", "ehlo"):
    scenario()(hang(_step, True))
for _step in ("mail", "rcpt", "data"):
    scenario()(hang(_step, False))


for _step in ("greeting", "ehlo", "mail", "rcpt", "data"):
    retried(f"n36_hang_at_{_step}_then_sent", {_step: "hang"}, **SOON)
retried("n36_hang_at_the_handshake_then_sent", {"tls": "hang"}, TLS, **SOON)


def gone(step):
    def run(shared, mode):
        with stage(shared, mode, {step: GONE}) as s:
            s.expect("queued")
    run.__name__ = f"n37_421_at_{step}"
    return run


for _step in ("greeting", "ehlo", "mail", "rcpt", "data"):
    scenario()(gone(_step))


for _step in ("greeting", "ehlo", "mail", "rcpt", "data"):
    retried(f"n37_421_at_{_step}_then_sent", {_step: GONE})
retried("n38_ehlo_refused_then_sent", {"ehlo": b"500 5.5.1 what?\r\n"})


@scenario()
def n38_ehlo_refused(shared, mode):
    """Nor is HELO tried instead, where TLS is required or not."""
    with stage(shared, mode, {"ehlo": b"500 5.5.1 what?\r\n"}) as s:
        words = s.expect("queued")
        assert set(words) <= {"EHLO", "*EHLO"}, words


@scenario(STARTTLS)
def n39_starttls_absent(shared, mode):
    with stage(shared, mode, {"ehlo": b"250-peer.example\r\n250 AUTH PLAIN\r\n"},
               **login(shared)) as s:
        assert s.expect("queued", "alarm.tls")[:1] == ["EHLO"]
        assert set(s.words()) == {"EHLO"}, s.words()


@scenario(STARTTLS)
def n39_starttls_there_again(shared, mode):
    with stage(shared, mode, {"ehlo": b"250 peer.example\r\n"}) as s:
        s.room.wait_event("alarm.tls")
        mended(s)


@scenario(STARTTLS)
def n40_bytes_after_220(shared, mode):
    with stage(shared, mode,
               {"starttls": b"220 go\r\n250 AUTH PLAIN\r\n"},
               **login(shared)) as s:
        words = s.expect("queued", "alarm.tls")
        assert words[:2] == ["EHLO", "STARTTLS"], words
        assert set(words) == {"EHLO", "STARTTLS"}, words


@scenario(*TLS)
def n41_wrong_certificate(shared, mode):
    for context in shared.bad:
        with stage(shared, mode, {}, peer={"context": context},
                   **login(shared)) as s:
            words = s.expect("queued", "alarm.tls")
            assert set(words) == ({"EHLO", "STARTTLS"} if mode == STARTTLS
                                  else set()), words


@scenario(*TLS)
def n41_a_good_one_again(shared, mode):
    with stage(shared, mode, {}, peer={"context": shared.bad[0]}) as s:
        s.room.wait_event("alarm.tls")
        s.peer.context = shared.good
        mended(s)


def moment(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


@scenario()
def n42_a_good_password_again(shared, mode):
    """The file is read anew, and nothing else is told."""
    right = shared.root / f"right-{mode}"
    right.touch(0o600)
    right.write_text("wrong")
    with stage(shared, mode, {}, **{**login(shared),
                                    "password": str(right)}) as s:
        s.room.wait_event("alarm.auth")
        right.write_text(smtp_peer.PASSWORD)
        mended(s)


@scenario()
def n42_auth_refused(shared, mode):
    """The relay rests; one alarm, however often."""
    with stage(shared, mode, {}, auth="plain", user="registry",
               password=str(shared.secret)) as s:
        alarm = s.room.wait_event("alarm.auth")
        relay = s.room.status()["relays"][0]
        assert relay["state"] == "fault"
        assert moment(relay["next_at"]) - moment(alarm["at"]) >= 30, relay
        wait_for("another attempt", lambda: len(s.peer.sessions) > 1)
        kinds = [event["type"] for event in s.room.events()]
        assert kinds.count("alarm.auth") == 1, kinds
        no_mail(s.expect("queued", "alarm.auth"))


@scenario()
def n43_auth_not_offered(shared, mode):
    with stage(shared, mode, {}, peer={"keywords": ["PIPELINING"]},
               auth="plain", user="registry",
               password=str(shared.secret)) as s:
        words = s.expect("queued", "alarm.auth")
        no_mail(words)
        assert not any("AUTH" in word for word in words), words


# ---- up to the dot -----------------------------------------------------------

@scenario()
def n44_rcpt(shared, mode):
    with stage(shared, mode, {"rcpt": b"450 4.2.1 busy\r\n"}) as s:
        s.expect("queued")
    with stage(shared, mode, {"rcpt": b"550 5.1.1 unknown\r\n"}) as s:
        s.expect("failed")


retried("n44_rcpt_450_then_sent", {"rcpt": b"450 4.2.1 busy\r\n"})


@scenario()
def n44_one_of_each_then_sent(shared, mode):
    """Who was refused is asked again where a person wants it, and whom the letter
    has reached is not."""
    script = {"rcpt:a@members.example": b"450 4.2.1 busy\r\n",
              "rcpt:b@members.example": b"550 5.1.1 unknown\r\n"}
    with stage(shared, mode, script, ", ".join(
            f"{name}@members.example" for name in "abc")) as s:
        wait_for("an outcome", lambda: [
            one["state"] for one in s.letter["addresses"]] ==
            ["queued", "failed", "sent"])
        del script["rcpt:a@members.example"]
        path = "/v1/batches/DM/letters/A"
        assert s.room.post(f"{path}/retry").json == {
            "touched": 1, "failed": 1, "waiting": 1, "held": 0}
        wait_for("the rest", lambda: [
            one["state"] for one in s.letter["addresses"]] ==
            ["sent", "failed", "sent"])
        s.expect("failed", taken=2)
        asked = [re.search("<(.)@", line)[1] for line in s.peer.said
                 if "RCPT" in line]
        assert sorted(asked) == list("aabbc"), asked


@scenario()
def n44_rcpt_one_of_each(shared, mode):
    script = {"rcpt:a@members.example": b"450 4.2.1 busy\r\n",
              "rcpt:b@members.example": b"550 5.1.1 unknown\r\n"}
    with stage(shared, mode, script, ", ".join(
            f"{name}@members.example" for name in "abc")) as s:
        wait_for("an outcome", lambda: [
            one["state"] for one in s.letter["addresses"]] ==
            ["queued", "failed", "sent"])
        s.expect("queued", taken=1)


@scenario()
def n45_all_refused_and_taken(shared, mode):
    """354 to DATA and 250 to the dot, with nobody to send to: whatever it
    says, it has no letter."""
    with stage(shared, mode, {"rcpt": b"550 5.1.1 unknown\r\n",
                              "data": b"354 go on\r\n",
                              "dot": b"250 kept\r\n"}) as s:
        wait_for("an outcome", s.settled)
        assert s.state == "failed"
        assert s.room.stop() == 0
        s.peer.settle()
        assert not any(s.peer.messages), "a letter went out"


@scenario()
def n45_all_put_off_and_taken(shared, mode):
    """The same where each was refused for now: it is tried again."""
    with stage(shared, mode, {"rcpt": b"450 4.2.1 busy\r\n",
                              "data": b"354 go on\r\n",
                              "dot": b"250 kept\r\n"}) as s:
        wait_for("an outcome", s.settled)
        assert s.state == "queued"
        assert not any(s.peer.messages), "a letter went out"
        mended(s)


@scenario()
def n45_in_chunks(shared, mode):
    """BDAT waits for nobody's leave but ours."""
    with stage(shared, mode, {"rcpt": b"550 5.1.1 unknown\r\n",
                              "dot": b"250 kept\r\n"},
               peer={"keywords": smtp_peer.CHUNKS}) as s:
        words = s.expect("failed")
        assert not any("BDAT" in word for word in words), words


@scenario()
def n46_data_answered_250(shared, mode):
    with stage(shared, mode, {"data": [b"250 ok\r\n", "hang"]}) as s:
        s.expect("queued")
        assert not any(session.left for session in s.peer.sessions)


retried("n46_data_answered_250_then_sent",
        {"data": [b"250 ok\r\n", "hang"]})
retried("n47_reading_stalls_then_sent", {"body": "stall"}, letter=LARGE,
        peer={"small_buffers": True}, **SOON)


@scenario()
def n47_reading_stalls(shared, mode):
    with stage(shared, mode, {"body": "stall"}, letter=LARGE,
               peer={"small_buffers": True}, **SOON) as s:
        s.expect("queued")


# ---- behind the dot ----------------------------------------------------------

def doubt(shared, mode, script, kept, **relay):
    """In doubt, with what was said; and still so after a restart."""
    with stage(shared, mode, {"dot": script}, **relay) as s:
        s.expect("in_doubt", taken=1)
        s.room.start()
        letter = s.letter
        assert letter["state"] == "in_doubt" and letter["attempt"] == 1
        said = letter["addresses"][0]["reply"]
        assert re.search(kept, said) and len(said) <= 1000, said
        assert s.room.stop() == 0
        assert len(s.peer.messages) == 1, "it was sent again"


@scenario()
def n48_close_after_the_dot(shared, mode):
    doubt(shared, mode, "close", "closed")


@scenario()
def n49_silence_after_the_dot(shared, mode):
    """dot_timeout is ten minutes where nothing else is said."""
    doubt(shared, mode, "hang", "in time", **DOT_SOON)


@scenario()
def n50_bare_250(shared, mode):
    doubt(shared, mode, b"250\r\n", "^250")


@scenario()
def n51_250_dash_and_close(shared, mode):
    doubt(shared, mode, [b"250-kept as 1234\r\n", "close"], "kept as 1234")


@scenario()
def n52_250_then_451(shared, mode):
    doubt(shared, mode, b"250-kept\r\n451 4.3.0 not kept\r\n", "not kept")


@scenario()
def n53_no_such_code(shared, mode):
    for reply in (b"199 a\r\n", b"999 a\r\n", b"2500 a\r\n"):
        # What it was is kept, as far as it has a code.
        doubt(shared, mode, [reply, "hang"],
              rf"{reply[:3].decode()}0? a")


@scenario()
def n54_dot_refused(shared, mode):
    for reply, state in ((b"451 4.3.0 later\r\n", "queued"),
                         (b"554 5.6.0 never\r\n", "failed")):
        with stage(shared, mode, {"dot": reply}) as s:
            s.expect(state, taken=1)


retried("n54_dot_451_then_sent", {"dot": b"451 4.3.0 later\r\n"}, before=1)


def endless(session):
    while True:
        session.say(b"250-more\r\n" * 100)


def dripped(session):
    for byte in b"250 " + b"kept " * 1000:
        session.say(bytes([byte]))
        time.sleep(0.05)


@scenario()
def n55_endless_or_dripped(shared, mode):
    doubt(shared, mode, endless, "more")
    doubt(shared, mode, dripped, "kept|in time", **DOT_SOON)


def printable(data, more="\u202e"):
    """Nothing in it that a terminal would take for more than text."""
    return not re.search(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{more}]",
                         data.decode("utf-8"))


@scenario()
def n56_escaped_everywhere(shared, mode):
    for step, state in (("dot", "failed"), ("rcpt", "failed"),
                        ("mail", "failed")):
        with stage(shared, mode,
                   {step: b"550 5.1.1 " + NASTY + b"\r\n"}) as s:
            wait_for("an outcome", s.settled)
            room = s.room
            for target in ("/v1/batches/DM/letters", "/v1/events",
                           "/v1/batches/DM/letters/A", "/v1/status"):
                # JSON has its own escapes, and no terminal in mind.
                assert printable(room.get(target).body, ""), target
            for words in (("show", "DM/A"), ("status",), ("status", "DM"),
                          ("show", "DM/A", "--transcript"), ("events",)):
                run = subprocess.run(
                    [BUILD / "chancery", "--socket-dir", room.root, *words],
                    capture_output=True, check=True)
                assert printable(run.stdout + run.stderr), run.stdout
            s.expect(state, taken=1 if step == "dot" else 0)
            assert printable(room.stderr.read_bytes())
            assert "%n%s%9999d" in room.log()


@scenario()
def n57_size_too_small(shared, mode):
    with stage(shared, mode, {},
               peer={"keywords": ["PIPELINING", "SIZE 1000"]}) as s:
        words = s.expect("failed")
        no_mail(words)
        s.room.start()
        address = s.letter["addresses"][0]
        assert "1000 bytes" in address["reply"], address
        assert address["status"] == "5.3.4", address


@scenario()
def n58_five_days(shared, mode):
    """The first attempt was six days ago; the next refusal is the last."""
    with stage(shared, mode, {"rcpt": b"450 4.2.1 busy\r\n"},
               retry="1s") as s:
        wait_for("an outcome", s.settled)
        assert s.state == "queued" and s.room.stop() == 0
        path = s.room.state / "chancery.db"
        with contextlib.closing(sqlite3.connect(path)) as db:
            changed = db.execute("UPDATE address SET first_at_us = "
                                 "first_at_us - 6 * 86400 * 1000000").rowcount
            db.commit()
        assert changed == 1
        s.room.start()
        s.room.wait_letters("DM", failed=1)
        address = s.letter["addresses"][0]
        assert address["status"] == "4.4.7", address
        assert "too old" in s.room.log()
        s.expect("failed")


# ---- the table ---------------------------------------------------------------

def number_of(name):
    return int(re.match(r"n(\d+)_", name)[1])


def elsewhere():
    """The tests of the connection alone, by number."""
    found = collections.defaultdict(list)
    source = pathlib.Path(__file__).with_name("test-smtp.py").read_text()
    for name in re.findall(r"(?m)^def (n\d+_\w+)\(", source):
        found[number_of(name)].append(name)
    for name in re.findall(r'__name__ = f"(n\d+_\w+)_\{', source):
        found[number_of(name)].append(name)
    return found


def table(passed):
    """One line a number; those without their tests."""
    missing = []
    others = elsewhere()
    print(f"\n{'':3}{'':36}{'plain':7}{'STARTTLS':10}{'implicit':10}"
          "the connection alone")
    for number, title in TITLES.items():
        modes = passed[number]
        print(f"{number:2} {title:36}"
              f"{'yes' if PLAIN in modes else '-':7}"
              f"{'yes' if STARTTLS in modes else '-':10}"
              f"{'yes' if IMPLICIT in modes else '-':10}"
              f"{len(others[number])} in test-smtp.py")
        needs_plain = number not in (39, 40, 41)
        if not modes & set(TLS) or (needs_plain and PLAIN not in modes) or \
                (number < 58 and not others[number]):
            missing.append(number)
    return missing


def share(root):
    authority = smtp_peer.Authority(root)
    stranger = root / "stranger"
    stranger.mkdir()
    secret = root / "password"
    secret.write_text("wrong")
    secret.chmod(0o600)
    return Shared(root, authority, authority.certificate("good"), [
        authority.certificate("name", "DNS:other.example"),
        authority.certificate("canonical", "DNS:mx.localhost"),
        authority.certificate("expired", days=-1),
        smtp_peer.Authority(stranger).certificate("good")], secret)


def main():
    wanted = sys.argv[1:]
    chosen = [(function, mode) for function, mode in SCENARIOS
              if not wanted or function.__name__ in wanted]
    passed, failed = collections.defaultdict(set), []
    with tempfile.TemporaryDirectory(prefix="chancery-acc-") as folder, \
            concurrent.futures.ThreadPoolExecutor(8) as pool:
        shared = share(pathlib.Path(folder))
        runs = [pool.submit(function, shared, mode)
                for function, mode in chosen]
        for (function, mode), run in zip(chosen, runs):
            error = run.exception()
            if error:
                failed.append(number_of(function.__name__))
                print("FAILED:", function.__name__, mode, repr(error)[:2000],
                      flush=True)
            else:
                passed[number_of(function.__name__)].add(mode)
    for number in failed:
        passed[number].clear()
    missing = [] if wanted else table(passed)
    if missing:
        print("without a test that passes:", *missing)
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
