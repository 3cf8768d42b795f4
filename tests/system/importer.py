# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of chancery-import share: uploads in a spool, and one import
played through from chanceryd's end of the channel."""
import os
import pathlib
import re
import select
import time

import wire

BUILD = pathlib.Path(os.environ["top_builddir"])
PROGRAM = str(BUILD / "daemon/import/chancery-import")
# Built with sanitizers or for valgrind: slow, and large in memory.
UNLIMITED = re.search(r"(?m)^#define CH_WORKER_UNLIMITED 1",
                      (BUILD / "config.h").read_text()) is not None
DATE_US = 1795478400 * 1000 * 1000  # 2026-11-24
OPTIONS = {
    "recipients": ["m.csv"], "reference": "DM-1276", "deadline": "2026-12-07",
    "from_": "Registry <registry@secretariat.example>",
    "message_id_domain": "chancery.example", "date_us": DATE_US,
}


class Upload:
    """A spool folder and an object store below `root`."""

    def __init__(self, root):
        self.root = root
        self.spool = root / "spool"
        self.objects = root / "objects"
        for folder in ("letter", "recipients", "annexes"):
            (self.spool / folder).mkdir(parents=True)
        self.objects.mkdir()

    def put(self, name, data):
        path = self.spool / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def begin(self, **options):
        """Start a worker on it."""
        worker = wire.Worker(PROGRAM, str(self.root / "stderr"))
        worker.send("import-start", spool_dir=str(self.spool),
                    objects_dir=str(self.objects), **{**OPTIONS, **options})
        return worker

    def stderr(self):
        path = self.root / "stderr"
        return path.read_text(errors="replace") if path.exists() else ""


def wait_until_asleep(worker):
    """Until it waits to write to a channel that nobody reads: it sleeps, has
    sent something, and a while later has used no more of the processor."""
    status = pathlib.Path(f"/proc/{worker.pid}/stat")
    before, still = None, 0
    while still < 20:
        time.sleep(0.02)
        parts = status.read_text().rpartition(")")[2].split()
        now = parts[0], parts[11], parts[12]
        waits = select.select([worker.channel], [], [], 0)[0]
        still = still + 1 if now == before and now[0] == "S" and waits else 0
        before = now


def line_of(problem):
    """A problem as the programs print it: file:line:column: field: reason."""
    text = problem["file"].decode()
    for number in (problem["line"], problem["column"]):
        if number:
            text += f":{number}"
    text += ": "
    if problem["kind"] == 1:
        text += "warning: "
    if problem["field"]:
        text += problem["field"].decode() + ": "
    return text + problem["text"].decode()


def play(upload, **options):
    """One whole import: the letters, the problems' lines, and what it said at
    the end."""
    worker = upload.begin(**options)
    letters, lines, done = [], [], None
    while message := worker.receive():
        name, fields = message
        if name == "import-letter":
            letters.append(fields)
        elif name == "import-problem":
            lines.append(line_of(fields))
        elif name == "import-done":
            done = fields
        else:
            assert name == "import-file", name
    status = worker.wait()
    assert status == 0, f"exit {status}: {upload.stderr()}"
    assert done, "the import ended without saying so"
    return letters, lines, done
