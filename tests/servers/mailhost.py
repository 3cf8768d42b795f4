#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""mailhost.py FOLDER - a private Postfix and Dovecot on loopback, and the
ministries behind them.

Everything is kept under FOLDER. The servers must be reachable under /usr: run
it below tests/servers/enter.sh. When they are up, one JSON line on stdout
tells the ports, the CA file and the accounts; they run until standard input
closes, and are ended by their pids.

The ministries of XX.members.example (XX: any two letters), by local part:
  minister@ mission@   delivered
  refused@             550 at RCPT
  busy@                451 at RCPT the first time, delivered afterwards
  gone@, any other     taken by the relay, then returned by a real DSN
  away@                delivered, and an out-of-office notice comes back
  replies@             delivered, and a person answers
"""
import base64
import email
import email.header
import email.mime.text
import email.utils
import grp
import hashlib
import hmac
import json
import os
import pathlib
import pwd
import smtplib
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time

PASSWORD = "mailroom-demo"

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {d}/postfix/spool
data_directory = {d}/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
sendmail_path = /usr/sbin/sendmail
newaliases_path = /usr/bin/newaliases
mailq_path = /usr/bin/mailq
meta_directory = {d}/postfix/conf
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH
export_environment = TZ LANG=C LD_LIBRARY_PATH
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.chancery.example
mydestination =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 192.0.2.0/32
default_transport = error:5.4.4 mail for outside is never sent from here
relay_transport = $default_transport
maillog_file = {d}/log/postfix.log
maillog_file_prefixes = {d}
recipient_delimiter = +
smtputf8_enable = yes
virtual_mailbox_domains = chancery.example, regexp:{d}/postfix/conf/domains
virtual_mailbox_maps = regexp:{d}/postfix/conf/mailboxes
virtual_mailbox_base = {d}/mail
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_reject_unlisted_recipient = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {d}/dovecot/run/postfix-auth
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {d}/tls/server.pem
smtpd_tls_key_file = {d}/tls/server.key
smtpd_tls_security_level = may
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
message_size_limit = {size}
queue_run_delay = 2s
minimal_backoff_time = 2s
bounce_queue_lifetime = 60s
"""

