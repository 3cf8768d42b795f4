#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix.py - Postfix's full path beside ours, by `run.py --only postfix`.

smtp-source gives letters to smtpd over as many connections as there are later;
each is in Postfix's queue, on the disk, before smtpd's "250", and its smtp
client relays it to the sink. Ours: a table is enqueued and its letters are
merged, composed and sent to the same sink. Both times go from the first letter
given to the last one taken by the sink, so neither is asked for less than the
other.

Postfix comes unpacked from Debian's package and runs in a namespace of its own,
as in tests/servers; its spool lies beside our store. It is set up as somebody
would who has read its TUNING_README: as many smtpd and smtp processes and as
high a concurrency as there are connections, from the start; no delay of what
comes in; connections kept; no DNS, no TLS, no rewriting, no filter, no
statistics of clients.
"""
import argparse
import grp
import os
import pathlib
import pwd
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402

SERVERS = run.SOURCE / "tests/servers"
TREE = run.BUILD / "servers"
QUEUES = "maildrop incoming active deferred hold".split()
MAIN = """
compatibility_level = 3.6
queue_directory = {d}/spool
data_directory = {d}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = {d}/conf
import_environment = MAIL_CONFIG LD_LIBRARY_PATH TZ LANG=C
export_environment = TZ LANG=C LD_LIBRARY_PATH
mail_owner = postfix
setgid_group = postdrop
maillog_file = {d}/log/postfix.log
maillog_file_prefixes = {d}
myhostname = postfix.chancery.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:{sink}
local_recipient_maps =
local_header_rewrite_clients =
append_dot_mydomain = no
disable_dns_lookups = yes
smtp_host_lookup = native
smtp_tls_security_level = none
smtpd_tls_security_level = none
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = 127.0.0.0/8
smtpd_error_sleep_time = 0
in_flow_delay = 0
qmgr_message_active_limit = 200000
qmgr_message_recipient_limit = 200000
default_destination_concurrency_limit = {connections}
initial_destination_concurrency = {connections}
default_process_limit = 200
max_use = 100000
smtp_connection_cache_on_demand = {keep}
smtp_connection_cache_destinations = {cached}
smtp_connection_reuse_count_limit = 100
"""
MASTER = """
127.0.0.1:{smtpd} inet n - n - {connections} smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - {connections} smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def make_folders(d):
    owner = pwd.getpwnam("postfix").pw_uid
    postdrop = grp.getgrnam("postdrop").gr_gid
    for name in ("conf", "data", "log", "spool/pid"):
        (d / name).mkdir(parents=True)
    os.chown(d / "data", owner, -1)
    for name in ("active bounce corrupt defer deferred flush hold incoming "
                 "private saved trace maildrop public").split():
        folder = d / "spool" / name
        folder.mkdir()
        public = name in ("maildrop", "public")
        os.chown(folder, owner, postdrop if public else -1)
        folder.chmod({"maildrop": 0o730, "public": 0o710}.get(name, 0o700))


