#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""relays.py FOLDER - a private Postfix, Exim and OpenSMTPD on loopback, each a
relay with STARTTLS at one port and implicit TLS at another, a login and a limit
of size.

Everything is kept under FOLDER. As with mailhost.py, whose Postfix and Dovecot
this is: run it below tests/servers/enter.sh; one JSON line on stdout tells of
each relay its ports, the ways to log in, the folder where it puts what it
delivers, one file for each address, and the field that names the address. They
run until standard input closes, and are ended by their pids.

Of any domain, by local part:
  refused@       550 at RCPT
  busy@          451 at RCPT the first time, delivered afterwards
  any other      delivered
"""
import json
import os
import pathlib
import pwd
import socket
import socketserver
import subprocess
import sys
import threading

import mailhost

HERE = pathlib.Path(__file__).resolve().parent
USER = "bureau"
SIZE_LIMIT = 1000000

EXIM = """
primary_hostname = exim.chancery.example
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege
never_users =
spool_directory = {d}/exim/spool
log_file_path = {d}/log/exim-%slog
pid_file_path = {d}/exim/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {exim} : {exims}
tls_on_connect_ports = {exims}
keep_environment =
tls_advertise_hosts = *
tls_certificate = {d}/exim/server.pem
tls_privatekey = {d}/exim/server.key
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
chunking_advertise_hosts = *
dsn_advertise_hosts = *
host_lookup =
rfc1413_query_timeout = 0s
message_size_limit = {size}
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
begin acl
rcpt:
  deny local_parts = refused
       message = 5.7.1 this ministry takes letters by courier only
  defer local_parts = busy
       condition = ${{if eq{{${{readsocket{{inet:127.0.0.1:{seen}}}\
{{exim $local_part@$domain\\n}}{{5s}}{{}}}}}}{{new}}}}
       message = 4.7.1 greylisted, come back later
  accept authenticated = *
  deny message = 5.7.1 log in first
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {d}/mail/exim
  maildir_format
  delivery_date_add
  envelope_to_add
  return_path_add
  user = Debian-exim
