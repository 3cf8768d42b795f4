#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters signed by the whole mail room. A scripted server has the bytes that
`show --eml` prints. A real Postfix takes and delivers them: openssl finds each
signature good, and bad once a byte is changed; python finds the letter under
it. That part is skipped where the servers cannot be downloaded or no namespace
can be made."""
import base64
import email
import email.policy
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(os.environ["top_srcdir"])
BUILD = pathlib.Path(os.environ["top_builddir"])
sys.path.insert(0, str(TOP / "tests/system"))
sys.path.insert(0, str(TOP / "tests/peers"))
import harness
import smtp_peer
from harness import Room, wait_for

PASSWORD = "lantern"
LOGO = base64.b64decode(
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
LETTER = {
    "letter.conf": 'annexes = [ "agenda.pdf" ]; logo = "logo.gif";\n'
                   'courtesy_translation = "en";\n',
    "en.md": "Subject: Invitation\n\nDear {{name}},\n\n" +
             "I have the honour to invite you. " * 9 + "\n",
    "ar.md": "Subject: دعوة\n\nمعالي {{name}}،\n\n" +
             "يشرفني أن أدعوكم إلى الدورة الأولى. " * 9 + "\n",
    "zh.md": "Subject: 邀请\n\n{{name}}阁下：\n\n" +
             "我谨荣幸地邀请贵国出席第一届会议。" * 9 + "\n",
    "agenda.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 40,
    "logo.gif": LOGO,
}
TABLE = """key,language,to,name
AA,en,minister@aa.members.example,Aaland
BB,zh,minister@bb.members.example,贝
CC,ar,minister@cc.members.example,ج
"""
KEYS = ("AA", "BB", "CC")


def openssl(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], input=data,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)


def must(run):
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


def make_keys(root):
    """A certificate above, one for mail below it, and both as PKCS #12."""
    must(openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 9,
                 "-subj", "/CN=Lamp Office CA", "-keyout", root / "ca.key",
                 "-out", root / "ca.pem"))
    must(openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj",
                 "/CN=Registry", "-keyout", root / "key.pem", "-out",
                 root / "request"))
    (root / "extensions").write_text(
        "extendedKeyUsage = emailProtection\n"
        "subjectAltName = email:registry@secretariat.example\n")
    must(openssl("x509", "-req", "-days", 9, "-in", root / "request", "-CA",
                 root / "ca.pem", "-CAkey", root / "ca.key",
                 "-CAcreateserial", "-extfile", root / "extensions", "-out",
                 root / "cert.pem"))
    must(openssl("pkcs12", "-export", "-inkey", root / "key.pem", "-in",
                 root / "cert.pem", "-certfile", root / "ca.pem",
                 "-passout", f"pass:{PASSWORD}", "-out", root / "key.p12"))
    (root / "key.password").write_text(PASSWORD + "\n")
    for path in root.glob("key*"):
        path.chmod(0o600)


def verify(root, raw):
    return openssl("cms", "-verify", "-CAfile", root / "ca.pem", "-purpose",
                   "smimesign", "-inform", "SMIME", data=raw)


def check(root, raw, key):
    run = verify(root, raw)
    assert run.returncode == 0, (key, run.stderr.decode())
    changed = raw.replace(b"application/pdf", b"application/pdg")
    assert changed != raw and verify(root, changed).returncode != 0
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail.get_content_type() == "multipart/signed"
    assert mail.get_param("micalg") == "sha-256"
    assert mail.get_param("protocol") == "application/pkcs7-signature"
    body, signature = mail.iter_parts()
    assert signature.get_content_type() == "application/pkcs7-signature"
    assert signature.get_filename() == "smime.p7s"
    assert mail["Subject"].startswith(f"[DM-{key}] ")
    text = body.get_body(("plain",)).get_content()
    assert "I have the honour" in text, text
    annex = [part for part in body.walk()
             if part.get_content_type() == "application/pdf"]
    assert [part.get_content() for part in annex] == [LETTER["agenda.pdf"]]
    logo = [part for part in body.walk()
            if part.get_content_type() == "image/gif"]
    assert [part.get_content() for part in logo] == [LOGO]
    html = body.get_body(("related", "html")).as_string()
    assert logo[0]["Content-ID"].strip("<>") in html
    return mail


