#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that is damaged, old, not ours or in the wrong place is not sent
from: it does not open, or it starts paused."""
import os
import pathlib
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile

LIFE = pathlib.Path(os.environ["top_builddir"]) / "tests/system/store-life"


def life(verb, folder):
    return subprocess.run([LIFE, verb, folder], text=True, timeout=60,
                          capture_output=True, check=False)


def killed(folder, said="dot K3", verb="run"):
    """A life that is ended by SIGKILL when it has said so."""
    run = subprocess.run([LIFE, verb, folder], timeout=60, check=False,
                         stdout=subprocess.DEVNULL,
                         env={**os.environ, "CHANCERY_CRASH_AT": said})
    assert run.returncode == -signal.SIGKILL, run.returncode


def refused(folder, *words):
    run = life("run", folder)
    assert run.returncode == 65, (run.returncode, run.stdout, run.stderr)
    assert not run.stdout, run.stdout
    for word in words:
        assert word in run.stderr, run.stderr


def paused(folder):
    run = life("run", folder)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "restored\npaused\n", run.stdout


def ends(folder):
    run = life("run", folder)
    assert run.returncode == 0 and run.stdout.endswith("end\n"), \
        (run.stdout, run.stderr)


def overwrite(path, at, text):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(text)


def page_size(path):
    return int.from_bytes(path.read_bytes()[16:18], "big")


# ---- cases: each gets an empty folder and the database's path ---------------

def killed_and_started_again(folder, db):
    killed(folder)
    ends(folder)


def log_deleted(folder, db):
    killed(folder, "claim K1")
    life("check", folder)  # closes it in order
    killed(folder, verb="settle")
    pathlib.Path(f"{db}-wal").unlink()
    refused(folder, "write-ahead log", ".epoch")
    refused(folder, "write-ahead log")  # and again
    pathlib.Path(f"{db}.epoch").unlink()
    paused(folder)


def log_deleted_with_all_that_there_was(folder, db):
    killed(folder)
    pathlib.Path(f"{db}-wal").unlink()
    refused(folder, "write-ahead log", ".epoch")
    refused(folder, "write-ahead log")


def log_emptied(folder, db):
    killed(folder)
    pathlib.Path(f"{db}-wal").write_bytes(b"")
    refused(folder, "write-ahead log")


def log_cut_short(folder, db):
    killed(folder)
    log = pathlib.Path(f"{db}-wal")
    os.truncate(log, log.stat().st_size * 2 // 3)
    paused(folder)


def log_deleted_with_nothing_in_it(folder, db):
    """What was done last is in the redo log."""
    killed(folder, "claim K1")
    life("check", folder)
    killed(folder)
    pathlib.Path(f"{db}-wal").unlink()
    ends(folder)


def redo_log_deleted(folder, db):
    killed(folder)
    pathlib.Path(f"{db}.redo").unlink()
    refused(folder, "redo log", ".epoch")
    refused(folder, "redo log")  # and again
    pathlib.Path(f"{db}.epoch").unlink()
    paused(folder)


def redo_log_deleted_while_closed(folder, db):
    ends(folder)
    pathlib.Path(f"{db}.redo").unlink()
    ends(folder)


def redo_log_emptied(folder, db):
    killed(folder)
    pathlib.Path(f"{db}.redo").write_bytes(b"")
    refused(folder, "redo log")


def redo_log_damaged(folder, db):
    """At each of its turns: what was behind is not known any more."""
    killed(folder)
    log = pathlib.Path(f"{db}.redo")
    whole = log.read_bytes()
    turns = [0]
    while True:  # the turn of the database, the number behind it, the length
        turn, number, size = struct.unpack_from("<QII", whole, turns[-1] + 56)
        following = turns[-1] + 72 + size
        if whole[following + 56:following + 68] != \
                struct.pack("<QI", turn, number + 1):
            break
        turns.append(following)
    assert len(turns) > 4, turns
    rest = shutil.copytree(folder, f"{folder}.kept")
    try:
        for at in turns:
            for off in (0, 50, 100):
                shutil.rmtree(folder)
                shutil.copytree(rest, folder)
                overwrite(log, at + off, bytes([whole[at + off] ^ 1]))
                paused(folder)
    finally:
        shutil.rmtree(rest)


def states(folder):
    return life("check", folder).stdout.splitlines()


def epoch_deleted_after_a_crash(folder, db):
    """It is paused, and has all that was said, as if the file were there: what
    is in the redo log alone, too."""
    for verb in ("run", "settle"):
        killed(folder, verb=verb)
        shutil.copytree(folder, f"{folder}.kept")
        try:
            whole = states(folder)
            shutil.rmtree(folder)
            shutil.copytree(f"{folder}.kept", folder)
            pathlib.Path(f"{db}.epoch").unlink()
            assert states(folder) == ["restored", *whole], states(folder)
            assert len(whole) == 6, whole
        finally:
            shutil.rmtree(f"{folder}.kept")
            shutil.rmtree(folder)
            folder.mkdir()


def an_earlier_day_has_its_own_redo_log(folder, db):
    """The whole folder of then, with the epoch file of now."""
    killed(folder, "sent K1")
    names = (db.name, f"{db.name}-wal", f"{db.name}.redo")
    for name in names:
        shutil.copy(folder / name, folder / f"kept{name}")
    shutil.copytree(folder, f"{folder}.then")
    then = states(f"{folder}.then")
    shutil.rmtree(f"{folder}.then")
    killed(folder)
    for name in names:
        os.replace(folder / f"kept{name}", folder / name)
    assert states(folder) == ["restored", *then], (states(folder), then)


def redo_log_of_the_history_that_was_left(folder, db):
    """After a restore the same turns are counted once more: their log does not
    fit."""
    killed(folder, "dot K1")
    for name in (db.name, f"{db.name}-wal", f"{db.name}.redo"):
        shutil.copy(folder / name, folder / f"kept{name}")
    killed(folder, "dot K4")
    left = pathlib.Path(f"{db}.redo").read_bytes()
    for name in (db.name, f"{db.name}-wal", f"{db.name}.redo"):
        os.replace(folder / f"kept{name}", folder / name)
    pathlib.Path(f"{db}.epoch").unlink()
    paused(folder)
    before = states(folder)
    pathlib.Path(f"{db}.redo").write_bytes(left)
    assert states(folder) == before, (states(folder), before)


def redo_log_of_an_earlier_day(folder, db):
    """A copy of the whole folder, with the epoch file of today."""
    killed(folder, "dot K1")
    for name in (db.name, f"{db.name}-wal", f"{db.name}.redo"):
        shutil.copy(folder / name, folder / f"kept{name}")
    killed(folder)
    for name in (db.name, f"{db.name}-wal", f"{db.name}.redo"):
        os.replace(folder / f"kept{name}", folder / name)
    paused(folder)


def looked_at_by_somebody_after_a_crash(folder, db):
    """Any other program that opens the database takes the log into it."""
    killed(folder)
    with sqlite3.connect(db) as other:
        other.execute("SELECT count(*) FROM letter").fetchone()
    other.close()
    assert not pathlib.Path(f"{db}-wal").exists()
    ends(folder)


def backup_put_back(folder, db):
    killed(folder, "claim K1")
    with sqlite3.connect(db) as now, \
            sqlite3.connect(folder / "backup") as backup:
        now.backup(backup)
    now.close()
    backup.close()
    ends(folder)
    os.replace(folder / "backup", db)
    paused(folder)
    run = life("run", folder)  # until somebody resumes
    assert run.stdout == "paused\n", run.stdout


def copied_without_its_epoch(folder, db):
    ends(folder)
    pathlib.Path(f"{db}.epoch").unlink()
    paused(folder)


def another_store_put_in_its_place(folder, db):
    ends(folder)
    epoch = pathlib.Path(f"{db}.epoch").read_bytes()
    db.unlink()
    pathlib.Path(f"{db}.epoch").unlink()
    ends(folder)
    pathlib.Path(f"{db}.epoch").write_bytes(epoch)
    paused(folder)


def epoch_unreadable(folder, db):
    ends(folder)
    pathlib.Path(f"{db}.epoch").write_text("chancery epoch 2\n")
    paused(folder)


def database_deleted(folder, db):
    ends(folder)
    db.unlink()
    run = life("run", folder)
    assert run.stdout.startswith("restored\npaused\n"), run.stdout


def not_a_database(folder, db):
    db.write_text("Dear Sir or Madam,\n" * 100)
    refused(folder, "not a database")


def another_programs_database(folder, db):
    with sqlite3.connect(db) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    refused(folder, "not a database of Chancery")


def another_version_of_the_schema(folder, db):
    ends(folder)
    with sqlite3.connect(db) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    refused(folder, "version 99", "version 4")


def header_overwritten(folder, db):
    ends(folder)
    overwrite(db, 0, b"\0" * 100)
    refused(folder, "not a database")


def pages_overwritten(folder, db):
    """Each page in turn: a store with any damaged page is refused."""
    ends(folder)
    whole = db.read_bytes()
    size = page_size(db)
    for page in range(1, len(whole) // size):
        overwrite(db, page * size, b"\xA5" * size)
        run = life("run", folder)
        assert run.returncode == 65 and not run.stdout, \
            (page, run.stdout, run.stderr)
        db.write_bytes(whole)
    ends(folder)


def cut_short(folder, db):
    ends(folder)
    os.truncate(db, db.stat().st_size // 2 // page_size(db) * page_size(db))
    refused(folder, "malformed")


def a_folder_in_its_place(folder, db):
    db.mkdir()
    refused(folder)


def in_the_right_place(folder, db):
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], text=True,
                          capture_output=True, check=True).stdout.strip()
    if kind == "tmpfs":
        return  # a temporary folder in memory: the other case has it
    run = life("place", folder)
    assert run.returncode == 0, run.stderr


def in_memory(folder, db):
    shm = pathlib.Path("/dev/shm")
    kind = subprocess.run(["stat", "-f", "-c", "%T", shm], text=True,
                          capture_output=True, check=False).stdout.strip()
    if kind != "tmpfs":
        print("in_memory: no tmpfs at /dev/shm, not tried")
        return
    run = life("place", shm)
    assert run.returncode == 65, run.stderr
    assert "tmpfs, a volatile file system" in run.stderr, run.stderr


def nowhere(folder, db):
    run = life("place", folder / "nowhere")
    assert run.returncode == 65 and "No such file" in run.stderr, run.stderr
    run = life("run", folder / "nowhere")
    assert run.returncode == 65 and "No such file" in run.stderr, run.stderr


CASES = [
    killed_and_started_again, log_deleted,
    log_deleted_with_all_that_there_was, log_emptied, log_cut_short,
    log_deleted_with_nothing_in_it, redo_log_deleted,
    redo_log_deleted_while_closed, redo_log_emptied, redo_log_damaged,
    redo_log_of_an_earlier_day, epoch_deleted_after_a_crash,
    an_earlier_day_has_its_own_redo_log, redo_log_of_the_history_that_was_left,
    looked_at_by_somebody_after_a_crash, backup_put_back,
    copied_without_its_epoch, another_store_put_in_its_place,
    epoch_unreadable, database_deleted, not_a_database,
    another_programs_database, another_version_of_the_schema,
    header_overwritten, pages_overwritten, cut_short, a_folder_in_its_place,
    in_the_right_place, in_memory, nowhere,
]


def main():
    bad = 0
    for case in CASES:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="ch-store-damage-"))
        try:
            case(folder, folder / "store.db")
        except AssertionError as error:
            bad += 1
            print(f"{case.__name__}: {error}")
        else:
            shutil.rmtree(folder)
    print(f"{len(CASES)} cases, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
