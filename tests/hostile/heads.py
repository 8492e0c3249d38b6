"""Cases of statuses, redirects and heads."""

from case import A, ERROR, RIGHT, case, content, group, honest, whole

SMALL = content("small", 2000)

group("Statuses")


def told(name, title, status, *fields, times=1 << 30, **more):
    """A case that answers so for the first times, and honestly then."""
    @case(name, title, **more)
    def _(talk, request):
        if request.number > times:
            honest(talk, SMALL)
        else:
            talk.head(status, "Content-Length: 9", *fields)
            talk.body(b"not this\n")


told("503-then-ok", "503 with Retry-After: 1, then the file", "503 Busy", "Retry-After: 1", times=1, right=SMALL, good=RIGHT)
told("429-then-ok", "429 with Retry-After: 1, then the file", "429 Too Many Requests", "Retry-After: 1", times=1, right=SMALL, good=RIGHT)
told("500-always", "500 for everything", "500 Broken", right=SMALL)
told("503-for-years", "503 with Retry-After: 999999999", "503 Busy", "Retry-After: 999999999", right=SMALL, wants="time")
told("404", "404 with a page", "404 Not Found", right=SMALL)
told("304-unasked", "304 although nothing was there", "304 Not Modified", right=SMALL)
told("204", "204, without a file", "204 No Content", right=b"", good=(ERROR, RIGHT))
told("101-unasked", "101, and another protocol from there on", "101 Switching Protocols", "Upgrade: evil", "Connection: upgrade", right=SMALL)
told("status-2000", "the status 2000", "2000 OK", right=SMALL)

group("Redirects")


@case("redirect-loop", "redirects to itself")
def _(talk, request):
    whole(talk, b"", f"Location: {request.target}", status="302 Found")


@case("redirect-chain", "redirects to another place each time, without end")
def _(talk, request):
    whole(talk, b"", f"Location: /{request.session}/{request.case}/{request.file}?{talk.server.connections}-{id(request)}", status="302 Found")


def leads(name, title, location, **more):
    @case(name, title, **more)
    def _(talk, request):
        whole(talk, b"", *([f"Location: {location(talk, request)}"] if location else []), status="302 Found")


leads("redirect-to-file", "redirects to file:///etc/hostname", lambda talk, request: "file:///etc/hostname")
leads("redirect-to-nonsense", "redirects to http://[::1", lambda talk, request: "http://[::1")
leads("redirect-nowhere", "redirects without saying where", None)
leads("redirect-splits", "redirects to a URL with a line feed in it", lambda talk, request: f"http://127.0.0.1:{talk.server.port}/a\nX-Evil: yes")


@case("redirect-with-password", "redirects to another host; the user gave a password for the first", right=SMALL, good=(RIGHT, ERROR), wants="user")
def _(talk, request):
    if "moved" in request.target:
        whole(talk, SMALL)
    elif "authorization" not in request.fields:
        whole(talk, b"who?", 'WWW-Authenticate: Basic realm="r"', status="401 Unauthorized")
    else:
        whole(talk, b"", f"Location: http://localhost:{talk.server.other.port}/{request.session}/{request.case}/{request.file}?moved", status="302 Found")


group("Heads")


def with_head(name, title, *fields, status="200 OK", body=SMALL, **more):
    """A case of a head with these lines and a good body."""
    @case(name, title, **more)
    def _(talk, request):
        talk.head(status, f"Content-Length: {len(body)}", *fields)
        talk.body(body)


with_head("head-1-mb", "a head of 1 MB in one field", "X-Long: " + "x" * (1 << 20), right=SMALL, good=(RIGHT, ERROR))
with_head("head-fields", "a head of 100,000 fields", *(f"X-{i}: y" for i in range(100_000)), right=SMALL, good=(RIGHT, ERROR))
with_head("head-bare-cr", "a bare CR in a field", "X-Bare: a\rb", right=SMALL, good=(RIGHT, ERROR))
with_head("head-nul", "a NUL in a field", "X-Nul: a\0b", right=SMALL, good=(RIGHT, ERROR))
with_head("head-folded", "a field on two lines (obs-fold)", "X-Folded: a", "  b", right=SMALL, good=(RIGHT, ERROR))
with_head("head-no-colon", "a field without a colon", "no colon here", right=SMALL, good=(RIGHT, ERROR))
with_head("head-space-colon", "Content-Length with a space before the colon, against the true one", "Content-Length : 10", right=SMALL, good=(RIGHT, ERROR))
with_head("escape-in-status", "an escape sequence in the reason of an error", status="500 \x1b]0;owned\x07\x1b[2J")
with_head("escape-in-fields", "an escape sequence in a field", "Content-Type: \x1b]0;owned\x07", "X: \x1b[2J", right=SMALL, good=(RIGHT, ERROR))


@case("head-endless", "a head that never ends", wants="time")
def _(talk, request):
    talk.head("200 OK", end=False)
    while True:
        talk.send("X-More: and more\r\n" * 500)
        talk.pause(0.001)


@case("no-http", "something that is no HTTP")
def _(talk, request):
    talk.send("\x00\x01\x1b]0;owned\x07 hello\r\n\r\n" + "x" * 1000)
    talk.close()
