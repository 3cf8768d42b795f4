# SPDX-License-Identifier: GPL-3.0-or-later
"""One table in all the forms that are read: separated text, XLSX, ODS. A cell
is a str, a bool, an int or float, a date, datetime or time, or a Percent."""
import datetime
import io
import zipfile
from xml.sax.saxutils import escape, quoteattr

FORMS = ["csv", "semicolons.csv", "tsv", "utf-16.csv", "xlsx", "ods"]


class Percent(float):
    """0.125 is 12.5%."""


def text_of(cell):
    """What reading the cell gives."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, Percent):
        return f"{cell * 100:.12g}%"
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(timespec="minutes" if cell.second == 0
                              else "seconds")
    if isinstance(cell, datetime.time):
        return cell.isoformat(timespec="minutes" if cell.second == 0
                              else "seconds")
    return str(cell)


def separated(rows, separator=",", encoding="utf-8"):
    def quoted(cell):
        text = text_of(cell)
        if any(c in text for c in separator + '"\n'):
            return '"' + text.replace('"', '""') + '"'
        return text

    return "".join(separator.join(map(quoted, row)) + "\r\n"
                   for row in rows).encode(encoding)


def archive(parts):
    """A ZIP archive whose bytes depend on its parts alone."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            info = zipfile.ZipInfo(name, (2026, 12, 7, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, data)
    return out.getvalue()


# ---- XLSX -----------------------------------------------------------------

STYLES = """<styleSheet><numFmts count="2">
<numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>
<numFmt numFmtId="165" formatCode="[$-40C]h:mm;@"/></numFmts>
<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/>
<xf numFmtId="10"/><xf numFmtId="22"/></cellXfs></styleSheet>"""
DAY, TIME, PERCENT, DAY_TIME = 1, 2, 3, 4
TYPES = ('<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
         'content-types"><Default Extension="xml" '
         'ContentType="application/xml"/></Types>')
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def relations(*entries):
    return "<Relationships>" + "".join(
        f'<Relationship Id="{identifier}" Type="{KIND}{kind}" '
        f'Target="{target}"/>' for identifier, kind, target in entries
    ) + "</Relationships>"


def serial(moment, since_1904=False):
    epoch = datetime.datetime(1904, 1, 1) if since_1904 else \
        datetime.datetime(1899, 12, 30)
    if isinstance(moment, datetime.time):
        return (moment.hour * 3600 + moment.minute * 60 +
                moment.second) / 86400
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime(moment.year, moment.month, moment.day)
    delta = moment - epoch
    return delta.days + delta.seconds / 86400


def column_name(number):
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def xlsx_cell(at, cell, strings, since_1904):
    if cell == "" and isinstance(cell, str):
        return ""
    if isinstance(cell, bool):
        return f'<c r="{at}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, Percent):
        return f'<c r="{at}" s="{PERCENT}"><v>{float(cell)!r}</v></c>'
    if isinstance(cell, (int, float)):
        return f'<c r="{at}"><v>{cell!r}</v></c>'
    if isinstance(cell, (datetime.date, datetime.time)):
        style = DAY_TIME if isinstance(cell, datetime.datetime) else \
            TIME if isinstance(cell, datetime.time) else DAY
        return (f'<c r="{at}" s="{style}"><v>{serial(cell, since_1904)!r}'
                "</v></c>")
    if len(strings) % 3 == 0:  # the text of a formula, as it was last
        strings.append("")
        return (f'<c r="{at}" t="str"><f>A1&amp;B1</f>'
                f"<v>{escape(cell)}</v></c>")
    strings.append(cell)
    return f'<c r="{at}" t="s"><v>{len(strings) - 1}</v></c>'


def shared(text, number):
    """Plain, or in two runs with the pronunciation behind."""
    half = len(text) // 2
    if number % 2:
        return f'<si><t xml:space="preserve">{escape(text)}</t></si>'
    return (f'<si><r><rPr><b/></rPr><t xml:space="preserve">'
            f"{escape(text[:half])}</t></r><r>"
            f'<t xml:space="preserve">{escape(text[half:])}</t></r>'
            '<rPh sb="0" eb="1"><t>phonetic</t></rPh></si>')


def xlsx_sheet(rows, strings, since_1904=False):
    body = ""
    for n, row in enumerate(rows, 1):
        cells = "".join(
            xlsx_cell(f"{column_name(i)}{n}", cell, strings, since_1904)
            for i, cell in enumerate(row, 1))
        body += f'<row r="{n}">{cells}</row>'
    return f"<worksheet><sheetData>{body}</sheetData></worksheet>"