begin retry
* * F,1m,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}\
{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${{if and{{{{eq{{$auth1}}{{{user}}}}}\
{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{user}}}{{{password}}}fail}}
  server_set_id = $auth1
"""

SMTPD = """
pki localhost cert "{d}/tls/rsa.pem"
pki localhost key "{d}/tls/rsa.key"
table logins {{ {user} = "{crypted}" }}
table all {{ "@" = postfix }}
table nobody {{ "^refused@" }}
filter refused phase rcpt-to match rcpt-to regex <nobody> reject \
"550 5.7.1 this ministry takes letters by courier only"
proc seen "{python} {this} busy {seen}" user root
filter busy proc seen
filter both chain {{ refused, busy }}
smtp max-message-size {size}
listen on 127.0.0.1 port {opensmtpd} tls-require pki localhost auth <logins> \
filter both hostname opensmtpd.chancery.example
listen on 127.0.0.1 port {opensmtpds} smtps pki localhost auth <logins> \
filter both hostname opensmtpd.chancery.example
action box maildir "{d}/mail/opensmtpd" virtual <all>
match auth from any for any action box
"""

# OpenSMTPD has its socket and its queue where it was built to have them.
SMTPD_START = """
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/spool
mkdir -p "$1/opensmtpd/lib/opensmtpd/empty" /var/spool/smtpd
chmod 711 /var/spool/smtpd
mount --bind "$1/opensmtpd/lib" /var/lib
exec env LD_PRELOAD="$1/opensmtpd/key.so" /usr/sbin/smtpd -d -f "$1/opensmtpd/smtpd.conf"
"""


class Seen(socketserver.StreamRequestHandler):
    """A relay and an address: whether this is "new" or "old"."""

    known = set()

    def handle(self):
        asked = self.rfile.readline().strip().lower()
        self.wfile.write(b"old" if asked in self.known else b"new")
        self.known.add(asked)


def be_a_filter(port):
    """OpenSMTPD's filter protocol (smtpd-filters(7)), on standard input and
    output: busy@ is put off the first time."""
    for line in sys.stdin:
        fields = line.rstrip("\n").split("|")
        if fields[0] == "config" and fields[1] == "ready":
            print("register|filter|smtp-in|rcpt-to", flush=True)
            print("register|ready", flush=True)
        if fields[0] != "filter":
            continue
        address = fields[7].strip("<>")
        what = "proceed"
        if address.startswith("busy@"):
            with socket.create_connection(("127.0.0.1", port)) as seen:
                seen.sendall(b"opensmtpd " + address.encode() + b"\n")
                if seen.recv(10) == b"new":
                    what = "reject|451 4.7.1 greylisted, come back later"
        print(f"filter-result|{fields[5]}|{fields[6]}|{what}", flush=True)


def owned(folder, user):
    folder.mkdir(parents=True, exist_ok=True)
    account = pwd.getpwnam(user)
    os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def start(d, name, command, **options):
    with open(d / f"log/{name}.err", "wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                stderr=log, **options)


def start_exim(d, values):
    folder = owned(d / "exim", "Debian-exim")
    owned(d / "exim/spool", "Debian-exim")
    owned(d / "mail/exim", "Debian-exim")
    for name in ("server.pem", "server.key"):  # for it to read as itself
        (folder / name).write_bytes((d / "tls" / name).read_bytes())
        account = pwd.getpwnam("Debian-exim")
        os.chown(folder / name, account.pw_uid, account.pw_gid)
    (folder / "exim.conf").write_text(EXIM.format(**values))
    return start(d, "exim", ["/usr/sbin/exim4", "-C", folder / "exim.conf",
                             "-bdf", "-q1m"])


def rsa_certificate(folder):
    """opensmtpd-key.c helps with a key of this kind alone."""
    for words in (["req", "-newkey", "rsa:2048", "-nodes", "-subj",
                   "/CN=localhost", "-keyout", "rsa.key", "-out", "rsa.csr"],
                  ["x509", "-req", "-in", "rsa.csr", "-CA", "ca.pem",
                   "-CAkey", "ca.key", "-days", "30", "-extfile", "ext",
                   "-out", "rsa.pem"]):
        subprocess.run(["openssl", *words], check=True, cwd=folder,
                       capture_output=True)
    (folder / "rsa.key").chmod(0o600)


def start_opensmtpd(d, values):
    owned(d / "mail/opensmtpd", "postfix")
    conf = d / "opensmtpd/smtpd.conf"
    conf.parent.mkdir(exist_ok=True)
    conf.write_text(SMTPD.format(**values))
    conf.chmod(0o600)
    rsa_certificate(d / "tls")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", conf.parent / "key.so",
                    HERE / "opensmtpd-key.c", "-lcrypto"], check=True)
    return start(d, "opensmtpd", ["unshare", "--mount", "sh", "-euc",
                                  SMTPD_START, "sh", d])


def begin(d):
    """Start the two; what is known of them, and their processes."""
    seen = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Seen)
    seen.daemon_threads = True
    threading.Thread(target=seen.serve_forever, daemon=True).start()
    exim, exims, opensmtpd, opensmtpds = mailhost.free_ports(4)
    crypted = subprocess.run(
        ["openssl", "passwd", "-6", mailhost.PASSWORD], check=True,
        capture_output=True, text=True).stdout.strip()
    values = {"d": d, "exim": exim, "exims": exims, "opensmtpd": opensmtpd,
              "opensmtpds": opensmtpds, "size": SIZE_LIMIT, "user": USER,
              "password": mailhost.PASSWORD, "crypted": crypted,
              "seen": seen.server_address[1], "python": sys.executable,
              "this": HERE / "relays.py"}
    servers = [start_exim(d, values), start_opensmtpd(d, values)]
    try:
        mailhost.wait_for(exim, b"220", servers[0])
        mailhost.wait_for(opensmtpd, b"220", servers[1])
    except BaseException:
        mailhost.end(servers)
        raise
    return values, servers


def main():
    d = pathlib.Path(sys.argv[1]).resolve()
    for folder, mode in ((d, 0o755), (d / "log", 0o1777), (d / "mail", 0o755)):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    mailhost.certificates(d / "tls", "DNS:localhost")
    host, servers = mailhost.begin(d, SIZE_LIMIT)
    try:
        ports, more = begin(d)
        servers += more
        print(json.dumps({
            "ca_file": host["ca_file"], "user": USER,
            "password": mailhost.PASSWORD, "size": SIZE_LIMIT, "relays": [
                {"name": "postfix", "starttls": host["smtp"],
                 "implicit": host["smtps"],
                 "auth": ["plain", "login", "cram-md5"],
                 "tokens": ["xoauth2", "oauthbearer"],
                 "box": host["members"], "field": "X-Original-To"},
                {"name": "exim", "starttls": ports["exim"],
                 "implicit": ports["exims"],
                 "auth": ["plain", "login", "cram-md5"], "tokens": [],
                 "box": str(d / "mail/exim"), "field": "Envelope-to"},
                {"name": "opensmtpd", "starttls": ports["opensmtpd"],
                 "implicit": ports["opensmtpds"], "auth": ["plain", "login"],
                 "tokens": [],
                 "box": str(d / "mail/opensmtpd"),
                 "field": "Delivered-To"}]}), flush=True)
        sys.stdin.read()
    finally:
        mailhost.end(servers)


if __name__ == "__main__":
    if sys.argv[1] == "busy":
        be_a_filter(int(sys.argv[2]))
    else:
        main()
