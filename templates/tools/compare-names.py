#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""compare-names.py [../countries.tsv]

Print where the short names of countries.tsv are not those of the Unicode CLDR,
for somebody to look at each: CLDR has the names of everyday use, the table
those of official letters, so that many differ and a misspelling stands out.
Needs python3-icu.
"""
import pathlib
import sys

import icu

LANGUAGES = ("ar", "en", "es", "fr", "ru", "zh")


def rows_of(path):
    lines = [line for line in path.read_text("utf-8").split("\n")
             if line and not line.startswith("#")]
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:]]


def main():
    path = (pathlib.Path(sys.argv[1]) if sys.argv[1:] else
            pathlib.Path(__file__).resolve().parent.parent / "countries.tsv")
    for language in LANGUAGES:
        for row in rows_of(path):
            if row["alpha2"] == "-":
                continue
            theirs = icu.Locale("und_" + row["alpha2"]).getDisplayCountry(
                icu.Locale(language)).replace("'", "’")
            ours = row[language + ".short"]
            if ours != theirs:
                print(language, row["code"], ours, theirs, sep="\t")


if __name__ == "__main__":
    main()