class Postfix:
    def __init__(self, d, sink, connections, keep):
        self.d = d
        subprocess.run(["rm", "-rf", d], check=True)
        make_folders(d)
        with run.socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        values = {"d": d, "sink": sink.port, "smtpd": self.port,
                  "connections": connections, "keep": "yes" if keep else "no",
                  "cached": "static:all" if keep else ""}
        (d / "conf/main.cf").write_text(MAIN.format(**values))
        (d / "conf/master.cf").write_text(MASTER.format(**values))
        environment = dict(os.environ, MAIL_CONFIG=str(d / "conf"),
                           LD_LIBRARY_PATH="/usr/lib/postfix")
        with open(d / "log/master.err", "wb") as log:
            self.master = subprocess.Popen(
                ["/usr/lib/postfix/sbin/master", "-c", d / "conf", "-d"],
                env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        self.wait_for_port()

    def wait_for_port(self):
        for _ in range(200):
            try:
                with run.socket.create_connection(("127.0.0.1", self.port),
                                                  5) as door:
                    door.recv(100)
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit((self.d / "log/master.err").read_text())

    def queued(self):
        return sum(len(os.listdir(self.d / "spool" / name))
                   for name in QUEUES)

    def stop(self):
        self.master.terminate()
        self.master.wait()


def postfix_rate(connections, letters, keep):
    """Letters a second from the first given to the last relayed, and the CPU of
    Postfix alone for a letter, in microseconds."""
    sink = run.Sink()
    postfix = Postfix(run.WORK / "postfix", sink, connections, keep)
    run.smtp_source(postfix, connections, 200, run.WORK / "message.eml")
    while postfix.queued():
        time.sleep(0.02)
    cpu = run.tree_cpu(postfix.master.pid)
    start = time.monotonic()
    run.smtp_source(postfix, connections, letters, run.WORK / "message.eml")
    while postfix.queued():
        time.sleep(0.02)
    wall = time.monotonic() - start
    cpu = run.tree_cpu(postfix.master.pid) - cpu
    log = (postfix.d / "log/postfix.log").read_text()
    postfix.stop()
    sink.stop()
    relayed = log.count(" status=sent ")
    if relayed != letters + 200 or "status=deferred" in log:
        raise SystemExit(f"Postfix has relayed {relayed} letters: "
                         f"{log[-2000:]}")
    return letters / wall, cpu / letters * 1e6


def our_rate(connections, letters):
    """Letters a second, enqueued and sent, and sent alone; and the CPU of
    chanceryd and its workers for all of it."""
    folder = run.WORK / "round"
    subprocess.run(["rm", "-rf", folder], check=True)
    sink = run.Sink()
    run.make_table(run.WORK / "warm.csv", 200, 10**6)
    run.make_table(run.WORK / "table.csv", letters)
    room = run.Chancery(folder, sink.port, connections)
    room.enqueue(run.WORK / "letter", run.WORK / "warm.csv", "WARM-1")
    room.send_all("WARM-1", 200)
    cpu = run.tree_cpu(room.process.pid)
    start = time.monotonic()
    room.enqueue(run.WORK / "letter", run.WORK / "table.csv", "DM-1")
    enqueued = time.monotonic()
    while room.letters("DM-1").get("sent", 0) < letters:
        time.sleep(0.02)
    end = time.monotonic()
    cpu = run.tree_cpu(room.process.pid) - cpu
    room.stop()
    sink.stop()
    subprocess.run(["rm", "-rf", folder], check=True)
    return (letters / (end - start), letters / (end - enqueued),
            cpu / letters * 1e6)


def compare(args, connections):
    few = max(args.letters // 8, 500)
    names = ("Postfix", "Postfix, connections anew", "chancery",
             "chancery, enqueued before")
    rates = {name: [] for name in names}
    cpus = {name: [] for name in names[:3]}
    for _ in range(args.rounds):
        for name in names[:2]:
            rate, cpu = postfix_rate(connections, few, name == "Postfix")
            rates[name].append(rate)
            cpus[name].append(cpu)
        whole, sending, cpu = our_rate(connections, args.letters)
        rates["chancery"].append(whole)
        rates["chancery, enqueued before"].append(sending)
        cpus["chancery"].append(cpu)
    size = (run.WORK / "message.eml").stat().st_size
    run.print_rates(f"the full path: {connections} connections, letters of "
                    f"{size} bytes, median of {args.rounds} rounds", rates)
    best = max(statistics.median(rates[name]) for name in names[:2])
    print("  of the better Postfix " + ", ".join(
        f"{statistics.median(rates[name]) / best:.1f}" for name in names[2:]))
    print("  CPU us a letter: " + ", ".join(
        f"{name} {statistics.median(values):.0f}"
        for name, values in cpus.items()), flush=True)


def inside(args):
    for connections in args.connections:
        compare(args, connections)


def outside():
    subprocess.run(["sh", SERVERS / "fetch.sh", TREE], check=True)
    subprocess.run(["sh", SERVERS / "enter.sh", TREE, sys.executable,
                    __file__, "inside", *sys.argv[1:]], check=True)


def main():
    if sys.argv[1:2] != ["inside"]:
        outside()
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("where")
    parser.add_argument("--letters", type=int, default=40000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="*", default=[16])
    inside(parser.parse_args())


if __name__ == "__main__":
    main()
