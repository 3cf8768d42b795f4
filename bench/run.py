#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""run.py - what is fast, beside peers, in one run.

  run.py [--letters N] [--rounds N] [--connections N...] [--queued N...]
         [--rows N...] [--only peers|postfix|ways|queue|import|page|compose|dkim|returns]

Run by `make bench`; needs top_srcdir and top_builddir. Three senders take
turns against the same sink: Postfix's smtp-source (no letter composed, nothing
kept), npm's nodemailer (pooled, composing, nothing kept), and Chancery (each
letter merged and composed, its dot record fsynced). Absolute figures drift
with the machine: read the ratios.

Before that, imports of tables of several lengths: rows per second and core,
and memory. Then sending with 1,000 and with 1,000,000 letters queued: CPU per
letter and the memory of chanceryd.

Postfix's full path, queue and all, is beside ours in postfix.py.

And merging and composing alone, beside nodemailer's composer building the same
message; with an annex of 200 KB it must cost no more, for an annex is encoded
once per batch. At last the same with DKIM, beside OpenSSL signing alone.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       "tests/system"))
import wire  # noqa: E402

SOURCE = pathlib.Path(os.environ["top_srcdir"]).resolve()
BUILD = pathlib.Path(os.environ["top_builddir"]).resolve()
WORK = BUILD / "bench/work"
TICKS = os.sysconf("SC_CLK_TCK")
WORDS = ("Madame Monsieur nous avons l'honneur de vous inviter à la première "
         "session du Comité préparatoire où seront présentés les projets "
         "reçus par le Secrétariat déjà très attendus après l'élection du "
         "bureau à Genève").split()