def xlsx(rows, since_1904=False, sheet="Members", parts=None, before=None):
    """`parts` replaces or adds some; `before` is a first sheet's (name, rows).
    """
    strings = []
    sheets = [before] if before else []
    sheets.append((sheet, rows))
    all_parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations(("r1", "officeDocument",
                                  "xl/workbook.xml")),
        "xl/workbook.xml":
            '<workbook xmlns:r="r">'
            f'<workbookPr date1904="{int(since_1904)}"/><sheets>' + "".join(
                f"<sheet name={quoteattr(name)} sheetId=\"{i}\" "
                f'r:id="rId{i}"/>' for i, (name, _) in enumerate(sheets, 1)
            ) + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(
            ("rIdS", "styles", "styles.xml"),
            ("rIdT", "sharedStrings", "/xl/sharedStrings.xml"),
            *((f"rId{i}", "worksheet", f"worksheets/sheet{i}.xml")
              for i in range(1, len(sheets) + 1))),
        "xl/styles.xml": STYLES,
    }
    for i, (_, content) in enumerate(sheets, 1):
        all_parts[f"xl/worksheets/sheet{i}.xml"] = xlsx_sheet(
            content, strings, since_1904)
    all_parts["xl/sharedStrings.xml"] = "<sst>" + "".join(
        shared(text, i) for i, text in enumerate(strings)) + "</sst>"
    all_parts.update(parts or {})
    return archive({name: data for name, data in all_parts.items()
                    if data is not None})


# ---- ODS ------------------------------------------------------------------

NAMES = ('xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
         'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
         'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"')


def paragraphs(text):
    def spaced(line):
        line = escape(line)
        while "  " in line:
            line = line.replace("  ", ' <text:s text:c="1"/>', 1)
        return line

    return "".join(f"<text:p>{spaced(line)}</text:p>"
                   for line in text.split("\n"))


def ods_value(kind, attribute, value):
    return (f'<table:table-cell office:value-type="{kind}" '
            f'office:{attribute}="{value}"><text:p>as shown</text:p>'
            "</table:table-cell>")


def ods_cell(cell):
    if isinstance(cell, bool):
        return ods_value("boolean", "boolean-value", str(cell).lower())
    if isinstance(cell, Percent):
        return ods_value("percentage", "value", repr(float(cell)))
    if isinstance(cell, (int, float)):
        return ods_value("float", "value", repr(cell))
    if isinstance(cell, datetime.datetime):
        return ods_value("date", "date-value", cell.isoformat())
    if isinstance(cell, datetime.date):
        return ods_value("date", "date-value", cell.isoformat())
    if isinstance(cell, datetime.time):
        return ods_value("time", "time-value",
                         cell.strftime("PT%HH%MM%SS"))
    if cell == "":
        return "<table:table-cell/>"
    return ('<table:table-cell office:value-type="string">'
            "<office:annotation><text:p>a remark</text:p>"
            f"</office:annotation>{paragraphs(cell)}</table:table-cell>")


def ods_table(name, rows):
    body = "".join("<table:table-row>" + "".join(map(ods_cell, row)) +
                   '<table:table-cell table:number-columns-repeated="1000"/>'
                   "</table:table-row>" for row in rows)
    return (f"<table:table table:name={quoteattr(name)}>{body}"
            '<table:table-row table:number-rows-repeated="1048000">'
            '<table:table-cell table:number-columns-repeated="1024"/>'
            "</table:table-row></table:table>")


def ods(rows, sheet="Members", parts=None, before=None):
    tables = (ods_table(*before) if before else "") + ods_table(sheet, rows)
    all_parts = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": "<manifest:manifest xmlns:manifest=\"m\"/>",
        "content.xml": f"<office:document-content {NAMES}><office:body>"
                       f"<office:spreadsheet>{tables}</office:spreadsheet>"
                       "</office:body></office:document-content>",
    }
    all_parts.update(parts or {})
    return archive({name: data for name, data in all_parts.items()
                    if data is not None})


def make(form, rows):
    """The table as a file of that form."""
    if form == "xlsx":
        return xlsx(rows)
    if form == "ods":
        return ods(rows)
    separator = {"semicolons.csv": ";", "tsv": "\t"}.get(form, ",")
    return separated(rows, separator,
                     "utf-16" if form == "utf-16.csv" else "utf-8")
