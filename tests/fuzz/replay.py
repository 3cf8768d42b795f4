#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every fuzz target over its corpus, as one test."""
import os
import pathlib
import subprocess
import sys

source = pathlib.Path(os.environ["top_srcdir"])
build = pathlib.Path(os.environ["top_builddir"])
failed = 0
targets = sorted(source.glob("tests/fuzz/fuzz-*.c"))
for target in targets:
    name = target.stem.removeprefix("fuzz-")
    corpus = source / "tests/corpora" / name
    program = build / "tests/fuzz" / target.stem
    if not corpus.is_dir() or not any(corpus.iterdir()):
        print(f"{name}: no corpus in {corpus}")
        failed += 1
        continue
    run = subprocess.run([program, corpus], capture_output=True, text=True,
                         errors="replace", timeout=300)
    print(f"{name}: exit {run.returncode}, {run.stdout.strip()}")
    if run.returncode != 0:
        print(run.stderr[-4000:])
        failed += 1
sys.exit(1 if failed or not targets else 0)
