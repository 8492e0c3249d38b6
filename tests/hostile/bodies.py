"""Cases of bodies: cut short, longer or shorter than said, slow, endless, packed."""

import functools
import gzip
import zlib

from case import A, DAY, ERROR, FIRST, RIGHT, SIZE, case, content, group, honest, whole

SMALL = content("small", 2000)

group("Bodies that break off")


@case("cut-always", "cuts the body at the same byte each time, whatever is asked", right=A, good=(ERROR, RIGHT))
def _(talk, request):
    # A range behind the cut is answered, so that a client that resumes gets there.
    honest(talk, A, cut=FIRST if not request.range() or request.range()[0] < FIRST else None)


@case("cut-for-good", "cuts the body at the same byte, and gives nothing behind it", right=A)
def _(talk, request):
    honest(talk, A, cut=FIRST)


@case("cut-thrice", "cuts the body the first three times, a little later each time", right=A, good=RIGHT, resumes=True)
def _(talk, request):
    honest(talk, A, cut=None if request.number > 3 else FIRST + request.number * 300_000)


@case("cut-no-ranges", "cuts the body once, and takes no ranges", right=A, good=RIGHT)
def _(talk, request):
    talk.head("200 OK", f"Content-Length: {SIZE}", "Accept-Ranges: none", 'ETag: "a"')
    talk.body(A if request.number > 1 else A[:FIRST])
    if request.number == 1:
        talk.close()


@case("reset-once", "resets the connection (RST) in the middle of the body, once", right=A, good=RIGHT, resumes=True)
def _(talk, request):
    if request.number == 1:
        talk.head("200 OK", f"Content-Length: {SIZE}", "Accept-Ranges: bytes", 'ETag: "a"', f"Last-Modified: {DAY}")
        talk.body(A[:FIRST])
        talk.reset()
    honest(talk, A)


@case("reset-before", "resets each connection instead of answering")
def _(talk, request):
    talk.reset()


@case("no-answer", "closes each connection without an answer")
def _(talk, request):
    talk.close()


@case("no-answer-once", "closes the first connection without an answer", right=A, good=RIGHT)
def _(talk, request):
    if request.number == 1:
        talk.close()
    honest(talk, A)


@case("stall-once", "stops in the middle of the body, and leaves the connection open, once", right=A, good=RIGHT, resumes=True)
def _(talk, request):
    if request.number == 1:
        talk.head("200 OK", f"Content-Length: {SIZE}", "Accept-Ranges: bytes", 'ETag: "a"', f"Last-Modified: {DAY}")
        talk.body(A[:FIRST])
        talk.hold()
    honest(talk, A)


@case("stall-always", "stops behind 1,000 bytes each time, and leaves the connection open", right=SMALL)
def _(talk, request):
    talk.head("200 OK", f"Content-Length: {len(SMALL)}", "Accept-Ranges: none")
    talk.body(SMALL[:1000])
    talk.hold()


@case("no-head", "never says anything")
def _(talk, request):
    talk.hold()


@case("half-head", "stops in the middle of the head")
def _(talk, request):
    talk.head("200 OK", "Content-Length: 10", "ETag: \"never fin", end=False)
    talk.hold()


@case("tls-cut", "has no length to give, and is cut without TLS's own end", right=A, tls=True)
def _(talk, request):
    talk.head("200 OK", "Connection: close", "Accept-Ranges: none")
    talk.body(A[:FIRST])
    talk.close()


group("Lengths that are wrong")


def declared(name, title, *fields, sent=SMALL, **more):
    """A case of a head with these fields and one small body, after which the connection ends."""
    @case(name, title, **more)
    def _(talk, request):
        talk.head("200 OK", "Accept-Ranges: none", *fields)
        talk.body(sent)
        talk.close()


EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!"
# Whoever gets all that is sent has the file.
COMPLETE = {"right": SMALL, "good": (ERROR, RIGHT)}

declared("length-negative", "Content-Length: -1", "Content-Length: -1", **COMPLETE)
declared("length-words", "Content-Length: 2000 bytes", "Content-Length: 2000 bytes", **COMPLETE)
declared("length-overflow", "Content-Length: 2 to the power of 64, and 2000", f"Content-Length: {2**64 + 2000}", **COMPLETE)
declared("length-huge", "Content-Length: 9223372036854775807", "Content-Length: 9223372036854775807", **COMPLETE)
declared("length-two", "two Content-Length that differ", "Content-Length: 1000", "Content-Length: 2000", **COMPLETE)
declared("length-list", "Content-Length: 1000, 2000", "Content-Length: 1000, 2000", **COMPLETE)
declared("length-twice", "two Content-Length that agree", "Content-Length: 2000", "Content-Length: 2000", **COMPLETE)


