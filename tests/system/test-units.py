#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test-units.py - the units as they are installed, under a systemd of their
own: activation by a socket, who may open which, credentials, the sandbox with
letters going out and answers coming in, reload, watchdog, stop, and what is
started again and what is not.

Skipped where no such systemd can be booted: see tests/servers/boot.sh."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import harness

SOURCE = pathlib.Path(os.environ["top_srcdir"]).resolve()
# What chancery.conf(5) says of a program that prints a password: a shell, the
# credentials, a folder for what is temporary, a socket.
PASSWORD_COMMAND = "/var/lib/password"
PASSWORD_SCRIPT = """#!/bin/sh -e
wc -c <"$CREDENTIALS_DIRECTORY/$1" >/tmp/was-here
python3 -c 'import socket; socket.socket(socket.AF_INET6).bind(("::1", 0))'
cat "$CREDENTIALS_DIRECTORY/$1"
echo 1h
"""
STATUS, CONTROL = "/run/chancery/status.sock", "/run/chancery/control.sock"


# ---- outside ---------------------------------------------------------------

def variable(name):
    return subprocess.run(
        ["make", "-s", "-C", harness.BUILD, "--no-print-directory",
         f"--eval=print-it:;@echo '$({name})'", "print-it"],
        text=True, capture_output=True, check=True,
        env=environment()).stdout.strip()


