#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""demo.py BUILD mailhost|scripted - one batch to 193 States, from the check of
the table to the last answer, with the daemon killed on the way.

The programs are those installed in BUILD/root. The last line on stdout is a
JSON object, counted from the servers' mailboxes and logs and compared with the
store.
"""
import collections
import csv
import email
import email.policy
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
REFERENCE = "DM-1276"
KINDS = (  # every so many rows, at this remainder: a local part
    ("refused", 40, 7), ("busy", 20, 11), ("gone", 24, 3), ("away", 15, 5),
    ("replies", 8, 1))

CONF = """
secretariat: {{
  from = "Secretariat of the Convention <bureau@chancery.example>";
  envelope = "bounces@chancery.example";
}};
store: {{
  path = "{d}/state/chancery.db";
  allow_volatile = true;
}};
relays: ( {{
  name = "relay";
  host = "localhost";
  port = {smtp};
  tls = "starttls";
  ca_file = "{ca_file}";
  auth = "plain";
  user = "{user}";
  password = "{d}/password";
  connections = 4;
  per_minute = 1200;
}} );
mailboxes: ( {{
  name = "bureau";
  host = "localhost";
  port = {imaps};
  tls = "implicit";
  ca_file = "{ca_file}";
  user = "{user}";
  password = "{d}/password";
  poll = "1s";
}} );
sending: {{
  retry = [ "2s", "4s", "8s" ];
  retry_policy = [ "2s", "4s", "8s" ];
  retry_mailbox = [ "2s", "4s", "8s" ];
  max_age = "1h";
}};
status: {{
  socket = "{d}/status.sock";
  control_socket = "{d}/control.sock";
}};
"""


def step(text):
    print(f"\n── {text}", flush=True)


class Demo:
    def __init__(self, build, peers):
        self.root = build / "root"
        self.d = build / "demo"
        shutil.rmtree(self.d, ignore_errors=True)
        (self.d / "state").mkdir(parents=True)
        self.servers = subprocess.Popen(
            [sys.executable, SOURCE / f"tests/servers/{peers}.py",
             self.d / "servers"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        line = self.servers.stdout.readline()
        if not line:
            raise SystemExit("the mail servers did not start")
        self.facts = json.loads(line)
        password = self.d / "password"
        password.touch(0o600)
        password.write_text(self.facts["password"] + "\n")
        self.conf = self.d / "chancery.conf"
        self.conf.write_text(CONF.format(d=self.d, **self.facts))
        self.daemon = None

    def start(self):
        log = open(self.d / "chanceryd.log", "ab")
        self.daemon = subprocess.Popen(
            [self.root / "sbin/chanceryd", "-c", self.conf],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        for _ in range(400):
            if self.json("status"):
                return
            if self.daemon.poll() is not None:
                break
            time.sleep(0.05)
        print((self.d / "chanceryd.log").read_text()[-3000:])
        raise SystemExit("chanceryd did not start")

    def kill(self, how):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(how)
            self.daemon.wait()

    def command(self, *words):
        return [str(self.root / "bin/chancery"), "--socket-dir",
                str(self.d), *map(str, words)]

    def run(self, *words, show=True, fail=False):
        """Run chancery as a person would, with its output on the page."""
        if show:
            print("$ chancery " + " ".join(
                pathlib.Path(w).name if "/" in str(w) and
                pathlib.Path(str(w)).exists() else str(w) for w in words),
                flush=True)
        run = subprocess.run(self.command(*words), check=False)
        if (run.returncode != 0) != fail:
            raise SystemExit(f"chancery {words[0]}: exit {run.returncode}")

    def json(self, *words):
        """The --json lines of a reading verb, [] where nobody answers."""
        run = subprocess.run(self.command(*words, "--json"), text=True,
                             capture_output=True, check=False)
        if run.returncode != 0:
            return []
        return [json.loads(line) for line in run.stdout.splitlines()]

    def batch(self):
        return self.json("status", REFERENCE)[0]

    def kill_at_a_dot(self, seconds=3):
        """SIGKILL, if it can be had at a moment when some letter's final dot
        is under way: then it will be in doubt."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with socket.socket(socket.AF_UNIX) as door:
                door.connect(str(self.d / "status.sock"))
                door.sendall(b"GET /v1/batches/%s HTTP/1.0\r\n\r\n" %
                             REFERENCE.encode())
                answer = b"".join(iter(lambda: door.recv(65536), b""))
            if not re.search(rb'"dot": ?0\b', answer):
                break
        self.kill(signal.SIGKILL)
        print(f"$ kill -KILL {self.daemon.pid}", flush=True)

    def wait(self, what, until, seconds=90):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            batch = self.batch()
            if until(batch):
                return batch
            time.sleep(0.3)
        raise SystemExit(f"waited {seconds} s in vain for: {what}")


def tables(demo):
    """The sample table, with ministries that behave in their own ways."""
    source = SOURCE / "templates/sample/members.csv"
    rows = list(csv.DictReader(source.open(encoding="utf-8-sig")))
    for index, row in enumerate(rows):
        for local, every, rest in KINDS:
            if index % every == rest:
                row["to"] = re.sub(r"[\w.-]+@", local + "@", row["to"])
                break
    path = demo.d / "members.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path, rows


