#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""option-docs.py - what a person may write is documented, and no more.

The keys of chancery.conf with their defaults (as the program's own table has
them) are compared with etc/chancery.conf and chancery.conf(5); the keys of
letter.conf with chancery-letter(5); the routes of the sockets with
chancery-status(7); the options and verbs in the help of chanceryd and chancery
with their pages. The sample is read as chanceryd would, as it stands and with
what it has commented out.
"""
import os
import re
import subprocess
import sys
import tempfile

src = os.environ.get("top_srcdir", ".")
build = os.environ.get("top_builddir", "build")
TOOL = os.path.join(build, "tests/tools/settings-table")
SAMPLE = os.path.join(src, "etc/chancery.conf")
# The build's table has the build's folder; the sample and the manual name the
# usual one.
STATE = "/var/lib/chancery"
# Required keys have no default, and a mailbox is nothing without these.
EXAMPLES = {"mailboxes.user", "mailboxes.password"}
faults = []


def fault(text):
    faults.append(text)


def read(path):
    with open(os.path.join(src, path), encoding="utf-8") as file:
        return file.read()


def table(which):
    """{path: default}, "" where it is required."""
    out = subprocess.run([TOOL, which], check=True, text=True,
                         capture_output=True).stdout
    rows = dict(line.split("\t") for line in out.splitlines())
    if "store.path" in rows:
        rows["store.path"] = re.sub(r'".*/lib/chancery/', f'"{STATE}/',
                                    rows["store.path"])
    return rows


def squeeze(value):
    """A value without the spaces that do not matter."""
    return re.sub(r"\s+", "", value)


# ---- the sample ------------------------------------------------------------

def uncommented(text):
    """What it has as "#<tab>…" is configuration, "# …" is prose."""
    return re.sub(r"^#\t", "\t", text, flags=re.M)


TOKEN = re.compile(r"""
    (?P<skip> \s+ | \#[^\n]* )
  | (?P<string> "(?:[^"\\]|\\.)*" )
  | (?P<array> \[ [^\]]* \] )
  | (?P<punct> [{}();:=,] )
  | (?P<word> [A-Za-z0-9_.+-]+ )
""", re.X)


def sample_keys(text):
    """{path: value as it is written}."""
    keys, path, name, at = {}, [], None, 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            sys.exit(f"{SAMPLE}: cannot be read at {text[at:at + 40]!r}")
        at = match.end()
        token = match.group()
        if match.lastgroup == "skip" or token in ";,=:":
            continue
        if token in "{(":
            path.append(name)
            name = None
        elif token in "})":
            path.pop()
            name = None
        elif name is None:
            name = token
        else:
            keys[".".join([p for p in path if p] + [name])] = token
            name = None
    return keys


def check_sample(rows):
    text = read("etc/chancery.conf")
    keys = sample_keys(uncommented(text))
    for path in sorted(rows.keys() - keys.keys()):
        fault(f"etc/chancery.conf: {path} is missing")
    for path in sorted(keys.keys() - rows.keys()):
        fault(f"etc/chancery.conf: {path} is no key")
    for path in sorted(rows.keys() & keys.keys() - EXAMPLES):
        if rows[path] and squeeze(rows[path]) != squeeze(keys[path]):
            fault(f"etc/chancery.conf: {path} = {keys[path]}, and the "
                  f"default is {rows[path]}")
    prose = re.findall(r"^\t*[a-z_]+ = [^\n;]*$", text, re.M)
    for line in prose:
        fault(f"etc/chancery.conf: no semicolon: {line.strip()}")


def check_sample_is_valid():
    text = read("etc/chancery.conf")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "imap-password"), "w",
                  encoding="utf-8") as file:
            file.write("a long one\n")
        os.chmod(file.name, 0o600)
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out",
                        os.path.join(folder, "dkim-rsa")], check=True,
                       stderr=subprocess.DEVNULL)
        for what, content in (("as it stands", text),
                              ("with all of it", uncommented(text))):
            conf = os.path.join(folder, "chancery.conf")
            with open(conf, "w", encoding="utf-8") as file:
                file.write(content)
            result = subprocess.run(
                [TOOL, "check", conf], text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={**os.environ, "CREDENTIALS_DIRECTORY": folder})
            if result.returncode:
                fault(f"etc/chancery.conf {what}: {result.stdout}")


# ---- manual pages ----------------------------------------------------------

def unroff(text):
    """An mdoc argument as the reader sees it."""
    text = text.replace(r"\(dq", '"').replace(r"\&", "").replace(r"\-", "-")
    return text.replace(" Ns ", "")


def page_keys(path, groups):
    """{path: default} of the ".It Ic key = default" below each ".Ss group"."""
    keys, group = {}, None
    for line in read(path).splitlines():
        if line.startswith(".Sh "):
            group = None
        elif line.startswith(".Ss "):
            group = unroff(line[4:])
            if group not in groups:
                group = ""
        match = re.match(r"\.It Ic (\S+)(?: = (.*))?$", line)
        if match and group is not None:
            keys[f"{group}.{match[1]}" if group else match[1]] = \
                unroff(match[2] or "")
    return keys


def check_page(path, rows):
    keys = page_keys(path, {key.split(".")[0] for key in rows if "." in key})
    for key in sorted(rows.keys() - keys.keys()):
        fault(f"{path}: {key} is missing")
    for key in sorted(keys.keys() - rows.keys()):
        fault(f"{path}: {key} is no key")
    for key in sorted(rows.keys() & keys.keys()):
        if squeeze(rows[key]) != squeeze(keys[key]):
            fault(f"{path}: {key} = {keys[key] or '(required)'}, and the "
                  f"default is {rows[key] or '(required)'}")


# ---- options and verbs -----------------------------------------------------

def help_of(*words):
    return subprocess.run([*words, "--help"], check=True, text=True,
                          capture_output=True).stdout


def help_options(text):
    """{"--name": ("-n" or "", takes a value)} of a help text."""
    found = {}
    for match in re.finditer(
            r"^  (?:(-\w), |    )(--[a-z-]+)(?: ([A-Z]+))?(?=\s)", text, re.M):
        found[match[2]] = (match[1] or "", bool(match[3]))
    return found


def page_options(path):
    """{verb: {"--name": (letter, takes a value)}}: "" has what stands for all
    verbs; a list behind ".It Cm verb" belongs to that, and one below ".Ss
    Options of a , b and c" to those."""
    found, verbs = {"": {}}, [""]
    for line in read(path).splitlines():
        section = re.match(r"\.Ss Options of (.*)", line)
        verb = re.match(r"\.It Cm ([a-z]+)", line)
        option = re.match(r"\.It Fl (?:(\w) , )?-([a-z-]+)( Ar .*)?$", line)
        if section:
            verbs = re.sub(r" , | and ", " ", section[1]).split()
        elif verb:
            verbs = [verb[1]]
        elif line.startswith(".Ss "):
            verbs = []
        for each in verbs:
            found.setdefault(each, {})
        if option and not verbs:
            sys.exit(f"{path}: whose option is {line}")
        for each in verbs if option else []:
            found[each]["--" + option[2]] = (
                "-" + option[1] if option[1] else "", bool(option[3]))
    return found


