#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a table as a stranger might write them: a message has no line that
its structure has not, and what arrives at the sink are its addressees.

    test-fuzz-rows.py [--rows 20000] [--sent 1000] [--seed N]

The rows go through merge and composition in one process (tests/tools/
fuzz-rows). Others are checked by chancery, those that it refuses are taken
out, and the rest is sent. make soak has ten million of the first."""
import argparse
import bisect
import collections
import json
import pathlib
import random
import subprocess
import tempfile

import harness

PIECES = [
    "\r", "\n", "\r\n", "\0", "\r\n.\r\n", "\r\nRCPT TO:<x@evil.example>",
    "\nBcc: x@evil.example", "\n.\n", "\x1b[2J", "\x7f", "\x85", "\u2028",
    "\u202e", "\u2066", "\u200f", "\ufeff", "{{name}}", "{{#x}}", "{{{",
    "<script>", "=?utf-8?q?=0D=0ABcc:_x?=", "%0D%0A", "\n.", "\nFrom x", ".",
    '"', "'", ",", ";", "<", ">", "@", "(", ")", ":", "`", "*", "|", "\\",
    " ", "\t", "a", "0", "été", "مرحبا", "中国", "\u0301", "🇫🇷", "word" * 40,
]
KIND = PIECES[16:]  # those that no rule refuses, at least in a text
LETTER = {
    "letter.conf": "",
    "en.md": "Subject: Session, {{name}}\n\n{{name}}, {{key}}\n\n"
             "{{#remark}}> {{remark}}{{/remark}}\n",
}


def pieces(chance, most):
    return "".join(chance.choice(PIECES if chance.random() < 0.3 else KIND)
                   for _ in range(chance.randint(0, most)))


def row(chance, number):
    to = f"a{number}@b.example"
    if chance.random() < 0.05:
        to += pieces(chance, 2)
    elif chance.random() < 0.3:
        to = f'"{number}, N" <{to}>; Second <s{number}@b.example>'
    name = "Name" + (pieces(chance, 2) if chance.random() < 0.5 else "")
    return [f"K{number}", to, name, pieces(chance, 5)]


def write(path, rows):
    """Returns the line on which each row begins."""
    lines, line = [], 2
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write("key,to,name,remark\n")
        for cells in rows:
            text = ",".join('"' + cell.replace('"', '""') + '"'
                            for cell in cells) + "\n"
            out.write(text)
            lines.append(line)
            line += text.count("\n")
    return lines


def refused_rows(folder, lines):
    """Those in which chancery check finds an error."""
    run = subprocess.run(
        [harness.BUILD / "chancery", "check", folder / "letter",
         folder / "m.csv", "--json"], capture_output=True, check=False,
        timeout=10 * harness.TIMEOUT)
    found = set()
    for text in run.stdout.splitlines():
        problem = json.loads(text)
        if problem.get("kind") == "error":
            assert problem["file"].endswith("m.csv"), problem
            found.add(bisect.bisect_right(lines, problem["line"]) - 1)
    assert (run.returncode == 0) == (not found), run.stderr
    return found


def good_rows(folder, chance, count):
    rows = [row(chance, number) for number in range(count)]
    lines = write(folder / "m.csv", rows)
    bad = refused_rows(folder, lines)
    assert count * 0.05 < len(bad) < count * 0.95, (count, len(bad))
    rows = [cells for i, cells in enumerate(rows) if i not in bad]
    assert not refused_rows(folder, write(folder / "m.csv", rows))
    return rows


def send(count, chance):
    with tempfile.TemporaryDirectory() as root, harness.Sink() as sink, \
            harness.Room([sink.relay(connections=4)]) as room:
        folder = pathlib.Path(root)
        (folder / "letter").mkdir()
        for name, text in LETTER.items():
            (folder / "letter" / name).write_text(text)
        rows = good_rows(folder, chance, count)
        room.start()
        room.enqueue("DM-1", (folder / "m.csv").read_bytes(), LETTER)
        room.wait_letters("DM-1", 20 * harness.TIMEOUT, sent=len(rows))
        letters = room.letters("DM-1")
        taken = collections.defaultdict(list)
        for to, message_id in sink.taken():
            taken[message_id].append(to)
        assert len(taken) == len(letters) == len(rows)
        expected = sorted(sorted(a["address"] for a in x["addresses"])
                          for x in letters.values())
        assert sorted(map(sorted, taken.values())) == expected
        for key, to, _, _ in rows:
            first = letters[key]["addresses"][0]["address"]
            assert first.startswith(f"a{key[1:]}@b."), (key, to, first)
        assert room.stop() == 0
    return len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    small = harness.SLOW
    parser.add_argument("--rows", type=int, default=2000 if small else 20000)
    parser.add_argument("--sent", type=int, default=200 if small else 1000)
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    subprocess.run([harness.BUILD / "tests/tools/fuzz-rows",
                    str(options.rows), str(options.seed)], check=True)
    sent = send(options.sent, random.Random(options.seed))
    print(json.dumps({"rows": options.sent, "sent": sent,
                      "refused": options.sent - sent}))


if __name__ == "__main__":
    main()