def cpu_of(pid):
    """Seconds of CPU of a process and of its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = fields.rsplit(")", 1)[1].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICKS


def children_of(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()]


def tree_cpu(pid):
    total = cpu_of(pid)
    for child in children_of(pid):
        try:
            total += cpu_of(child)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def rss_kib(pid, name="VmRSS"):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


class Sink:
    def __init__(self, *options):
        self.process = subprocess.Popen(
            [BUILD / "bench/sink", *options], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.terminate()
        self.process.wait()


def paragraphs(size):
    text = ""
    word = 0
    while len(text.encode()) < size:
        text += WORDS[word * 7 % len(WORDS)]
        word += 1
        text += "\n\n" if word % 60 == 0 else "\n" if word % 11 == 0 else " "
    return text.rstrip()


def make_letter(folder, size):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "letter.conf").write_text(
        'languages = [ "fr" ];\n'
        'sender = "Secretariat <bureau@chancery.example>";\n')
    (folder / "fr.md").write_text(
        "Subject: Première session du Comité préparatoire, {{name}}\n\n"
        "Cher {{name}},\n\n" + paragraphs(size) + "\n", encoding="utf-8")


def make_table(path, count, start=0):
    with path.open("w", encoding="utf-8") as out:
        out.write("key,language,name,to\n")
        for n in range(start, start + count):
            out.write(f"K{n},fr,Ministère nº {n},minister{n}@members.example"
                      "\n")


CONF = """
secretariat: {{
  from = "Secretariat <bureau@chancery.example>";
  envelope = "bounces@chancery.example";
}};
store: {{ path = "{d}/chancery.db"; allow_volatile = true; }};
relays: ( {{
  name = "sink"; host = "127.0.0.1"; port = {port};{tls}
  connections = {connections}; per_minute = 0;{more}
}} );
import: {{ max_recipients = 2000000; max_upload = "1GiB"; }};
status: {{ socket = "{d}/status.sock"; control_socket = "{d}/control.sock"; }};
"""


class Chancery:
    def __init__(self, folder, port, connections, more=""):
        self.d = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.conf = folder / "chancery.conf"
        tls = "" if "tls =" in more else ' tls = "none";'
        self.conf.write_text(CONF.format(d=folder, port=port, tls=tls,
                                         connections=connections, more=more))
        environment = dict(os.environ, CHANCERY_LIBEXECDIR=str(libexec()))
        log = open(folder / "log", "ab")
        self.process = subprocess.Popen(
            [BUILD / "daemon/chanceryd/chanceryd", "-c", self.conf],
            env=environment, stdout=log, stderr=log,
            stdin=subprocess.DEVNULL)
        for _ in range(600):
            if self.call("status", check=False).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit((folder / "log").read_text()[-2000:])

    def call(self, *words, check=True):
        run = subprocess.run(
            [BUILD / "chancery", "--socket-dir", str(self.d),
             *map(str, words)], text=True, capture_output=True, check=False)
        if check and run.returncode != 0:
            raise SystemExit(f"chancery {words[0]}: {run.stderr}")
        return run

    def letters(self, reference):
        """Asked of the socket itself, for a program started fifty times a
        second would take part of what is measured."""
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(str(self.d / "status.sock"))
            door.sendall(f"GET /v1/batches/{reference} HTTP/1.0\r\n\r\n"
                         .encode())
            answer = b"".join(iter(lambda: door.recv(65536), b""))
        return json.loads(answer.partition(b"\r\n\r\n")[2])["letters"]

    def enqueue(self, letter, table, reference, *more):
        self.call("enqueue", letter, table, "--reference", reference, "--yes",
                  *more)

    def send_all(self, reference, count):
        """Resume the mail room and wait; wall and CPU seconds."""
        cpu = tree_cpu(self.process.pid)
        start = time.monotonic()
        self.call("resume")
        while self.letters(reference).get("sent", 0) < count:
            time.sleep(0.02)
        wall = time.monotonic() - start
        return wall, tree_cpu(self.process.pid) - cpu

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def libexec():
    """One folder with the three workers, as an installation has them."""
    folder = WORK / "libexec"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("import", "send", "receive"):
        link = folder / f"chancery-{name}"
        if not link.exists():
            link.symlink_to(BUILD / f"daemon/{name}/chancery-{name}")
    return folder


def smtp_source(sink, connections, letters, message):
    tree = BUILD / "servers"
    installed = shutil.which("smtp-source")
    if not installed:
        subprocess.run(["sh", SOURCE / "tests/servers/fetch.sh", tree],
                       check=True)
    program = installed or str(tree / "usr/sbin/smtp-source")
    environment = dict(os.environ)
    if not installed:
        environment["LD_LIBRARY_PATH"] = str(tree / "usr/lib/postfix")
    start = time.monotonic()
    subprocess.run([program, "-4", "-d", "-s", str(connections), "-m",
                    str(letters), "-f", "bureau@chancery.example", "-t",
                    "minister@members.example", "-F", message,
                    f"127.0.0.1:{sink.port}"], env=environment, check=True)
    return letters / (time.monotonic() - start)


def node_environment():
    modules = WORK / "npm"
    if not (modules / "node_modules/nodemailer").is_dir():
        modules.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit",
                        "--no-fund", "--prefix", modules, "nodemailer"],
                       check=True, stdout=subprocess.DEVNULL)
    return dict(os.environ, NODE_PATH=str(modules / "node_modules"))


def nodemailer(sink, connections, count):
    environment = node_environment()
    start = time.monotonic()
    subprocess.run(["node", SOURCE / "bench/nodemailer.js", str(sink.port),
                    str(connections), str(count), WORK / "text",
                    WORK / "html"], check=True, env=environment)
    return count / (time.monotonic() - start)


def chancery(sink, connections, letters, letter="letter", more=""):
    folder = WORK / "round"
    shutil.rmtree(folder, ignore_errors=True)
    room = Chancery(folder, sink.port, connections, more)
    room.call("pause")
    make_table(WORK / "table.csv", letters)
    room.enqueue(WORK / letter, WORK / "table.csv", "DM-1")
    wall, cpu = room.send_all("DM-1", letters)
    room.stop()
    shutil.rmtree(folder)
    return letters / wall, cpu / letters * 1e6


def print_rates(title, rates):
    """Each beside the first."""
    base = statistics.median(next(iter(rates.values())))
    print(f"\n{title}")
    for name, values in rates.items():
        rate = statistics.median(values)
        print(f"  {name:24}{rate:10.0f} letters/s{rate / base:8.2f}",
              flush=True)


def beside_peers(args):
    eml = WORK / "message.eml"
    for connections in args.connections:
        sink = Sink()
        rates = {"smtp-source": [], "nodemailer": [], "chancery": []}
        cpus = []
        for _ in range(args.rounds):
            rates["smtp-source"].append(
                smtp_source(sink, connections, args.letters, eml))
            rates["nodemailer"].append(
                nodemailer(sink, connections, max(args.letters // 8, 500)))
            rate, cpu = chancery(sink, connections, args.letters)
            rates["chancery"].append(rate)
            cpus.append(cpu)
        sink.stop()
        print_rates(f"{connections} connections, {args.letters} letters of "
                    f"{eml.stat().st_size} bytes, median of {args.rounds} "
                    "rounds", rates)
        ratio = (statistics.median(rates["chancery"]) /
                 statistics.median(rates["nodemailer"]))
        print(f"  of nodemailer {ratio:.1f}; CPU of chanceryd and its workers "
              f"{statistics.median(cpus):.0f} us a letter", flush=True)


def beside_postfix(args):
    subprocess.run([sys.executable, SOURCE / "bench/postfix.py",
                    "--letters", str(args.letters),
                    "--rounds", str(args.rounds), "--connections",
                    *map(str, args.connections)], check=True)


def add_annex(folder, size):
    """The same letter with an annex."""
    shutil.copytree(WORK / "letter", folder, dirs_exist_ok=True)
    (folder / "annex.bin").write_bytes(os.urandom(size))
    with (folder / "letter.conf").open("a") as conf:
        conf.write('annexes = [ "annex.bin" ];\n')


def certificate():
    """Of 127.0.0.1, and its key; it is its own authority."""
    pem = WORK / "sink.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-keyout", pem, "-out",
         f"{pem}.crt", "-days", "2", "-subj", "/CN=sink", "-addext",
         "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    with pem.open("ab") as out:
        out.write(pathlib.Path(f"{pem}.crt").read_bytes())
    return pem


def ways_to_the_relay(args):
    """Long messages with chunks and without, a relay that is far away, TLS:
    each beside smtp-source, or TLS beside our own without it."""
    add_annex(WORK / "annexed", 147 * 1024)
    compose_sample(WORK / "annexed", "--eml", WORK / "annexed.eml")
    few = max(args.letters // 10, 500)
    for title, letter, options in (
            ("200 KB in chunks", "annexed", ["-c"]),
            ("200 KB behind DATA", "annexed", []),
            ("5 ms before each reply", "letter", ["-d", "5000"])):
        message = WORK / ("message.eml" if letter == "letter" else
                          "annexed.eml")
        rates = {"smtp-source": [], "chancery": []}
        for _ in range(args.rounds):
            sink = Sink(*options)
            rates["smtp-source"].append(smtp_source(sink, 16, few, message))
            rates["chancery"].append(chancery(sink, 16, few, letter)[0])
            sink.stop()
        print_rates(f"{title}: 16 connections, {few} letters of "
                    f"{message.stat().st_size} bytes", rates)
    with_tls(args)


def with_tls(args):
    pem = certificate()
    rates = {"plain": [], "TLS 1.3": []}
    for _ in range(args.rounds):
        for name, options, more in (
                ("plain", [], ""),
                ("TLS 1.3", ["-t", pem],
                 f' tls = "implicit"; ca_file = "{pem}.crt";')):
            sink = Sink(*options)
            rates[name].append(chancery(sink, 16, args.letters, "letter",
                                        more)[0])
            sink.stop()
    print_rates(f"TLS: 16 connections, {args.letters} letters, 100 on a "
                "connection", rates)


def send_some(room, reference, letters):
    """Resume, wait until so many of the batch are sent; CPU seconds and how
    many they were."""
    cpu = tree_cpu(room.process.pid)
    room.call("resume")
    while room.letters(reference).get("sent", 0) < letters:
        time.sleep(0.02)
    used = tree_cpu(room.process.pid) - cpu
    return used, room.letters(reference)["sent"]


def queue_of(args, queued, folder):
    """As many letters sent with 1,000 behind them as with 1,000,000: batches
    of that size, one after the other, by workers that are there already."""
    sink = Sink()
    room = Chancery(folder, sink.port, 16)
    table = WORK / "queue.csv"
    make_table(table, 500)
    room.enqueue(WORK / "letter", table, "WARM-1")
    send_some(room, "WARM-1", 500)
    make_table(table, queued)
    cpu = sent = rows = number = 0
    while sent < args.letters:
        number += 1
        room.call("pause")
        start = time.monotonic()
        room.enqueue(WORK / "letter", table, f"DM-{number}")
        rows = queued / (time.monotonic() - start)
        used, done = send_some(room, f"DM-{number}",
                               min(queued, args.letters - sent))
        cpu += used
        sent += done
    memory = rss_kib(room.process.pid, "VmHWM") / 1024
    room.process.kill()
    room.process.wait()
    sink.stop()
    return cpu / sent * 1e6, memory, rows


def with_queue(args):
    """CPU per letter and memory, with few and with many letters behind."""
    print(f"\n{'queued':>10}{'CPU us/letter':>15}{'of the first':>14}"
          f"{'chanceryd MiB':>15}{'enqueue rows/s':>16}")
    first = None
    for queued in args.queued:
        folder = WORK / f"queue{queued}"
        shutil.rmtree(folder, ignore_errors=True)
        cpu, memory, rows = queue_of(args, queued, folder)
        first = first or cpu
        print(f"{queued:10}{cpu:15.0f}{cpu / first:14.2f}{memory:15.1f}"
              f"{rows:16.0f}", flush=True)
        shutil.rmtree(folder)


def import_worker(rows):
    """One import by its worker alone, whose messages are read and dropped: the
    seconds of CPU, and its memory in MiB."""
    folder = WORK / "import"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("letter", "recipients"):
        (folder / "spool" / name).mkdir(parents=True)
    (folder / "objects").mkdir()
    shutil.copytree(WORK / "letter", folder / "spool/letter",
                    dirs_exist_ok=True)
    make_table(folder / "spool/recipients/table.csv", rows)
    worker = wire.Worker(str(BUILD / "daemon/import/chancery-import"))
    worker.send("import-start", spool_dir=str(folder / "spool"),
                objects_dir=str(folder / "objects"),
                recipients=["table.csv"], reference="DM-1",
                message_id_domain="chancery.example", date_us=0)
    tail = b""
    while data := worker.channel.recv(1 << 20):
        tail = (tail + data)[-100:]
    status = worker.wait()
    if status or f'{{"fr":{rows}}}'.encode() not in tail:
        raise SystemExit(f"the import of {rows} rows failed: {status}")
    shutil.rmtree(folder)
    return (worker.usage.ru_utime + worker.usage.ru_stime,
            worker.usage.ru_maxrss / 1024)


def import_whole(rows):
    """The same into the store, by chancery and chanceryd: wall seconds, the
    seconds of CPU of chanceryd and its worker, and chanceryd's memory."""
    folder = WORK / "import"
    room = Chancery(folder, 1, 1)
    table = WORK / "import.csv"
    make_table(table, rows)
    room.call("pause")
    start = time.monotonic()
    cpu = tree_cpu(room.process.pid)
    room.enqueue(WORK / "letter", table, "DM-1")
    wall = time.monotonic() - start
    cpu = tree_cpu(room.process.pid) - cpu
    memory = rss_kib(room.process.pid, "VmHWM") / 1024
    room.stop()
    shutil.rmtree(folder)
    table.unlink()
    return wall, cpu, memory


