# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames and messages of lib/wire, written down a second time, so that a
test can play chanceryd to a worker: Worker starts one with the channel at its
descriptor 3.

A message is a dict. Numbers are int, texts bytes (str is encoded as UTF-8 when
sent), digests 32 bytes, lists are lists of dicts, or of plain values. Fields
that are left out when sending are 0, empty, or an empty list."""
import os
import select
import signal
import socket
import struct
import time

VERSION = 3

PEER = [
    ("name", "text"), ("host", "text"), ("port", "u32"), ("tls", "u32"),
    ("ca_file", "text"), ("fingerprint", "text"), ("source", "text"),
    ("auth", "u32"),
    ("user", "text"), ("password_file", "text"),
    ("password", "text"), ("password_number", "u32"),
    ("connect_timeout_ms", "u32"), ("command_timeout_ms", "u32"),
]
FILE = [("role", "text"), ("name", "text"), ("sha256", "digest"),
        ("size_bytes", "u64")]

# In the order of enum ch_message_type, from 1.
MESSAGES = [
    ("stop", []),
    ("send-setup", [
        ("relay", PEER), ("helo", "text"), ("data_timeout_ms", "u32"),
        ("dot_timeout_ms", "u32"), ("attempt_timeout_ms", "u32"),
        ("idle_timeout_ms", "u32"), ("letters_per_connection", "u32"),
        ("lines", "u32"),
        ("dsn", "u32"), ("dsn_success", "u32"), ("chunking", "u32"),
        ("smtputf8", "u32"),
        ("objects_dir", "text"),
        ("dkim", [[("domain", "text"), ("selector", "text"),
                   ("key", "text")]])]),
    ("send-batch", [
        ("batch_id", "i64"), ("reference", "text"), ("deadline", "text"),
        ("from", "text"), ("reply_to", "text"), ("test_to", "text"),
        ("smime_key", "text"), ("smime_certificate", "text"),
        ("smime_password", "text"), ("files", [FILE])]),
    ("send-letter", [
        ("line", "u32"),
        ("letter_id", "i64"), ("batch_id", "i64"), ("attempt", "u32"),
        ("faults", "u32"), ("anew", "u32"), ("key", "text"),
        ("language", "text"), ("fields", "text"),
        ("message_id", "text"), ("date_us", "i64"),
        ("envelope_from", "text"), ("envelope_id", "text"),
        ("sha256", "text"), ("signature", "text"), ("dkim", "text"),
        ("journal", "text"),
        ("addresses", [[("seq", "u32"), ("role", "u32"), ("pending", "u32"),
                        ("address", "text")]])]),
    ("send-go", [("line", "u32"), ("letter_id", "i64"), ("attempt", "u32"), ("go", "u32")]),
    ("send-password", [("password", "text"), ("number", "u32")]),
    ("send-recall", [("line", "u32"), ("letter_id", "i64"),
                     ("attempt", "u32")]),
    ("send-ready", [("line", "u32"), ("want", "u32")]),
    ("send-dot", [
        ("line", "u32"),
        ("letter_id", "i64"), ("attempt", "u32"), ("sha256", "digest"),
        ("size_bytes", "u64"), ("seqs", ["u32"]), ("signature", "text"),
        ("dkim", "text"), ("notes", "text")]),
    ("send-result", [
        ("line", "u32"),
        ("letter_id", "i64"), ("attempt", "u32"),
        ("results", [[("seq", "u32"), ("outcome", "u32"), ("code", "u32"),
                      ("status", "text"), ("reply", "text")]]),
        ("notes", "text"), ("journal", "u32"), ("journal_code", "u32"),
        ("journal_reply", "text")]),
    ("send-fault", [("line", "u32"), ("fault", "u32"), ("code", "u32"),
                    ("password_number", "u32"), ("text", "text")]),
    ("send-connected", [("line", "u32"), ("opening", "text")]),
    ("send-recalled", [("line", "u32"), ("letter_id", "i64"),
                       ("attempt", "u32")]),
    ("import-start", [
        ("spool_dir", "text"), ("objects_dir", "text"),
        ("recipients", ["text"]), ("reference", "text"),
        ("deadline", "text"), ("charset", "text"), ("sheet", "text"),
        ("fallback_language", "text"), ("from", "text"),
        ("reply_to", "text"), ("test_to", "text"),
        ("message_id_domain", "text"), ("date_us", "i64"),
        ("max_message_bytes", "u64"), ("max_recipients", "u64"),
        ("smtputf8", "u32")]),
    ("import-file", FILE),
    ("import-letter", [
        ("key", "text"), ("name", "text"), ("language", "text"),
        ("fields", "text"), ("message_id", "text"),
        ("addresses", [[("role", "u32"), ("address", "text")]])]),
    ("import-problem", [
        ("kind", "u32"), ("file", "text"), ("line", "u32"),
        ("column", "u32"), ("field", "text"), ("text", "text"),
        ("hint", "text")]),
    ("import-done", [
        ("letters", "u64"), ("errors", "u64"), ("warnings", "u64"),
        ("largest_bytes", "u64"), ("digest", "digest"), ("subject", "text"),
        ("summary", "text")]),
    ("receive-setup", [
        ("mailbox", PEER), ("folder", "text"), ("poll_interval_ms", "u32"),
        ("idle_max_ms", "u32"), ("max_message_bytes", "u64"),
        ("objects_dir", "text"), ("token_prefix", "text"),
        ("token_domain", "text"), ("journal_prefix", "text"),
        ("journal_domain", "text"), ("uidvalidity", "u32"),
        ("last_uid", "u32"),
        ("singly_validity", "u32"), ("singly_to", "u32"),
        ("move_reports", "text"), ("move_autoreplies", "text"),
        ("move_answers", "text"), ("keyword", "text")]),
    ("receive-ack", [("uidvalidity", "u32"), ("uid", "u32"),
                     ("unknown", "u32"), ("seen", "u32")]),
    ("receive-state", [
        ("connected", "u32"), ("fault", "u32"), ("uidvalidity", "u32"),
        ("reading", "u32"), ("reading_to", "u32"), ("text", "text")]),
    ("receive-mail", [
        ("uidvalidity", "u32"), ("uid", "u32"), ("size_bytes", "u64"),
        ("sha256", "digest"), ("received_us", "i64"), ("kind", "u32"),
        ("rule", "text"), ("fault", "text"), ("message_id", "text"),
        ("from", "text"), ("subject", "text"), ("token", "text"),
        ("envelope_id", "text"), ("references", ["text"]), ("text", "text"),
        ("says", "text"), ("away_until", "text"), ("attachments", "u32"),
        ("files", [[("name", "text"), ("type", "text"),
                    ("size_bytes", "u64"), ("whole", "u32"),
                    ("sha256", "digest")]]),
        ("recipients", [[("kind", "u32"), ("address", "text"),
                         ("status", "text"), ("diagnostic", "text"),
                         ("reason", "text")]])]),
    ("receive-copy", [("uidvalidity", "u32"), ("uid", "u32"),
                      ("token", "text"), ("message_id", "text")]),
    ("alarm-mail", [
        ("from", "text"), ("envelope_from", "text"), ("to", ["text"]),
        ("message_id", "text"), ("date_us", "i64"), ("subject", "text"),
        ("text", "text")]),
    ("alarm-result", [
        ("sent", "u32"), ("text", "text"),
        ("results", [[("seq", "u32"), ("outcome", "u32"), ("code", "u32"),
                      ("status", "text"), ("reply", "text")]])]),
]
NUMBERS = {name: i + 1 for i, (name, _) in enumerate(MESSAGES)}
FIELDS = dict(MESSAGES)
INTEGERS = {"u32": "<I", "u64": "<Q", "i64": "<q"}


def is_struct(kind):
    """A list of (name, kind) is a struct, one with a single kind in it a list
    of those."""
    return isinstance(kind, list) and (not kind or isinstance(kind[0], tuple))


def put(kind, value):
    """The bytes of one value."""
    if isinstance(kind, str) and kind in INTEGERS:
        return struct.pack(INTEGERS[kind], value or 0)
    if kind == "text":
        value = value or b""
        value = value.encode() if isinstance(value, str) else value
        return struct.pack("<I", len(value)) + value
    if kind == "digest":
        value = value or bytes(32)
        assert len(value) == 32
        return value
    if is_struct(kind):
        value = value or {}
        unknown = set(value) - {name for name, _ in kind}
        assert not unknown, unknown
        return b"".join(put(k, value.get(name)) for name, k in kind)
    value = value or []
    return struct.pack("<I", len(value)) + b"".join(
        put(kind[0], item) for item in value)


def get(kind, data, at):
    """One value of `data` from `at` on, and where it ends."""
    if isinstance(kind, str) and kind in INTEGERS:
        value, = struct.unpack_from(INTEGERS[kind], data, at)
        return value, at + struct.calcsize(INTEGERS[kind])
    if kind == "digest":
        return data[at:at + 32], at + 32
    if is_struct(kind):
        result = {}
        for name, k in kind:
            result[name], at = get(k, data, at)
        return result, at
    count, = struct.unpack_from("<I", data, at)
    at += 4
    if kind == "text":
        assert at + count <= len(data)
        return data[at:at + count], at + count
    result = []
    for _ in range(count):
        item, at = get(kind[0], data, at)
        result.append(item)
    return result, at


def frame(number, payload, version=VERSION):
    return struct.pack("<IHH", len(payload) + 4, number, version) + payload


def encode(name, fields):
    return frame(NUMBERS[name], put(FIELDS[name], fields))


class Worker:
    """A worker process, and chanceryd's end of its channel. CHANCERY_UNDER in
    the environment has the words of a program that it is run by."""

    def __init__(self, program, stderr="/dev/null", arguments=()):
        self.channel, theirs = socket.socketpair()
        actions = [
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), 3),
            (os.POSIX_SPAWN_OPEN, 2, stderr,
             os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        ]
        words = [*os.environ.get("CHANCERY_UNDER", "").split(), program,
                 *arguments]
        self.pid = os.posix_spawn(words[0], words, os.environ,
                                  file_actions=actions)
        theirs.close()
        self.bytes = bytearray()
        self.usage = None
        self.connected = []  # openings of a send worker's connections
        self.faults = {}  # of each line of a send worker: how many were read

    def send(self, name, /, **fields):
        # "from" is a word of python's: from_ stands for it.
        fields = {key.rstrip("_"): value for key, value in fields.items()}
        self.channel.sendall(encode(name, fields))

    def take(self):
        """The next whole message of what was read; None: there is none."""
        if len(self.bytes) < 4:
            return None
        length, = struct.unpack_from("<I", self.bytes)
        if len(self.bytes) < 4 + length:
            return None
        data = bytes(self.bytes[4:4 + length])
        del self.bytes[:4 + length]
        number, version = struct.unpack_from("<HH", data)
        assert version == VERSION and 1 <= number <= len(MESSAGES)
        name, kind = MESSAGES[number - 1]
        fields, end = get(kind, data, 4)
        assert end == len(data), f"{name} has {len(data) - end} bytes more"
        if name == "send-fault":
            line = fields["line"]
            self.faults[line] = self.faults.get(line, 0) + 1
        return name, fields

    def receive(self, timeout=60):
        """The next message as (name, dict); None when the worker has closed.
        TimeoutError when nothing comes."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.take()
            if message and message[0] == "send-connected":
                self.connected.append(message[1]["opening"])
                continue
            if message:
                return message
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.channel], [], [],
                                              left)[0]:
                raise TimeoutError(f"no message within {timeout} s")
            try:
                data = self.channel.recv(256 * 1024)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.bytes += data

    def expect(self, name, timeout=60):
        """The next message, which is to be called `name`."""
        message = self.receive(timeout)
        assert message and message[0] == name, f"{message} is no {name}"
        return message[1]

    def close(self):
        self.channel.close()

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def wait(self):
        """Its exit status, or minus the signal; `usage` has what it used."""
        _, status, self.usage = os.wait4(self.pid, 0)
        self.close()
        return os.waitstatus_to_exitcode(status)