def count(demo, rows):
    """What the servers saw, letter by letter, against what the store says."""
    delivered = collections.Counter()
    for path in pathlib.Path(demo.facts["members"]).glob("*/*"):
        if path.is_file():
            mail = email.message_from_bytes(path.read_bytes(),
                                            policy=email.policy.default)
            delivered[str(mail["X-Original-To"]).lower()] += 1
    log = pathlib.Path(demo.facts["log"]).read_text(errors="replace")
    letters = {each["key"]: each
               for each in demo.json("letters", REFERENCE)}
    bounced = collections.Counter(
        match.lower() for match in re.findall(
            r"to=<(gone@[^>]+)>, .*status=bounced", log))
    if not bounced:  # the scripted relay's own log
        bounced = collections.Counter(re.findall(
            r"accepted .*to=<(gone@[^>]+)>", log))
    lost = twice = 0
    for row in rows:
        to = row["to"].split(",")[0].strip().lower()
        letter = letters.get(row["key"])
        seen = delivered[to] + bounced[to]
        twice += seen > 1
        if letter is None or letter["state"] == "sent" and seen == 0:
            lost += 1
            print(f"lost: {row['key']} {to}")
        if letter and letter["state"] == "failed" and seen:
            print(f"refused, but seen: {row['key']} {to}")
            twice += 1
    return letters, lost, twice


def summary(demo, letters, lost, twice):
    states = collections.Counter(each["state"] for each in letters.values())
    result = {
        "letters": len(letters), "sent": states["sent"],
        "failed": states["failed"], "in_doubt": states["in_doubt"],
        "bounced": sum(bool(each["bounced"]) for each in letters.values()),
        "auto_replied": sum(bool(each["auto_replied"])
                            for each in letters.values()),
        "answered": sum(bool(each["answered"]) for each in letters.values()),
        "lost": lost, "twice": twice}
    print()
    for name, number in result.items():
        print(f"  {name.replace('_', ' '):13}{number:5}")
    return result


def relay_took(demo, address):
    """What a person would look for in the relay's log."""
    log = pathlib.Path(demo.facts["log"]).read_text(errors="replace")
    return re.search(r"(: [0-9A-F]+: |accepted .*)to=<" + re.escape(address) +
                     ">", log) is not None


def decide(demo):
    """Of letters in doubt that nothing came back to, by the relay's log."""
    for letter in demo.json("letters", REFERENCE, "--state", "in_doubt"):
        address = letter["addresses"][0]["address"]
        took = relay_took(demo, address)
        print(f"The relay's log {'has' if took else 'does not have'} "
              f"{address}:")
        demo.run("resolve", f"{REFERENCE}/{letter['key']}",
                 "--sent" if took else "--resend")


def resolved(batch):
    return not any(batch["letters"].get(name, 0)
                   for name in ("queued", "claimed", "dot"))


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    demo = Demo(build, sys.argv[2])
    letter = SOURCE / "templates/invitation"
    try:
        story(demo, letter)
    finally:
        demo.kill(signal.SIGTERM)
        demo.servers.stdin.close()
        demo.servers.wait()


def follow(demo, wanted):
    """Until so many are sent: on a terminal as --watch shows it, which draws
    in place; else what it shows at a few moments."""
    def sent(number):
        return demo.wait(f"{number} letters sent", lambda b:
                         b["letters"].get("sent", 0) >= number)
    if sys.stdout.isatty():
        print(f"$ chancery status {REFERENCE} --watch", flush=True)
        watch = subprocess.Popen(demo.command("status", REFERENCE, "--watch"))
        sent(wanted)
        watch.terminate()
        watch.wait()
        return
    for number in (0, wanted // 2, wanted):
        sent(number)
        demo.run("status", REFERENCE)


def story(demo, letter):
    table, rows = tables(demo)
    wanted = collections.Counter(row["to"].split("@")[0] for row in rows)

    step("1. A table with three faults: chancery check finds all of them at "
         "once.")
    demo.run("check", letter, SOURCE / "templates/sample/faults.csv",
             "--reference", REFERENCE, "--deadline", "2026-12-18", fail=True)

    step("2. The letter to 193 States, in six languages, with two annexes.")
    demo.start()
    demo.run("enqueue", letter, table, "--reference", REFERENCE,
             "--deadline", "2026-12-18", "--yes")
    follow(demo, len(rows) // 2)

    step("3. Halfway, chanceryd is killed with SIGKILL, then started again.")
    demo.kill_at_a_dot()
    demo.start()
    demo.run("status", REFERENCE)
    print("Letters in doubt: their final dot may have been sent. Nothing sends "
          "them again by\nitself: evidence decides, or a person who looked "
          "into the relay's log.")
    demo.run("letters", REFERENCE, "--state", "in_doubt")

    step("4. Refusals, greylisting, bounces, answers, out-of-office notices "
         "come in by IMAP.")
    demo.wait("the end of the queue", resolved)
    decide(demo)
    demo.wait("the end of the queue", resolved)
    demo.wait("what comes back", lambda b:
              b["bounced"] >= wanted["gone"] and
              b["auto_replied"] >= wanted["away"] and
              b["answered"] >= wanted["replies"])
    demo.run("returns", REFERENCE)
    demo.run("status", REFERENCE)

    step("5. What became of the 193 letters, by the servers' own mailboxes "
         "and logs.")
    letters, lost, twice = count(demo, rows)
    result = summary(demo, letters, lost, twice)
    print("\nOperators watch with what they have:\n"
          f"$ curl -s --unix-socket {demo.d}/status.sock "
          "http://c/v1/status | jq .")
    subprocess.run(["sh", "-c", f"curl -s --unix-socket {demo.d}/status.sock "
                    "http://c/v1/status | jq -c '{state, letters}'"],
                   check=True)
    demo.kill(signal.SIGTERM)
    print(json.dumps(result, separators=(",", ":")))
    if lost or twice or len(letters) != len(rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