def imports(args):
    """Rows of a table, each merged and composed once: per core, and memory."""
    print(f"\n{'rows':>10}{'worker rows/s/core':>20}{'worker MiB':>12}"
          f"{'enqueue rows/s':>16}{'CPU us/row':>12}{'chanceryd MiB':>15}")
    for rows in args.rows:
        alone, worker = import_worker(rows)
        wall, cpu, daemon = import_whole(rows)
        print(f"{rows:10}{rows / alone:20.0f}{worker:12.1f}{rows / wall:16.0f}"
              f"{cpu / rows * 1e6:12.1f}{daemon:15.1f}", flush=True)


def composing(args):
    """Merging and composing alone: microseconds of CPU for a letter."""
    annex = WORK / "annex.bin"
    annex.write_bytes(os.urandom(200 * 1024))
    ours = [BUILD / "bench/compose-bench", WORK / "letter"]
    peer = ["node", SOURCE / "bench/nodemailer-compose.js", "2000",
            WORK / "text", WORK / "html"]
    runs = {"chancery": ours + ["50000"],
            "with 200 KB": ours + ["50000", annex], "nodemailer": peer}
    environment = node_environment()
    took = {name: [] for name in runs}
    size = {}
    for _ in range(args.rounds):
        for name, words in runs.items():
            run = subprocess.run(words, env=environment, check=True,
                                 stdout=subprocess.PIPE)
            figures = json.loads(run.stdout)
            took[name].append(figures["us"])
            size[name] = figures["size_bytes"]
    base = statistics.median(took["nodemailer"])
    print(f"\n{'composed by':14}{'bytes':>10}{'CPU us/letter':>15}"
          f"{'nodemailer is':>15}")
    for name, values in took.items():
        us = statistics.median(values)
        print(f"{name:14}{size[name]:10}{us:15.1f}{base / us:14.1f}x")
    if min(took["with 200 KB"]) > 2 * min(took["chancery"]):
        raise SystemExit("an annex is encoded for each letter")


