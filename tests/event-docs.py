#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every type of event that the daemon writes stands in chancery-status(7), and
nothing stands there that it does not write: a follower may rely on the list."""
import os
import pathlib
import re
import sys

TOP = pathlib.Path(os.environ.get("top_srcdir", "."))
FAMILIES = "address|letter|batch|alarm|return|import|mailroom|relay|domain"
# The type is put together of what it is about and a verb (decide.c).
DECISIONS = ("commands.c", "relations.c")


def written():
    """Where a type is written in the sources: {type: file}."""
    found = {}
    sources = [*(TOP / "daemon/chanceryd").glob("*.[ch]"),
               *(TOP / "lib/store").glob("*.c")]
    assert len(sources) > 20, "these are not the sources"
    for source in sources:
        if source.name.startswith("http") or source.name == "config.c":
            continue  # they show events or name them, and write none
        text = source.read_text()
        if source.suffix == ".h":  # constants, not comments
            text = "\n".join(re.findall(r"(?m)^#define .*$", text))
        text = re.sub(r'ch_crash_point\("[^"]*"\)', "", text)
        for name in re.findall(rf'"((?:{FAMILIES})\.[a-z_]+)"', text):
            found[name] = source.name
        if source.name in DECISIONS:
            for verb in re.findall(r'"([a-z_]+ed)"', text):
                about = "batch" if verb.startswith("letters_") else "letter"
                found[f"{about}.{verb}"] = source.name
                if about == "letter" and verb in ("retried", "resolved"):
                    found[f"batch.{verb}"] = source.name
    return found


def documented():
    page = (TOP / "man/chancery-status.7").read_text()
    return {name for line in re.findall(r"(?m)^\.It Li (.*)$", page)
            for name in re.findall(rf"\b(?:{FAMILIES})\.[a-z_]+", line)}


def selectable():
    """What alarms.mail.types may have: "alarm.cleared" goes with each."""
    source = (TOP / "daemon/chanceryd/config.c").read_text()
    return set(re.findall(r'"(alarm\.[a-z_]+)",', source)) | {"alarm.cleared"}


def main():
    types = written()
    listed = documented()
    faults = [f"{name} ({types[name]}) is not in chancery-status(7)"
              for name in sorted(set(types) - listed)]
    faults += [f"chancery-status(7) has {name}, which nothing writes"
               for name in sorted(listed - set(types))]
    alarms = {name for name in types if name.startswith("alarm.")}
    faults += [f"{name}: config.c and the sources do not agree"
               for name in sorted(alarms ^ selectable())]
    print("\n".join(faults) or f"{len(types)} types of events")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
