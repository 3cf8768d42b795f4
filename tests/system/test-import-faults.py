#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the acceptance list says that bad tables (numbers 1 to 15) and bad
letters (16 to 26) get, each through chancery-import as chanceryd sees it: every
error at file:line:column: field: reason, all of them at once, and no import
that is done without counting them."""
import os
import pathlib
import sys
import tempfile
import traceback

import importer

LETTER = {"letter.conf": "", "en.md": "Subject: S\n\nDear {{name}},\n"}
TABLE = "key,to,name\nFRA,a@b.example,France\n"
HEAD = "key,to,name\n"


def letter(body, **files):
    """A letter with this body; `_` in a file's name is a dot."""
    return {"letter.conf": "", "en.md": "Subject: S\n\n" + body,
            **{name.replace("_", "."): text for name, text in files.items()}}


# number, what, table, the lines expected
TABLES = [
    (1, "CR and LF in an address", HEAD + 'A,"a@b.example\r\nBcc: x",N\n',
     ["m.csv:2:15: to: a line break in it"]),
    (1, "control character in a name", HEAD + "A,a@b.example,N\x1b[2J\n",
     ["m.csv:2:16: name: control character U+001B"]),
    (1, "LF in a key", HEAD + '"A\nB",a@b.example,N\n',
     ["m.csv:2:3: key: a line break in it"]),
    (2, "an SMTP command", HEAD + 'A,"a@b>\r\nRCPT TO:<x",N\n',
     ["m.csv:2:8: to: a line break in it"]),
    (3, "NUL", HEAD + "A,a@b.example,N\0N\n", ["m.csv:2:16: a NUL byte"]),
    (4, "invalid UTF-8", HEAD.encode() + b"A,a@b.example,Gen\xe8ve\n",
     ["m.csv:2:18: byte 0xE8 is not UTF-8"]),
    (5, "UTF-8 with a mark", "\ufeff" + TABLE, []),
    (5, "UTF-16 with a mark", ("\ufeff" + TABLE).encode("utf-16-le"), []),
    (5, "UTF-16 without one", TABLE.encode("utf-16-le"),
     ["m.csv:1:2: a NUL byte"]),
    (6, "unclosed quote", HEAD + 'A,a@b.example,"N\nB,b@b.example,N\n',
     ["m.csv:2:15: the quote that opens here is never closed"]),
    (7, "too few fields", HEAD + "A,a@b.example\n",
     ["m.csv:2: 2 cells, but there are 3 columns"]),
    (7, "too many fields", HEAD + "A,a@b.example,N,x\n",
     ["m.csv:2:17: 4 cells, but there are 3 columns"]),
    (8, "duplicate column", "key,to,name,to\nA,a@b.example,N,x\n",
     ['m.csv:1:13: column 4 is called "to" like column 2']),
    (8, "missing columns", "name\nN\n",
     ['m.csv:1: there is no column called "key"',
      'm.csv:1: there is no column called "to"']),
    (9, "a ministry twice", HEAD + "A,a@b.example,N\nA,b@b.example,N\n",
     ['m.csv:3:1: key: "A" is there twice, on lines 2 and 3']),
    (9, "an address for two", HEAD + "A,a@b.example,N\nB,a@b.example,N\n",
     ["m.csv:3:3: warning: to: B has the address a@b.example, and so has A "
      "on line 2"]),
    (10, "empty address", HEAD + "A,,N\n", ["m.csv:2:3: to: no address"]),
    (10, "malformed addresses",
     HEAD + "A,a,N\nB,@b.example,N\nC,m.okello@,N\nD,a b@c.example,N\n"
     "E,a@b@c.example,N\nF,a..b@c.example,N\nG,a@b,N\n",
     ['m.csv:2:3: to: no "@" in "a"',
      'm.csv:3:3: to: nothing before the "@"',
      'm.csv:4:3: to: no domain in "m.okello@"',
      'm.csv:5:3: to: " " may not stand in "a b"',
      'm.csv:6:3: to: two "@" in "a@b@c.example"',
      'm.csv:7:3: to: a dot at the edge, or two together, in "a..b"',
      'm.csv:8:3: to: the domain "b" has no dot']),
    (10, "group", HEAD + "A,g: a@b.example;,N\n",
     ['m.csv:2:3: to: "g: a@b.example" is a group, not an address']),
    (10, "comment", HEAD + "A,a@b.example (office),N\n",
     ['m.csv:2:3: to: a comment in parentheses in "a@b.example (office)"']),
    (10, "source route", HEAD + "A,<@r.example:a@b.example>,N\n",
     ['m.csv:2:3: to: "@r.example:a@b.example" is a route through other '
      "hosts"]),
    (10, "too many", HEAD + 'A,"' + ",".join(
        f"a{i}@b.example" for i in range(51)) + '",N\n',
     ["m.csv:2:3: to: more than 50 addresses"]),
    (11, "bidi override in an address", HEAD + "A,a\u202e@b.example,N\n",
     ["m.csv:2:4: to: text direction character U+202E"]),
    (11, "mixed scripts", HEAD + "A,a@p\u0430ypal.example,N\n",
     ["m.csv:2:3: to: letters of several scripts in the domain "
      '"p\u0430ypal.example"']),
    (12, "local part", HEAD + f"A,{'l' * 65}@b.example,N\n",
     ['m.csv:2:3: to: 65 bytes before the "@"; 64 are allowed']),
    (12, "domain", HEAD + f"A,a@{'d.' * 128}example,N\n",
     ["m.csv:2:3: to: a domain of 263 bytes; 255 are allowed"]),
    (12, "field", HEAD + f"A,a@b.example,{'f' * 65537}\n",
     ["m.csv:2:15: the cell is longer than 65536 bytes"]),
    (13, "formulas", HEAD + 'A,a@b.example,"=HYPERLINK(""x"")"\n'
     "B,b@b.example,@SUM(1)\nC,c@b.example,-1\nD,d@b.example,+1\n", []),
]

