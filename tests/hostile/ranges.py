"""Cases of a file that changes while it is fetched, and of ranges that are not what was asked.

The first answer breaks off in the middle, so that a client that resumes has something to go wrong with; what is asked without a range is whole.
"""

from case import A, B, DAY, ERROR, FIRST, NEXT_DAY, RIGHT, SIZE, case, content, group, honest, whole

LOGIN = b"<!doctype html><title>Log in</title><form action=/login>Your session has expired.</form>\n" * 30
SHORTER = content("a shorter version", SIZE - 700_000)

group("A file that changes while it is fetched")


def first_cut(talk, request, *fields, body=A, **more):
    """The first answer of all: breaks off. False for the later ones."""
    if request.number > 1:
        return False
    honest(talk, body, *fields, cut=FIRST, **more)
    return True


@case("changed", "another file from the second answer on, with another ETag; it knows If-Range", right=B, good=RIGHT)
def _(talk, request):
    first_cut(talk, request) or honest(talk, B, etag='"b"', modified=NEXT_DAY)


@case("changed-no-if-range", "the same, but If-Range means nothing to it", right=B, good=RIGHT)
def _(talk, request):
    request.fields.pop("if-range", None)
    first_cut(talk, request) or honest(talk, B, etag='"b"', modified=NEXT_DAY)


@case("changed-weak", "another file with the same weak ETag and the same date", right=B, good=RIGHT)
def _(talk, request):
    request.fields.pop("if-range", None)
    first_cut(talk, request, etag='W/"same"', modified=None) or honest(talk, B, etag='W/"same"', modified=None)


@case("changed-date", "another file; only Last-Modified says so", right=B, good=RIGHT)
def _(talk, request):
    first_cut(talk, request, etag=None) or honest(talk, B, etag=None, modified=NEXT_DAY)


@case("changed-silently", "another file of the same length, and nothing says so", right=B, good=RIGHT)
def _(talk, request):
    first_cut(talk, request, etag=None, modified=None) or honest(talk, B, etag=None, modified=None)


@case("changed-shorter", "another and shorter file: 200 after an If-Range", right=SHORTER, good=RIGHT)
def _(talk, request):
    if first_cut(talk, request):
        return
    if "if-range" in request.fields or not request.range():
        whole(talk, SHORTER, 'ETag: "b"', f"Last-Modified: {NEXT_DAY}")
    else:
        honest(talk, SHORTER, etag='"b"', modified=NEXT_DAY)


@case("changed-each-time", "another file at each answer, and each breaks off", right=(), good=ERROR)
def _(talk, request):
    honest(talk, content(f"version {request.number}"), etag=f'"{request.number}"', modified=None, cut=FIRST + request.number * 1000)


@case("login-page", "200 with a page to log in instead of the rest", right=A, good=ERROR)
def _(talk, request):
    if not first_cut(talk, request):
        whole(talk, LOGIN, "Content-Type: text/html", "Cache-Control: no-store")


group("Ranges that are not what was asked")


def ranged(name, title, good=RIGHT, **more):
    """A case whose first answer breaks off, whose answers to ranges are the function's, and that is honest otherwise."""
    def add(answer):
        @case(name, title, right=A, good=good, **more)
        def _(talk, request):
            if request.range():
                answer(talk, request, *request.range())
            else:
                honest(talk, A, cut=FIRST if request.number == 1 else None)
    return add


MARKS = ('ETag: "a"', f"Last-Modified: {DAY}")


def partial(talk, first, last, total, data, *fields):
    talk.head("206 Partial Content", f"Content-Range: bytes {first}-{last}/{total}", f"Content-Length: {len(data)}", *MARKS, *fields)
    talk.body(data)


@ranged("ignores-ranges", "200 with the whole file, whatever range is asked")
def _(talk, request, first, last):
    whole(talk, A, *MARKS)


@ranged("range-from-zero", "206 with the bytes from the beginning, and says so", good=(RIGHT, ERROR))
def _(talk, request, first, last):
    data = A[:SIZE - first]
    partial(talk, 0, len(data) - 1, SIZE, data)


@ranged("range-moved", "206 with a range that begins 1,000 bytes too early, and says so", good=(RIGHT, ERROR))
def _(talk, request, first, last):
    start = max(first - 1000, 0)
    partial(talk, start, SIZE - 1, SIZE, A[start:])


@ranged("range-total", "206 with another total length, and the same ETag", good=(RIGHT, ERROR))
def _(talk, request, first, last):
    partial(talk, first, SIZE - 501, SIZE - 500, A[first:SIZE - 500])


@ranged("range-short", "206 with half of what was asked, and says so", good=RIGHT)
def _(talk, request, first, last):
    end = min(last if last is not None else SIZE - 1, SIZE - 1)
    end = first + (end - first) // 2
    partial(talk, first, end, SIZE, A[first:end + 1])


@ranged("range-contradicts", "206 whose Content-Length is less than its Content-Range", good=(RIGHT, ERROR))
def _(talk, request, first, last):
    partial(talk, first, SIZE - 1, SIZE, A[first:SIZE - 1000])


@ranged("range-no-field", "206 without a Content-Range, with bytes from the beginning", good=(RIGHT, ERROR))
def _(talk, request, first, last):
    data = A[:SIZE - first]
    talk.head("206 Partial Content", f"Content-Length: {len(data)}", *MARKS)
    talk.body(data)


@ranged("range-multipart", "206 as multipart/byteranges", good=(RIGHT, ERROR))
def _(talk, request, first, last):
    end = min(last if last is not None else SIZE - 1, SIZE - 1)
    data = f"--B\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {first}-{end}/{SIZE}\r\n\r\n".encode() + A[first:end + 1] + b"\r\n--B--\r\n"
    talk.head("206 Partial Content", "Content-Type: multipart/byteranges; boundary=B", f"Content-Length: {len(data)}", *MARKS)
    talk.body(data)


@ranged("416-for-ranges", "416 for every range")
def _(talk, request, first, last):
    talk.head("416 Range Not Satisfiable", f"Content-Range: bytes */{SIZE}", "Content-Length: 0", *MARKS)


@ranged("403-for-ranges", "403 for every range", good=(RIGHT, ERROR))
def _(talk, request, first, last):
    talk.head("403 Forbidden", "Content-Length: 0")


@case("416-for-all", "416 for everything")
def _(talk, request):
    talk.head("416 Range Not Satisfiable", f"Content-Range: bytes */{SIZE}", "Content-Length: 0")


@case("206-unasked", "206 with the first half although no range was asked", right=A, good=(RIGHT, ERROR))
def _(talk, request):
    if request.range():
        honest(talk, A)
    else:
        partial(talk, 0, FIRST - 1, SIZE, A[:FIRST], "Accept-Ranges: bytes")
