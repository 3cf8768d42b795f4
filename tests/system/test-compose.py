#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in six languages, read back by an independent reader: python's
email package finds the same names, subject, text, HTML and annexes, and every
line on the wire is short, 7-bit and ends in CRLF. Then 10,000 subjects, names
and names of files made of whatever may stand in one."""
import email
import email.header
import email.policy
import email.utils
import html.parser
import os
import random
import re
import subprocess
import sys

SLOT = 0xF0000
WORDS = {
    "en": "Excellency session Committee From honour agenda (draft) it's "
          "co-operation . .. -- > 10–14".split(),
    "fr": "Madame l'honneur à première réunion « préparatoire » œuvre "
          "Comité ; où naïf".split(),
    "es": "Excelentísimo Señor ¿Cuándo? reunión español año preparatorio "
          "10.º".split(),
    "ru": "Уважаемый господин Министр имею честь пригласить первую сессию "
          "№ 5 подготовительного".split(),
    "ar": "معالي الوزير يشرفني أن أدعوكم إلى الدورة الأولى ٢٠٢٦ و2026 "
          "اللجنة التحضيرية،".split(),
    "zh": "部长先生阁下： 我谨荣幸地邀请贵国 出席“筹备委员会” 第一届会议， "
          "2026年12月7日 （草案）。 UNESCO 文件《议程》".split(),
}
NAMES = {
    "en": "Okello, M. (Registry)", "fr": "Aïssatou Ndiaye-Lefèvre",
    "es": "Iñigo Muñoz \"Ñ\"", "ru": "Секретариат Бюро маяков",
    "ar": "أمانة المكتب", "zh": "国际灯塔局秘书处",
}
ANNEXES = ["annex-1.pdf", "annex 2 (final).docx", "Приложение № 1.pdf",
           "附件一：筹备委员会第一届会议临时议程和议事日程安排（草案）.pdf",
           "ملحق.txt", "réunion's \"agenda\"; 100%.txt", "a" * 120 + ".bin"]


def words(rng, language, count):
    picked = [rng.choice(WORDS[language]) for _ in range(count)]
    if language == "zh":
        picked = [word if re.search("[a-z]", word, re.I) is None
                  else f" {word} " for word in picked]
        return re.sub(" +", " ", "".join(picked)).strip()
    return " ".join(picked)


def message(rng, number):
    language = rng.choice(sorted(WORDS))
    values = [words(rng, language, rng.randint(1, 9)) for _ in range(3)]
    paragraphs = [words(rng, language, rng.randint(1, 120))
                  for _ in range(rng.randint(1, 8))]
    annexes = [(name, rng.randbytes(rng.randint(0, 3000)))
               for name in rng.sample(ANNEXES, rng.randint(0, 3))]
    annexes = [(name, "Texte où\r\n".encode() * 9 if name.endswith(".txt")
                else data) for name, data in annexes]
    return {
        "language": language, "values": values, "paragraphs": paragraphs,
        "annexes": annexes, "name": NAMES[language],
        "subject": f"[DM-{number}] " + words(rng, language,
                                              rng.randint(1, 40)),
        "id": f"k{number}.{rng.getrandbits(40):x}@lamp.example",
    }


def escaped(text):
    """Text as Markdown that means the text."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!&\"'])", r"\\\1", text)


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def records(sample):
    slots = [chr(SLOT + n) for n in range(3)]
    markdown = "\n\n".join(
        [slots[0]] + [escaped(text) for text in sample["paragraphs"]] +
        [f"X{slots[1]}Y\\\n{slots[2]}"])
    fields = [
        ("from", f"{quoted(sample['name'])} <registry@lamp.example>"),
        ("reply-to", "answers@lamp.example"),
        ("to", f"minister@aa.members.example; {quoted(sample['name'])} "
               "<b@пример.example>"),
        ("cc", "mission@aa.members.example"),
        ("subject", sample["subject"]), ("id", sample["id"]),
        ("language", sample["language"]),
    ] + [("value", value) for value in sample["values"]] + [
        ("markdown", markdown)]
    for name, data in sample["annexes"]:
        fields += [("annex-name", name), ("annex", data)]
    for name, value in fields + [("end", "")]:
        data = value if isinstance(value, bytes) else value.encode()
        yield f"{name} {len(data)}\n".encode() + data


def unflow(part):
    """Paragraphs of text/plain; format=flowed (RFC 3676 section 4.2)."""
    text = part.get_content().replace("\r\n", "\n")
    delsp = part.get_param("delsp") == "yes"
    assert part.get_param("format") == "flowed"
    paragraphs, open_line = [], None
    for line in text.split("\n")[:-1]:
        assert len(line) <= 78, line
        line = line[1:] if line.startswith(" ") else line
        flowed = line.endswith(" ") and line != "-- "
        if flowed and delsp:
            line = line[:-1]
        open_line = line if open_line is None else open_line + line
        if not flowed:
            paragraphs.append(open_line)
            open_line = None
    assert open_line is None, "the text ends in a flowed line"
    return paragraphs


