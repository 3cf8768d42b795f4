#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery report: what became of a batch in its five forms, each read back by
somebody else's reader; a file that is whole or not there; and the report of a
real mail room in which a minister answers a reminder."""
import csv
import html.parser
import importlib.util
import io
import json
import os
import pathlib
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
import zipfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers"))
import harness  # noqa: E402
import room  # noqa: E402 (tests/peers/room.py)

BUILD = pathlib.Path(os.environ["top_builddir"]).resolve()
CHANCERY = str(BUILD / "chancery")
MAKEFILE = (BUILD / "Makefile").read_text()
PAGES = re.search(r"(?m)^PAGE_LIBS = .*pango", MAKEFILE) is not None
XLSX = re.search(r"(?m)^XLSX_LIBS = .*xlsxwriter", MAKEFILE) is not None
LANGUAGES = ("ar", "en", "es", "fr", "ru", "zh")
# A title, the clipboard, a cleared screen, text turned around, C1 controls.
HOSTILE = "\x1b]0;x\x07\x1b[2J\u202eevil\u2066\x9b2J\x7f"
FORMULA = "=cmd|'/C calc'!A0"
MARKUP = "<script>alert(1)</script> & _x0041_ \"R\u00f3sa\""
LONG = "x" * 40000
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
COLUMNS = (
    "key name addressee capacities language to cc outcome overdue sent_at "
    "smtp_reply delivered_at read_at answered_at answered_by says answer_id "
    "attachments returned_at returned_address returned_status "
    "returned_reason away_until readdressed_to followed_by").split()


def letters():
    """One letter of each kind, some of it hostile."""
    address, letter = room.address, room.Room.letter

    def sent(key):
        return address(0, "to", f"minister@{key.lower()}.example", "sent",
                       250, "2.0.0", "250 2.0.0 Ok: 4cB1")

    def other(key, state, *reply):
        return [address(0, "to", f"minister@{key.lower()}.example", state,
                        *reply)]

    made = []

    def add(key, state, addresses, **more):
        made.append(letter(len(made) + 1, "DM-1276", key, state, addresses,
                           **more))

    add("FRA", "sent", [sent("FRA")], language="fr", answered=True)
    add("EGY", "sent", [sent("EGY")], name="مصر", language="ar",
        auto_replied=True, away_until="2026-12-07")
    add("CHN", "queued", other("CHN", "queued", 450, "4.2.0",
                               "450 4.2.0 Greylisted\ncome back"))
    add("KEN", "in_doubt", other("KEN", "in_doubt"))
    add("PRT", "failed", other("PRT", "failed", 550, "5.1.1",
                               "No such user " + HOSTILE), name=HOSTILE)
    add("BRA", "sent", [sent("BRA"), address(
        1, "readdressed", "mission@bra.example", "sent", 250, "", "Ok")],
        bounced=True)
    add("GBR", "cancelled", other("GBR", "cancelled"))
    add("USA", "held", other("USA", "held"), name=FORMULA)
    add("CIV", "sent", [sent("CIV"), address(
        1, "cc", "mission@xn--fiq228c.example", "sent", 250, "", "Ok")],
        delivered=True, read=True)
    add("RUS", "sent", [sent("RUS")], language="ru", answered=True)
    add("ETH", "sent", [sent("ETH")], name="Ethiopia,\r\n\"quoted\"")
    add("EST", "sent", [sent("EST")], name=LONG, answered=True)
    add("ORG-7", "sent", [sent("ORG")], name=MARKUP)
    add("ORG-8", "sent", [sent("ORG")], name="'+1 \u2603\U0001f600")
    return made


def returns():
    told = room.returned
    return [
        told(1, "DM-1276", "BRA", "bounce_hard", status="5.1.1",
             recipient="minister@bra.example", reason="user unknown"),
        told(2, "DM-1276", "EGY", "autoreply"),
        told(3, "DM-1276", "FRA", "reply", says="acknowledgement"),
        told(4, "DM-1276", "FRA", "reply", verified=False,
             match="message_id", says="answer", attachments=2),
        told(5, "DM-1276", "RUS", "reply", says="acknowledgement"),
        told(6, "DM-1276", "CIV", "delivered"),
        told(7, "DM-1276", "CIV", "mdn"),
        told(8, "DM-1276", "ETH", "reply", verified=False,
             match="reference"),
        told(9, "DM-1277", "EST", "reply", says="question"),
        told(10, None, None, "other", verified=False, match="none")]


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="report-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="room-"))
        self.addCleanup(shutil.rmtree, self.sockets)
        self.room = room.Room(self.sockets, page=5)
        self.addCleanup(self.room.stop)
        self.room.batch("DM-1276", letters(), deadline="2020-12-18",
                        subject="First session " + HOSTILE,
                        followers=[{"reference": "DM-1277",
                                    "relation": "reminds"}])
        self.room.batch("DM-1277", [
            room.Room.letter(n + 1, "DM-1277", key, state, [room.address(
                0, "to", "m@m.example", state)])
            for n, (key, state) in enumerate([
                ("ETH", "sent"), ("EST", "sent"), ("FRA", "cancelled"),
                ("NOT-THERE", "sent")])])
        self.room.batch("A/77/12", [])
        self.room.returns = returns()

    def chancery(self, *words, code=0, limit=None, **env):
        """What it wrote to its output, as bytes."""
        def confine():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        run = subprocess.run(
            [CHANCERY, "--socket-dir", self.sockets, *map(str, words)],
            cwd=self.dir, stdin=subprocess.DEVNULL, capture_output=True,
            check=False, preexec_fn=confine if limit else None, timeout=120,
            env={**os.environ, "LC_ALL": "C.UTF-8", **env})
        self.err = run.stderr.decode()
        self.assertEqual(run.returncode, code,
                         (words, run.stdout[-500:], self.err))
        return run.stdout

    def report(self, *words, **more):
        return self.chancery("report", "DM-1276", *words, **more)

    def rows(self, *words, **more):
        """Of the CSV, by key; as they stand in the file."""
        text = self.report(*words, **more).decode()
        return {row["key"]: row for row in
                csv.DictReader(io.StringIO(text, newline=""))}

    def files(self):
        return sorted(path.name for path in self.dir.iterdir())


class Csv(Case):
    def test_cells(self):
        text = self.report().decode()
        self.assertEqual(text.split("\r\n")[0], ",".join(COLUMNS))
        rows = self.rows()
        self.assertEqual(len(rows), 14)
        self.assertEqual(
            {key: row["outcome"] for key, row in rows.items()},
            {"FRA": "answered", "EGY": "away", "CHN": "waiting",
             "KEN": "in_doubt", "PRT": "refused", "BRA": "returned",
             "GBR": "cancelled", "USA": "held", "CIV": "read",
             "RUS": "acknowledged", "ETH": "sent", "EST": "answered",
             "ORG-7": "sent", "ORG-8": "sent"})
        self.assertEqual({key for key, row in rows.items()
                          if row["overdue"] == "yes"},
                         {"EGY", "CIV", "ETH", "ORG-7", "ORG-8"})
        self.assertEqual(rows["FRA"], {**dict.fromkeys(COLUMNS, ""), **{
            "key": "FRA", "name": "France", "addressee": "FRA",
            "language": "fr", "to": "minister@fra.example",
            "outcome": "answered", "sent_at": "2026-11-24T10:02:03Z",
            "smtp_reply": "250 2.0.0 Ok: 4cB1",
            "answered_at": "2026-11-24T11:12:13Z",
            "answered_by": "someone@foreign.example", "says": "answer",
            "answer_id": "4", "attachments": "2"}})
        bra = rows["BRA"]
        self.assertEqual(
            (bra["returned_address"], bra["returned_status"],
             bra["returned_reason"], bra["returned_at"],
             bra["readdressed_to"]),
            ("minister@bra.example", "5.1.1", "user unknown",
             "2026-11-24T11:12:13Z", "mission@bra.example"))
        self.assertEqual(rows["EGY"]["away_until"], "2026-12-07")
        self.assertEqual(rows["ETH"]["followed_by"], "reminds DM-1277")
        self.assertEqual(rows["FRA"]["followed_by"], "")
        # what answers a reminder answers the letter
        self.assertEqual((rows["EST"]["answer_id"], rows["EST"]["says"]),
                         ("9", "question"))
        self.assertEqual(rows["KEN"]["smtp_reply"], "")
        self.assertEqual(rows["CIV"]["cc"], "mission@xn--fiq228c.example")

    def test_others_wrote_it(self):
        """Each value as it was, less one apostrophe where one was put."""
        rows = self.rows()
        self.assertEqual(rows["USA"]["addressee"], "'" + FORMULA)
        self.assertEqual(rows["ORG-8"]["addressee"],
                         "''+1 \u2603\U0001f600")
        for key, name in (("PRT", HOSTILE), ("EST", LONG), ("ORG-7", MARKUP),
                          ("ETH", "Ethiopia,\r\n\"quoted\"")):
            self.assertEqual(rows[key]["addressee"], name)
        self.assertEqual(rows["CHN"]["smtp_reply"],
                         "450 4.2.0 Greylisted\ncome back")

    def test_order(self):
        """As readers of a language look for them, not by bytes."""
        def names(language):
            return [row["name"] for key, row in
                    self.rows("-l", language).items()
                    if not key.startswith("ORG")]

        self.assertEqual(names("fr"), [
            "Brésil", "Chine", "Côte d’Ivoire", "Égypte", "Estonie",
            "États-Unis d’Amérique", "Éthiopie", "Fédération de Russie",
            "France", "Kenya", "Portugal",
            "Royaume-Uni de Grande-Bretagne et d’Irlande du Nord"])
        # by pinyin: ai, ai, ba, da, e, fa, ke, ke, mei, pu, zhong
        self.assertEqual([name[0] for name in names("zh")],
                         list("埃埃爱巴大俄法科肯美葡中"))
        self.assertEqual(self.rows(LC_ALL="fr_CH.UTF-8")["EGY"]["name"],
                         "Égypte")
        self.assertEqual(self.rows(LC_ALL="de_AT.UTF-8")["EGY"]["name"],
                         "Egypt")

    def test_states(self):
        self.assertEqual(set(self.rows("-s", "silent")),
                         {"EGY", "CIV", "ETH", "ORG-7", "ORG-8"})
        self.assertEqual(set(self.rows("-s", "overdue")),
                         set(self.rows("-s", "silent")))
        self.assertEqual(set(self.rows("--state", "in_doubt")), {"KEN"})
        self.report("-s", "lost", code=64)
        self.room.batches["DM-1276"]["deadline"] = None
        self.report("-s", "overdue", code=65)
        self.assertEqual(self.rows()["ETH"]["overdue"], "")

    def test_json(self):
        head, *rows = [json.loads(line) for line in
                       self.report("--json").splitlines()]
        self.assertEqual(head["counts"], {
            "addressees": 14, "sent": 9, "delivered": 1, "read": 1,
            "answered": 2, "acknowledged": 1, "returned": 1, "away": 1,
            "in_doubt": 1, "silent": 5, "overdue": 5})
        self.assertEqual(head["share_of_answers"], 2 / 14)
        self.assertEqual((head["deadline"], head["test_to"]),
                         ("2020-12-18", None))
        self.assertEqual([list(row) for row in rows], [COLUMNS] * 14)
        self.assertEqual({row["key"] for row in rows if row["overdue"]},
                         {"EGY", "CIV", "ETH", "ORG-7", "ORG-8"})
        self.report("--json", "-o", "x.csv", code=64)
        silent = self.report("--json", "-s", "silent").splitlines()
        self.assertEqual(json.loads(silent[0])["counts"], head["counts"])
        self.assertEqual(len(silent), 6)

    def test_no_letter(self):
        text = self.chancery("report", "A/77/12").decode()
        self.assertEqual(text, ",".join(COLUMNS) + "\r\n")

    def test_terminal(self):
        """Nothing that a stranger wrote is a command to it."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(CHANCERY, [CHANCERY, "--socket-dir", str(self.sockets),
                                 "report", "DM-1276"],
                      {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"})
        seen = b""
        while True:
            try:
                piece = os.read(fd, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        os.close(fd)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertIn(b"FRA,France", seen)
        self.assertFalse(re.search(
            "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
            seen.decode()), seen[:500])


class Files(Case):
    def test_replaced_when_whole(self):
        report = self.dir / "report.csv"
        report.write_text("old")
        report.chmod(0o600)
        (self.dir / "link.csv").symlink_to("report.csv")
        self.report("-o", "link.csv")
        self.assertTrue((self.dir / "link.csv").is_symlink())
        self.assertEqual(report.stat().st_mode & 0o777, 0o600)
        self.assertEqual(report.read_bytes(), self.report())
        self.assertEqual(self.files(), ["link.csv", "report.csv"])
        self.assertEqual(self.report("-o", "-"), report.read_bytes())

    def test_no_room_on_the_disk(self):
        """What was there stays, and nothing half-written beside it."""
        forms = ["csv", "html"] + ["xlsx"] * XLSX + ["pdf"] * PAGES
        for form in forms:
            path = self.dir / f"report.{form}"
            path.write_text("old")
            self.report("-o", path, code=74, limit=1024)
            self.assertEqual(path.read_text(), "old", form)
            self.assertEqual(self.files(), [path.name])
            path.unlink()
            self.report("-o", path, code=74, limit=1024)
            self.assertEqual(self.files(), [])
        self.report("-o", "/dev/full", "-f", "csv", code=74)

    @unittest.skipUnless(XLSX, "no workbooks in this build")
    def test_no_room_for_what_is_temporary(self):
        """A workbook's rows lie in a file of the library's that it does not
        look after: the limit is past the workbook and before those."""
        self.room.batch("BIG", [
            room.Room.letter(n, "BIG", f"N-{n}", "sent", [room.address(
                0, "to", f"m{n}@n.example", "sent", 250, "2.0.0", "Ok")])
            for n in range(1, 1500)])
        self.room.page = 1000
        self.chancery("report", "BIG", "-o", "big.xlsx")
        size = (self.dir / "big.xlsx").stat().st_size
        (self.dir / "big.xlsx").unlink()
        self.chancery("report", "BIG", "-o", "big.xlsx", code=74,
                      limit=2 * size)
        self.assertEqual(self.files(), [])

    def test_mistakes(self):
        for words, code in (
                (("-o", "report.doc"), 64), (("-f", "ods"), 64),
                (("-l", "de"), 64), (("-o", "no/such/r.csv"), 73),
                (("-o", str(self.sockets), "-f", "csv"), 73)):
            self.report(*words, code=code)
        for form, there in (("xlsx", XLSX), ("pdf", PAGES)):
            if not there:
                self.report("-f", form, code=69)
        self.chancery("report", code=64)
        self.chancery("report", "NONE", "-o", "r.csv", code=66)
        self.assertEqual(self.files(), [])
        self.report(code=78, CHANCERY_DATADIR=str(self.dir))
        self.room.stop()
        self.report("-o", "r.csv", code=69)
        self.assertEqual(self.files(), [])
        self.room.start()


class Page(html.parser.HTMLParser):
    """Its elements nest; the cells of its tables, line by line."""

    EMPTY = {"meta", "col"}

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.tables = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append([])
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1].append(data)


class Html(Case):
    def test_page(self):
        text = self.report("-f", "html", "-l", "en").decode()
        page = Page(text)
        self.assertEqual(page.open, [])
        tags = [tag for tag, _ in page.seen]
        self.assertEqual(page.seen[0], ("html", {"lang": "en",
                                                 "dir": "ltr"}))
        self.assertEqual(set(tags), {
            "html", "head", "meta", "title", "style", "body", "h1", "dl",
            "dt", "dd", "bdi", "table", "caption", "colgroup", "col",
            "thead", "tbody", "tr", "th", "td", "div"})
        self.assertEqual(tags.count("caption"), 2)
        for tag, attrs in page.seen:
            if tag == "th":
                self.assertIn(attrs["scope"], ("row", "col"))
            self.assertFalse({"src", "href"} & set(attrs))
        self.assertNotRegex(text, r"url\(|@import|https?:")
        self.assertNotRegex(
            text, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
        counts, table = page.tables
        self.assertIn([["Receipt acknowledged"], ["1"]], counts)
        self.assertIn([["Share of answers"], ["14.3%"]], counts)
        self.assertEqual(len(table), 15)
        rows = {row[0][-1].split(",")[0]: row for row in table[1:]}
        self.assertEqual(rows["BRA"], [
            ["Brazil", "BRA, en"],
            ["minister@bra.example", "Sent again to: mission@bra.example"],
            ["Returned"],
            ["Sent on: 2026-11-24 10:02", "Returned on: 2026-11-24 11:12"],
            ["Why it came back: Unknown user", "Status code: 5.1.1",
             "Address it came back from: minister@bra.example",
             "Reply of the mail server: 250 2.0.0 Ok: 4cB1"]])
        self.assertEqual(rows["EGY"][2], ["Out of office", "Overdue",
                                          "Out of office until: 2026-12-07"])
        self.assertEqual(rows["CIV"][1][1],
                         "Copies to: mission@中文.example")
        self.assertEqual("".join(rows["ORG-7"][0][:-1]), MARKUP)
        self.assertEqual(rows["EST"][0][1], "x" * 30000 + "…")

    def test_rehearsal(self):
        """Nobody takes it for the report of letters that ministries got."""
        self.assertNotIn("Rehearsal", self.report("-f", "html").decode())
        self.room.batches["DM-1276"]["test_to"] = "desk@secretariat.example"
        self.assertIn("<dt>Rehearsal: all letters went to</dt>"
                      "<dd><bdi>desk@secretariat.example</bdi></dd>",
                      self.report("-f", "html").decode())

    def test_languages(self):
        for language in LANGUAGES:
            text = self.report("-f", "html", "-l", language).decode()
            self.assertEqual(Page(text).seen[0][1], {
                "lang": language,
                "dir": "rtl" if language == "ar" else "ltr"})
        text = self.chancery("report", "A/77/12", "-f", "html", "-l",
                             "fr").decode()
        self.assertIn("Aucune lettre.", text)
        self.assertIn("Rapport sur l’envoi\u00a0: A/77/12",
                      text.replace("&#39;", "'"))


class Book:
    """The sheets of a workbook, by name: {(row, column): (type, value)}."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            self.parts = {name: archive.read(name).decode()
                          for name in archive.namelist()}
        book = xml.etree.ElementTree.fromstring(self.parts["xl/workbook.xml"])
        self.names = [sheet.get("name") for sheet in book.iter(SHEET +
                                                               "sheet")]
        self.defined = {name.get("name"): name.text
                        for name in book.iter(SHEET + "definedName")}
        self.sheets = [self.cells(number + 1)
                       for number in range(len(self.names))]

    def xml(self, number):
        return xml.etree.ElementTree.fromstring(
            self.parts[f"xl/worksheets/sheet{number}.xml"])

    def cells(self, number):
        found = {}
        for cell in self.xml(number).iter(SHEET + "c"):
            assert cell.find(SHEET + "f") is None, "a formula"
            letters_, row = re.fullmatch(r"([A-Z]+)(\d+)",
                                         cell.get("r")).groups()
            column = 0
            for letter in letters_:
                column = column * 26 + ord(letter) - 64
            kind = cell.get("t", "n")
            text = "".join(cell.itertext())
            if kind == "inlineStr":
                text = re.sub(r"_x([0-9A-Fa-f]{4})_",
                              lambda m: chr(int(m[1], 16)), text)
            found[int(row), column] = (kind, text)
        return found


@unittest.skipUnless(XLSX, "no workbooks in this build")
class Xlsx(Case):
    def book(self, *words):
        self.report("-o", "report.xlsx", *words)
        return Book(self.dir / "report.xlsx")

    def test_cells(self):
        book = self.book("-l", "en")
        self.assertEqual(book.names, ["Summary", "Letters"])
        summary, cells = book.sheets
        values = {summary[row, 1][1]: summary[row, 2]
                  for row, column in summary if column == 2}
        self.assertEqual(values["Reference"], ("inlineStr", "DM-1276"))
        self.assertEqual(values["Addressees"], ("n", "14"))
        self.assertEqual(values["Silent"], ("n", "5"))
        heads = {cells[1, column][1]: column for row, column in cells
                 if row == 1}
        self.assertEqual(list(heads)[:3],
                         ["Code", "State or organization", "Addressee"])
        self.assertNotIn("Capacity", heads)  # nobody has one
        rows = {cells[row, 1][1]: row for row, column in cells
                if column == 1 and row > 1}
        self.assertEqual(len(rows), 14)

        def cell(key, head):
            return cells.get((rows[key], heads[head]))

        text = "inlineStr"
        self.assertEqual(cell("USA", "Addressee"), (text, FORMULA))
        self.assertEqual(cell("ORG-7", "Addressee"), (text, MARKUP))
        self.assertEqual(cell("ORG-8", "Addressee"),
                         (text, "'+1 \u2603\U0001f600"))
        self.assertEqual(cell("EST", "Addressee"),
                         (text, "x" * 30000 + "…"))
        self.assertEqual(cell("PRT", "Addressee"),
                         (text, "\ufffd]0;x\ufffd\ufffd[2Jevil\ufffd2J"
                          "\ufffd"))
        self.assertEqual(cell("BRA", "Status"), (text, "Returned"))
        kind, days = cell("FRA", "Sent on")
        self.assertEqual((kind, round(float(days), 5)),
                         ("n", 46350.41809))  # 2026-11-24 10:02:03
        self.assertEqual(cell("EGY", "Out of office until"), ("n", "46363"))
        self.assertEqual(cell("FRA", "Number of the answer"), ("n", "4"))
        self.assertIsNone(cell("KEN", "Sent on"))

    def test_sheet(self):
        book = self.book("-l", "ar")
        for number in (1, 2):
            view = book.xml(number).find(f".//{SHEET}sheetView")
            self.assertEqual(view.get("rightToLeft"), "1")
        sheet = book.xml(2)
        pane = sheet.find(f".//{SHEET}pane")
        self.assertEqual((pane.get("state"), pane.get("ySplit")),
                         ("frozen", "1"))
        self.assertEqual(sheet.find(f"{SHEET}pageSetup").get("orientation"),
                         "landscape")
        self.assertRegex(sheet.find(f"{SHEET}autoFilter").get("ref"),
                         r"^A1:[A-Z]+15$")
        self.assertRegex(book.defined["_xlnm.Print_Titles"],
                         r"\$A:\$B,.*\$1:\$1$")
        self.assertIn("DM-1276", sheet.find(f".//{SHEET}oddFooter").text)
        view = self.book("-l", "ru").xml(2).find(f".//{SHEET}sheetView")
        self.assertIsNone(view.get("rightToLeft"))

    def test_to_a_pipe(self):
        data = self.report("-f", "xlsx")
        self.assertEqual(data[:4], b"PK\x03\x04")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            self.assertIsNone(archive.testzip())

    def test_no_letter(self):
        self.chancery("report", "A/77/12", "-o", "e.xlsx")
        cells = Book(self.dir / "e.xlsx").sheets[1]
        self.assertEqual([cell[1] for cell in cells.values()],
                         ["Code", "State or organization", "Status"])


@unittest.skipUnless(PAGES, "no pages in this build")
class Pdf(Case):
    def text(self, path):
        return subprocess.run(["pdftotext", "-layout", path, "-"],
                              check=True, capture_output=True,
                              cwd=self.dir).stdout.decode()

    def test_pages(self):
        self.room.batch("DM-9", [
            room.Room.letter(n, "DM-9", f"N-{n:03}", "sent", [room.address(
                0, "to", f"m{n}@n.example", "sent", 250, "2.0.0", "Ok")],
                name=f"Number {n}") for n in range(1, 61)])
        self.room.page = 1000
        self.chancery("report", "DM-9", "-o", "r.pdf", "-l", "en")
        subprocess.run(["qpdf", "--check", self.dir / "r.pdf"], check=True,
                       capture_output=True)
        pages = self.text("r.pdf").split("\f")[:-1]
        self.assertGreater(len(pages), 2)
        for number, page in enumerate(pages, 1):
            self.assertIn(f"{number}/{len(pages)}", page)
            self.assertRegex(page, r"State or organization +Addresses +"
                                   r"Status +When +What is known")
        found = re.findall(r"\bN-(\d{3})\b", "".join(pages))
        self.assertEqual(found, [f"{n:03}" for n in (
            sorted(range(1, 61), key=str))])
        info = subprocess.run(["pdfinfo", self.dir / "r.pdf"], check=True,
                              capture_output=True, text=True).stdout
        self.assertRegex(info, r"Tagged: +yes")
        self.assertRegex(info, r"Page size: +841\.89 x 595\.\d+ pts \(A4\)")
        self.assertRegex(info, r"Title: +Report on the letters: DM-9")

    def test_languages(self):
        """All six scripts, whatever the report's language; what no font has
        is no reason to have no report."""
        for language in LANGUAGES:
            self.report("-o", "r.pdf", "-l", language)
            text = self.text("r.pdf")
            for part in ("minister@bra.example", "5.1.1", "DM-1277", "…"):
                self.assertIn(part, text, language)
            self.assertNotIn("\U0001f600", text)
        self.report("-o", "r.pdf", "-l", "en")
        text = self.text("r.pdf")
        for part in ("Côte d’Ivoire", "Russian Federation", "Overdue"):
            self.assertIn(part, text)
        self.assertRegex(text, r"Out of office until:\s+2026-12-07")

    def test_long_texts_go_on(self):
        """Over as many lines and pages as they need, a head on each, and
        nothing of them twice."""
        reply = " ".join(f"word{n:04}" for n in range(1500))
        self.room.batch("DM-9", [
            room.Room.letter(n, "DM-9", f"N-{n}", "sent", [room.address(
                0, "to", f"m{n}@n.example", "sent", 250, "2.0.0",
                reply if n == 2 else "Ok")], name=f"Number {n}")
            for n in range(1, 4)])
        self.chancery("report", "DM-9", "-o", "r.pdf", "-l", "en")
        subprocess.run(["qpdf", "--check", self.dir / "r.pdf"], check=True,
                       capture_output=True)
        pages = self.text("r.pdf").split("\f")[:-1]
        self.assertGreater(len(pages), 3)
        for page in pages:
            self.assertRegex(page, r"State or organization +Addresses +")
        text = "".join(pages)
        self.assertEqual(re.findall(r"\bword(\d{4})\b", text),
                         [f"{n:04}" for n in range(1500)])
        self.assertEqual(re.findall(r"\bNumber (\d)\b", text),
                         ["1", "2", "3"])
        self.assertNotIn("…", text)

    def test_too_many(self):
        self.room.batch("BIG", [
            room.Room.letter(n, "BIG", f"N-{n}", "held", [room.address(
                0, "to", "m@n.example", "held")]) for n in range(1, 2002)])
        self.room.page = 1000
        self.chancery("report", "BIG", "-o", "r.pdf", code=65)
        self.assertEqual(self.files(), [])


def load(name):
    spec = importlib.util.spec_from_file_location(
        name.replace("-", "_"), HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Real(unittest.TestCase):
    """The workers are played by the test, all else is as it runs."""

    def report(self, room_, *words):
        return [json.loads(line) for line in subprocess.run(
            [CHANCERY, "--socket-dir", room_.root, "report", "DM-1", "--json",
             *words], check=True, stdin=subprocess.DEVNULL,
            capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"},
            timeout=harness.TIMEOUT).stdout.splitlines()]

    def test_room(self):
        returns_ = load("test-returns")
        with returns_.Room() as room_:
            reader, sent = returns_.start_of_two_lists(room_)
            room_.tell(reader, returns_.REPLY, says="acknowledgement",
                       references=[sent["AAA"]["message_id"]])
            letter = returns_.write(room_.root / "reminder",
                                    returns_.REMINDER)
            returns_.chancery(room_, "remind", "DM-1", letter, "-R", "DM-2",
                              "--yes")
            again = returns_.tokens_of(room_, "DM-2")
            room_.tell(reader, returns_.REPLY, says="question",
                       references=[again["TWO"]["message_id"]])
            head, *rows = self.report(room_, "--capacities")
            self.assertEqual(
                {name: number for name, number in head["counts"].items()
                 if number},
                {"addressees": 3, "sent": 3, "answered": 1,
                 "acknowledged": 1, "silent": 1, "overdue": 1})
            rows = {row["key"]: row for row in rows}
            self.assertEqual(
                {key: (row["outcome"], row["overdue"], row["says"],
                       row["followed_by"]) for key, row in rows.items()},
                {"AAA": ("acknowledged", False, "acknowledgement", None),
                 "BBB": ("sent", True, None, "reminds DM-2"),
                 "TWO": ("answered", False, "question", "reminds DM-2")})
            self.assertRegex(rows["TWO"]["capacities"], r"^\S+; \S+$")
            self.assertRegex(rows["TWO"]["sent_at"],
                             r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertEqual(
                [row["key"] for row in self.report(room_, "-s",
                                                   "overdue")[1:]], ["BBB"])


if __name__ == "__main__":
    unittest.main()