def signing(args):
    """Composed and signed with DKIM: what that takes above OpenSSL's own."""
    annex = WORK / "annex.bin"
    annex.write_bytes(os.urandom(148 * 1024))  # 200 KB in base64
    keys = {"rsa-2048": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            "ed25519": ["ed25519"]}
    print(f"\n{'DKIM':>10}{'bytes':>10}{'OpenSSL us':>12}{'composed':>10}"
          f"{'signed':>10}{'above':>8}")
    worst = 0
    for name, algorithm in keys.items():
        key = WORK / f"{name}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", *algorithm, "-out",
                        key], check=True, stderr=subprocess.DEVNULL)
        for more in ([], [annex]):
            runs = [json.loads(subprocess.run(
                [BUILD / "bench/compose-bench", "-k", key, WORK / "letter",
                 "2000", *more], check=True,
                stdout=subprocess.PIPE).stdout) for _ in range(args.rounds)]
            run = sorted(runs, key=lambda one: one["above_sign_us"])[
                len(runs) // 2]
            print(f"{name:>10}{run['size_bytes']:10}{run['sign_us']:12.1f}"
                  f"{run['compose_us']:10.1f}{run['dkim_us']:10.1f}"
                  f"{run['above_sign_us']:8.1f}", flush=True)
            worst = max(worst, run["above_sign_us"])
    if worst > 250:
        raise SystemExit("a signed letter costs more than 250 us above "
                         "OpenSSL's own")


def compose_sample(letter, kind, path):
    subprocess.run([BUILD / "chancery", "preview", letter, WORK / "table.csv",
                    "-r", "K0", "--reference", "DM-1", kind, "-o", path],
                   check=True, stdout=subprocess.DEVNULL)
    if kind == "--eml":
        path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))