MASTER_CF = """
127.0.0.1:{smtp} inet n - n - - smtpd
  -o smtpd_recipient_restrictions=check_recipient_access,regexp:{d}/postfix/conf/refuse,check_policy_service,{{inet:127.0.0.1:{policy},timeout=5s,default_action=DUNNO}},permit_sasl_authenticated,reject
127.0.0.1:{smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_recipient_restrictions=check_recipient_access,regexp:{d}/postfix/conf/refuse,check_policy_service,{{inet:127.0.0.1:{policy},timeout=5s,default_action=DUNNO}},permit_sasl_authenticated,reject
127.0.0.1:{ministry} inet n - n - - smtpd
  -o smtpd_relay_restrictions=permit_auth_destination,reject
  -o smtpd_recipient_restrictions=permit_auth_destination,reject
  -o smtpd_sasl_auth_enable=no
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

DOMAINS = r"/^[a-z]{2}\.members\.example$/ ok" + "\n"
MAILBOXES = r"""
/^(bureau|bounces|journal)(\+.*)?@chancery\.example$/ bureau/Maildir/
/^(minister|mission|away|replies|busy|délégué)@[a-z]{2}\.members\.example$/ members/Maildir/
"""
REFUSE = (r"/^refused(\+.*)?@/ "
          "550 5.7.1 this ministry takes letters by courier only\n")

DOVECOT = """
base_dir = {d}/dovecot/run
state_dir = {d}/dovecot/state
log_path = {d}/log/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
mail_uid = {uid}
mail_gid = {gid}
ssl = required
ssl_cert = <{d}/tls/server.pem
ssl_key = <{d}/tls/server.key
auth_mechanisms = plain login cram-md5 xoauth2 oauthbearer
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {d}/dovecot/oauth2.conf
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={d}/mail/%n
}}
service auth {{
  unix_listener postfix-auth {{
    mode = 0666
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


def free_ports(count):
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def certificates(folder, names="DNS:localhost,IP:127.0.0.1"):
    """A CA of our own and a certificate for localhost, by the openssl tool."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, cwd=folder,
                       capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/CN=Mail room test CA", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key",
            "-out", "server.csr")
    (folder / "ext").write_text(f"subjectAltName={names}\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "ext",
            "-out", "server.pem")


class Greylist(socketserver.StreamRequestHandler):
    """Postfix policy service: defers busy@ the first time it is named."""

    seen = set()

    def handle(self):
        facts = {}
        for raw in self.rfile:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            if line:
                name, _, value = line.partition("=")
                facts[name] = value
                continue
            recipient = facts.get("recipient", "").lower()
            action = "DUNNO"
            if recipient.startswith("busy@") and recipient not in self.seen:
                self.seen.add(recipient)
                action = "451 4.7.1 greylisted, come back later"
            self.wfile.write(f"action={action}\n\n".encode())
            facts = {}


class Ministries(threading.Thread):
    """Answer what lands at away@ and replies@."""

    def __init__(self, maildir, port):
        super().__init__(daemon=True)
        self.maildir = maildir
        self.port = port
        self.done = set()

    def run(self):
        while True:
            new = self.maildir / "new"
            for path in sorted(new.iterdir()) if new.is_dir() else []:
                if path.name not in self.done:
                    self.done.add(path.name)
                    self.answer(path)
            time.sleep(0.2)

    def answer(self, path):
        letter = email.message_from_bytes(path.read_bytes())
        box = str(letter["X-Original-To"])
        local = box.split("@")[0]
        if local not in ("away", "replies"):
            return
        # Not by python's newer policy: it loses a part of a long subject that
        # is no ASCII, reading it or writing it.
        subject = str(email.header.make_header(
            email.header.decode_header(letter["Subject"])))
        if local == "away":
            sender = ""
            to = str(letter["Return-Path"]).strip("<> ")
            reply = email.mime.text.MIMEText(
                "Je serai de retour au bureau lundi.\n")
            subject = "Absence du bureau : " + subject
            reply["Auto-Submitted"] = "auto-replied"
        else:
            sender = box
            to = email.utils.parseaddr(str(letter["Reply-To"] or
                                           letter["From"]))[1]
            reply = email.mime.text.MIMEText(
                "Our delegation will have four members.\n\n"
                "> The Secretariat wrote:\n> a letter\n")
            subject = "Re: " + subject
        reply["Subject"] = email.header.Header(subject, "utf-8")
        reply["From"] = box
        reply["To"] = to
        reply["Date"] = email.utils.formatdate()
        reply["Message-ID"] = email.utils.make_msgid(domain=box.split("@")[1])
        reply["In-Reply-To"] = str(letter["Message-ID"])
        reply["References"] = str(letter["Message-ID"])
        with smtplib.SMTP("127.0.0.1", self.port) as smtp:
            smtp.sendmail(sender, [to], reply.as_string())


def wait_for(port, greeting, process):
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as conn:
                conn.settimeout(2)
                if conn.recv(200).startswith(greeting):
                    return
        except OSError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"nothing answers at port {port}: see the logs")


def start_postfix(d, values, owner):
    conf = d / "postfix/conf"
    spool = d / "postfix/spool"
    for folder in (conf, spool, d / "postfix/data", d / "log"):
        folder.mkdir(parents=True, exist_ok=True)
    (conf / "main.cf").write_text(MAIN_CF.format(**values))
    (conf / "master.cf").write_text(MASTER_CF.format(**values))
    (conf / "domains").write_text(DOMAINS)
    (conf / "mailboxes").write_text(MAILBOXES, encoding="utf-8")
    (conf / "refuse").write_text(REFUSE)
    os.chown(d / "postfix/data", owner, -1)
    (spool / "pid").mkdir(exist_ok=True)
    for name in ("active bounce corrupt defer deferred flush hold incoming "
                 "private saved trace").split():
        folder = spool / name
        folder.mkdir(exist_ok=True)
        os.chown(folder, owner, -1)
        folder.chmod(0o700)
    postdrop = grp.getgrnam("postdrop").gr_gid
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        folder = spool / name
        folder.mkdir(exist_ok=True)
        os.chown(folder, owner, postdrop)
        folder.chmod(mode)
    environment = dict(os.environ, MAIL_CONFIG=str(conf),
                       LD_LIBRARY_PATH="/usr/lib/postfix")
    with open(d / "log/master.err", "wb") as log:
        return subprocess.Popen(
            ["/usr/lib/postfix/sbin/master", "-c", str(conf), "-d"],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


# Tokens are JWTs that it checks by itself, with this key.
TOKEN_KEY = b"a key for access tokens in tests"
OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={d}/dovecot/keys/
username_attribute = sub
"""


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(user, good_s=3600):
    """An access token for Dovecot's accounts."""
    now = int(time.time())
    text = b".".join(base64url(json.dumps(part).encode()) for part in (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": user, "iat": now, "nbf": now - 60, "exp": now + good_s}))
    mac = hmac.new(TOKEN_KEY, text, hashlib.sha256).digest()
    return (text + b"." + base64url(mac)).decode()


def start_dovecot(d, values):
    for folder in ("dovecot/run", "dovecot/state",
                   "dovecot/keys/default/HS256"):
        (d / folder).mkdir(parents=True, exist_ok=True)
    (d / "dovecot/oauth2.conf").write_text(OAUTH2.format(**values))
    (d / "dovecot/keys/default/HS256/default").write_bytes(
        base64.b64encode(TOKEN_KEY))
    conf = d / "dovecot/dovecot.conf"
    conf.write_text(DOVECOT.format(**values))
    with open(d / "log/dovecot.err", "wb") as log:
        return subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(conf)],
                                stdin=subprocess.DEVNULL, stdout=log,
                                stderr=log)


def begin(d, size=10240000):
    """Start both, below the certificates in d/tls; what is known of them, and
    their processes."""
    account = pwd.getpwnam("postfix")
    smtp, smtps, ministry, imap, imaps = free_ports(5)
    policy = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greylist)
    policy.daemon_threads = True
    threading.Thread(target=policy.serve_forever, daemon=True).start()
    values = {"d": d, "uid": account.pw_uid, "gid": account.pw_gid,
              "smtp": smtp, "smtps": smtps, "ministry": ministry,
              "imap": imap, "imaps": imaps, "size": size,
              "policy": policy.server_address[1], "password": PASSWORD}
    (d / "mail").mkdir(exist_ok=True)
    os.chown(d / "mail", account.pw_uid, account.pw_gid)
    (d / "log").mkdir(exist_ok=True)
    servers = [start_dovecot(d, values)]
    try:
        wait_for(imap, b"* OK", servers[0])
        servers.append(start_postfix(d, values, account.pw_uid))
        wait_for(smtp, b"220", servers[1])
    except BaseException:
        end(servers)
        raise
    return {"smtp": smtp, "smtps": smtps, "imap": imap, "imaps": imaps,
            "ministry_smtp": ministry, "ca_file": str(d / "tls/ca.pem"),
            "user": "bureau", "password": PASSWORD,
            "members": str(d / "mail/members/Maildir"),
            "bureau": str(d / "mail/bureau/Maildir"),
            "log": str(d / "log/postfix.log")}, servers


def end(servers):
    for server in reversed(servers):
        server.terminate()
        server.wait()


def main():
    d = pathlib.Path(sys.argv[1]).resolve()
    d.mkdir(parents=True, exist_ok=True)
    d.chmod(0o755)
    certificates(d / "tls")
    facts, servers = begin(d)
    try:
        Ministries(d / "mail/members/Maildir", facts["ministry_smtp"]).start()
        print(json.dumps(facts), flush=True)
        sys.stdin.read()
    finally:
        end(servers)


if __name__ == "__main__":
    main()
