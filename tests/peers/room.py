# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail room that answers as chancery-status(7) says, with whatever a test
puts into it: so that chancery(1) can be shown states that a real one reaches
only with luck, and text that no relay of ours would write."""
import copy
import hashlib
import http.server
import json
import os
import socketserver
import threading
import urllib.parse

STATES = ("queued", "claimed", "dot", "sent", "failed", "in_doubt",
          "cancelled", "held")
FACTS = ("bounced", "delayed", "delivered", "auto_replied", "answered",
         "read")
START = "2026-11-24T09:00:00Z"


def address(seq, role, spec, state, code=0, status="", reply="",
            next_at=None, changed_at="2026-11-24T10:02:03Z"):
    return {"seq": seq, "role": role, "address": spec, "state": state,
            "code": code, "status": status, "reply": reply,
            "next_at": next_at, "changed_at": changed_at}


def returned(cursor, batch, key, kind, **more):
    return {"cursor": cursor, "batch": batch, "key": key, "verified": True,
            "match": "token", "kind": kind,
            "received_at": "2026-11-24T11:12:13Z", "mailbox": "bureau", "folder": "INBOX",
            "uidvalidity": 1, "uid": cursor, "part": 0,
            "from": "someone@foreign.example", "subject": "Re: invitation",
            "text": "", "recipient": "", "status": "", "diagnostic": "",
            "message_id": f"r{cursor}@foreign.example", "attachments": 0,
            "rule": "dsn", "fault": "", "sha256": "0" * 64, "size_bytes": 100,
            "address_seq": 0, "attempt": 1, **more}


class Room:
    """The two sockets in `folder`, served by threads until stop()."""

    def __init__(self, folder, page=1000):
        self.folder = str(folder)
        self.page = page      # most items of a list
        self.batches = {}     # reference: batch object
        self.letters = {}     # reference: [letter objects]
        self.sources = {}     # (reference, key): source object
        self.transcripts = {} # (reference, key): transcript object
        self.objects = {}     # SHA-256: bytes
        self.packed = set()   # of these the bytes are zstd
        self.returns = []
        self.events = []
        self.alarms = []
        self.hours = None
        self.domains = []
        self.posts = []       # (path, object or the parts of an upload)
        self.gets = []        # (door, path)
        self.answers = {}     # path of a POST: (status, object)
        self.mutate = None    # what to do to an object before it is sent
        self.changed = threading.Condition()
        self.streams_end = False
        self.servers = []
        self.start()

    # ---- what is in it ----------------------------------------------------

    def batch(self, reference, letters, state="open", **more):
        counts = {name: 0 for name in STATES}
        facts = {name: 0 for name in FACTS}
        for letter in letters:
            counts[letter["state"]] += 1
            for name in FACTS:
                facts[name] += letter[name]
        languages = {}
        for letter in letters:
            languages[letter["language"]] = \
                languages.get(letter["language"], 0) + 1
        self.letters[reference] = letters
        self.batches[reference] = {
            "reference": reference, "state": state,
            "subject": "First session", "deadline": "2026-12-18",
            "from": "office@secretariat.example", "reply_to": None,
            "test_to": None, "enqueued_by": "m.okello (uid 1000)",
            "released_by": None, "created_at": START, "not_before": None,
            "date": START, "digest": "d1" * 32, "languages": languages,
            "largest_bytes": 493056, "total": len(letters),
            "letters": counts, "deferred": 0,
            "bounced": facts["bounced"], "answered": facts["answered"],
            "auto_replied": facts["auto_replied"],
            "delayed": facts["delayed"],
            "at_risk": sum(letter["at_risk"] for letter in letters), "cursor": len(self.batches) + 1,
            **more}

    @staticmethod
    def letter(cursor, batch, key, state, addresses, name="", language="en",
               **more):
        sent = state not in ("queued", "claimed", "held")
        return {"batch": batch, "key": key, "name": name or key,
                "language": language, "state": state, "attempt": 1,
                "message_id": f"m{cursor}@chancery.example",
                "sha256": "ab" * 32 if sent else None,
                "size_bytes": 4800 if sent else 0,
                **{fact: False for fact in FACTS}, "at_risk": False,
                "first_attempt_at": START if sent else None,
                "addresses": addresses, "cursor": cursor, **more}

    def event(self, kind, batch=None, key=None, who=None, detail=None):
        with self.changed:
            self.events.append({
                "cursor": len(self.events) + 1, "at": START, "type": kind,
                "batch": batch, "key": key, "who": who, "detail": detail})
            self.changed.notify_all()

    def object(self, data):
        digest = hashlib.sha256(data).hexdigest()
        self.objects[digest] = data
        return digest

    def status(self):
        total = {name: 0 for name in STATES}
        facts = {"deferred": 0, "bounced": 0, "auto_replied": 0, "at_risk": 0,
                 "answered": 0, "delayed": 0, "total": 0}
        for batch in self.batches.values():
            for name in STATES:
                total[name] += batch["letters"][name]
            for name in facts:
                facts[name] += batch[name]
        return {"version": "0.1.0", "state": "running", "started_at": START,
                "now": START, "letters": total, **facts,
                "batches": len(self.batches),
                "restored": facts["at_risk"] > 0,
                "hours": self.hours, "domains": self.domains,
                "relays": [{"name": "relay", "state": "ready", "text": "",
                            "backup": self.hours is not None,
                            "next_at": self.hours and self.hours["until"],
                            "workers": 4, "under_way": 3}],
                "mailboxes": [{"name": "bureau", "folder": "INBOX",
                               "state": "fault",
                               "text": "login refused", "last_uid": 17}],
                "alarms": self.alarms, "imports_under_way": 0,
                "worker_restarts": 0, "commits": 9,
                "last_event": len(self.events)}

    # ---- serving ----------------------------------------------------------

    def start(self):
        self.streams_end = False
        for door in ("status", "control"):
            path = os.path.join(self.folder, f"{door}.sock")
            if os.path.exists(path):
                os.unlink(path)
            handler = type("Handler", (Handler,),
                           {"room": self, "door": door})
            server = Server(path, handler)
            self.servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.02,),
                             daemon=True).start()

    def stop(self):
        with self.changed:
            self.streams_end = True
            self.changed.notify_all()
        for server in self.servers:
            server.shutdown()
            server.server_close()
            os.unlink(server.server_address)
        self.servers = []

    def items(self, items, query):
        after = int(query.get("after", "0"))
        limit = min(int(query.get("limit", "100")), self.page)
        found = [item for item in items if item["cursor"] > after]
        return found[:limit], (found[limit - 1]["cursor"]
                               if len(found) > limit else None)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False


def parts_of(body, content_type):
    """The parts of a multipart body: (name, file name or None, bytes)."""
    boundary = b"--" + content_type.split("boundary=")[1].encode()
    found = []
    for piece in body.split(boundary)[1:-1]:
        head, _, data = piece.partition(b"\r\n\r\n")
        words = dict(word.split("=", 1) for word in
                     head.decode().replace("\r\n", "; ").split("; ")
                     if "=" in word)
        found.append((words["name"].strip('"'),
                      words.get("filename", "").strip('"') or None,
                      data[:-2]))
    return found


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    room = None
    door = ""

    def address_string(self):
        return "a client"

    def log_message(self, *_):
        pass

    def reply(self, status, answer, headers=None):
        if self.room.mutate and not isinstance(answer, bytes):
            answer = self.room.mutate(answer)
        data = answer if isinstance(answer, bytes) else \
            json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if data:  # a client that has all it was promised may be gone
            self.wfile.write(data)

    def refuse(self, status, code, text, hint=""):
        self.reply(status, {"error": {"status": status, "code": code,
                                      "text": text, "hint": hint}})

    def do_GET(self):
        room = self.room
        path, _, query = self.path.partition("?")
        words = [urllib.parse.unquote(word) for word in path.split("/")[2:]]
        query = dict(urllib.parse.parse_qsl(query))
        room.gets.append((self.door, self.path))
        if words == ["status"]:
            self.reply(200, room.status())
        elif words == ["events"]:
            self.send_events(query)
        elif words == ["returns"]:
            self.send_list("returns", room.returns, query)
        elif words == ["batches"]:
            self.send_list("batches", room.batches.values(), query)
        elif words[0] == "objects" and self.door == "control":
            if words[1] in room.objects:
                if words[1] in room.packed:
                    assert self.headers["Accept-Encoding"] == "zstd"
                    self.reply(200, room.objects[words[1]],
                               {"Content-Encoding": "zstd"})
                else:
                    self.reply(200, room.objects[words[1]])
            else:
                self.refuse(404, "not_found", "no such object")
        elif words[0] == "batches":
            self.get_batch(words[1:], query)
        else:
            self.refuse(404, "not_found", "no such thing")

    def send_list(self, name, items, query):
        found, after = self.room.items(list(items), query)
        self.reply(200, {name: found, "next": after})

    def get_batch(self, words, query):
        room, reference = self.room, words[0]
        if reference not in room.batches:
            self.refuse(404, "not_found", f'no batch "{reference}"',
                        "chancery status lists them")
            return
        letters = room.letters[reference]
        returns = [item for item in room.returns
                   if item["batch"] == reference]
        if len(words) == 1:
            self.reply(200, {**room.batches[reference], "files": []})
        elif words[1] == "returns":
            self.send_list("returns", returns, query)
        elif len(words) == 2:
            self.send_list("letters", [
                letter for letter in letters
                if query.get("state", letter["state"]) == letter["state"]],
                query)
        else:
            self.get_letter(words[2], words[3:], returns, query)

    def get_letter(self, key, words, returns, query):
        room = self.room
        reference = urllib.parse.unquote(self.path.split("/")[3])
        found = [letter for letter in room.letters[reference]
                 if letter["key"] == key]
        if not found:
            self.refuse(404, "not_found", f'no letter "{key}"')
        elif not words:
            self.reply(200, found[0])
        elif words == ["returns"]:
            self.send_list("returns", [item for item in returns
                                       if item["key"] == key], query)
        elif words == ["source"] and self.door == "control":
            self.reply(200, room.sources[reference, key])
        elif words == ["transcript"] and self.door == "control":
            if (reference, key) in room.transcripts:
                self.reply(200, room.transcripts[reference, key])
            else:
                self.refuse(404, "not_found", "nothing was said of it yet")
        else:
            self.refuse(403, "forbidden", "not at this door")

    def send_events(self, query):
        room = self.room
        after = int(query.get("after", "0"))
        if "follow" in query:
            self.follow(after)
            return
        limit = int(query.get("limit", "1000"))
        found = [event for event in room.events if event["cursor"] > after]
        self.reply(200, "".join(
            json.dumps(event, ensure_ascii=False) + "\n"
            for event in found[:limit]).encode())

    def follow(self, after):
        room = self.room
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(b": hello\n\n")
        while True:
            with room.changed:
                room.changed.wait_for(
                    lambda: room.streams_end or len(room.events) > after)
                news = copy.deepcopy(room.events[after:])
            for event in news:
                self.wfile.write(
                    f"id: {event['cursor']}\nevent: {event['type']}\n"
                    f"data: {json.dumps(event)}\n\n".encode())
                after = event["cursor"]
            if room.streams_end:
                return

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers["Content-Length"]))
        data = b""
        while True:
            size = int(self.rfile.readline(), 16)
            data += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return data

    def do_POST(self):
        room = self.room
        kind = self.headers.get("Content-Type", "")
        body = self.body()
        sent = parts_of(body, kind) if kind.startswith("multipart/") else \
            json.loads(body)
        room.posts.append((self.path, sent))
        if self.door != "control":
            self.refuse(403, "forbidden", "not at this door")
            return
        answer = room.answers.get(self.path, (200, {"touched": 1}))
        if callable(answer):
            answer = answer(sent)
        self.reply(*answer)
