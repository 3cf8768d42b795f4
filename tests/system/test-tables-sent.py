#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several tables and attachments of one addressee, from chancery enqueue to the
sink: who gets what, and the same bytes when they are composed again."""
import email
import email.policy
import pathlib
import subprocess
import tempfile

import harness
import tables

LETTER = {
    "letter.conf": 'annexes = ["agenda.pdf"];\n',
    "agenda.pdf": "%PDF-1.7 agenda",
    "en.md": "Subject: Session, {{name}}\n\n{{name}},\n\nAnnexes: {{annexes}}."
             "{{#copies}} Copy: {{copies}}.{{/copies}}\n",
}
MEMBERS = [["key", "to", "cc.mission", "name", "attachments"],
           ["FRA", "m@fra.example", "Mission <mm@fra.example>", "France",
            "visa-fra.pdf"],
           ["KEN", "m@ken.example", "", "Kenya", ""]]
DELEGATES = [["key", "to", "name", "attachments"],
             ["FRA", "d@fra.example", "", "badge.pdf; visa-fra.pdf"],
             ["JPN", "d@jpn.example", "Japan", "badge.pdf"]]


def put(folder):
    for name in ("letter", "annexes"):
        (folder / name).mkdir()
    for name, text in LETTER.items():
        (folder / "letter" / name).write_text(text)
    for name in ("visa-fra.pdf", "badge.pdf", "nobody.pdf"):
        (folder / "annexes" / name).write_bytes(b"%PDF " + name.encode())
    (folder / "members.xlsx").write_bytes(tables.xlsx(MEMBERS))
    (folder / "delegates.csv").write_bytes(tables.separated(DELEGATES, ";"))


def call(room, folder, *words, code=0):
    run = subprocess.run(
        [harness.BUILD / "chancery", "--socket-dir", room.root, *words],
        cwd=folder, capture_output=True, check=False,
        timeout=harness.TIMEOUT)
    assert run.returncode == code, (words, run.returncode, run.stderr)
    return run


def files_of(message):
    return [(part.get_filename(), part.get_content())
            for part in message.iter_attachments()]


def test_who_gets_what():
    with tempfile.TemporaryDirectory() as root, harness.Sink() as sink, \
            harness.Room([sink.relay()]) as room:
        folder = pathlib.Path(root)
        put(folder)
        room.start()
        words = ("letter", "members.xlsx", "delegates.csv", "--annex-dir",
                 "annexes")
        said = call(room, folder, "check", *words).stdout.decode()
        assert 'members.xlsx: XLSX, sheet "Members".' in said
        assert "delegates.csv: CSV, semicolons, UTF-8." in said
        assert "annexes/nobody.pdf: warning: no row of the table" in said
        call(room, folder, "enqueue", *words, "-R", "DM-1", "--yes")
        room.wait_letters("DM-1", sent=3)
        assert sorted(to for to, _ in sink.taken()) == [
            "d@fra.example", "d@jpn.example", "m@fra.example",
            "m@ken.example", "mm@fra.example"]
        expected = {
            "FRA": (["agenda.pdf", "visa-fra.pdf", "badge.pdf"],
                    "m@fra.example, d@fra.example",
                    "Mission <mm@fra.example>", "Annexes: 3. Copy: Mission."),
            "KEN": (["agenda.pdf"], "m@ken.example", None, "Annexes: 1."),
            "JPN": (["agenda.pdf", "badge.pdf"], "d@jpn.example", None,
                    "Annexes: 2."),
        }
        for key, (names, to, cc, line) in expected.items():
            # It fails where these are not the bytes that were sent.
            eml = call(room, folder, "show", f"DM-1/{key}", "--eml").stdout
            message = email.message_from_bytes(eml,
                                               policy=email.policy.default)
            found = files_of(message)
            assert [name for name, _ in found] == names, (key, found)
            assert all(data.endswith(name.encode()) for name, data in found
                       if name != "agenda.pdf"), found
            assert message["To"] == to and message["Cc"] == cc, eml
            body = message.get_body(("plain",)).get_content()
            assert line in body, body
        assert room.stop() == 0


def test_an_attachment_that_changed_holds_its_letters():
    """What was approved is what is sent: an object with other bytes is not
    taken for it (ACCEPTANCE 27)."""
    with tempfile.TemporaryDirectory() as root, harness.Sink() as sink, \
            harness.Room([sink.relay()]) as room:
        folder = pathlib.Path(root)
        put(folder)
        room.start()
        call(room, folder, "enqueue", "letter", "members.xlsx", "--annex-dir",
             "annexes", "-R", "DM-1", "--yes", "--hold")
        changed = [path for path in (room.state / "objects").rglob("*")
                   if path.is_file() and
                   path.read_bytes() == b"%PDF visa-fra.pdf"]
        assert len(changed) == 1, changed
        changed[0].chmod(0o600)
        changed[0].write_bytes(b"%PDF visa-xyz.pdf")
        call(room, folder, "release", "DM-1", "--digest",
             room.batch("DM-1")["digest"])
        room.wait_letters("DM-1", held=2)
        assert sink.taken() == []
        assert room.stop() == 0


if __name__ == "__main__":
    harness.run_all(dict(globals()))
