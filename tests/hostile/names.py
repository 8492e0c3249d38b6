"""Cases of file names that should not be used as they are, in URLs and from the server."""

from case import ERROR, RIGHT, case, content, group, honest

SMALL = content("small", 2000)


def in_url(name, title, file, good=RIGHT):
    @case(name, title, files=file, right=SMALL, good=good)
    def _(talk, request):
        honest(talk, SMALL)


def from_server(name, title, value):
    @case(name, title, right=SMALL, good=RIGHT, wants="disposition")
    def _(talk, request):
        honest(talk, SMALL, "Content-Disposition: " + value.replace("{session}", request.session))


group("Names in URLs")

in_url("url-up", "../../escaped, with %2f", "..%2f..%2fescaped")
in_url("url-up-dots", "../../escaped, all of it escaped", "%2e%2e%2f%2e%2e%2fescaped")
in_url("url-up-backslash", "..\\..\\escaped", "..%5c..%5cescaped")
in_url("url-absolute", "/tmp/leat-hostile-escaped", "%2ftmp%2fleat-hostile-escaped")
in_url("url-dots", "..", "%2e%2e", good=(RIGHT, ERROR))  # by the rules of browsers a step up, so another path
in_url("url-nul", "a NUL", "before%00after")
in_url("url-newline", "a line feed", "two%0alines")
in_url("url-escape", "an escape sequence for terminals", "%1b%5d0;owned%07%1b%5b2J")
in_url("url-c1", "the same as one byte (C1)", "%c2%9b2J%9b2J")
in_url("url-long", "300 bytes", "n" * 300)
in_url("url-long-utf8", "400 bytes of UTF-8, three for each character", "%e6%97%a5" * 133)
in_url("url-con", "CON", "CON")
in_url("url-hidden", ".profile", ".profile")
in_url("url-dash", "-rf", "-rf")
in_url("url-empty", "none", "")
in_url("url-query", "none but a query with slashes", "?a=../../escaped&b=/etc/passwd")

group("Names from the server (Content-Disposition)")

from_server("told-up", "../../escaped", 'attachment; filename="../../escaped"')
from_server("told-up-backslash", "..\\..\\escaped", 'attachment; filename="..\\\\..\\\\escaped"')
from_server("told-absolute", "/tmp/leat-hostile-escaped", 'attachment; filename="/tmp/leat-hostile-escaped"')
from_server("told-encoded", "../../escaped in filename*", "attachment; filename*=UTF-8''..%2f..%2fescaped")
from_server("told-both", "a good filename, and filename* with ../", "attachment; filename=\"good.bin\"; filename*=UTF-8''%2e%2e%2fescaped")
from_server("told-nul", "a NUL in filename*", "attachment; filename*=UTF-8''before%00after")
from_server("told-newline", "a line feed in filename*", "attachment; filename*=UTF-8''two%0alines")
from_server("told-escape", "an escape sequence for terminals", "attachment; filename*=UTF-8''%1b%5d0;owned%07%1b%5b2J")
from_server("told-long", "300 bytes", f'attachment; filename="{"n" * 300}"')
from_server("told-hidden", ".bashrc", 'attachment; filename=".bashrc"')
from_server("told-dash", "-rf", 'attachment; filename="-rf"')
from_server("told-dots", "..", 'attachment; filename=".."')
from_server("told-con", "CON", 'attachment; filename="CON"')
from_server("told-empty", "none", 'attachment; filename=""')
from_server("told-open", "a quote that never ends", 'attachment; filename="open')
