#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make-annexes.py [FOLDER] - the PDFs of the invitation's annexes.

Reads annexes/*.md beside this script and writes annex-1.en.pdf … to FOLDER,
by default ../invitation. A list with "-" becomes the lines of a form, "[ ]" a
box to tick. The same Chromium and fonts give the same bytes. Needs the Debian
packages chromium, cmark, python3-fonttools, qpdf, fonts-noto-core and
fonts-noto-cjk; the PDFs are kept in the tree so that nobody needs these to build or to send.
"""
import html
import pathlib
import re
import subprocess
import sys
import tempfile

from fontTools import subset
from fontTools.pens import cu2quPen, ttGlyphPen
from fontTools.ttLib import TTFont, newTable

DAY = b"20261124000000"  # of the sample letter
HERE = pathlib.Path(__file__).resolve().parent

STYLE = """
@page { size: A4; margin: 25mm 22mm }
body { font: %(size)s/1.55 own, latin }
body > p:first-child { text-align: center; border-bottom: 0.5pt solid #000;
    padding-bottom: 5mm; margin: 0 0 8mm 0; text-wrap: balance }
h1 { font-size: 1.35em; text-align: center; margin: 0 }
h1 + p { text-align: center; margin: 1mm 0 8mm 0 }
ol { padding: %(indent)s; margin: 0 }
li { margin: 0 0 2mm 0 }
ol ol { list-style-type: %(letters)s; margin-top: 2mm }
ul { list-style: none; padding: 0; margin: 0 0 7mm 0 }
ul li { border-bottom: 0.4pt solid #555; padding: 3.5mm 0 0 0; margin: 0 }
.box { display: inline-block; width: 3mm; height: 3mm;
    border: 0.6pt solid #000; margin: %(box)s }
.choice { margin-top: 0; margin-bottom: 5mm }
"""
LATIN = ("truetype/noto/NotoSerif-%s.ttf", 0)
FONTS = {  # and which of the fonts in the file
    "zh": ("opentype/noto/NotoSerifCJK-%s.ttc", 2),
    "ar": ("truetype/noto/NotoNaskhArabic-%s.ttf", 0),
}


def make_truetype(font):
    """Quadratic outlines for cubic ones, which Chromium prints as Type 3."""
    glyphs, order = {}, font.getGlyphOrder()
    for name in order:
        pen = ttGlyphPen.TTGlyphPen(None)
        font.getGlyphSet()[name].draw(
            cu2quPen.Cu2QuPen(pen, 1.0, reverse_direction=True))
        glyphs[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, glyphs
    maxp = font["maxp"] = newTable("maxp")
    maxp.tableVersion = 0x00010000
    maxp.maxZones = 1
    for name in ("TwilightPoints", "Storage", "FunctionDefs",
                 "InstructionDefs", "StackElements", "SizeOfInstructions"):
        setattr(maxp, "max" + name, 0)
    maxp.maxComponentElements = max(
        (len(getattr(glyph, "components", [])) for glyph in glyphs.values()))
    font["post"].formatType, font["post"].extraNames = 3.0, []
    for table in ("CFF ", "VORG"):
        if table in font:
            del font[table]
    font.sfntVersion = "\x00\x01\x00\x00"


def face(family, font_file, weight, text, work):
    """A @font-face of the characters of the text and no others."""
    pattern, number = font_file
    font = TTFont(f"/usr/share/fonts/{pattern % weight}", fontNumber=number,
                  recalcTimestamp=False)
    subsetter = subset.Subsetter()
    subsetter.populate(text=text + " 0123456789.abcd")
    subsetter.subset(font)
    if "CFF " in font:
        make_truetype(font)
    small = work / f"{family}-{weight}.ttf"
    font.save(small)
    return (f"@font-face {{ font-family: {family}; src: url({small.as_uri()});"
            f" font-weight: {weight.lower().replace('regular', 'normal')} }}\n")


def style(language):
    return STYLE % {
        "size": "13.5pt" if language == "ar" else "11.5pt",
        "indent": "0 9mm 0 0" if language == "ar" else "0 0 0 9mm",
        "box": "0 7mm 0 2mm" if language == "ar" else "0 2mm 0 7mm",
        "letters": "lower-alpha" if language in ("en", "fr", "es")
        else "decimal",
    }


def page(source, work):
    """The HTML to print; its fonts are put into the folder `work`."""
    language = source.suffixes[0][1:]
    direction = "rtl" if language == "ar" else "ltr"
    body = subprocess.run(["cmark", source], capture_output=True, text=True,
                          check=True).stdout
    title = re.search("<h1>(.*)</h1>", body)[1]
    body = body.replace("<p>[ ]", '<p class="choice">[ ]')
    body = body.replace("[ ] ", '<span class="box"></span>')
    fonts = "".join(face(family, font, weight, html.unescape(body), work)
                    for family, font in (("own", FONTS.get(language, LATIN)),
                                         ("latin", LATIN))
                    for weight in ("Regular", "Bold"))
    return (f'<!DOCTYPE html><html lang="{language}" dir="{direction}"><head>'
            f'<meta charset="utf-8"><title>{title}</title>'
            f"<style>{fonts}{style(language)}</style></head><body>{body}"
            "</body></html>")


def settled(pdf):
    """The same bytes whenever it is made: no date, no version of Chromium."""
    pdf = re.sub(rb"/(Creation|Mod)Date \(D:\d{14}",
                 lambda found: found[0][:-14] + DAY, pdf)
    return re.sub(rb"/(Creator|Producer) \([^()]*(\([^()]*\)[^()]*)*\)",
                  lambda found: found[0][:found[0].index(b"(") + 1] +
                  b" " * (len(found[0]) - found[0].index(b"(") - 2) + b")",
                  pdf)


def print_pdf(text, work, target):
    (work / "a.html").write_text(text, encoding="utf-8")
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
         f"--user-data-dir={work}/profile", "--allow-file-access-from-files",
         "--no-pdf-header-footer", f"--print-to-pdf={work}/a.pdf",
         (work / "a.html").as_uri()], stderr=subprocess.DEVNULL, check=True)
    (work / "b.pdf").write_bytes(settled((work / "a.pdf").read_bytes()))
    subprocess.run(["qpdf", "--deterministic-id", "--object-streams=generate",
                    "--recompress-flate", "--compression-level=9",
                    work / "b.pdf", target], check=True)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1
                          else HERE.parent / "invitation")
    for source in sorted((HERE / "annexes").glob("*.md")):
        target = folder / (source.stem + ".pdf")
        with tempfile.TemporaryDirectory() as work:
            print_pdf(page(source, pathlib.Path(work)), pathlib.Path(work),
                      target)
        print(f"{target.name} {target.stat().st_size}")


if __name__ == "__main__":
    main()
