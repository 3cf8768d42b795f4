# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Cyrus IMAP server on loopback, for tests of what comes back.

Everything is kept under one folder. The server must be reachable under /usr:
run below tests/servers/enter.sh.
It is as Debian makes it; passwords are checked by a saslauthd that is played
here. There are the users `bureau` and, to make mailboxes, `cyrus`.
"""
import imaplib
import os
import pathlib
import pwd
import socket
import ssl
import struct
import subprocess
import threading

import mailhost

IMAPD_CONF = """
configdirectory: {d}/config
partition-default: {d}/spool
defaultpartition: default
cyrus_user: cyrus
admins: cyrus
servername: localhost
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {d}/mux
sasl_mech_list: PLAIN LOGIN
allowplaintext: no
tls_server_cert: {d}/tls/server.pem
tls_server_key: {d}/tls/server.key
tls_sessions_db_path: {d}/config/tls_sessions.db
duplicate_db_path: {d}/config/deliver.db
statuscache_db_path: {d}/config/statuscache.db
ptscache_db_path: {d}/config/ptscache.db
mboxname_lockpath: {d}/lock
proc_path: {d}/proc
idlesocket: {d}/socket/idle
imapidlepoll: 1
lmtpsocket: {d}/socket/lmtp
notifysocket: {d}/socket/notify
expunge_mode: immediate
"""
CYRUS_CONF = """
START {{
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -r -C {d}/imapd.conf"
  idled cmd="/usr/lib/cyrus/bin/idled -C {d}/imapd.conf"
}}
SERVICES {{
  imap cmd="/usr/lib/cyrus/bin/imapd -U 30 -C {d}/imapd.conf"
    listen="127.0.0.1:{imap}" proto="tcp4" prefork=0
  imaps cmd="/usr/lib/cyrus/bin/imapd -s -U 30 -C {d}/imapd.conf"
    listen="127.0.0.1:{imaps}" proto="tcp4" prefork=0
}}
"""


def counted(conn):
    size, = struct.unpack(">H", conn.recv(2, socket.MSG_WAITALL))
    return conn.recv(size, socket.MSG_WAITALL) if size else b""


def check_passwords(listener):
    """saslauthd: four counted strings come, one goes back."""
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            return
        with conn:
            user, password, _, _ = (counted(conn) for _ in range(4))
            good = (user in (b"bureau", b"cyrus") and
                    password == mailhost.PASSWORD.encode())
            answer = b"OK" if good else b"NO"
            conn.sendall(struct.pack(">H", len(answer)) + answer)


class Cyrus:
    def __init__(self, folder):
        self.folder = folder
        self.imap, self.imaps = mailhost.free_ports(2)
        mailhost.certificates(folder / "tls")
        self.ca_file = str(folder / "tls/ca.pem")
        self.tls = ssl.create_default_context(cafile=self.ca_file)
        values = {"d": folder, "imap": self.imap, "imaps": self.imaps}
        (folder / "imapd.conf").write_text(IMAPD_CONF.format(**values))
        # Each entry is one line there.
        (folder / "cyrus.conf").write_text(
            CYRUS_CONF.format(**values).replace("\n    ", " "))
        owner = pwd.getpwnam("cyrus").pw_uid
        for name in ("config", "config/db", "config/log", "config/msg",
                     "config/proc", "config/ptclient", "config/quota",
                     "config/user", "config/socket", "spool", "lock", "proc",
                     "socket"):
            (folder / name).mkdir()
            os.chown(folder / name, owner, owner)
        os.chown(folder / "tls/server.key", owner, owner)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / "mux"))
        (folder / "mux").chmod(0o666)
        self.listener.listen(10)
        threading.Thread(target=check_passwords, args=(self.listener,),
                         daemon=True).start()
        with open(folder / "master.err", "wb") as log:
            self.process = subprocess.Popen(
                ["/usr/lib/cyrus/bin/master", "-C", folder / "imapd.conf",
                 "-M", folder / "cyrus.conf", "-p", folder / "master.pid"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            mailhost.wait_for(self.imap, b"* OK", self.process)
            with self.connect("cyrus") as admin:
                answer = admin.create("user/bureau")
                assert answer[0] == "OK", answer
        except BaseException:
            self.end()
            raise

    def connect(self, user="bureau"):
        client = imaplib.IMAP4_SSL("localhost", self.imaps,
                                   ssl_context=self.tls)
        client.login(user, mailhost.PASSWORD)
        return client

    def add(self, mail, folder="INBOX"):
        with self.connect() as client:
            answer = client.append(folder, None, None, mail)
            assert answer[0] == "OK", answer

    def end(self):
        """Also what it has started: they have a group of their own."""
        self.process.terminate()
        self.process.wait()
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
