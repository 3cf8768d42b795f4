#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make-pages.py - the six pages of the invitation as one picture.

usage: make-pages.py CHANCERY PICTURE.png

CHANCERY is the built program; pdftoppm draws its pages. They stand in two rows
on grey, in a palette of a few dozen colours to keep the file small.
"""
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent
LANGUAGES = ["en", "fr", "es", "ru", "zh", "ar"]
COLUMNS, GAP, DPI = 3, 14, 62
GREY = (200, 204, 208)
STEP = 17  # between the levels of a channel


def draw(chancery, folder):
    """{language: (width, height, rgb)}"""
    done = subprocess.run(
        [chancery, "preview", TEMPLATES / "invitation",
         TEMPLATES / "sample/members.csv", "--pdf", "--each-language",
         "--reference", "DM-1276", "--deadline", "2026-12-18", "-o", folder],
        check=True, capture_output=True, text=True)
    pages = {}
    for path in map(pathlib.Path, done.stdout.splitlines()):
        ppm = subprocess.run(["pdftoppm", "-r", str(DPI), "-l", "1", path],
                             check=True, capture_output=True).stdout
        magic, size, most, rgb = ppm.split(b"\n", 3)
        assert (magic, most) == (b"P6", b"255"), path
        width, height = map(int, size.split())
        pages[path.suffixes[-2][1:]] = width, height, rgb
    return pages


def arrange(pages):
    """(width, height, rows of colours)"""
    width, height, _ = pages[LANGUAGES[0]]
    lines = []
    for first in range(0, len(LANGUAGES), COLUMNS):
        blank = [GREY] * (GAP + COLUMNS * (width + GAP))
        lines += [blank] * GAP
        row = [pages[code] for code in LANGUAGES[first:first + COLUMNS]]
        for y in range(height):
            line = [GREY] * GAP
            for _, _, rgb in row:
                data = rgb[3 * width * y:3 * width * (y + 1)]
                line += zip(data[::3], data[1::3], data[2::3])
                line += [GREY] * GAP
            lines.append(line)
    lines += [[GREY] * len(lines[0])] * GAP
    return len(lines[0]), len(lines), lines


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data +
            struct.pack(">I", zlib.crc32(kind + data)))


def png(width, height, lines):
    """With a palette; rarer colours become the nearest that has a place."""
    coarse = {colour: tuple(round(c / STEP) * STEP for c in colour)
              for line in lines for colour in set(line)}
    count = {}
    for line in lines:
        for colour in line:
            count[coarse[colour]] = count.get(coarse[colour], 0) + 1
    palette = sorted(count, key=count.get, reverse=True)[:256]
    place = {colour: i for i, colour in enumerate(palette)}

    def nearest(colour):
        return min(range(len(palette)), key=lambda i: sum(
            (a - b) ** 2 for a, b in zip(palette[i], colour)))

    index = {colour: place.get(rough, None) for colour, rough in
             coarse.items()}
    index = {colour: nearest(colour) if i is None else i
             for colour, i in index.items()}
    data = b"".join(b"\0" + bytes(index[colour] for colour in line)
                    for line in lines)
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0,
                                       0)) +
            chunk(b"PLTE", b"".join(map(bytes, palette))) +
            chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def main():
    chancery, picture = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        pages = draw(chancery, folder)
    pathlib.Path(picture).write_bytes(png(*arrange(pages)))


if __name__ == "__main__":
    main()