@case("length-and-chunks", "Content-Length and chunks, which do not agree", right=SMALL, good=(RIGHT, ERROR))
def _(talk, request):
    talk.head("200 OK", "Content-Length: 1000", "Transfer-Encoding: chunked")
    talk.send(f"{len(SMALL):x}\r\n")
    talk.body(SMALL)
    talk.send("\r\n0\r\n\r\n")
    talk.close()


@case("length-too-small", "sends more than its Content-Length: behind it stands a forged answer for the next file", files=("first.bin", "second.bin"), right=(SMALL,),
      good=(RIGHT, ERROR))
def _(talk, request):
    if request.file == "second.bin":
        whole(talk, SMALL)
        return
    talk.request.status = 200
    talk.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(SMALL)}\r\n\r\n".encode() + SMALL + EVIL)


@case("chunk-cut", "ends before the last chunk", right=SMALL)
def _(talk, request):
    talk.head("200 OK", "Transfer-Encoding: chunked")
    talk.send(f"{len(SMALL):x}\r\n")
    talk.body(SMALL)
    talk.send("\r\n")
    talk.close()


@case("chunk-overflow", "a chunk of 2 to the power of 64, and 16, bytes")
def _(talk, request):
    talk.head("200 OK", "Transfer-Encoding: chunked")
    talk.send("10000000000000010\r\n")
    talk.body(SMALL)
    talk.close()


@case("chunk-extension", "a chunk whose extension never ends")
def _(talk, request):
    talk.head("200 OK", "Transfer-Encoding: chunked")
    talk.send("10;")
    while True:
        talk.send("x" * 4096)
        talk.pause(0.002)


@case("chunk-no-number", "a chunk whose size is no number")
def _(talk, request):
    talk.head("200 OK", "Transfer-Encoding: chunked")
    talk.send("five\r\nhello\r\n0\r\n\r\n")
    talk.close()


group("Slow and endless")


@case("drip", "sends 2,000 bytes one at a time", right=SMALL, good=RIGHT)
def _(talk, request):
    talk.head("200 OK", f"Content-Length: {len(SMALL)}")
    for at in range(len(SMALL)):
        talk.body(SMALL[at:at + 1])


@case("drip-for-ever", "sends a byte every 0.1 s and would take days", wants="slow time")
def _(talk, request):
    talk.head("200 OK", f"Content-Length: {SIZE}", "Accept-Ranges: none")
    for at in range(SIZE):
        talk.body(A[at:at + 1])
        talk.pause(0.1)


@case("endless", "has no length to give, and never ends", wants="time")
def _(talk, request):
    talk.head("200 OK", "Connection: close", "Accept-Ranges: none")
    while True:
        talk.body(b"more " * 3000)
        talk.pause(0.01)


@case("endless-interim", "sends 100 Continue without end", wants="time")
def _(talk, request):
    while True:
        talk.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        talk.pause(0.001)


group("Contents that are packed")


@functools.lru_cache(maxsize=None)
def bomb():
    """100 MB of zeros, packed twice over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(100)) + packer.flush()


@case("gzip-bomb", "answers with 100 MB of zeros in 100 KB of gzip, unasked", right=(bomb,), good=(RIGHT, ERROR))
def _(talk, request):
    whole(talk, bomb(), "Content-Encoding: gzip", "Accept-Ranges: none")


PACKED = gzip.compress(A, 1, mtime=0)


@case("gzip-range", "cuts the body once, and answers the rest with a range of its gzip", right=A, good=(RIGHT, ERROR))
def _(talk, request):
    asked = request.range()
    if not asked:
        honest(talk, A, cut=FIRST if request.number == 1 else None)
        return
    part = PACKED[asked[0]:]
    talk.head("206 Partial Content", "Content-Encoding: gzip", f"Content-Range: bytes {asked[0]}-{len(PACKED) - 1}/{len(PACKED)}", f"Content-Length: {len(part)}",
              'ETag: "a"', f"Last-Modified: {DAY}")
    talk.body(part)
