#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery-import under its limits, with this test as chanceryd: a hundred
thousand addressees in bounded memory, a stop, an end of the channel, kills, and
a reader that does not read."""
import hashlib
import os
import pathlib
import signal
import sys
import tempfile
import time

import importer
import wire

ROWS = 5_000 if importer.UNLIMITED else 100_000
RSS_MAX_MIB = 64
LANGUAGES = ["en", "fr", "es", "ru", "zh", "ar"]
TEXT = """Subject: Session {{number}}, {{name}}

{{salutation}},

I have the honour to invite **{{name}}** ({{key}}) to the first session, to be
held on {{deadline | date}}.

- Reference: {{reference}}
- Marker: {{marker}}

{{#remark}}
> {{remark}}

{{/remark}}
Accept, {{salutation}}, the assurances of my highest consideration.
"""


def put_letter(upload, annex_bytes=20_000):
    upload.put("letter/letter.conf", 'annexes = ["agenda.pdf"];\n')
    upload.put("letter/agenda.pdf", b"%PDF-1.7 " + bytes(annex_bytes))
    for language in LANGUAGES:
        upload.put(f"letter/{language}.md", TEXT)


def row(i):
    remark = f'"See ""note"", {i}"' if i % 3 == 0 else ""
    return (f"K{i:06},{LANGUAGES[i % 6]},"
            f'"Office {i} <office{i}@k{i}.example>; second{i}@k{i}.example",'
            f"Country {i},Excellency,m{i:x}-{'x' * 400},{i + 1},{remark}\n")


def put_table(upload, rows):
    with open(upload.spool / "recipients/m.csv", "w") as table:
        table.write("key,language,to,name,salutation,marker,number,remark\n")
        table.writelines(row(i) for i in range(rows))


def check_letter(fields, i):
    values = fields["fields"].split(b"\0")
    values = dict(zip(values[::2], values[1::2]))
    assert fields["key"] == b"K%06d" % i
    assert fields["language"].decode() == LANGUAGES[i % 6]
    assert [a["address"] for a in fields["addresses"]] == [
        b"office%d@k%d.example" % (i, i), b"second%d@k%d.example" % (i, i)]
    assert values[b"marker"].startswith(b"m%x-" % i)
    assert values[b"name"] == b"Country %d" % i


def many_rows(upload):
    put_letter(upload)
    put_table(upload, ROWS)
    began = time.monotonic()
    worker = upload.begin()
    letters, files, ids = 0, [], set()
    while message := worker.receive(300):
        name, fields = message
        if name == "import-letter":
            check_letter(fields, letters)
            ids.add(hash(fields["message_id"]))
            letters += 1
        elif name == "import-file":
            files.append(fields["name"].decode())
        else:
            assert name == "import-done", (name, fields)
            done = fields
    status = worker.wait()
    seconds = time.monotonic() - began
    mib = worker.usage.ru_maxrss / 1024
    print(f"{ROWS} rows in {seconds:.1f} s, {ROWS / seconds:.0f} a second, "
          f"worker {worker.usage.ru_utime:.1f} s of CPU, {mib:.0f} MiB")
    assert status == 0, upload.stderr()
    assert letters == ROWS == done["letters"] and len(ids) == ROWS
    assert (done["errors"], done["warnings"]) == (0, 0)
    assert files == sorted(files) and len(files) == 8, files
    assert importer.UNLIMITED or mib < RSS_MAX_MIB, f"{mib} MiB"


def whole_objects(upload):
    """Every object has the bytes of its name; returns how many there are."""
    count = 0
    for path in upload.objects.glob("*/*"):
        if path.name.startswith("."):  # being written: nobody's
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert digest == path.parent.name + path.name, path
        count += 1
    return count


def spool_of(upload):
    return {str(path): path.read_bytes()
            for path in upload.spool.rglob("*") if path.is_file()}


def killed(upload):
    """Wherever it is killed, it has not said that it is done, the upload is
    as it was, and no object is half one. The same import then goes through."""
    put_letter(upload, 300_000)
    put_table(upload, 2_000)
    before = spool_of(upload)
    for letters in (0, 1, 10, 500, 1500):
        worker = upload.begin()
        taken = 0
        while taken < letters:
            name, _ = worker.receive()
            taken += name == "import-letter"
        worker.kill()
        while message := worker.receive():
            assert message[0] != "import-done"
        assert worker.wait() == -signal.SIGKILL
        whole_objects(upload)
    assert spool_of(upload) == before
    _, lines, done = importer.play(upload)
    assert (done["letters"], lines) == (2_000, [])
    assert whole_objects(upload) == 3  # the six texts are one object


def told_to_stop(upload):
    put_letter(upload)
    put_table(upload, 20_000)
    worker = upload.begin()
    while worker.receive()[0] != "import-letter":
        pass
    worker.send("stop")
    last = ""
    while message := worker.receive():
        last = message[0]
    assert worker.wait() == 0, upload.stderr()
    assert last != "import-done"


def stopped_before(upload):
    worker = wire.Worker(importer.PROGRAM, str(upload.root / "stderr"))
    worker.send("stop")
    assert worker.receive() is None
    assert worker.wait() == 0, upload.stderr()


def channel_closed(upload):
    """chanceryd has died: before the start there is nothing to say, later the
    import has failed and may be tried again."""
    worker = wire.Worker(importer.PROGRAM, str(upload.root / "stderr"))
    worker.close()
    assert worker.wait() == 0, upload.stderr()
    assert upload.stderr() == ""
    put_letter(upload)
    put_table(upload, 20_000)
    worker = upload.begin()
    while worker.receive()[0] != "import-letter":
        pass
    worker.close()
    assert worker.wait() == os.EX_TEMPFAIL, upload.stderr()
    assert upload.stderr().startswith("chancery-import: ")


def not_for_us(upload):
    for bytes_sent in (wire.frame(wire.NUMBERS["stop"], b"", version=9),
                       wire.frame(200, b""), b"\xff\xff\xff\xff",
                       wire.encode("send-go", {}),
                       wire.frame(wire.NUMBERS["import-start"], b"\1")):
        worker = wire.Worker(importer.PROGRAM, str(upload.root / "stderr"))
        worker.channel.sendall(bytes_sent)
        assert worker.receive() is None
        assert worker.wait() == os.EX_PROTOCOL, bytes_sent
    # Without a channel it is no program of ours to start.
    status = os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(
        importer.PROGRAM, [importer.PROGRAM], os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 3, "/dev/null", os.O_RDWR, 0),
            (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_RDWR, 0)]), 0)[1])
    assert status == os.EX_USAGE


def objects_cannot_be_written(upload):
    """That is not the upload's fault: the import fails and says why."""
    put_letter(upload)
    put_table(upload, 10)
    upload.objects.rmdir()
    worker = upload.begin()
    assert worker.receive() is None
    assert worker.wait() == os.EX_IOERR
    assert "objects: No such file or directory" in upload.stderr()


def nobody_reads(upload):
    """A chanceryd that is behind makes the import wait, not grow."""
    put_letter(upload)
    put_table(upload, 20_000)
    worker = upload.begin()
    importer.wait_until_asleep(worker)
    letters = 0
    while message := worker.receive():
        letters += message[0] == "import-letter"
    assert worker.wait() == 0, upload.stderr()
    assert letters == 20_000
    assert importer.UNLIMITED or worker.usage.ru_maxrss < RSS_MAX_MIB * 1024


def charsets(upload):
    """ICU's converters and its tables are at hand under the limits."""
    upload.put("letter/letter.conf", "")
    upload.put("letter/fr.md", "Subject: S\n\n{{name}} {{d | date}}\n")
    for charset, name in (("windows-1252", "Gen\xe8ve"),
                          ("Shift_JIS", "\u65e5\u672c"), ("GB18030", "\u4e2d"),
                          ("KOI8-R", "\u041c\u0438\u0440"),
                          ("UTF-16LE", "\u4e2d")):
        table = f"key,to,name,d\nA,a@b.example,{name},2026-12-01\n"
        upload.put("recipients/m.csv", table.encode(charset))
        letters, lines, done = importer.play(upload, charset=charset)
        assert lines == [] and done["errors"] == 0, (charset, lines)
        assert letters[0]["name"].decode() == name, charset


SCENARIOS = [many_rows, killed, told_to_stop, stopped_before, channel_closed,
             not_for_us, objects_cannot_be_written, nobody_reads, charsets]


def main():
    for scenario in SCENARIOS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="chancery-import-") as root:
            scenario(importer.Upload(pathlib.Path(root)))
        print(f"ok: {scenario.__name__} ({time.monotonic() - began:.1f} s)",
              flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
