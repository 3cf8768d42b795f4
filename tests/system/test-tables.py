#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables in all their forms through chancery-import: the same table gives the
same letters, faults have their places, hostile workbooks are refused, and
several tables are one."""
import datetime
import pathlib
import sys
import tempfile
import zipfile

import importer
import tables

TEXT = ("Subject: Session, {{name}}\n\nDear {{name}},\n\nby {{day | date}} at "
        "{{time}}: {{number}}, {{share}}.{{#remark}}\n\n{{remark}}{{/remark}}"
        "\n")
HEAD = ["key", "language", "to", "cc", "name", "day", "time", "number",
        "share", "flag", "remark"]
ROWS = [HEAD] + [
    ["FRA", "fr", "m@fra.example; n@fra.example", "c@fra.example",
     'France, dite "la"', datetime.date(2026, 12, 7),
     datetime.time(9, 30), 0.1, tables.Percent(0.125), True,
     "two\nlines"],
    ["CIV", "fr", "Ministère <m@civ.example>", "", "Côte d’Ivoire",
     datetime.date(1999, 1, 31), datetime.time(23, 59, 59), 1276,
     tables.Percent(1), False, "=HYPERLINK(1)"],
    ["CHN", "zh", "m@chn.example", "", "中国", datetime.date(2028, 2, 29),
     datetime.time(0, 0), -7.25, tables.Percent(0.07), True,
     "a  b <&> _x0041_"],
    ["ARE", "ar", "m@are.example", "", "الإمارات",
     datetime.date(1904, 1, 2), datetime.time(12, 0), 123456789012345,
     tables.Percent(0.333), True, ""],
]
PLAIN = [["key", "to", "name"], ["A", "a@b.example", "N"]]


def put(upload, table, name="m.csv", text="Subject: S\n\nDear {{name}},\n"):
    upload.put("letter/letter.conf", "")
    upload.put("letter/en.md", text)
    upload.put("recipients/" + name, table)


def fields_of(letter):
    parts = letter["fields"].decode().split("\0")
    return dict(zip(parts[::2], parts[1::2]))


def row_of(letter):
    return (letter["key"], letter["name"], letter["language"],
            letter["fields"], [(a["role"], a["address"])
                               for a in letter["addresses"]])


def escaped(rows):
    """As XLSX writes what looks like one of its own escapes."""
    return [[cell.replace("_x0041_", "_x005F_x0041_")
             if isinstance(cell, str) else cell for cell in row]
            for row in rows]


def same_letters(upload):
    """In each form, and as LibreOffice and Excel count days."""
    seen = {}
    made = {form: tables.make(form, escaped(ROWS) if form == "xlsx"
                              else ROWS) for form in tables.FORMS}
    made["1904.xlsx"] = tables.xlsx(escaped(ROWS), since_1904=True)
    for form, table in made.items():
        put(upload, table, "m." + form, TEXT)
        letters, lines, done = importer.play(upload,
                                             recipients=["m." + form])
        assert lines == [], (form, lines)
        seen[form] = [row_of(letter) for letter in letters], done["digest"]
    for form, (rows, digest) in seen.items():
        assert rows == seen["csv"][0], (form, rows, seen["csv"][0])
        assert digest == seen["csv"][1], form
    expected = [tables.text_of(cell) for cell in ROWS[1]]
    letters = seen["csv"][0]
    assert list(fields_of({"fields": letters[0][3]}).values()) == expected
    assert [letter[0] for letter in letters] == [b"FRA", b"CIV", b"CHN",
                                                 b"ARE"]


def the_faults(upload):
    """The same faults, each where its form has it."""
    rows = [["key", "to", "name"], ["A", "a@b.example", "N"],
            ["A", "b@b.example", "N"], ["", "c@b.example", "N"],
            ["D", "m.okello@", "N"], ["E", "e@b.example", "\u202eN"],
            ["F/G", "f@b.example", "N"], ["H", "", "N"]]
    texts = [
        ("A3", 'key: "A" is there twice, on lines 2 and 3'),
        ("A4", "key: empty"),
        ("B5", 'to: no domain in "m.okello@"'),
        ("C6", "name: text direction character U+202E"),
        ("A7", 'key: "F/G" has a slash in it'),
        ("B8", "to: no address"),
    ]
    for form, name in (("xlsx", "m.xlsx"), ("ods", "m.ods")):
        put(upload, tables.make(form, rows), name)
        _, lines, done = importer.play(upload, recipients=[name])
        assert lines == [f"{name}:Members!{place}: {text}"
                         for place, text in texts], lines
        assert done["errors"] == len(texts)
    put(upload, tables.make("semicolons.csv", rows), "m.csv")
    _, lines, _ = importer.play(upload)
    places = ["3:1", "4:1", "5:3", "6:15", "7:1", "8:3"]
    assert lines == [f"m.csv:{place}: {text}" for place, (_, text)
                     in zip(places, texts)], lines


ADDRESSES = [  # ACCEPTANCE 1, 2, 10 to 12
    ("a@b.example\nx", "a line break in it"),
    ("a@b>\nRCPT TO:<x", "a line break in it"),
    ("a\u200f@b.example", "text direction character U+200F"),
    ("a", 'no "@" in "a"'),
    ("g: a@b.example;", '"g: a@b.example" is a group, not an address'),
    ("a@b.example (x)", 'a comment in parentheses in "a@b.example (x)"'),
    ("<@r.example:a@b.example>",
     '"@r.example:a@b.example" is a route through other hosts'),
    ("a@p\u0430ypal.example",
     'letters of several scripts in the domain "p\u0430ypal.example"'),
    ("l" * 65 + "@b.example", '65 bytes before the "@"; 64 are allowed'),
    ("a@" + "d." * 128 + "example",
     "a domain of 263 bytes; 255 are allowed"),
]


def addresses(upload):
    """What is refused in text is refused in a workbook."""
    rows = [["key", "to", "name"]] + [
        [f"K{i}", text, "N"] for i, (text, _) in enumerate(ADDRESSES)]
    for form, name in (("xlsx", "m.xlsx"), ("ods", "m.ods")):
        put(upload, tables.make(form, rows), name)
        _, lines, done = importer.play(upload, recipients=[name])
        assert lines == [f"{name}:Members!B{i}: to: {text}" for i, (_, text)
                         in enumerate(ADDRESSES, 2)], lines
        assert done["letters"] == 0
    for form, name in (("xlsx", "m.xlsx"), ("ods", "m.ods")):
        put(upload, tables.make(form, [["key", "to", "to", ""],
                                       ["A", "a@b.example", "x", "y"]]), name)
        _, lines, _ = importer.play(upload, recipients=[name])
        assert lines == [f'{name}:Members!C1: column 3 is called "to" like '
                         "column 2"], lines


def cell(content):
    """A sheet of a workbook whose one cell of a row is written here."""
    return {"xl/worksheets/sheet1.xml":
            '<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is>'
            "<t>key</t></is></c><c t=\"inlineStr\"><is><t>to</t></is></c>"
            '<c t="inlineStr"><is><t>name</t></is></c></row>'
            '<row r="42"><c r="A42" t="inlineStr"><is><t>A</t></is></c>'
            '<c r="B42" t="inlineStr"><is><t>a@b.example</t></is></c>'
            f"{content}</row></sheetData></worksheet>"}


def bomb(parts):
    return tables.archive(parts)


def entity(name, xml):
    return {name: '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "eeee">'
            '<!ENTITY f SYSTEM "file:///etc/passwd">]>' + xml}


def locked(data):
    """The archive with the flag of encryption set, everywhere."""
    data = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 1)
    return bytes(data)


LARGE = b"<x>" + b" " * 60_000_000 + b"</x>"
# what, file name, its bytes, options, what is said
HOSTILE = [
    ("a password (XLSX)", "m.xlsx",
     b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), {},
     ["m.xlsx: it has a password, or is in the old form .xls"]),
    ("a password (ODS)", "m.ods", tables.ods(PLAIN, parts={
        "META-INF/manifest.xml": '<m:manifest xmlns:m="m"><m:file-entry>'
        "<m:encryption-data/></m:file-entry></m:manifest>"}), {},
     ["m.ods: the workbook is encrypted"]),
    ("an encrypted archive", "m.xlsx", locked(tables.xlsx(PLAIN)), {},
     ["m.xlsx: the workbook is encrypted"]),
    ("macros (XLSM)", "m.xlsm", tables.xlsx(PLAIN, parts={
        "[Content_Types].xml": '<Types><Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/>'
        "</Types>"}), {}, ["m.xlsm: the workbook has macros"]),
    ("macros (ODS)", "m.ods", tables.ods(PLAIN, parts={
        "Basic/script-lc.xml": "<x/>"}), {},
     ["m.ods: the workbook has macros"]),
    ("a bomb (XLSX)", "m.xlsx", tables.xlsx(PLAIN, parts={
        "xl/sharedStrings.xml": LARGE}), {},
     ["m.xlsx: xl/sharedStrings.xml: unpacks to more than a sheet may"]),
    ("a bomb (ODS)", "m.ods", tables.ods(PLAIN, parts={
        "content.xml": LARGE}), {},
     ["m.ods: content.xml: unpacks to more than a sheet may"]),
    ("many parts", "m.xlsx", tables.xlsx(PLAIN, parts={
        f"x/{i}": "" for i in range(10_001)}), {},
     ["m.xlsx: the archive has too many parts"]),
    ("entities (XLSX)", "m.xlsx", tables.xlsx(PLAIN, parts=entity(
        "xl/workbook.xml", "<workbook>&e;&f;</workbook>")), {},
     ["m.xlsx: xl/workbook.xml: declares a document type, or is nested too "
      "deep"]),
    ("entities (ODS)", "m.ods", tables.ods(PLAIN, parts=entity(
        "content.xml", "<x>&e;</x>")), {},
     ["m.ods: content.xml: declares a document type, or is nested too "
      "deep"]),
    ("deep nesting", "m.ods", tables.ods(PLAIN, parts={
        "content.xml": "<x>" * 1000 + "</x>" * 1000}), {},
     ["m.ods: content.xml: declares a document type, or is nested too "
      "deep"]),
    ("no XML", "m.ods", tables.ods(PLAIN, parts={"content.xml": "<x>\n<"}),
     {}, ["m.ods: content.xml: line 2: unclosed token"]),
    ("cut short", "m.xlsx", tables.xlsx(PLAIN)[:-30], {},
     ["m.xlsx: it begins like a ZIP archive, but is none that can be read"]),
    ("another archive", "m.zip", tables.archive({"a.txt": "a"}), {},
     ["m.zip: it is an archive, but no workbook"]),
    ("no such sheet (XLSX)", "m.xlsx", tables.xlsx(PLAIN),
     {"sheet": "Others"}, ['m.xlsx: there is no sheet "Others"']),
    ("no such sheet (ODS)", "m.ods", tables.ods(PLAIN), {"sheet": "Others"},
     ['m.ods: there is no sheet "Others"']),
    ("a sheet of text", "m.csv", tables.separated(PLAIN),
     {"sheet": "Members"},
     ['m.csv: it is no workbook, but a sheet "Members" was asked for']),
    ("an error for a value", "m.xlsx", tables.xlsx(PLAIN, parts=cell(
        '<c r="C42" t="e"><f>1/0</f><v>#DIV/0!</v></c>')), {},
     ["m.xlsx:Members!C42: its formula has no value but an error"]),
    ("a formula without a value", "m.xlsx", tables.xlsx(PLAIN, parts=cell(
        '<c r="C42"><f>A1</f></c>')), {},
     ["m.xlsx:Members!C42: its formula was never computed"]),
    ("a formula without a value (ODS)", "m.ods", tables.ods(PLAIN, parts={
        "content.xml": f"<o {tables.NAMES}>" + tables.ods_table(
            "M", PLAIN).replace(tables.ods_cell("N"), '<table:table-cell '
                                'table:formula="of:=[.A1]"/>') + "</o>"}),
     {}, ["m.ods:M!C2: its formula was never computed"]),
    ("no such text", "m.xlsx", tables.xlsx(PLAIN, parts=cell(
        '<c r="C42" t="s"><v>99999</v></c>')), {},
     ["m.xlsx:Members!C42: its text is missing in the workbook"]),
    ("no date of a calendar", "m.xlsx", tables.xlsx(PLAIN, parts=cell(
        '<c r="C42" s="1"><v>-1</v></c>')), {},
     ["m.xlsx:Members!C42: it is no date of a calendar"]),
    ("control character", "m.xlsx", tables.xlsx(PLAIN, parts=cell(
        '<c r="C42" t="inlineStr"><is><t>a_x0007_b</t></is></c>')), {},
     ["m.xlsx:Members!C42: name: control character U+0007"]),
    ("a long cell", "m.xlsx", tables.xlsx(PLAIN, parts=cell(
        '<c r="C42" t="inlineStr"><is><t>' + "N" * 65_537 +
        "</t></is></c>")), {},
     ["m.xlsx:Members!C42: the cell is longer than 65536 bytes"]),
    ("a cell beside the table", "m.xlsx", tables.xlsx(PLAIN, parts=cell(
        '<c r="C42" t="b"><v>1</v></c><c r="E42"><v>1</v></c>')), {},
     ["m.xlsx:Members!D42: 5 cells, but there are 3 columns"]),
    ("a hidden row", "m.xlsx", tables.xlsx(PLAIN, parts={
        "xl/worksheets/sheet1.xml": tables.xlsx_sheet(PLAIN, []).replace(
            '<row r="2">', '<row r="2" hidden="1">').replace(
                't="s"', 't="str"').replace("<v>1</v>", "<v>to</v>").replace(
                "<v>2</v>", "<v>name</v>").replace(
                "<v>4</v>", "<v>a@b.example</v>").replace(
                "<v>5</v>", "<v>N</v>")}), {},
     ["m.xlsx:Members:2: warning: the row is hidden, perhaps by a filter, "
      "and is read all the same"]),
    ("an empty sheet", "m.ods", tables.ods([]), {},
     ["m.ods: the table is empty"]),
]


def hostile(upload):
    for what, name, data, options, expected in HOSTILE:
        put(upload, data, name)
        _, lines, _ = importer.play(upload, recipients=[name], **options)
        assert lines == expected, (what, lines)


def sheets(upload):
    """The first one, or the one that is named; rows and columns that are
    empty or repeated."""
    other = ("Notes", [["nothing", "here"]])
    for name, maker in (("m.xlsx", tables.xlsx), ("m.ods", tables.ods)):
        put(upload, maker(PLAIN, before=other), name)
        letters, lines, _ = importer.play(upload, recipients=[name],
                                          sheet="Members")
        assert [letter["key"] for letter in letters] == [b"A"], lines
        _, lines, _ = importer.play(upload, recipients=[name])
        assert lines == [f'{name}:Notes:1: there is no column called "key"',
                         f'{name}:Notes:1: there is no column called "to"']
    put(upload, tables.xlsx(PLAIN, before=other), "m.xlsx")
    upload.put("recipients/m.csv", "key,to,name\nB,b@b.example,N\n")
    letters, lines, _ = importer.play(upload, sheet="Members",
                                      recipients=["m.csv", "m.xlsx"])
    assert [letter["key"] for letter in letters] == [b"A", b"B"], lines
    content = tables.ods_table("M", PLAIN).replace(
        "<table:table-row>", '<table:table-row '
        'table:number-rows-repeated="3">').replace(
        '<table:table-row table:number-rows-repeated="3">',
        "<table:table-row>", 1)
    put(upload, tables.ods(PLAIN, parts={
        "content.xml": f"<o {tables.NAMES}>{content}</o>"}), "m.ods")
    _, lines, _ = importer.play(upload, recipients=["m.ods"])
    assert lines == ['m.ods:M!A3: key: "A" is there twice, on lines 2 and 3',
                     'm.ods:M!A4: key: "A" is there twice, on lines 2 and 4']


MEMBERS = ("key,language,to,cc,name,office,cc.mission\n"
           "FRA,fr,m@fra.example,c@fra.example,France,Minister,"
           "Mission <mm@fra.example>\n"
           "DEU,,m@deu.example,,Germany,Minister,\n")
DELEGATES = ("key;to;name;office;capacity\n"
             "KEN;d@ken.example;Kenya;Delegate;\n"
             "fra;d@fra.example, C@fra.example;France;Delegate;"
             "Head of delegation\n")


def several(upload):
    """One letter with all addresses, To before Cc, and both capacities."""
    put(upload, MEMBERS, "members.csv")
    upload.put("recipients/delegates.csv", DELEGATES)
    letters, lines, done = importer.play(
        upload, recipients=["members.csv", "delegates.csv"])
    assert lines == [] and done["letters"] == 3, lines
    assert [letter["key"] for letter in letters] == [b"DEU", b"FRA", b"KEN"]
    france = letters[1]
    assert [(a["role"], a["address"]) for a in france["addresses"]] == [
        (0, b"m@fra.example"), (0, b"d@fra.example"), (0, b"C@fra.example"),
        (1, b"mm@fra.example")], france["addresses"]
    fields = fields_of(france)
    assert "office" not in fields
    assert fields["language"] == "fr" and fields["name"] == "France"
    assert {name: value for name, value in fields.items()
            if name.endswith((".table", ".office"))} == {
        "capacities.1.table": "members", "capacities.1.office": "Minister",
        "capacities.2.table": "Head of delegation",
        "capacities.2.office": "Delegate"}
    assert fields_of(letters[0])["office"] == "Minister"
    assert fields_of(letters[2])["capacities.1.table"] == "delegates"


def several_that_differ(upload):
    put(upload, MEMBERS, "members.csv",
        "Subject: S\n\nDear {{name}}, {{office}},\n")
    upload.put("recipients/delegates.csv", DELEGATES.replace(
        "KEN;d@ken", "KEN;m@deu").replace("to;", "to;language;").replace(
        "m@deu.example;", "m@deu.example;en;").replace(
        "fra;d@fra.example, C@fra.example;", "FRA;d@fra.example;EN;"))
    _, lines, _ = importer.play(
        upload, recipients=["members.csv", "delegates.csv"])
    assert lines == [
        'delegates.csv:3: language: "fr" in members.csv:2, "EN" in '
        "delegates.csv:3",
        "delegates.csv:2: warning: to: KEN has the address m@deu.example, "
        "and so has DEU in members.csv:3"], lines
    upload.put("recipients/delegates.csv", DELEGATES)
    _, lines, _ = importer.play(
        upload, recipients=["members.csv", "delegates.csv"])
    assert lines == [
        'letter/en.md:3:16: office: the tables differ for FRA: "Minister" in '
        'members.csv:2, "Delegate" in delegates.csv:3'], lines
    put(upload, MEMBERS, "members.csv",
        "Subject: S {{^office}}none{{/office}}\n\n{{#office}}some{{/office}}\n")
    _, lines, _ = importer.play(
        upload, recipients=["members.csv", "delegates.csv"])
    assert [line.split(" the")[0] for line in lines] == [
        "letter/en.md:1:12: office:", "letter/en.md:3:1: office:"], lines
    upload.put("recipients/delegates.csv",
               DELEGATES + "KEN;e@ken.example;Kenya;Delegate;\n")
    _, lines, _ = importer.play(
        upload, recipients=["delegates.csv", "members.csv"])
    assert lines[0] == ('delegates.csv:4:1: key: "KEN" is there twice, on '
                        "lines 2 and 4"), lines


def roles_and_languages(upload):
    """Addresses by role; the second language; copies that are printed."""
    upload.put("letter/letter.conf", 'languages = ["en", "fr"];\n')
    upload.put("letter/en.md", "Subject: S\n\nDear {{name}},\n")
    upload.put("letter/fr.md", "Subject: S\n\nCher {{name}},\n")
    upload.put("recipients/m.csv",
               "key,to.minister,to.mission,cc.copy,language,"
               "second_language,name,copies_printed\n"
               "A,a@b.example,b@b.example,c@b.example,sw,fr,N,Legal office\n"
               "B,a2@b.example,,,en,fr,N,\n")
    letters, lines, done = importer.play(upload)
    assert lines == [], lines
    assert [(a["role"], a["address"]) for a in letters[0]["addresses"]] == [
        (0, b"a@b.example"), (0, b"b@b.example"), (1, b"c@b.example")]
    assert [letter["language"] for letter in letters] == [b"fr", b"en"]
    assert done["summary"] == b'{"en":1,"fr":1}'
    upload.put("recipients/m.csv",
               "key,to,cc,name,copies_printed\n"
               "A,a@b.example,c@b.example,N,Legal office; Registry\n"
               "B,a2@b.example,c@b.example,N,\n")
    _, lines, _ = importer.play(upload)
    assert lines == [
        "m.csv:2:29: copies_printed: 2 are named as receiving a copy, but 1 "
        "addresses do",
        "m.csv:3:30: copies_printed: 0 are named as receiving a copy, but 1 "
        "addresses do"], lines
    upload.put("recipients/m.csv", "key,to,capacities.1.name,capacities\n")
    _, lines, _ = importer.play(upload)
    assert [line.split(": ", 2)[2] for line in lines[:2]] == [
        f'"{name}" is what a list of several tables is called'
        for name in ("capacities.1.name", "capacities")], lines


def attachments(upload):
    """Each gets its own; they are counted, and only those used are kept."""
    put(upload, "key,to,name,attachments\n"
        "A,a@b.example,N,visa.pdf; note.pdf\nB,b@b.example,N,visa.pdf\n"
        "C,c@b.example,N,\n", text="Subject: S\n\nDear {{name}},{{#annexes}} "
        "Annexes: {{annexes}}{{/annexes}}\n")
    for name in ("visa.en.pdf", "visa.pdf", "note.pdf", "unused.pdf"):
        upload.put("attachments/" + name, b"%PDF-1.7 " + name.encode())
    worker = upload.begin()
    kept = []
    while message := worker.receive():
        name, fields = message
        if name == "import-file":
            kept.append((fields["role"], fields["name"]))
        if name == "import-problem":
            assert importer.line_of(fields).endswith(
                "attachments/unused.pdf: warning: no row of the table names "
                "this file") or fields["file"] == b"attachments/visa.pdf"
    assert worker.wait() == 0, upload.stderr()
    assert kept[2:] == [(b"attachment", b"note.pdf"),
                        (b"attachment", b"visa.en.pdf")], kept
    upload.put("recipients/m.csv",
               "key,to,name,attachments\nA,a@b.example,N,nota.pdf\n"
               "B,b@b.example,N,../passwd\n"
               "C,c@b.example,N,visa.pdf;visa.pdf\n"
               "D,d@b.example,N,ok.pdf;a\u202eb.pdf\n")
    _, lines, _ = importer.play(upload)
    assert lines == [
        "m.csv:2: attachments: nota.pdf: there is no such file",
        "m.csv:3:17: attachments: a file's name may not begin with a dot",
        "m.csv:4: attachments: visa.pdf: is there twice",
        "m.csv:5:25: attachments: text direction character U+202E"], lines


def annexes_of_another_language(upload):
    upload.put("letter/en.md", "Subject: S\n\nDear {{name}},\n")
    upload.put("letter/fr.md", "Subject: S\n\nCher {{name}},\n")
    upload.put("letter/a.en.pdf", b"%PDF-1.7")
    upload.put("letter/letter.conf", 'annexes = ["a.pdf"];\n')
    upload.put("recipients/m.csv", "key,to,name\nA,a@b.example,N\n")
    _, lines, _ = importer.play(upload)
    assert lines == ["letter/letter.conf:1: annexes: there is neither "
                     "a.fr.pdf nor a.pdf"], lines
    upload.put("letter/letter.conf", 'annexes = ["a.pdf"];\n'
               'annexes_fallback = "en";\n')
    letters, lines, _ = importer.play(upload)
    assert len(letters) == 1 and lines == [], lines
    upload.put("letter/letter.conf", 'annexes = ["a.pdf"];\n'
               'annexes_fallback = "xx";\n')
    _, lines, _ = importer.play(upload)
    assert lines[0] == ('letter/letter.conf:2: annexes_fallback: "xx" is '
                        "none of the six"), lines


def late_faults(upload):
    """Past what is held in memory, twice is still twice, wherever it is."""
    rows = [["key", "to", "name"]] + [
        [f"K{i}", f"a{i}@b.example", "N"] for i in range(30_000)]
    rows[25_000][0] = "k7"
    rows[28_000][1] = "A9@b.example"
    put(upload, tables.separated(rows))
    _, lines, done = importer.play(upload)
    assert sorted(lines) == [
        'm.csv:25001:1: key: "k7" is there twice, on lines 9 and 25001',
        "m.csv:28001:8: warning: to: K27999 has the address A9@b.example, "
        "and so has K9 on line 11"], lines
    assert done["errors"] == 1
    left = [path for path in upload.spool.iterdir()
            if path.name.startswith(".")]
    assert left == []


def main():
    for scenario in (same_letters, the_faults, addresses, hostile, sheets, several,
                     several_that_differ, roles_and_languages, attachments,
                     annexes_of_another_language, late_faults):
        with tempfile.TemporaryDirectory() as root:
            scenario(importer.Upload(pathlib.Path(root)))
        print("ok:", scenario.__name__)


if __name__ == "__main__":
    sys.exit(main())
