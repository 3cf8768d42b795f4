#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters signed with DKIM by the whole mail room, as a scripted server has
them: python3-dkim, which knows nothing of us but what `chanceryd -d` says is to
be published, finds each signature good, and bad once a byte is changed. The
bytes of a letter stay the same whatever becomes of the keys."""
import base64
import email
import email.policy
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(os.environ["top_srcdir"])
BUILD = pathlib.Path(os.environ["top_builddir"])
sys.path.insert(0, str(TOP / "tests/system"))
sys.path.insert(0, str(TOP / "tests/peers"))
import harness
import smtp_peer
from harness import Room

# Debian's modules are for its own python, which need not be the first one.
sys.path.append("/usr/lib/python3/dist-packages")
try:
    import dkim
    import nacl.signing  # pylint: disable=unused-import; for Ed25519
except ImportError as error:
    print(f"skipped: {error}: see etc/debian-packages")
    sys.exit(harness.SKIP)

DOMAIN = "secretariat.example"
LANGUAGES = ("en", "fr", "es", "ru", "zh", "ar")
WORDS = {
    "en": ("Invitation to the first session", "I have the honour to invite  "
           "you to a session, "),
    "fr": ("Invitation à la première session", "J'ai l'honneur de vous "
           "inviter  à une session, "),
    "es": ("Invitación al primer período de sesiones", "Tengo el honor de "
           "invitarle  a un período de sesiones, "),
    "ru": ("Приглашение на первую сессию", "Имею честь пригласить  Вас на "
           "сессию, "),
    "zh": ("第一届会议邀请", "我谨荣幸地邀请贵国出席会议，"),
    "ar": ("دعوة إلى الدورة الأولى", "يشرفني أن أدعوكم  إلى الدورة، "),
}
ANNEX = b"%PDF-1.7\n" + bytes(range(256)) * 800  # 200 KB
LETTER = {
    "letter.conf": 'annexes = [ "agenda.pdf" ];\n'
                   'courtesy_translation = "en";\n',
    "agenda.pdf": ANNEX,
    **{f"{code}.md": f"Subject: {subject}\n\n{{{{name}}}},\n\n" +
                     text * 20 + "\n\n.\n\n..a line with a dot\n"
       for code, (subject, text) in WORDS.items()},
}
TABLE = "key,language,to,cc,name\n" + "".join(
    f"{code.upper()},{code},minister@{code}.members.example,"
    f"\"Second Secretary <second@{code}.members.example>; "
    f"mission@{code}.observers.example\",Minister {code}\n"
    for code in LANGUAGES)
ONE = "key,to,cc,name\nA,a@a.example,b@b.example,Minister\n"
LETTER_OF_ONE = {"letter.conf": 'annexes = [ "agenda.pdf" ];\n',
                 "en.md": LETTER["en.md"], "agenda.pdf": ANNEX}
KEYS = [code.upper() for code in LANGUAGES]


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout


class Keys:
    """Of the secretariat, one of each kind a name."""

    def __init__(self, root):
        self.root = root

    def make(self, name):
        path = self.root / f"{name}.pem"
        kind = ["ed25519"] if name.startswith("ed") else \
            ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        openssl("genpkey", "-algorithm", *kind, "-out", path)
        path.chmod(0o600)
        return {"domain": DOMAIN, "selector": name, "key": str(path)}


def published(room):
    """What chanceryd -d prints, by name."""
    out = subprocess.run([harness.PROGRAM, "-d", "-c", str(room.conf)],
                         check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    found = {}
    for name, text in re.findall(r"^(\S+) IN TXT \(((?:\n\t\"[^\"]*\")+) \)$",
                                 out, re.M):
        strings = re.findall(r'"([^"]*)"', text)
        assert all(len(one) <= 255 for one in strings), strings
        found[name.encode()] = "".join(strings).encode()
    assert len(found) == out.count(" IN TXT "), out
    return found


def verify(raw, records):
    """Whether each signature is good, from above."""
    def txt(name, timeout=5):
        del timeout
        return records.get(name.rstrip(b".") + b".")

    found = []
    count = len(re.findall(rb"(?im)^dkim-signature:",
                           raw[:raw.index(b"\r\n\r\n")]))
    for i in range(count):
        try:
            found.append(dkim.DKIM(raw).verify(i, txt))
        except dkim.DKIMException:
            found.append(False)
    return found


def change(raw, old, new):
    assert raw.count(old) >= 1, old
    return raw.replace(old, new, 1)


def body_at(raw, number):
    return raw[:number] + bytes([raw[number] ^ 1]) + raw[number + 1:]


def check_letter(raw, records, good=(True, True)):
    """The signatures of a letter, and what may and may not be done to it."""
    none = [False] * len(good)
    assert verify(raw, records) == list(good), raw[:2000]
    body = raw.index(b"\r\n\r\n") + 4
    for spot in (body, (body + len(raw)) // 2, len(raw) - 3):
        assert verify(body_at(raw, spot), records) == none, spot
    assert verify(raw + b"more\r\n", records) == none, "something behind"
    changes = [(b"\r\nSubject: [", b"\r\nSubject: ("),
               (b"\r\nDate: ", b"\r\nDate: x"),
               (b"\r\nFrom: Registry", b"\r\nFrom: Minister"),
               (b"\r\nTo: ", b"\r\nTo: x"),
               (b"\r\nCc: ", b"\r\nCc: x"),
               (b"\r\nMessage-ID: <", b"\r\nMessage-ID: <x"),
               (b"\r\nMIME-Version: 1", b"\r\nMIME-Version: 2"),
               (b"\r\nContent-Type: multipart/", b"\r\nContent-Type: text/"),
               (b"\r\nContent-Language: ", b"\r\nContent-Language: x-")]
    for old, new in changes:
        assert verify(change(raw, old, new), records) == none, old
        # One more of it, wherever.
        name = re.match(rb"\r\n([A-Za-z-]+):", old).group(1)
        assert verify(name + b": another\r\n" + raw, records) == none, name
    for name in (b"Reply-To", b"In-Reply-To", b"References",
                 b"Content-Transfer-Encoding", b"Content-Disposition"):
        assert verify(name + b": <a@b.example>\r\n" + raw, records) == none, \
            name
    # What relays do.
    stamp = b"Received: by relay.example; now\r\nSender: a@b.example\r\n"
    assert verify(stamp + raw, records) == list(good)
    folded = change(raw, b"\r\nFrom: Registry <", b"\r\nFROM:\tRegistry\r\n  <")
    assert verify(folded + b"\r\n\r\n", records) == list(good)


def check_form(raw, selectors):
    """Fields by us: lines, tags, and no others than those that are right."""
    head = raw[:raw.index(b"\r\n\r\n")].decode("ascii")
    assert max(map(len, head.split("\r\n"))) <= 998
    fields = re.findall(r"(?s)DKIM-Signature: (.*?)\r\n(?=\S)", head + "\r\nX")
    assert [re.search(r"s=([^;]+);", f).group(1) for f in fields] == selectors
    date = email.utils.parsedate_to_datetime(
        email.message_from_bytes(raw)["Date"])
    for field in fields:
        tags = dict(re.sub(r"\s", "", tag).split("=", 1)
                    for tag in field.split(";"))
        assert list(tags) == ["v", "a", "c", "d", "s", "t", "h", "bh", "b"]
        assert tags["c"] == "relaxed/relaxed" and tags["d"] == DOMAIN
        assert int(tags["t"]) == date.timestamp(), (tags["t"], date)
        assert tags["h"].split(":").count("From") == 2, tags["h"]


def show(room, name, code=0):
    run = subprocess.run(
        [str(BUILD / "chancery"), "--socket-dir", str(room.root), "show", name,
         "--eml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert run.returncode == code, run.stderr.decode()
    return run.stdout, run.stderr.decode()


def relay_to(peer):
    return {"name": "script", "host": "127.0.0.1", "port": peer.port,
            "tls": "none", "connections": 1}


def heard(peer):
    return [message for session in peer.sessions
            for message in session.messages]


def conf(*keys, **secretariat):
    if keys:
        secretariat["dkim"] = list(keys)
    return {"secretariat": secretariat,
            "sending": {"retry": ["1s"]}}


def check_shown(room, reference, key, raw):
    assert show(room, f"{reference}/{key}") == (raw, "")
    letter = room.get(f"/v1/batches/{reference}/letters/{key}").json
    assert letter["sha256"] == hashlib.sha256(raw).hexdigest()


def in_folder(test):
    def run():
        with tempfile.TemporaryDirectory() as folder:
            test(pathlib.Path(folder))
    return run


@in_folder
def test_six_languages(root):
    """Each with an annex, a courtesy translation, long folded headers and
    lines of dots, by both keys."""
    keys = Keys(root)
    # The order of the configuration is not that of the letter.
    both = [keys.make("ed"), keys.make("rsa")]
    with smtp_peer.Peer() as peer, Room([relay_to(peer)],
                                        conf=conf(*both)) as room:
        room.start()
        records = published(room)
        room.enqueue("DM-1", TABLE, LETTER)
        room.wait_letters("DM-1", sent=6)
        messages = heard(peer)
        assert len(messages) == 6
        for raw in messages:
            check_letter(raw, records)
            check_form(raw, ["rsa", "ed"])
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            assert [part.get_content() for part in mail.walk()
                    if part.get_content_type() == "application/pdf"] == [ANNEX]
        assert {show(room, f"DM-1/{key}")[0] for key in KEYS} == set(messages)
        no_key_is_seen(room, root)
        assert room.stop() == 0, room.log()


def no_key_is_seen(room, root):
    """In no argument, environment or line of the journal."""
    secrets = [line for path in root.glob("*.pem")
               for line in path.read_bytes().split(b"\n")[1:2]]
    assert secrets
    seen = room.log().encode() + room.get("/v1/status").body
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if b"chancery-send" not in (process / "cmdline").read_bytes():
                continue
            seen += (process / "cmdline").read_bytes()
            seen += (process / "environ").read_bytes()
        except OSError:
            continue
    for secret in secrets:
        assert secret[:40] not in seen
    assert b"PRIVATE KEY" not in seen


@in_folder
def test_odd_texts(root):
    """Blank lines around a text, dots at the start of lines, spaces."""
    keys = Keys(root)
    texts = ["\n\n\n\nThe text.\n\n\n\n\n\n", ".\n\n.\n\n..\n\nFrom here\n",
             "    a  code block\n\n\n    \tof  spaces   \n", "x\n" * 2000,
             "&nbsp;\n\n\\\n\n&nbsp;\n\n&nbsp;\n",
             "A line of  many   spaces\tand tabs" * 40 + "  \n"]
    with smtp_peer.Peer() as peer, Room(
            [relay_to(peer)],
            conf=conf(keys.make("rsa"), keys.make("ed"))) as room:
        room.start()
        records = published(room)
        for number, text in enumerate(texts):
            letter = {"letter.conf": "",
                      "en.md": f"Subject: {'Long words ' * 60}\n\n{text}"}
            room.enqueue(f"DM-{number}", "key,to\nA,a@a.example\n", letter)
            room.wait_letters(f"DM-{number}", sent=1)
        for number, raw in enumerate(heard(peer)):
            assert verify(raw, records) == [True, True], texts[number]
            body = raw.index(b"\r\n\r\n") + 4
            assert verify(body_at(raw, body), records) == [False, False]
            check_shown(room, f"DM-{number}", "A", raw)
        assert number == len(texts) - 1
        assert room.stop() == 0, room.log()


@in_folder
def test_addresses_in_utf8(root):
    """To and Cc stand in the header as they are (RFC 6532), some folded."""
    keys = Keys(root)
    many = ", ".join(f"Délégué {i} <délégué{i}@bücher.example>"
                     for i in range(20))
    with smtp_peer.Peer(keywords=["SMTPUTF8"]) as peer, Room(
            [{**relay_to(peer), "smtputf8": True}],
            conf=conf(keys.make("rsa"), keys.make("ed"))) as room:
        room.start()
        records = published(room)
        room.enqueue("DM-1", f'key,name,to,cc\nA,A,外交部@例.example,"{many}"\n',
                     LETTER_OF_ONE)
        room.wait_letters("DM-1", sent=1)
        raw, = heard(peer)
        assert "délégué19@xn--bcher-kva.example".encode() in raw
        check_letter(raw, records)
        check_shown(room, "DM-1", "A", raw)
        assert room.stop() == 0, room.log()


@in_folder
def test_with_smime(root):
    """DKIM is around S/MIME: both are good, and what is shown is both."""
    keys = Keys(root)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 9,
            "-subj", "/CN=Registry", "-addext",
            "extendedKeyUsage = emailProtection", "-addext",
            f"subjectAltName = email:registry@{DOMAIN}",
            "-keyout", root / "smime.key", "-out", root / "smime.cert")
    (root / "smime.key").chmod(0o600)
    smime = {"key": str(root / "smime.key"),
             "certificate": str(root / "smime.cert")}
    rooms = []
    later = smtp_peer.Turns(put_off(rooms), b"250 2.0.0 kept\r\n")
    with smtp_peer.Peer({"dot": later}) as peer, Room(
            [relay_to(peer)], conf=conf(keys.make("rsa"), keys.make("ed"),
                                        smime=smime)) as room:
        rooms.append(room)
        room.start()
        records = published(room)
        room.post("/v1/pause")
        room.enqueue("DM-1", ONE, LETTER_OF_ONE)
        _, said = show(room, "DM-1/A")
        assert "not sent yet" in said and "signed" in said, said
        room.post("/v1/resume")
        # Both kinds of keys go before it is tried again.
        wait_put_off(room)
        for path in root.iterdir():
            path.unlink()
        room.stop()
        room.configure([relay_to(peer)], sending={"retry": ["1s"]})
        room.start()
        room.post("/v1/resume")
        room.wait_letters("DM-1", sent=1)
        first, again = heard(peer)
        assert first == again
        check_letter(first, records)
        assert email.message_from_bytes(first).get_content_type() == \
            "multipart/signed"
        run = subprocess.run(["openssl", "cms", "-verify", "-noverify",
                              "-inform", "SMIME"], input=first, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert run.returncode == 0, run.stderr
        check_shown(room, "DM-1", "A", first)
        assert room.stop() == 0, room.log()


def put_off(rooms):
    """A dot's answer for now, when the room (the first of the list by then) is
    paused already: the next attempt waits for the test."""
    return [lambda _: rooms[0].post("/v1/pause"), b"451 4.3.0 later\r\n"]


def wait_put_off(room):
    room.wait_event("letter.deferred")
    assert room.status()["state"] == "paused"


@in_folder
def test_keys_change_between_attempts(root):
    """Put off at its dot, or in doubt and sent again: the letter goes out with
    the signatures of before, whatever keys there are now; new letters have the
    new ones."""
    keys = Keys(root)
    old, new = [keys.make("rsa"), keys.make("ed")], [keys.make("rsa2")]
    rooms = []
    turns = smtp_peer.Turns(put_off(rooms), "close", b"250 2.0.0 kept\r\n")
    with smtp_peer.Peer({"dot": turns}) as peer, Room(
            [relay_to(peer)], conf=conf(*old)) as room:
        rooms.append(room)
        room.start()
        records = published(room)
        room.enqueue("DM-1", ONE, LETTER_OF_ONE)
        wait_put_off(room)
        rotate(room, root, peer, old, new)
        room.post("/v1/resume")
        room.wait_letters("DM-1", in_doubt=1)
        answer = room.post("/v1/batches/DM-1/letters/A/resolve",
                           {"as": "resend"})
        assert answer.status == 200, answer.body
        room.wait_letters("DM-1", sent=1)
        first, *others = heard(peer)
        assert others == [first, first], len(others)
        check_letter(first, records)
        check_shown(room, "DM-1", "A", first)
        room.enqueue("DM-2", ONE, LETTER_OF_ONE)
        room.wait_letters("DM-2", sent=1)
        check_form(heard(peer)[-1], ["rsa2"])
        check_letter(heard(peer)[-1], published(room), [True])
        # No key is needed any more to show what was sent.
        assert room.stop() == 0, room.log()
        room.configure([relay_to(peer)])
        room.start()
        check_shown(room, "DM-1", "A", first)
        assert room.stop() == 0, room.log()


def rotate(room, root, peer, old, new):
    """The old keys are gone, the configuration has the new one."""
    for key in old:
        (root / pathlib.Path(key["key"]).name).unlink()
    room.configure([relay_to(peer)], **conf(*new))
    room.signal(1)
    room.wait_notified("RELOADING=1")
    room.wait_notified("READY=1")


@in_folder
def test_key_comes_between_attempts(root):
    """A letter that was at its dot unsigned stays so."""
    rooms = []
    turns = smtp_peer.Turns(put_off(rooms), b"250 2.0.0 kept\r\n")
    with smtp_peer.Peer({"dot": turns}) as peer, Room(
            [relay_to(peer)], conf=conf()) as room:
        rooms.append(room)
        room.start()
        room.enqueue("DM-1", ONE, LETTER_OF_ONE)
        wait_put_off(room)
        rotate(room, root, peer, [], [Keys(root).make("ed")])
        room.post("/v1/resume")
        room.wait_letters("DM-1", sent=1)
        first, again = heard(peer)
        assert first == again and b"DKIM-Signature" not in first
        check_shown(room, "DM-1", "A", first)
        assert room.stop() == 0, room.log()


@in_folder
def test_key_is_lost(root):
    """A key that went away under a running room: letters are held and say why,
    none leaves with a part of its signatures, and once it is back they go."""
    keys = Keys(root)
    with smtp_peer.Peer() as peer, Room(
            [relay_to(peer)],
            conf=conf(keys.make("rsa"), keys.make("ed"))) as room:
        room.start()
        (root / "ed.pem").rename(root / "aside")
        room.enqueue("DM-1", ONE, LETTER_OF_ONE)
        room.wait_letters("DM-1", held=1)
        letter = room.get("/v1/batches/DM-1/letters/A").json
        assert "DKIM: key ed of secretariat.example: " in \
            letter["addresses"][0]["reply"], letter
        assert heard(peer) == []
        (root / "aside").rename(root / "ed.pem")
        answer = room.post("/v1/batches/DM-1/letters/A/retry")
        assert answer.status == 200, answer.body
        room.wait_letters("DM-1", sent=1)
        check_letter(heard(peer)[0], published(room))
        assert room.stop() == 0, room.log()


@in_folder
def test_configuration(root):
    """-t finds what is wrong and prints nothing on stdout; -d prints records
    alone there."""
    keys = Keys(root)
    key = keys.make("rsa")
    with Room(conf=conf(key, {**key, "domain": "other.example"})) as room:
        for option, records in (("-t", 0), ("-d", 2)):
            run = subprocess.run([harness.PROGRAM, option, "-c",
                                  str(room.conf)], check=False, text=True,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            assert run.returncode == 0, run.stderr
            assert run.stdout.count(" IN TXT (") == records, run.stdout
            assert ": warning: " in run.stderr and \
                "secretariat.dkim[1].domain: the letters are not from " \
                "other.example" in run.stderr, run.stderr
        public = openssl("pkey", "-in", key["key"], "-pubout", "-outform",
                         "DER")
        assert published(room)[b"rsa._domainkey.secretariat.example."] == \
            b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
        pathlib.Path(key["key"]).chmod(0o644)
        run = subprocess.run([harness.PROGRAM, "-d", "-c", str(room.conf)],
                             check=False, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        assert run.returncode == 78 and run.stdout == "", run.stdout
        assert "can be read by others (mode 644)" in run.stderr, run.stderr


if __name__ == "__main__":
    harness.run_all(globals())
