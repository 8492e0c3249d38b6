"""Runs a downloader on a case in a directory of its own, and judges what has come of it, by the same rules for every program."""

import os
import pty
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from case import SIZE

# What a run can come to, from best to worst, with what is meant.
KINDS = {
    "right": "the right file, exit status 0",
    "again": "the right file, but what had come before a break was fetched again although the server gives ranges",
    "error": "an error is told (exit status not 0), and no file is under the final name",
    "marked": "an error is told; a part is under the final name, and a file beside it marks it as unfinished",
    "partial": "an error is told, but something that is not the file is under the final name",
    "denied": "an error is told, although the right file is there",
    "nothing": "exit status 0, but no file",
    "hidden": "the server chose a name that begins with a dot",
    "control": "a file name with control characters",
    "hang": "still running when the time was over",
    "escape": "an escape sequence of the server's reached the terminal",
    "leak": "the password for one host was sent to another",
    "bomb": "100 KB from the network became 100 MB on the disk",
    "wrong": "exit status 0, and what is under the final name is not the file",
    "outside": "a file was written outside the directory",
}
PLACES = ["/tmp/leat-hostile-escaped", "/escaped"]
EVIL_OUTPUT = [b"\x1b]0;owned", b"\x1b[2J", b"\xc2\x9b2J", b"\x9b2J"]


@dataclass
class Run:
    """What one run of a program left."""
    kind: str
    detail: str
    seconds: float
    output: str
    statuses: list
    files: dict = field(default_factory=dict)
    sent: int = 0
    requests: list = field(default_factory=list)


class Sandbox:
    """Directories around the one that is downloaded to, so that what leaves it is seen."""

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="leat-hostile-")
        self.out = os.path.join(self.top, "deep", "er", "out")
        self.home = os.path.join(self.top, "home")
        os.makedirs(self.out)
        os.makedirs(self.home)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def files(self):
        """Name below the directory to path."""
        found = {}
        for place, _, names in os.walk(self.out.encode()):
            for name in names:
                path = os.path.join(place, name)
                found[os.path.relpath(path, self.out.encode())] = path
        return found

    def outside(self):
        """What is where nothing should be."""
        strays = [p for p in PLACES if os.path.lexists(p)]
        for place, folders, names in os.walk(self.top):
            if place in (self.out, self.home):
                folders.clear()
                continue
            strays += [os.path.join(place, name) for name in names]
        return strays


def execute(command, sandbox, limit, env=None):
    """(exit status or None after the limit, seconds, output): both outputs are one terminal."""
    ours, theirs = pty.openpty()
    chunks = []

    def read():
        try:
            while data := os.read(ours, 65536):
                chunks.append(data)
        except OSError:  # the terminal's end
            pass

    started = time.monotonic()
    environment = {**os.environ, "HOME": sandbox.home, "LC_ALL": "C.UTF-8", "TERM": "xterm", **(env or {})}
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        environment.pop(name, None)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=sandbox.out, env=environment, start_new_session=True)
    os.close(theirs)
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        status = process.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        status = None
    seconds = time.monotonic() - started
    reader.join(5)
    os.close(ours)
    return status, seconds, b"".join(chunks)


def attempt(case, commands, server, session, limit, env=None, runs=2):
    """Runs the command, and again while it fails, as somebody would who sees an error. `commands` is a function of (sandbox, run number)."""
    with Sandbox() as sandbox:
        statuses, output, total = [], b"", 0.0
        for number in range(1, runs + 1):
            status, seconds, text = execute(commands(sandbox, number), sandbox, limit, env)
            statuses.append(status)
            output += text
            total += seconds
            if status in (0, None):
                break
        requests = server.requests(session, case.name)
        elsewhere = server.other.requests(session, case.name) if server.other else []
        kind, detail = judge(case, sandbox, statuses[-1], output, requests, elsewhere)
        files = {name.decode(errors="replace"): os.path.getsize(path) for name, path in sandbox.files().items() if os.path.isfile(path)}
        for place in PLACES:
            if os.path.isfile(place):
                os.remove(place)
        return Run(kind, detail, total, output.decode(errors="replace"), statuses, files, sum(r.sent for r in requests), requests)


def contents(case):
    return [body() if callable(body) else body for body in case.right]


def is_one_of(path, accepted):
    with open(path, "rb") as file:
        found = file.read(64 << 20)
    return found in accepted


def same_name(case, name):
    """Is it what the file is called in the end? Where the name itself is the case, every name is one, but those of the programs' own."""
    if "Names" in case.group:
        return not name.endswith((b".aria2", b".part", b"-part")) and b".leat-journal" not in name
    return name in [unquote_to_bytes(file.split("?")[0]) for file in case.files]


def judge(case, sandbox, status, output, requests, elsewhere):
    """(kind, detail) of what a program has left."""
    if strays := sandbox.outside():
        return "outside", strays[0].replace(sandbox.top, "")
    if any("authorization" in r.fields for r in elsewhere):
        return "leak", ""
    if any(evil in output for evil in EVIL_OUTPUT):
        return "escape", ""
    files = sandbox.files()
    large = [name for name, path in files.items() if os.path.getsize(path) > 50_000_000]
    if large and case.name == "gzip-bomb":
        return "bomb", ""
    if status is None:
        return "hang", ""
    accepted = contents(case)
    final = {name: path for name, path in files.items() if same_name(case, name)}
    good = [name for name, path in final.items() if is_one_of(path, accepted)]
    named = "Names" in case.group
    if named and good:
        if any(byte < 32 or byte == 127 for byte in good[0]):
            return "control", ""
        if "disposition" in case.wants and os.path.basename(good[0]).startswith(b"."):
            return "hidden", good[0].decode(errors="replace")
    complete = len(good) == (1 if named else len(case.files))
    if status == 0:
        if not final:
            return "nothing", ""
        if not complete:
            return "wrong", ", ".join(f"{os.path.getsize(path)} bytes" for path in final.values())
        again = case.resumes and sum(r.sent for r in requests) > SIZE * 1.5
        return "again" if again else "right", f"{sum(r.sent for r in requests) / SIZE:.2f} times its bytes" if again else ""
    if complete:
        return "denied", ""
    bad = [name for name in final if name not in good]
    if bad:
        return ("marked" if all(name + b".aria2" in files for name in bad) else "partial"), f"{os.path.getsize(final[bad[0]])} bytes"
    return "error", ""
