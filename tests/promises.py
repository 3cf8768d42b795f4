#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/PROMISES.md names a test for each promise: each of them is there."""
import os
import pathlib
import re
import sys

TOP = pathlib.Path(os.environ["top_srcdir"])
SKIP = ("make soak", "the same")


def text_of(name):
    """Of a test in python or C, or of both."""
    files = [TOP / f"tests/system/{name}.py", TOP / f"tests/unit/{name}.c"]
    return "".join(file.read_text() for file in files if file.exists())


def main():
    promises = wrong = 0
    for line in (TOP / "docs/PROMISES.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or cells[-1] in ("Proof", "---"):
            continue
        promises += 1
        for proof in re.sub(r"\([^)]*\)|`", "", cells[-1]).split(";"):
            file, _, names = proof.strip().partition(":")
            if file.strip().startswith(SKIP):
                continue
            text = text_of(file.strip())
            missing = [name for name in re.findall(r"\w+", names)
                       if not re.search(rf"\b{name}\b", text)]
            if not text or missing:
                print(f"{line}\n  {file}: {missing or 'no such file'}")
                wrong += 1
    print(f"{promises} promises, {wrong} without their proof")
    return wrong > 0 or promises < 30


sys.exit(main())