# number, what, files of the letter, table, the lines expected
LETTERS = [
    (16, "unknown variable", letter("Dear {{nmae}},\n"), TABLE,
     ["letter/en.md:3:6: nmae: no such field"]),
    (17, "unclosed tag", letter("Dear {{name},\n"), TABLE,
     ["letter/en.md:3:6: the tag is not closed"]),
    (17, "unclosed section", letter("{{#name}}\nDear\n"), TABLE,
     ['letter/en.md:3:1: the section "name" is not closed']),
    (18, "a tag in a value", LETTER,
     HEAD + "A,a@b.example,{{x}} {{#name}} {{> y}}\n", []),
    (19, "include outside", letter("{{> ../x}}\n{{> /etc/passwd}}\n"), TABLE,
     ["letter/en.md:3:1: {{> ../x}}: leads outside the letter's folder",
      "letter/en.md:4:1: {{> /etc/passwd}}: leads outside the letter's "
      "folder"]),
    (20, "include loop", letter("{{> a}}\n", a_md="{{> b}}\n",
                                b_md="\n{{> a}}\n"), TABLE,
     ["letter/b.md:2:1: {{> a}} includes itself"]),
    (20, "includes that double", letter(
        "{{> p0}}\n", **{f"p{i}_md": f"{{{{> p{i + 1}}}}}" * 2
                         for i in range(15)}, p15_md="x" * 1000), TABLE,
     ["letter/p15.md:1:1: the text is longer than 1048576 bytes"]),
    (20, "too many fields", letter("{{name}}" * 5000), TABLE,
     ["letter/en.md:3:32769: name: more than 4096 values in one text"]),
    (20, "too many different fields", letter(
        "".join(f"{{{{#n{i}}}}}{{{{/n{i}}}}}" for i in range(30_000))), TABLE,
     ["letter/en.md:3:17781: more than 1000 different fields"]),
    (21, "output over the limit", letter("{{name}} " * 10), HEAD +
     f"A,a@b.example,{'n' * 700}\nB,b@b.example,N\n",
     ["letter/en.md: the letter is larger than a message may be for A "
      "(m.csv:2)"]),
    (21, "message over the limit", {
        **LETTER, "letter.conf": 'annexes = ["a.pdf"];', "a.pdf": "a" * 4000},
     TABLE, ["letter/en.md: the message has 7237 bytes, 6000 may be, for FRA "
             "(m.csv:2)"]),
    (22, "required value empty", LETTER, HEAD + "A,a@b.example,\n"
     "B,b@b.example,N\n",
     ["letter/en.md:3:6: name: empty for A (m.csv:2)"]),
    (22, "required value blank", letter("Dear {{title}},\n"),
     "key,to,title\nA,a@b.example,\u00a0 \n",
     ["letter/en.md:3:6: title: empty for A (m.csv:2)"]),
    (23, "HTML in a value", LETTER,
     HEAD + "A,a@b.example,<script>alert(1)</script>\n", []),
    (24, "annexes elsewhere",
     {**LETTER, "letter.conf": 'annexes = ["../a.pdf", "/etc/passwd"];'},
     TABLE,
     ["letter/letter.conf:1: annexes: there is neither ../a.en.pdf nor "
      "../a.pdf",
      "letter/letter.conf:1: annexes: there is neither /etc/passwd.en nor "
      "/etc/passwd"]),
    (25, "CR and LF in a name", {**LETTER, "a\r\nb.pdf": "x"}, TABLE,
     ["letter/a\r\nb.pdf: control character U+000D in a file's name"]),
    (25, "bidi in a name", {**LETTER, "a\u202efdp.exe": "x"}, TABLE,
     ["letter/a\u202efdp.exe: text direction character U+202E in a file's "
      "name"]),
    (25, "backslash in a name", {**LETTER, "a\\b.pdf": "x"}, TABLE,
     ["letter/a\\b.pdf: a slash in a file's name"]),
    (26, "missing annex",
     {**LETTER, "letter.conf": 'annexes = ["a.pdf"];'}, TABLE,
     ["letter/letter.conf:1: annexes: there is neither a.en.pdf nor a.pdf"]),
]