class Text(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.text, self.inside = "", False

    def handle_starttag(self, tag, attrs):
        self.inside = self.inside or tag == "p"
        assert tag != "img" and tag != "script"
        if tag == "html":
            self.attrs = dict(attrs)

    def handle_data(self, data):
        if self.inside:
            self.text += data


def bare(text):
    return re.sub("[\u2068\u2069]", "", text)


def expected(sample):
    values = sample["values"]
    return [values[0]] + sample["paragraphs"] + [f"X{values[1]}Y", values[2]]


def check(sample, raw):
    for line in raw.split(b"\r\n"):
        assert len(line) <= 998 and b"\r" not in line and b"\n" not in line
        assert not line.startswith((b".", b"From ")), line
        assert all(byte < 0x80 for byte in line), line
    head = raw.split(b"\r\n\r\n", 1)[0]
    assert all(len(line) <= 78 for line in head.split(b"\r\n")), head
    names = re.findall(rb"^([\w-]+):", head, re.M)
    assert names == [b"Date", b"From", b"Reply-To", b"To", b"Cc", b"Subject",
                     b"Message-ID", b"MIME-Version", b"Content-Language",
                     b"Content-Type"], names

    parsed = email.message_from_bytes(raw, policy=email.policy.SMTP)
    for part in parsed.walk():
        assert not part.defects, part.defects
    assert parsed["Subject"] == sample["subject"], parsed["Subject"]
    assert parsed["Message-ID"] == f"<{sample['id']}>"
    sender = parsed["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == (
        sample["name"], "registry@lamp.example"), sender
    assert [to.addr_spec for to in parsed["To"].addresses] == [
        "minister@aa.members.example", "b@xn--e1afmkfd.example"]
    assert parsed["To"].addresses[1].display_name == sample["name"], (
        parsed["To"].addresses[1], head)

    wanted = expected(sample)
    got = [bare(line) for line in unflow(parsed.get_body(("plain",)))]
    got = [line for line in got if line]
    assert got == wanted, (got, wanted)
    reader = Text()
    reader.feed(parsed.get_body(("html",)).get_content())
    assert reader.attrs == {"lang": sample["language"], "dir":
                            "rtl" if sample["language"] == "ar" else "ltr"}
    assert bare(reader.text).split() == " ".join(wanted).split()

    annexes = [(part.get_filename(), part.get_payload(decode=True))
               for part in parsed.iter_attachments()]
    assert annexes == sample["annexes"], annexes


# Characters that a subject, a person's or a file's name may have: of all our
# scripts, those with a meaning in a header, marks, and beyond the first plane.
CHARACTERS = ("abcXYZ0189 " * 9 + " ,;:()<>@[]\"'=?_%*+-.!#$&^`{|}~"
              "éÀœßñÑ¿«»№–—’…" "ЖдйЁщ" "ابةىءلاًّ" "中文会议（），。《》"
              "e\u0301a\u0308" "\U0001F469\u200D\U0001F680" "\U0001D11E")


def characters(rng, least, most, without=""):
    text = "".join(rng.choice(CHARACTERS)
                   for _ in range(rng.randint(least, most)))
    return "".join(c for c in text if c not in without)


def hostile(rng, number):
    """A message that is nothing but its names."""
    sample = message(rng, number)
    # python takes spaces from around a file's name
    annexes = [(characters(rng, 1, 60, "/\\").strip() + f"{n}.pdf", b"x")
               for n in range(2)]
    return {**sample, "paragraphs": ["a"], "annexes": annexes,
            "subject": characters(rng, 1, 200),
            "name": characters(rng, 1, 90).strip() or "a"}


def words_of(raw, field):
    """The field, unfolded, and each of its encoded words looked at."""
    value = re.search(rb"^%s: ?((?:.|\r\n )*)\r\n" % field, raw, re.M)[1]
    value = value.replace(b"\r\n", b"").decode("ascii")
    for word in re.findall(r"=\?[^?]*\?[^?]*\?[^?]*\?=", value):
        assert len(word) <= 75, word
        ((data, charset),) = email.header.decode_header(word)
        data.decode(charset) # no word splits a character
    return value


def check_names(sample, raw):
    head = raw.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    assert all(len(line) <= 78 for line in head.split(b"\r\n")), head
    subject = words_of(head, b"Subject")
    decoded = str(email.header.make_header(
        email.header.decode_header(subject)))
    assert decoded == sample["subject"], (decoded, sample["subject"], head)
    names = email.utils.getaddresses([words_of(head, b"From")])
    assert [address for _, address in names] == ["registry@lamp.example"]
    name = str(email.header.make_header(
        email.header.decode_header(names[0][0])))
    assert name == sample["name"], (name, sample["name"], head)
    parsed = email.message_from_bytes(raw, policy=email.policy.SMTP)
    for part in parsed.walk():
        assert not part.defects, part.defects
    annexes = [part.get_filename() for part in parsed.iter_attachments()]
    wanted = [name for name, _ in sample["annexes"]]
    assert annexes == wanted, (annexes, wanted, raw)
    for part in parsed.iter_attachments():
        fallback = part.get_param("name")
        assert not fallback or (fallback.isascii() and
                                fallback.endswith(".pdf")), fallback


def main():
    rng = random.Random(1276)
    samples = [message(rng, number) for number in range(400)]
    samples += [hostile(rng, number) for number in range(2500)]
    program = os.environ["top_builddir"] + "/tests/tools/compose-mail"
    run = subprocess.run(
        [program], input=b"".join(b"".join(records(s)) for s in samples),
        stdout=subprocess.PIPE, check=True)
    output = run.stdout
    seen = 0
    for sample in samples:
        size, output = output.split(b"\n", 1)
        (check if seen < 400 else check_names)(sample, output[:int(size)])
        output = output[int(size):]
        seen += 1
    assert not output
    print(f"{seen} messages read back")
    return 0 if seen == len(samples) else 1


sys.exit(main())
