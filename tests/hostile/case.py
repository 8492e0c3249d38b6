"""What a case is, and what an honest server would answer."""

import functools
import random
from dataclasses import dataclass, field
from email.utils import formatdate

SIZE = 3_000_000           # large enough that a client that splits files splits these
FIRST = 1_600_000          # where the first answer breaks off, if it does
DAY = formatdate(1_700_000_000, usegmt=True)
NEXT_DAY = formatdate(1_700_086_400, usegmt=True)

# How a client's run can end: see verdict.py, which tells them apart.
RIGHT, ERROR = "right", "error"


@functools.lru_cache(maxsize=None)
def content(name, size=SIZE):
    """The bytes of that name: the same in every run."""
    return random.Random(name).randbytes(size)


A = content("version a")
B = content("version b")


@dataclass
class Case:
    name: str
    title: str                  # what the server does, for people
    answer: object              # of (Talk, Request)
    files: tuple = ("file.bin",)  # last parts of the URLs, as they are sent
    right: tuple = ()           # contents that are right; empty: there is nothing that could be
    good: tuple = (ERROR,)      # how a careful client ends
    group: str = ""
    tls: bool = False           # behind TLS
    resumes: bool = False       # an honest server in all but the break: nobody has to fetch again what came
    wants: frozenset = field(default_factory=frozenset)  # "disposition": the server's name; "slow": a limit for what is slow; "time": for all; "user": a password


GROUPS = []  # (title, cases)


def group(title):
    """The cases that follow belong to it."""
    GROUPS.append((title, []))


def case(name, title, **more):
    """Makes the function below it a case."""
    def add(answer):
        for key in ("files", "right", "good"):
            if key in more and not isinstance(more[key], tuple):
                more[key] = (more[key],)
        if "wants" in more:
            more["wants"] = frozenset(more["wants"].split())
        heading, cases = GROUPS[-1]
        cases.append(Case(name, title, answer, group=heading, **more))
        return answer
    return add


def whole(talk, body, *fields, status="200 OK"):
    """All of it, whatever was asked."""
    talk.head(status, f"Content-Length: {len(body)}", *fields)
    if talk.request.method != "HEAD":
        talk.body(body)


def honest(talk, body, *fields, etag='"a"', modified=DAY, cut=None):
    """As a server should: ranges, If-Range, 416. With `cut`, the connection ends behind so many bytes of the file."""
    request = talk.request
    marks = ["Accept-Ranges: bytes", "Content-Type: application/octet-stream", *fields]
    marks += [f"ETag: {etag}"] if etag else []
    marks += [f"Last-Modified: {modified}"] if modified else []
    asked = request.range()
    condition = request.fields.get("if-range")
    if condition is not None and condition not in ((etag if etag and not etag.startswith("W/") else None), modified):
        asked = None
    if asked and asked[0] >= len(body):
        talk.head("416 Range Not Satisfiable", f"Content-Range: bytes */{len(body)}", "Content-Length: 0", *marks)
        return
    first, last = 0, len(body) - 1
    if asked:
        first = asked[0]
        last = min(last, asked[1] if asked[1] is not None else last)
        talk.head("206 Partial Content", f"Content-Range: bytes {first}-{last}/{len(body)}", f"Content-Length: {last + 1 - first}", *marks)
    else:
        talk.head("200 OK", f"Content-Length: {len(body)}", *marks)
    if request.method == "HEAD":
        return
    if cut is not None and cut <= last:
        talk.body(body[first:max(first, cut)])
        talk.close()
    talk.body(body[first:last + 1])
