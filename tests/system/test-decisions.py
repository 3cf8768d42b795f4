#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people decide, over the doors of a real chanceryd: who may, when, and
what a killed chanceryd makes of it. The second person is a process of another
user, so as an ordinary user those tests say that they were left out."""
import json
import os
import subprocess
import sys

import harness

TABLE = harness.table(5)
OTHER_UID = 4711

CLIENT = """
import json, os, sys
os.environ["top_builddir"] = sys.argv[1]
sys.path.insert(0, sys.argv[2])
import harness
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[3]))
path, target, body = sys.argv[4:]
answer = harness.ask(path, "POST", target, body,
                     {"Content-Type": "application/json"})
print(json.dumps([answer.status, answer.body.decode()]))
"""


def post_as(room, uid, target, body):
    """The same as room.post() by another user."""
    run = subprocess.run(
        [sys.executable, "-c", CLIENT, str(harness.BUILD),
         os.path.dirname(os.path.abspath(harness.__file__)), str(uid),
         room.control_socket, target, json.dumps(body)],
        capture_output=True, text=True, timeout=harness.TIMEOUT, check=False)
    if run.returncode != 0:
        return None, run.stderr
    status, text = json.loads(run.stdout)
    return status, json.loads(text)


def let_others_in(room):
    os.chmod(room.root, 0o711)
    os.chmod(room.control_socket, 0o666)


def refused(answer, status, words, hint=""):
    assert answer.status == status, (answer.status, answer.body)
    assert words in answer.json["error"]["text"], answer.body
    assert answer.json["error"]["hint"], answer.body
    assert hint in answer.json["error"]["hint"], answer.body


def events(room):
    return [(e["type"], e["who"]) for e in room.events()]


def test_a_release_is_bound_to_what_was_shown():
    with harness.Room(conf={"release": {"hold": True}}) as room:
        room.start()
        digest = room.enqueue("A/77/12", TABLE)["digest"]
        path = "/v1/batches/A%2F77%2F12"
        refused(room.post(path + "/release", {"digest": "0" * 64}), 409,
                "digest")
        assert room.post(path + "/release").status == 400
        for verb in ("pause", "resume"):
            refused(room.post(f"{path}/{verb}"), 409, "held",
                    '"chancery release" lets it go')
        assert room.batch("A/77/12")["state"] == "held"
        before = events(room)
        assert room.post(path + "/release", {"digest": digest}).status == 200
        assert room.batch("A/77/12")["state"] == "open"
        assert room.batch("A/77/12")["released_by"]
        assert len(events(room)) == len(before) + 1
        assert events(room)[-1][0] == "batch.released"
        refused(room.post(path + "/release", {"digest": digest}), 409, "open")


def test_it_takes_a_second_person():
    if os.geteuid() != 0:
        print("   left out: there is but one user")
        return
    conf = {"release": {"hold": True, "second_person": True}}
    with harness.Room(conf=conf) as room:
        room.start()
        digest = room.enqueue("DM-1", TABLE)["digest"]
        target = "/v1/batches/DM-1/release"
        status, error = post_as(room, OTHER_UID, target, {"digest": digest})
        assert status is None and "PermissionError" in error, (status, error)
        let_others_in(room)
        refused(room.post(target, {"digest": digest}), 403, "somebody else")
        # It is said behind the answer.
        harness.wait_for("the refusal in the log",
                         lambda: "refused" in room.log())
        status, body = post_as(room, OTHER_UID, target, {"digest": "0" * 64})
        assert status == 409, body
        assert room.batch("DM-1")["state"] == "held"
        status, body = post_as(room, OTHER_UID, target, {"digest": digest})
        assert (status, body) == (200, {"touched": 1})
        assert f"uid {OTHER_UID}" in room.batch("DM-1")["released_by"]
        assert f"uid {OTHER_UID}" in events(room)[-1][1]


def test_a_sent_letter_is_not_released_cancelled_or_retried():
    with harness.Sink() as sink, harness.Room([sink.relay()]) as room:
        room.start()
        digest = room.enqueue("DM-1", TABLE)["digest"]
        room.wait_letters("DM-1", sent=5)
        before = events(room)
        refused(room.post("/v1/batches/DM-1/release", {"digest": digest}),
                409, "open")
        letter = "/v1/batches/DM-1/letters/K000000"
        for verb in ("cancel", "retry"):
            refused(room.post(f"{letter}/{verb}"), 409, "sent",
                    "What was sent is not taken back")
        refused(room.upload("DM-1", TABLE), 409, "DM-1 is already there",
                "another reference")
        for verdict in ("sent", "resend"):
            refused(room.post(f"{letter}/resolve", {"as": verdict}), 409,
                    "sent")
        refused(room.post("/v1/batches/DM-1/retry"), 409, "failed")
        assert events(room) == before
        assert len(sink.taken()) == 5


def test_what_is_not_there():
    with harness.Room() as room:
        room.start()
        room.enqueue("DM-1", TABLE)
        for target in ("/v1/batches/DM-2/pause", "/v1/batches/DM-2/cancel",
                       "/v1/batches/DM-1/letters/X/cancel",
                       "/v1/batches/DM-2/letters/K000000/retry"):
            assert room.post(target).status == 404, target
        for target in ("/v1/reread",
                       "/v1/batches/DM-1/letters/K000000/confirm"):
            refused(room.post(target, {"return": "9"}), 404,
                    "there is no return 9", '"chancery returns" lists them')


def test_the_status_door_changes_nothing():
    with harness.Room() as room:
        room.start()
        room.enqueue("DM-1", TABLE)
        before = events(room)
        for target in ("/v1/pause", "/v1/batches/DM-1/cancel",
                       "/v1/batches"):
            answer = harness.ask(room.status_socket, "POST", target, "{}",
                                 {"Content-Type": "application/json"})
            assert answer.status in (403, 405), (target, answer.status)
        assert events(room) == before
        assert room.status()["state"] == "running"


def test_a_pause_holds_what_is_queued_and_outlives_a_kill():
    with harness.Sink() as sink, harness.Room([sink.relay()]) as room:
        room.start()
        assert room.post("/v1/pause").json == {"touched": 1}
        assert room.post("/v1/pause").json == {"touched": 0}
        room.enqueue("DM-1", TABLE)
        room.enqueue("DM-2", harness.table(5, start=5))
        assert room.post("/v1/batches/DM-1/pause").status == 200
        room.kill()
        room.start()
        assert room.status()["state"] == "paused"
        assert room.post("/v1/resume").json == {"touched": 1}
        room.wait_letters("DM-2", sent=5)
        assert room.batch("DM-1")["letters"]["queued"] == 5
        assert len(sink.taken()) == 5
        assert room.post("/v1/batches/DM-1/resume").status == 200
        room.wait_letters("DM-1", sent=5)


def test_a_large_cancel_is_finished_after_a_kill():
    count = 6000 if harness.SLOW else 40000
    # The commit of the command itself, and a later one of the rest.
    for commit in (1, 2):
        with harness.Room() as room:
            room.start()
            room.enqueue("DM-1", harness.table(count))
            assert room.stop() == 0
            room.start(env={"CHANCERY_CRASH_AT":
                            f"turn.after-commit:{commit}"})
            try:
                room.post("/v1/batches/DM-1/cancel")
            except OSError:
                pass
            assert room.wait() == -9, room.log()
            room.start()
            room.wait_letters("DM-1", cancelled=count, queued=0)
            assert room.batch("DM-1")["state"] == "cancelled"
            cancels = [e for e in room.events()
                       if e["type"] == "batch.cancelled"]
            assert len(cancels) == 1, cancels


if __name__ == "__main__":
    harness.run_all(dict(globals()))
