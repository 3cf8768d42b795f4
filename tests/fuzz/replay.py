#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every fuzz target over its corpus, as one test: with the replayer, or in a
build for libFuzzer, which looks for no more where it is given files."""
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
    inputs = [path for path in sorted(corpus.rglob("*"))
              if path.is_file() and not path.name.startswith(".")]
    if not inputs:
        print(f"{name}: no corpus in {corpus}")
        failed += 1
        continue
    run = subprocess.run([program, *inputs], capture_output=True, text=True,
                         errors="replace", timeout=300)
    print(f"{name}: exit {run.returncode}, {len(inputs)} inputs")
    if run.returncode != 0:
        print(run.stderr[-4000:])
        failed += 1
sys.exit(1 if failed or not targets else 0)
