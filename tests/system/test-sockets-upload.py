#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads: what arrives in the spool, what is refused, and that nothing is
left behind. The import itself is another test's."""
import doors
from doors import Host

LETTER = [("letter", "letter.conf", b"x = 1;\n"),
          ("letter", "en.md", "Subject: Łódź\n\n\xff".encode("latin-1",
                                                           "replace"))]
TABLE = [("recipients", "members.csv", b"key,to\nFRA,a@b.example\n")]
REFERENCE = [("reference", None, b"DM-1")]


def encode(parts, boundary=b"b0undary"):
    body = b""
    for name, file, data, *extra in parts:
        body += b"--" + boundary + b"\r\nContent-Disposition: form-data; "
        body += b'name="' + name.encode() + b'"'
        if file is not None:
            file = file if isinstance(file, bytes) else file.encode()
            body += b'; filename="' + file + b'"'
            body += b"\r\nContent-Type: application/octet-stream"
        for line in extra:
            body += b"\r\n" + line
        body += b"\r\n\r\n" + data + b"\r\n"
    return body + b"--" + boundary + b"--\r\n"


TYPE = {"Content-Type": "multipart/form-data; boundary=b0undary"}


def begin(host, parts):
    """An upload whose answer is still to come."""
    connection = doors.Connection(host.control)
    connection.request("POST", "/v1/batches", encode(parts), TYPE)
    return connection


def good():
    files = LETTER + [
        ("annex", "annex-1.en.pdf", bytes(range(256)) * 1000),
        ("annex", "Ответ № 2.pdf", b""),
        ("annex", "with blanks; and 'signs'.txt", b"\r\n--b0undar\r\n--"),
    ]
    with Host() as host:
        connection = begin(host, REFERENCE + files + TABLE +
                           [("hold", None, b"1")])
        host.expect("import waits")
        assert doors.silent(connection.sock)
        spool = host.folder / "spool" / "1"
        for part, name, data in files + TABLE:
            folder = {"letter": "letter", "annex": "annexes",
                      "recipients": "recipients"}[part]
            path = spool / folder / name
            assert path.read_bytes() == data, name
            assert path.stat().st_mode & 0o777 == 0o600
        assert len(list(spool.rglob("*.*"))) == len(files + TABLE)
        host.tell("import")
        answer = doors.Answer(connection.getresponse())
        assert answer.status == 201, answer.body
        told = answer.json
        assert told["batch"]["reference"] == "DM-1"
        assert told["batch"]["state"] == "held"
        assert told["batch"]["letters"]["queued"] == 3
        assert told["batch"]["total"] == 3 and not told["dry_run"]
        assert told["batch"]["largest_bytes"] == 4711
        assert told["batch"]["languages"] == {"en": 3}
        assert "uid" in told["batch"]["enqueued_by"]
        assert (told["errors"], told["warnings"]) == (0, 1)
        assert told["problems"] == [{
            "file": "members.csv", "line": 2, "column": 7, "field": "to",
            "text": "a long name", "hint": "", "kind": "warning"}]
        connection.close()
        # The same reference twice.
        answer = host.ask("POST", "/v1/batches", encode(
            REFERENCE + LETTER + TABLE), host.control, TYPE)
        assert (answer.status, answer.code) == (409, "conflict")
        digest = told["batch"]["digest"]
        at = "/v1/batches/DM-1"
        assert host.post(at + "/release", {"digest": "00" * 32}).status == 409
        assert host.get(at).json["state"] == "held"
        assert host.post(at + "/release", {"digest": digest}).status == 200
        assert host.get(at).json["state"] == "open"


def bad_data():
    with Host() as host:
        table = [("recipients", "members.csv", b"key,to\nFRA,bad\n")]
        connection = begin(host, REFERENCE + LETTER + table)
        host.expect("import waits")
        host.tell("import")
        answer = doors.Answer(connection.getresponse())
        assert (answer.status, answer.code) == (422, "bad_data")
        assert answer.json["problems"] == [{
            "file": "members.csv", "line": 2, "column": 7, "field": "to",
            "text": 'no domain in "x@\ufffd"',
            "hint": "Write the whole address.", "kind": "error"}]
        assert answer.json["errors"] == 1
        connection.close()
        connection = begin(host, REFERENCE + LETTER + TABLE +
                           [("dry_run", None, b"1")])
        host.expect("import waits")
        host.tell("import")
        answer = doors.Answer(connection.getresponse())
        assert answer.status == 200 and answer.json["dry_run"] is True
        assert answer.json["batch"]["letters"]["queued"] == 3
        connection.close()