def environment():
    """Without make check's own flags: its job server is not ours."""
    return {k: v for k, v in os.environ.items()
            if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def outside():
    prefix = variable("prefix")
    build = harness.BUILD.resolve()
    if harness.SLOW:
        skip("the sandbox is no place for sanitizers")
    if re.match(r"/(home|root|run|tmp|var/tmp)(/|$)", prefix):
        skip(f"the sandbox hides {prefix}")
    for folder in (SOURCE, build):
        if pathlib.Path(prefix).is_relative_to(folder):
            skip(f"{folder} is shown read-only, and {prefix} is in it")
    with tempfile.TemporaryDirectory() as work:
        destdir = os.path.join(work, "destdir")
        subprocess.run(["make", "-s", "-C", harness.BUILD, "install",
                        f"DESTDIR={destdir}"], check=True,
                       env=environment(), stdout=subprocess.DEVNULL)
        facts = {name: variable(name) for name in
                 ("confdir", "statedir", "systemdsystemunitdir",
                  "sysusersdir", "tmpfilesdir")}
        boot = subprocess.run(
            ["sh", SOURCE / "tests/servers/boot.sh", work, destdir,
             "env", f"top_srcdir={SOURCE}", f"top_builddir={build}",
             *[f"{name}={value}" for name, value in facts.items()],
             sys.executable, "-B", __file__ if os.path.isabs(__file__)
             else os.path.abspath(__file__), "inside"],
            env={**environment(), "SHOW": f"{SOURCE} {build}"}, check=False)
        if boot.returncode == 77:
            skip("no systemd can be booted here")
        result = pathlib.Path(work, "result")
        if (result / "output").exists():
            print((result / "output").read_text(errors="replace"))
        status = result / "status"
        sys.exit(int(status.read_text()) if status.exists() else
                 "the systemd under test ended before its command")


# ---- inside ----------------------------------------------------------------

def run(*words, fail=False, user=None, groups=()):
    who = {"user": user, "group": user, "extra_groups": groups} if user else {}
    done = subprocess.run(words, text=True, check=False, **who,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check((done.returncode != 0) == fail,
          f"{' '.join(map(str, words))}: exit {done.returncode}\n"
          f"{done.stdout}")
    return done.stdout.strip()


def check(condition, text):
    if not condition:
        print(subprocess.run(
            ["journalctl", "--no-pager", "-n", "60"], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout)
        print(f"FAIL: {text}", flush=True)
        sys.exit(1)


def show(name):
    return run("systemctl", "show", "-P", name, "chanceryd.service")


def wait_for(what, condition, timeout=60):
    end = time.monotonic() + timeout
    while not condition():
        check(time.monotonic() < end, f"{what}: not within {timeout} s")
        time.sleep(0.05)


def step(text):
    print(f"-- {text}", flush=True)


def put(path, text, mode=0o644):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode)
    path.chmod(mode)
    path.write_text(text, encoding="utf-8")


def set_up(mail):
    """What the README says, in the folders where systemd looks."""
    for name, folder in (("systemdsystemunitdir", "/etc/systemd/system"),
                         ("sysusersdir", "/etc/sysusers.d"),
                         ("tmpfilesdir", "/etc/tmpfiles.d")):
        for path in pathlib.Path(os.environ[name]).glob("chancery*"):
            put(f"{folder}/{path.name}", path.read_text(encoding="utf-8"))
    put("/etc/sysusers.d/people.conf",
        "u okello - \"sends\"\nm okello chancery-secretariat\n"
        "u ndiaye - \"watches\"\nm ndiaye chancery-operators\n"
        "u stranger - \"neither\"\n")
    run("systemd-sysusers")
    run("systemd-tmpfiles", "--create")
    conf = pathlib.Path(os.environ["confdir"])
    for name in ("smtp-password", "imap-password"):
        put(conf / name, mail["password"] + "\n", 0o600)
    put(PASSWORD_COMMAND, PASSWORD_SCRIPT, 0o755)
    configure(mail)


def configure(mail, more=""):
    common = (f'host = "localhost"; ca_file = "/var/lib/ca.pem"; '
              f'user = "{mail["user"]}";')
    put("/var/lib/ca.pem", pathlib.Path(mail["ca_file"]).read_text())
    put(pathlib.Path(os.environ["confdir"], "chancery.conf"),
        'secretariat: { from = "Bureau <bureau@chancery.example>"; '
        'envelope = "bounces@chancery.example"; };\n'
        'store: { allow_volatile = true; '
        f'path = "{os.environ["statedir"]}/chancery.db"; }};\n'
        f'relays: ( {{ name = "relay"; {common} port = {mail["smtp"]}; '
        'auth = "plain"; password = "smtp-password"; } );\n'
        f'mailboxes: ( {{ name = "bureau"; {common} port = {mail["imaps"]}; '
        f'password_command = [ "{PASSWORD_COMMAND}", "imap-password" ]; }} );'
        f'\n{more}')


def start_servers():
    process = subprocess.Popen(
        [sys.executable, "-B", SOURCE / "tests/servers/scripted.py",
         "/var/lib/servers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    return process, json.loads(process.stdout.readline())


CURL = ("curl", "-sS", "--fail-with-body", "--max-time", "60")


def curl(socket, path, **how):
    return run(*CURL, "--unix-socket", socket, f"http://c{path}", **how)


def sockets_open_to_whom_they_should():
    step("a knock at the status socket starts the daemon")
    run("systemctl", "start", "chanceryd-status.socket",
        "chanceryd-control.socket")
    check(show("ActiveState") == "inactive", "started without a knock")
    curl(STATUS, "/healthz", user="ndiaye",
         groups=["chancery-operators"])
    check(show("ActiveState") == "active", "not started by the knock")
    wait_for("STATUS=", lambda: show("StatusText"))
    step("each group has its socket, and a stranger none")
    for user, group, socket, fail in (
            ("ndiaye", "chancery-operators", CONTROL, True),
            ("okello", "chancery-secretariat", CONTROL, False),
            ("okello", "chancery-secretariat", STATUS, True),
            ("stranger", "stranger", STATUS, True),
            ("stranger", "stranger", CONTROL, True)):
        curl(socket, "/v1/status", user=user, groups=[group], fail=fail)


def batch():
    return json.loads(curl(STATUS, "/v1/batches/DM-1"))


def letters_go_out_and_answers_come_in():
    step("letters leave the sandbox, and answers come back into it")
    put("/var/lib/letter.conf", "")
    put("/var/lib/en.md", "Subject: Session\n\nDear {{name}},\n\nplease come.\n")
    put("/var/lib/members.csv", "key,language,to,name\n" + "".join(
        f"K{i},en,{to}@fr.members.example,Country {i}\n" for i, to in
        enumerate(("minister", "mission", "refused", "gone", "away",
                   "replies"))))
    run(*CURL, "--unix-socket", CONTROL, "-F", "reference=DM-1",
        "-F", "letter=@/var/lib/letter.conf", "-F", "letter=@/var/lib/en.md",
        "-F", "recipients=@/var/lib/members.csv", "http://c/v1/batches",
        user="okello", groups=["chancery-secretariat"])
    check("okello" in batch()["enqueued_by"], "who enqueued is not known")
    wait_for("the letters", lambda: batch()["letters"]["sent"] == 5 and
             batch()["letters"]["failed"] == 1)
    wait_for("what comes back", lambda: batch()["answered"] == 1 and
             batch()["auto_replied"] == 1 and batch()["bounced"] == 1)


def the_journal_knows_the_letters():
    step("the journal finds a letter by its fields, and names it")
    lines = run("journalctl", "--no-pager", "-o", "cat", "-u", "chanceryd",
                "CHANCERY_BATCH=DM-1", "CHANCERY_LETTER=K2",
                "CHANCERY_SMTP_CODE=550")
    check("courier" in lines and "(DM-1/K2)" in lines, lines)


def reload_takes_what_is_right(mail):
    step("a reload with a mistake fails, and changes nothing")
    pid = show("MainPID")
    configure(mail, 'stop_timeout = "soon";\n')
    run("systemctl", "reload", "chanceryd", fail=True)
    curl(STATUS, "/v1/status")
    configure(mail, 'stop_timeout = "20s";\n')
    run("systemctl", "reload", "chanceryd")
    curl(STATUS, "/v1/status")
    check(show("MainPID") == pid, "a reload is not a restart")


def a_daemon_that_hangs_is_started_again():
    step("the watchdog starts it again when it hangs")
    put("/etc/systemd/system/chanceryd.service.d/quick.conf",
        "[Service]\nWatchdogSec=4\nRestartSec=1\nTimeoutAbortSec=5\n"
        "WatchdogSignal=SIGKILL\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "chanceryd")
    pid = show("MainPID")
    for _ in range(2):
        fed = show("WatchdogTimestampMonotonic")
        wait_for("a sign of life",
                 lambda: show("WatchdogTimestampMonotonic") != fed)
    check(show("MainPID") == pid, "the watchdog killed a daemon that is well")
    os.kill(int(pid), 19)  # SIGSTOP
    wait_for("another one", lambda: show("MainPID") not in (pid, "0") and
             show("ActiveState") == "active")
    check(show("NRestarts") == "1", f"NRestarts={show('NRestarts')}")
    check(batch()["letters"]["sent"] == 5, "the store came back otherwise")


def a_stop_is_clean():
    step("a stop ends it with 0")
    run("systemctl", "stop", "chanceryd-status.socket",
        "chanceryd-control.socket", "chanceryd")
    check(show("Result") == "success" and show("ExecMainStatus") == "0",
          f"Result={show('Result')} {show('ExecMainStatus')}")


def a_wrong_configuration_is_not_tried_twice(mail):
    step("a wrong configuration: 78, and not started again")
    configure(mail, "nonsense = 1;\n")
    run("systemctl", "start", "chanceryd", fail=True)
    # Else it would be "activating", to start again in a second.
    check(show("ExecMainStatus") == "78" and show("NRestarts") == "0" and
          show("ActiveState") == "failed",
          f"{show('ExecMainStatus')} {show('NRestarts')} "
          f"{show('ActiveState')}")


def inside():
    servers, mail = start_servers()
    set_up(mail)
    sockets_open_to_whom_they_should()
    letters_go_out_and_answers_come_in()
    the_journal_knows_the_letters()
    reload_takes_what_is_right(mail)
    a_daemon_that_hangs_is_started_again()
    a_stop_is_clean()
    a_wrong_configuration_is_not_tried_twice(mail)
    servers.stdin.close()
    servers.wait()
    print("all is well")


if sys.argv[1:] == ["inside"]:
    inside()
else:
    outside()