def compare_options(page, what, known, documented):
    for name in sorted(known.keys() | documented.keys()):
        if name not in documented:
            fault(f"{page}: {what} {name} is missing")
        elif name not in known:
            fault(f"{page}: {what} {name} is no option")
        elif known[name] != documented[name]:
            fault(f"{page}: {what} {name} is {documented[name]} and should "
                  f"be {known[name]} (letter, takes a value)")


def check_chancery():
    page, program = "man/chancery.1", os.path.join(build, "chancery")
    text = help_of(program)
    common = help_options(text)
    verbs = set(re.findall(r"^  ([a-z]+)  ", text, re.M))
    documented = page_options(page)
    if len(verbs) < 2 or len(common) < 3:
        sys.exit("chancery --help: cannot be read")
    compare_options(page, "chancery", common, documented.pop(""))
    for verb in sorted(verbs - documented.keys()):
        fault(f"{page}: the verb {verb} is missing")
    for verb in sorted(documented.keys() - verbs):
        fault(f"{page}: {verb} is no verb")
    for verb in sorted(documented.keys() & verbs):
        own = {name: how for name, how
               in help_options(help_of(program, verb)).items()
               if name not in common}
        compare_options(page, verb, own, documented[verb])


def check_chanceryd():
    page = "man/chanceryd.8"
    known = help_options(help_of(os.path.join(build, "daemon/chanceryd/chanceryd")))
    if len(known) < 2:
        sys.exit("chanceryd --help: cannot be read")
    compare_options(page, "chanceryd", known, page_options(page)[""])


# ---- the sockets -----------------------------------------------------------

def check_routes():
    page, source = "man/chancery-status.7", "daemon/chanceryd/http-route.c"
    text = read(source)
    parts = dict(re.findall(r'#define (BATCH|LETTER|RELAY) "(.*)"', text))
    routes = set()
    for method, base, rest in re.findall(
            r'\{ (GET|POST), (BATCH|LETTER|RELAY)?\s*(?:"([^"]*)")?,', text):
        routes.add(f"{method} /{parts.get(base, '')}{rest}")
    if len(routes) < 10:
        sys.exit(f"{source}: no routes found")
    documented = set()
    for line in read(page).splitlines():
        match = re.match(r"\.It Pa (?:(GET|POST) )?(/.*)", line)
        if match and not match[2].startswith("/run/"):
            path = re.sub(r" Ns Ar [A-Z0-9]+(?: Ns Pa )?", "*", match[2])
            documented.add(f"{match[1] or 'GET'} {path}")
    for route in sorted(routes - documented):
        fault(f"{page}: {route} is missing")
    for route in sorted(documented - routes):
        fault(f"{page}: {route} is no route")


def main():
    config = table("config")
    if len(config) < 20:
        sys.exit("settings-table: too few keys")
    check_sample(config)
    check_sample_is_valid()
    check_page("man/chancery.conf.5", config)
    check_page("man/chancery-letter.5", table("letter"))
    check_chancery()
    check_chanceryd()
    check_routes()
    for text in faults:
        print(text)
    sys.exit(1 if faults else 0)


main()
