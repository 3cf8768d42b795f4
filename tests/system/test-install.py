#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test-install.py - make install puts everything where it belongs, with the
right paths in it; it spares a chancery.conf that somebody wrote; make
uninstall leaves nothing behind; the unit is as closed as it says."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

build = os.environ["top_builddir"]


def make(*args):
    # Not make check's own flags: its job server is not ours.
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    result = subprocess.run(["make", "-s", "-C", build, *args], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env=env, check=False)
    if result.returncode:
        sys.exit(f"make {' '.join(args)}:\n{result.stdout}")


def variable(name):
    """A variable of the Makefile, expanded."""
    out = subprocess.run(
        ["make", "-s", "-C", build, "--no-print-directory",
         f"--eval=print-it:;@echo '$({name})'", "print-it"],
        text=True, capture_output=True, check=True,
        env={k: v for k, v in os.environ.items()
             if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")})
    return out.stdout.strip()


def files(root):
    found = set()
    for folder, _, names in os.walk(root):
        for name in names:
            found.add("/" + os.path.relpath(os.path.join(folder, name), root))
    return found


def check(condition, text):
    if not condition:
        sys.exit(f"FAIL: {text}")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def expected():
    """What has to be there: programs as the Makefile has them, and the rest."""
    unit, conf = variable("systemdsystemunitdir"), variable("confdir")
    paths = {f"{unit}/chanceryd.service", f"{unit}/chanceryd-status.socket",
             f"{unit}/chanceryd-control.socket", f"{conf}/chancery.conf",
             f"{variable('sysusersdir')}/chancery.conf",
             f"{variable('tmpfilesdir')}/chancery.conf",
             f"{variable('docdir')}/chancery.conf"}
    for programs, folder in (("sbin_PROGRAMS", "sbindir"),
                             ("bin_PROGRAMS", "bindir"),
                             ("pkglibexec_PROGRAMS", "pkglibexecdir")):
        for program in variable(programs).split():
            paths.add(f"{variable(folder)}/{os.path.basename(program)}")
    for page in variable("dist_man_MANS").split():
        name = os.path.basename(page)
        paths.add(f"{variable('mandir')}/man{name[-1]}/{name}")
    return paths


def unit_settings(text):
    """{key: [values]} of a unit."""
    settings = {}
    for line in text.splitlines():
        match = re.match(r"([A-Za-z]+)=(.*)", line)
        if match:
            settings.setdefault(match[1], []).append(match[2])
    return settings


def check_texts(root):
    """No place is left unfilled, and the paths are the build's."""
    unit = root + variable("systemdsystemunitdir")
    service = read(f"{unit}/chanceryd.service")
    settings = unit_settings(service)
    check(not re.search(r"@[a-z]+@", service), "a place left in the service")
    check(settings["ExecStart"] == [variable("sbindir") + "/chanceryd"],
          "ExecStart")
    check(settings["ReadWritePaths"] == [variable("statedir")],
          "ReadWritePaths")
    check(settings["KillMode"] == ["mixed"], "KillMode")
    check(settings["RestartForceExitStatus"] == ["75"] and
          settings["RestartPreventExitStatus"] == ["78"], "exit statuses")
    check("PrivateUsers" not in settings,
          "PrivateUsers= hides who is at the control socket")
    for door, group in (("status", "operators"), ("control", "secretariat")):
        socket = unit_settings(read(f"{unit}/chanceryd-{door}.socket"))
        check(socket["ListenStream"] == [f"/run/chancery/{door}.sock"] and
              socket["FileDescriptorName"] == [door] and
              socket["SocketGroup"] == [f"chancery-{group}"] and
              socket["SocketMode"] == ["0660"] and
              socket["Service"] == ["chanceryd.service"], f"{door}.socket")
    for made in (variable("sysusersdir"), variable("tmpfilesdir")):
        check(variable("statedir") in read(f"{root}{made}/chancery.conf"),
              f"the state folder in {made}")
    check(f'path = "{variable("statedir")}/chancery.db";' in
          read(f"{root}{variable('confdir')}/chancery.conf"), "store.path")


def stop_outlasts_the_letters(root):
    """TimeoutStopSec > stop_timeout, as both files say."""
    unit = read(f"{root}{variable('systemdsystemunitdir')}/chanceryd.service")
    conf = read(f"{root}{variable('confdir')}/chancery.conf")
    stop = int(unit_settings(unit)["TimeoutStopSec"][0])
    wait = int(re.search(r'^stop_timeout = "(\d+)s";', conf, re.M)[1])
    check(stop > wait, f"TimeoutStopSec={stop}, stop_timeout {wait}s")


def check_with_systemd(root):
    """Its own tools' verdict; they read copies whose program exists."""
    if not shutil.which("systemd-analyze"):
        print("no systemd-analyze here: units not verified")
        return
    with tempfile.TemporaryDirectory() as folder:
        unit = root + variable("systemdsystemunitdir")
        units = []
        for name in sorted(os.listdir(unit)):
            text = read(f"{unit}/{name}").replace(
                variable("sbindir") + "/chanceryd", "/bin/true")
            units.append(os.path.join(folder, name))
            with open(units[-1], "w", encoding="utf-8") as file:
                file.write(text)
        verify = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *units], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        complaints = [line for line in verify.stdout.splitlines()
                      if folder in line or "chanceryd" in line]
        check(verify.returncode == 0 and not complaints,
              f"systemd-analyze verify: {verify.stdout}")
        security = subprocess.run(
            ["systemd-analyze", "security", "--offline=true",
             "--threshold=15", "--no-pager",
             os.path.join(folder, "chanceryd.service")], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        level = re.search(r"exposure level.*: ([0-9.]+)", security.stdout)
        check(level and security.returncode == 0,
              f"systemd-analyze security: {security.stdout}")
        print(f"exposure {level[1]}")


def main():
    with tempfile.TemporaryDirectory() as root:
        make("install", f"DESTDIR={root}")
        installed = files(root)
        missing = expected() - installed
        check(not missing, f"not installed: {sorted(missing)}")
        check_texts(root)
        stop_outlasts_the_letters(root)
        check_with_systemd(root)

        conf = f"{root}{variable('confdir')}/chancery.conf"
        make("uninstall", f"DESTDIR={root}")
        check(not files(root), f"left behind: {sorted(files(root))}")

        os.makedirs(os.path.dirname(conf), exist_ok=True)
        with open(conf, "w", encoding="utf-8") as file:
            file.write("# mine\n")
        make("install", f"DESTDIR={root}")
        check(read(conf) == "# mine\n", "install wrote over a chancery.conf")
        make("uninstall", f"DESTDIR={root}")
        check(files(root) == {variable("confdir") + "/chancery.conf"},
              f"not just the chancery.conf: {sorted(files(root))}")


main()