def show(room, name, code=0):
    run = subprocess.run(
        [str(BUILD / "chancery"), "--socket-dir", str(room.root), "show", name,
         "--eml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert run.returncode == code, run.stderr.decode()
    return run.stdout, run.stderr.decode()


def sent_bytes_are_shown(root):
    """Before it is sent what will be signed, then what the server has; also
    when it was put off first, and when there is no key any more; and nothing
    once an annex is another."""
    smime = {"key": str(root / "key.pem"),
             "certificate": str(root / "cert.pem")}
    later = smtp_peer.Turns(b"451 4.3.0 later\r\n", b"250 2.0.0 kept\r\n")
    with smtp_peer.Peer({"dot": later}) as peer:
        relay = {"name": "script", "host": "127.0.0.1", "port": peer.port,
                 "tls": "none"}
        with Room([relay], conf={"secretariat": {"smime": smime},
                                 "sending": {"retry": ["1s"]}}) as room:
            room.start()
            assert room.post("/v1/pause").status == 200
            room.enqueue("DM-7", TABLE, LETTER)
            unsent, said = show(room, "DM-7/AA")
            assert "not sent yet" in said and "signed" in said, said
            assert room.post("/v1/resume").status == 200
            room.wait_letters("DM-7", sent=3)
            heard = [message for session in peer.sessions
                     for message in session.messages]
            assert len(heard) == 4 and len(set(heard)) == 3
            shown = {key: show(room, f"DM-7/{key}") for key in KEYS}
            assert {raw for raw, _ in shown.values()} == set(heard)
            assert not any(said for _, said in shown.values()), shown
            for key, (raw, _) in shown.items():
                letter = room.get(f"/v1/batches/DM-7/letters/{key}").json
                assert letter["sha256"] == hashlib.sha256(raw).hexdigest()
                assert verify(root, raw).returncode == 0
            entity = unsent[unsent.index(b"Content-Type:"):]
            assert entity in shown["AA"][0]
            assert unsent[:-len(entity)] == \
                shown["AA"][0][:len(unsent) - len(entity)]
            assert room.stop() == 0, room.log()
            room.configure([relay])
            room.start()
            assert show(room, "DM-7/BB") == shown["BB"]
            change_annex(room)
            raw, said = show(room, "DM-7/BB", 70)
            assert raw == b"" and "not the bytes that it had" in said, said
            assert room.stop() == 0, room.log()


def change_annex(room):
    name = hashlib.sha256(LETTER["agenda.pdf"]).hexdigest()
    found = [path for path in room.root.rglob("*")
             if path.is_file() and name.endswith(path.name)
             and len(path.name) >= 60]
    assert len(found) == 1, found
    found[0].chmod(0o600)
    found[0].write_bytes(LETTER["agenda.pdf"].replace(b"1.7", b"1.6"))


def send(root, facts, number, smime):
    """A batch through the mail room; what was delivered, by its key."""
    secret = root / "smtp-password"
    secret.write_text(facts["password"])
    secret.chmod(0o600)
    relay = {"name": "postfix", "host": "localhost", "port": facts["smtp"],
             "tls": "starttls", "ca_file": facts["ca_file"], "auth": "plain",
             "user": facts["user"], "password": str(secret)}
    members = pathlib.Path(facts["members"])
    before = set(members.glob("new/*"))
    with Room([relay], conf={"secretariat": {"smime": smime}}) as room:
        room.start()
        room.enqueue(f"DM-{number}", TABLE, LETTER)
        room.wait_letters(f"DM-{number}", sent=3)
        arrived = wait_for("delivery", lambda: len(
            found := set(members.glob("new/*")) - before) == 3 and found)
        mails = [path.read_bytes() for path in arrived]
        for raw in mails:
            check(root, raw, number)
        # Postfix put its own fields above, and its file has LF alone.
        for key in KEYS:
            shown, said = show(room, f"DM-{number}/{key}")
            assert said == "", said
            shown = shown.replace(b"\r\n", b"\n")
            assert [raw for raw in mails if raw.endswith(shown)], shown
        assert room.stop() == 0, room.log()
    return mails


def inside():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        make_keys(root)
        with harness.mail_servers(root) as facts:
            send(root, facts, 1, {"key": str(root / "key.pem"),
                                  "certificate": str(root / "cert.pem")})
            send(root, facts, 2, {"key": str(root / "key.p12"),
                                  "password": str(root / "key.password")})
    return 0


def main():
    with tempfile.TemporaryDirectory() as folder:
        make_keys(pathlib.Path(folder))
        sent_bytes_are_shown(pathlib.Path(folder))
    return harness.among_servers(__file__)


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:] == ["inside"] else main())