# Faults of everything at once: number 16, 17 and 22 beside 6, 8 and 10.
ALL_AT_ONCE = (
    {"letter.conf": 'annexes = ["a.pdf"];', "en.md": "Subject: {{x\n\nx\n",
     "fr.md": "Subject: S\n\n{{#y}}\n", "es.md": "Hola\n"},
    HEAD + "A/B,a@,N\nA,a@b.example\nC,c@b.example,\tN\nD,\"x\n",
    ["letter/letter.conf:1: annexes: there is neither a.en.pdf nor a.pdf",
     "letter/letter.conf:1: annexes: there is neither a.fr.pdf nor a.pdf",
     "letter/letter.conf:1: annexes: there is neither a.es.pdf nor a.pdf",
     "letter/en.md:1:10: the tag is not closed",
     'letter/fr.md:3:1: the section "y" is not closed',
     "letter/es.md:1: the text does not begin with its subject",
     'm.csv:2:1: key: "A/B" has a slash in it',
     'm.csv:2:5: to: no domain in "a@"',
     "m.csv:3: 2 cells, but there are 3 columns",
     "m.csv:4:15: name: a tab in it",
     "m.csv:5:3: the quote that opens here is never closed"])


def importing(root, files, table, **options):
    upload = importer.Upload(root)
    for name, text in files.items():
        upload.put(f"letter/{name}", text)
    upload.put("recipients/m.csv", table)
    return importer.play(upload, **options)


def expect(what, result, expected):
    letters, lines, done = result
    assert lines == expected, f"{what}: {lines}"
    errors = [line for line in lines if ": warning: " not in line]
    assert done["errors"] == len(errors), what
    assert done["warnings"] == len(lines) - len(errors), what
    assert errors or done["letters"] == len(letters) > 0, what


def tables(root):
    for number, what, table, expected in TABLES:
        what = f"{number}: {what}"
        expect(what, importing(root / what.replace("/", ""), LETTER, table),
               expected)


def letters(root):
    for number, what, files, table, expected in LETTERS:
        what = f"{number}: {what}"
        expect(what, importing(root / what.replace("/", ""), files, table,
                               max_message_bytes=6000), expected)


def all_at_once(root):
    files, table, expected = ALL_AT_ONCE
    expect("all at once", importing(root / "all", files, table), expected)


def number_5_asks_for_the_charset(root):
    """And with it the same bytes are read."""
    upload = importer.Upload(root)
    for name, text in LETTER.items():
        upload.put(f"letter/{name}", text)
    upload.put("recipients/m.csv", (HEAD + "A,a@b.example,Gen\u00e8ve\n")
               .encode("windows-1252"))
    worker = upload.begin()
    while (message := worker.receive())[0] != "import-problem":
        pass
    assert b"--charset windows-1252" in message[1]["hint"], message
    while worker.receive():
        pass
    assert worker.wait() == 0
    letters, lines, _ = importer.play(upload, charset="windows-1252")
    assert lines == [] and letters[0]["name"].decode() == "Gen\u00e8ve"


