#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show every #include that points the wrong way, and every library header
that is included outside the room that keeps it."""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(os.environ.get("top_srcdir", "."))

# room: the rooms below it that it may include
MAY = {
    "base": set(),
    "mail": {"base"},
    "letter": {"mail", "base"},
    "returns": {"mail", "base"},
    "store": {"base"},
    "net": {"mail", "base"},
    "wire": {"base"},
}
# header pattern: the only files that may include it
ONLY = [
    (r"libesmtp\.h|auth-client\.h", r"lib/net/smtp[\w-]*\.c"),
    (r"libetpan/.*", r"lib/net/imap[\w-]*\.[ch]"),
    (r"sqlite3\.h", r"lib/store/.*\.[ch]"),
    (r"libconfig\.h", r"lib/base/settings\.c"),
    (r"openssl/.*",
     r"lib/base/hash\.c|lib/mail/(smime|dkim-key)\.c|lib/net/.*\.c"),
    (r"microhttpd\.h", r"daemon/chanceryd/http[\w-]*\.[ch]"),
    (r"curl/.*", r"cli/.*\.[ch]"),
    (r"cmark\.h", r"lib/letter/.*\.c"),
    (r"pango/.*|cairo.*|librsvg/.*|hyphen\.h|fontconfig/.*",
     r"lib/letter/page[\w-]*\.[ch]"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)

bad = []
seen = 0
for path in sorted(ROOT.glob("lib/**/*.[ch]")) + sorted(
        ROOT.glob("daemon/**/*.[ch]")) + sorted(ROOT.glob("cli/**/*.[ch]")):
    shown = path.relative_to(ROOT).as_posix()
    room = shown.split("/")[1] if shown.startswith("lib/") else None
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        seen += 1
        line = text.count("\n", 0, match.start(1) if match.group(1)
                          else match.start(2)) + 1
        quoted, system = match.groups()
        if quoted and room and "/" in quoted:
            target = quoted.split("/")[0]
            if target != room and target not in MAY[room]:
                bad.append(f"{shown}:{line}: lib/{room} may not include "
                           f"{quoted}")
        for pattern, keepers in ONLY:
            name = system or quoted
            if re.fullmatch(pattern, name) and not re.fullmatch(keepers,
                                                                shown):
                bad.append(f"{shown}:{line}: {name} belongs to {keepers}")
for path in sorted(ROOT.glob("lib/**/*.[ch]")) + sorted(
        ROOT.glob("daemon/**/*.[ch]")) + sorted(ROOT.glob("cli/**/*.[ch]")):
    if "SPDX-License-Identifier: GPL-3.0-or-later" not in \
            path.read_text(encoding="utf-8").split("\n", 1)[0]:
        bad.append(f"{path.relative_to(ROOT)}:1: no SPDX line")
print("\n".join(bad))
print(f"{seen} includes read, {len(bad)} wrong")
sys.exit(1 if bad or not seen else 0)
