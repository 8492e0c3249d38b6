"""Raw HTTP over a socket, for requests that no client library would send."""

import socket

import tool


class Reply:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:80]!r}"


class Talk:
    """One connection; what is sent is sent as it is."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=tool.PATIENCE)
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def reply(self, to_head=False):
        """The next reply, or None if the connection has ended."""
        line = self.stream.readline()
        if not line:
            return None
        version, status, _ = line.decode("latin-1").split(" ", 2)
        assert version == "HTTP/1.1", line
        fields = {}
        while (line := self.stream.readline().decode("latin-1")) not in ("\r\n", ""):
            name, value = line.split(":", 1)
            fields[name.lower()] = value.strip()
        assert line == "\r\n", "the head is not complete"
        bodiless = to_head or int(status) in (304, 204) or int(status) < 200
        length = 0 if bodiless else int(fields["content-length"])
        body = self.stream.read(length)
        assert len(body) == length, "the body is not complete"
        return Reply(int(status), fields, body)

    def ended(self):
        """Waits for the other side's end; fails if anything else comes."""
        rest = self.stream.read()
        assert rest == b"", rest
        return True

    def ask(self, target, method="GET", version="1.1", fields="Host: test\r\n"):
        self.send(f"{method} {target} HTTP/{version}\r\n{fields}\r\n")
        return self.reply(method == "HEAD")


def ask(port, target, **more):
    with Talk(port) as talk:
        return talk.ask(target, **more)


def send(port, request):
    """Sends the bytes on a connection of their own, and returns the reply."""
    with Talk(port) as talk:
        talk.send(request)
        return talk.reply()
