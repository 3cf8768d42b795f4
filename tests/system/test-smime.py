#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters signed by the whole mail room, taken by a real Postfix and delivered:
openssl finds each signature good, and bad once a byte is changed; python finds
the letter under it. Skipped where the servers cannot be downloaded or no
namespace can be made."""
import base64
import email
import email.policy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(os.environ["top_srcdir"])
BUILD = pathlib.Path(os.environ["top_builddir"])
SERVERS = TOP / "tests/servers"
sys.path.insert(0, str(TOP / "tests/system"))
import harness
from harness import Room, wait_for

SKIP = 77
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


def show(room, name):
    run = subprocess.run(
        [str(BUILD / "chancery"), "--socket-dir", str(room.root), "show", name,
         "--eml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout, run.stderr.decode()


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
        # What is shown is what was signed.
        shown, said = show(room, f"DM-{number}/AA")
        assert "this is what was signed" in said, said
        head, entity = shown.split(b"Content-Type:", 1)
        entity = (b"Content-Type:" + entity).replace(b"\r\n", b"\n")
        assert [raw for raw in mails if entity in raw], shown
        assert b"Content-Language: en\r\n" in head
        assert room.stop() == 0, room.log()
    return mails


def inside():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        root.chmod(0o755)
        make_keys(root)
        process = subprocess.Popen(
            [sys.executable, SERVERS / "mailhost.py", root / "host"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            facts = json.loads(process.stdout.readline())
            send(root, facts, 1, {"key": str(root / "key.pem"),
                                  "certificate": str(root / "cert.pem")})
            send(root, facts, 2, {"key": str(root / "key.p12"),
                                  "password": str(root / "key.password")})
        finally:
            process.stdin.close()
            process.wait(60)
    return 0


def main():
    tree = BUILD / "servers"
    enter = ["sh", SERVERS / "enter.sh", tree]
    for command in (["sh", SERVERS / "fetch.sh", tree], [*enter, "true"]):
        status = subprocess.run(command, check=False).returncode
        if status == 69:
            return SKIP
        assert status == 0, command
    return subprocess.run([*enter, sys.executable, __file__, "inside"],
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:] == ["inside"] else main())
