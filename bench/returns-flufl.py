#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""returns-flufl.py FILE... - the same with flufl.bounce (Debian's
python3-flufl.bounce): microseconds of CPU for a mail, those left out on which
it does not end."""
import email
import json
import signal
import sys
import time

from flufl.bounce import all_failures


class TooLong(Exception):
    pass


def stop(*_):
    raise TooLong


signal.signal(signal.SIGALRM, stop)
mails = [open(path, "rb").read() for path in sys.argv[1:]]
took = 0
done = failed = 0
for mail in mails:
    start = time.process_time()
    signal.alarm(5)
    try:
        all_failures(email.message_from_bytes(mail))
        took += time.process_time() - start
        done += 1
    except Exception:  # whatever a mail made it do
        failed += 1
    signal.alarm(0)
print(json.dumps({"us": took / max(done, 1) * 1e6, "failed": failed}))