def sample_message():
    """The message as Chancery composes it, for the peers to send."""
    eml = WORK / "message.eml"
    for kind, path in (("--eml", eml), ("--text", WORK / "text"),
                       ("--html", WORK / "html")):
        compose_sample(WORK / "letter", kind, path)
    for path in (WORK / "text", WORK / "html"):
        path.write_text(path.read_text().replace("Ministère nº 0",
                                                 "{{name}}"))


def pages():
    """CPU of a page in each language, and what the process held at most."""
    templates = SOURCE / "templates"
    done = subprocess.run(
        [BUILD / "bench/page-bench", templates / "invitation",
         templates, templates / "sample/members.csv", "100", "en", "fr", "es", "ru", "zh",
         "ar"], check=True, capture_output=True, text=True)
    *rows, memory = map(json.loads, done.stdout.splitlines())
    print(f"\n{'page':>10}{'first ms':>15}{'then ms':>14}{'bytes':>15}")
    for row in rows:
        print(f"{row['language']:>10}{row['first_ms']:15.1f}{row['ms']:14.2f}"
              f"{row['bytes']:15}")
    average = sum(row["ms"] for row in rows) / len(rows)
    print(f"{'average':>10}{average:29.2f}\n{'MiB':>10}"
          f"{memory['max_rss_kib'] / 1024:29.1f}", flush=True)