def refused():
    """Each with its reason, and the spool is empty again."""
    whole = REFERENCE + LETTER + TABLE

    def named(name):
        return whole + [("annex", name, b"x")]

    cases = {
        "no reference": (LETTER + TABLE, 400, "reference"),
        "empty reference": ([("reference", None, b"")] + LETTER + TABLE, 400,
                            "reference"),
        "no table": (REFERENCE + LETTER, 400, "recipients"),
        "no letter.conf": (REFERENCE + LETTER[1:] + TABLE, 400,
                           "letter.conf"),
        "a table twice": (whole + [("recipients", "members.csv", b"")], 400,
                          "two files"),
        "many tables": (whole + [("recipients", f"{i}.csv", b"")
                                 for i in range(20)], 400, "more than 20"),
        "a name twice": (whole + [LETTER[0]], 400, "two files"),
        "a field twice": (whole + REFERENCE, 400, "twice"),
        "an unknown field": (whole + [("colour", None, b"red")], 400,
                             "colour"),
        "an unknown file": (whole + [("photo", "x.png", b"")], 400, "photo"),
        "a file as a field": (whole + [("deadline", "x", b"")], 400,
                              "deadline"),
        "a field as a file": (whole + [("letter", None, b"x")], 400,
                              "letter"),
        "outside": (named("../../etc/passwd"), 400, "dot"),
        "absolute": (named("/etc/passwd"), 400, "slash"),
        "backslash": (named("a\\b"), 400, "slash"),
        "dot": (named(".hidden"), 400, "dot"),
        "dots": (named(".."), 400, "dot"),
        "no name": (named(""), 400, "name"),
        "escape": (named("a\x1b[2J"), 400, "U+001B"),
        "bidi": (named("a\u202efdp.exe"), 400, "U+202E"),
        "not UTF-8": (named(b"\xff\xfe"), 400, "UTF-8"),
        "long name": (named("a" * 121), 400, "120"),
        "long field": (whole + [("deadline", None, b"x" * 1001)], 413,
                       "deadline"),
        "binary field": (whole + [("deadline", None, b"\xff")], 400,
                         "deadline"),
        "two lines": (whole + [("deadline", None, b"a\nb")], 400, "deadline"),
        "no flag": (whole + [("hold", None, b"yes")], 400, "hold"),
        "no time": (whole + [("not_before", None, b"soon")], 400,
                    "not_before"),
        "coded": (whole + [("annex", "a", b"eA==",
                            b"Content-Transfer-Encoding: base64")], 400,
                  "base64"),
        "too many": (whole + [("annex", f"{i}", b"") for i in range(1100)],
                     413, "1100"),
    }
    with Host() as host:
        for name, (parts, status, word) in cases.items():
            answer = host.ask("POST", "/v1/batches", encode(parts),
                              host.control, TYPE)
            assert answer.status == status, (name, answer.body)
            assert word in answer.json["error"]["text"], (name, answer.body)
            assert host.spool() == [], name
        body = encode(whole)
        for what, data, kind, status in (
                ("no end", body[:-20], TYPE["Content-Type"], 400),
                ("nothing", b"", TYPE["Content-Type"], 400),
                ("not multipart", body, "application/json", 415),
                ("no boundary", body, "multipart/form-data", 415),
                ("another boundary", body,
                 "multipart/form-data; boundary=zzz", 400),
                ("noise", bytes(range(256)) * 40, TYPE["Content-Type"],
                 400)):
            answer = host.ask("POST", "/v1/batches", data, host.control,
                              {"Content-Type": kind})
            assert answer.status == status, (what, answer.body)
            assert host.spool() == [], what
        assert host.get("/v1/batches").json["batches"] == []


def too_large():
    with Host("--upload=100000") as host:
        body = encode(REFERENCE + LETTER + TABLE +
                      [("annex", "a", b"x" * 200000)])
        answer = host.ask("POST", "/v1/batches", body, host.control, TYPE)
        assert (answer.status, answer.code) == (413, "too_large")
        sock = host.open(host.control)
        sock.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: c\r\nContent-Type: "
                     + TYPE["Content-Type"].encode() +
                     b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for at in range(0, len(body), 5000):
                piece = body[at:at + 5000]
                sock.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert b"HTTP/1.1 20" not in doors.rest(sock)
        sock.close()
        assert host.get("/v1/status").status == 200
        assert host.spool() == []


def gone():
    """Clients that leave in the middle, and while the import is at work."""
    body = encode(REFERENCE + LETTER + TABLE)
    with Host() as host:
        for part in (len(body) // 3, len(body) // 2, len(body) - 3):
            sock = host.open(host.control)
            sock.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: c\r\n"
                         b"Content-Type: multipart/form-data; "
                         b"boundary=b0undary\r\nContent-Length: %d\r\n\r\n" %
                         len(body) + body[:part])
            while not host.spool():
                pass
            sock.close()
            while host.spool():
                pass
        connection = begin(host, REFERENCE + LETTER + TABLE)
        host.expect("import waits")
        connection.close()
        host.tell("import")
        assert host.get("/v1/batches/DM-1").status == 200


def many():
    with Host() as host:
        waiting = []
        for i in range(2):
            waiting.append(begin(host, [("reference", None, b"DM-%d" % i)] +
                                 LETTER + TABLE))
            host.expect("import waits")
        # The room takes no more; then the door does not.
        answer = host.ask("POST", "/v1/batches", encode(
            [("reference", None, b"DM-8")] + LETTER + TABLE), host.control,
            TYPE)
        assert (answer.status, answer.code) == (429, "busy"), answer.body
        halves = []
        for _ in range(2):
            sock = host.open(host.control)
            sock.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: c\r\n"
                         b"Content-Type: multipart/form-data; boundary=xyz\r\n"
                         b"Content-Length: 1000\r\n\r\n--xyz")
            halves.append(sock)
        while len(host.spool()) < 4 + 1:  # DM-8's is the host's to remove
            pass
        answer = host.ask("POST", "/v1/batches", encode(
            [("reference", None, b"DM-9")] + LETTER + TABLE), host.control,
            TYPE)
        assert (answer.status, answer.code) == (429, "busy"), answer.body
        assert host.get("/v1/status", host.control).json[
            "imports_under_way"] == 2
        host.tell("import")
        assert doors.Answer(waiting[0].getresponse()).status == 201
        for each in halves + waiting:
            each.close()


def stopped():
    """The host ends while an upload waits."""
    host = Host()
    connection = begin(host, REFERENCE + LETTER + TABLE)
    host.expect("import waits")
    host.close()
    connection.close()


if __name__ == "__main__":
    doors.run([(name, globals()[name]) for name in (
        "good", "bad_data", "refused", "too_large", "gone", "many",
        "stopped")])