def warnings_hide_no_error(root):
    _, lines, done = importing(root / "many", LETTER, HEAD + "".join(
        f"K{i},a@b.example,N\n" for i in range(1500)) + "Z,z@,N\n")
    assert (done["errors"], done["warnings"]) == (1, 1499)
    assert lines[-1] == 'm.csv:1502:3: to: no domain in "z@"', lines[-1]
    assert len(lines) == 501


def number_14_changed_while_read(root):
    """The import is held up by a chanceryd that does not read, in the middle
    of the table."""
    upload = importer.Upload(root)
    for name, text in LETTER.items():
        upload.put(f"letter/{name}", text)
    path = upload.put("recipients/m.csv", HEAD + "".join(
        f"K{i},k{i}@b.example,{'n' * 100}\n" for i in range(20_000)))
    worker = upload.begin()
    importer.wait_until_asleep(worker)
    with open(path, "a") as table:
        table.write("Z,z@b.example,Z\n")
    problems = []
    while message := worker.receive():
        if message[0] == "import-problem":
            problems.append(importer.line_of(message[1]))
    assert worker.wait() == 0, upload.stderr()
    assert message is None and problems == [
        "m.csv: the file was changed while it was read"], problems


def number_15_no_regular_file(root):
    for name, make in (("fifo", os.mkfifo),
                       ("device", lambda path: os.symlink("/dev/zero", path)),
                       ("folder", os.mkdir)):
        upload = importer.Upload(root / name)
        for file, text in LETTER.items():
            upload.put(f"letter/{file}", text)
        make(upload.spool / "recipients/m.csv")
        expect(f"15: {name}", importer.play(upload),
               ["m.csv: not a regular file"])


def numbers_24_to_26_files(root):
    """Links that lead out, what is no file, and what is too large."""
    upload = importer.Upload(root)
    for name, text in LETTER.items():
        upload.put(f"letter/{name}", text)
    upload.put("recipients/m.csv", TABLE)
    folder = upload.spool / "letter"
    for name, target in (("24-up.pdf", "../../x"), ("24-abs", "/etc/passwd"),
                         ("26-dangling.pdf", "nothing")):
        os.symlink(target, folder / name)
    os.mkfifo(folder / "26-fifo.pdf")
    os.truncate(upload.put("annexes/26-large.pdf", ""), 25 * 1024 * 1024 + 1)
    os.mkdir(folder / "26-folder.pdf")
    letters, lines, done = importer.play(upload)
    assert sorted(lines) == [
        "annexes/26-large.pdf: larger than 26214400 bytes",
        "letter/24-abs: leads outside its directory",
        "letter/24-up.pdf: leads outside its directory",
        "letter/26-dangling.pdf: No such file or directory",
        "letter/26-fifo.pdf: not a regular file",
        "letter/26-folder.pdf: warning: a folder inside a letter is not read",
    ], lines
    assert (letters, done["errors"]) == ([], 5)


def as_nobody(root, call):
    """Run call() in a child that is not root; only then may a file be
    unreadable. Returns its exit status."""
    if os.geteuid() == 0:
        for path in (root, *root.rglob("*")):
            os.chown(path, 65534, 65534)
    pid = os.fork()
    if pid > 0:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        call()
    except PermissionError:  # the build is where only root may look
        print("26: unreadable: nobody cannot start the program: not tried")
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


def number_26_unreadable(root):
    upload = importer.Upload(root)
    for name, text in LETTER.items():
        upload.put(f"letter/{name}", text)
    upload.put("recipients/m.csv", TABLE)
    upload.put("letter/a.pdf", "x").chmod(0)
    sys.stdout.flush()
    assert as_nobody(root, lambda: expect(
        "26: unreadable", importer.play(upload),
        ["letter/a.pdf: Permission denied"])) == 0


SCENARIOS = [tables, letters, all_at_once,
             number_5_asks_for_the_charset, warnings_hide_no_error,
             number_14_changed_while_read, number_15_no_regular_file, numbers_24_to_26_files,
             number_26_unreadable]


def main():
    for scenario in SCENARIOS:
        with tempfile.TemporaryDirectory(prefix="chancery-faults-") as root:
            scenario(pathlib.Path(root))
        print(f"ok: {scenario.__name__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