def returned_files():
    """The collection of mails that came back, or None."""
    places = [os.environ.get("CHANCERY_CORPORA"), SOURCE.parent /
              "shared/corpora"]
    for place in filter(None, places):
        folder = pathlib.Path(place) / "returns"
        if (folder / "truth.tsv").exists():
            rows = [line.split("\t") for line in
                    (folder / "truth.tsv").read_text().splitlines()[1:]]
            return [(folder / "messages" / row[0], row[1]) for row in rows]
    return None


def returns(args):
    """Mails that came back, read and classified: CPU beside two peers."""
    files = returned_files()
    if files is None:
        print("../shared/corpora/returns is not there: returns left out")
        return
    bounces = [path for path, kind in files
               if "bounce" in kind or kind == "delayed"]
    sets = {"bounces": bounces, "all": [path for path, _ in files]}
    ours = [BUILD / "bench/returns-bench", "20"]
    peers = {"chancery": ours,
             "sisimai": ["perl", SOURCE / "bench/returns-sisimai.pl"],
             "flufl": ["/usr/bin/python3", SOURCE / "bench/returns-flufl.py"]}
    print(f"\n{'returned':>10}{'by':>12}{'mails':>8}{'us':>10}{'mails/s':>10}"
          f"{'times':>8}")
    for name, paths in sets.items():
        base = None
        for peer, words in peers.items():
            run = [json.loads(subprocess.run(
                [*words, *paths], check=True, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL).stdout)
                for _ in range(args.rounds if peer == "chancery" else 1)]
            us = statistics.median(one["us"] for one in run)
            base = base or us
            print(f"{name:>10}{peer:>12}{len(paths):8}{us:10.1f}"
                  f"{1e6 / us:10.0f}{us / base:8.1f}", flush=True)
            if peer == "chancery":
                print(f"{'longest':>22}{run[0]['longest_us']:18.0f} us, "
                      f"{run[0]['max_rss_kib'] / 1024:.0f} MiB with all mails "
                      f"({run[0]['bytes'] / 2 ** 20:.1f} MiB)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--letters", type=int, default=40000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="*",
                        default=[8, 16, 32])
    parser.add_argument("--size", type=int, default=1150)
    parser.add_argument("--queued", type=int, nargs="*",
                        default=[1000, 1000000])
    parser.add_argument("--rows", type=int, nargs="*",
                        default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--only", choices=["peers", "postfix", "ways", "queue", "import", "page",
                                           "compose", "dkim", "returns"])
    args = parser.parse_args()
    if args.only == "page":
        pages()
        return
    if args.only == "returns":
        returns(args)
        return
    WORK.mkdir(parents=True, exist_ok=True)
    make_letter(WORK / "letter", args.size)
    make_table(WORK / "table.csv", args.letters)
    sample_message()
    if args.only in (None, "import"):
        imports(args)
    if args.only in (None, "peers"):
        beside_peers(args)
    if args.only in (None, "postfix"):
        beside_postfix(args)
    if args.only in (None, "ways"):
        ways_to_the_relay(args)
    if args.only in (None, "queue"):
        with_queue(args)
    if args.only in (None, "compose"):
        composing(args)
    if args.only in (None, "dkim"):
        signing(args)
    if not args.only:
        pages()
        returns(args)


if __name__ == "__main__":
    main()
