#!/usr/bin/env python3
"""A web server that misbehaves: one path for each way of going wrong, always in the same way, with a log of what was asked.

A URL is http://127.0.0.1:PORT/SESSION/CASE/FILE. SESSION is any word: each has a memory of its own, so that many clients can try one case at once, and
each begins with its first request. The cases are in cases.py; `python3 tests/hostile/server.py` runs it by hand and lists their URLs.
"""

import os
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field

PIECE = 64 * 1024  # bytes of a body in one call


class Gone(Exception):
    """The connection is over, by either side."""


@dataclass
class Request:
    """What came, and what has become of it: an entry of the log."""
    session: str
    case: str
    file: str
    method: str = ""
    target: str = ""
    fields: dict = field(default_factory=dict)  # lower-case names; of two the last one
    number: int = 1       # which one of this session and case and file it is
    connection: int = 0   # which one of the server's
    origin: str = ""      # the Host it was sent to
    status: int = 0       # answered with
    sent: int = 0         # bytes of a body

    def range(self):
        """(first, last or None) of a single range, or None."""
        unit, _, text = self.fields.get("range", "").partition("=")
        first, dash, last = text.partition("-")
        if unit.strip().lower() != "bytes" or not dash or not first.strip().isdigit():
            return None
        return int(first), int(last) if last.strip().isdigit() else None


class Talk:
    """One connection, as the cases use it: what is sent is sent as it is."""

    def __init__(self, server, connection, number):
        self.server, self.socket, self.number = server, connection, number
        self.buffered = b""
        self.request = None

    def send(self, data):
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        except (OSError, ValueError):
            raise Gone from None

    def head(self, status, *fields, end=True):
        """A status line and fields; `status` as "206 Partial Content"."""
        first = status.split(" ")[0]
        self.request.status = int(first) if first.isdigit() else 0
        self.send("".join(line + "\r\n" for line in (f"HTTP/1.1 {status}", *fields)) + ("\r\n" if end else ""))

    def body(self, data):
        """Bytes of a body, counted as they go."""
        for at in range(0, len(data), PIECE):
            piece = data[at:at + PIECE]
            self.send(piece)
            self.request.sent += len(piece)

    def close(self):
        raise Gone

    def reset(self):
        """Cuts the connection with an RST. What was sent before is given the time to arrive: the RST would take it along."""
        self.drained()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def drained(self):
        """Waits until the other side has acknowledged everything."""
        import fcntl
        import termios
        for _ in range(500):
            if struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, b"\0" * 4))[0] == 0:
                return
            self.pause(0.01)

    def pause(self, seconds):
        if self.server.closing.wait(seconds):
            raise Gone

    def hold(self):
        """Says nothing more until the client leaves."""
        while not self.server.closing.is_set():
            readable, _, _ = select.select([self.socket], [], [], 0.1)
            if readable:
                try:
                    if not self.socket.recv(4096):
                        break
                except OSError:
                    break
        raise Gone

    def read_head(self):
        """The next request's head without its end, or None at the end of the connection."""
        while b"\r\n\r\n" not in self.buffered:
            if len(self.buffered) > 1 << 20:
                return None
            try:
                more = self.socket.recv(65536)
            except OSError:
                return None
            if not more:
                return None
            self.buffered += more
        head, _, self.buffered = self.buffered.partition(b"\r\n\r\n")
        return head.decode("latin-1")


class Server:
    """Runs until the `with` block ends. `certificate` and `key` are files; with them it talks TLS."""

    def __init__(self, cases, certificate=None, key=None):
        self.cases = {case.name: case for case in cases}
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate, key)
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.log = []
        self.other = None  # the server of another origin, for redirects; set by who has both
        self.connections = 0
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, session, case, file=None, host="127.0.0.1", user=""):
        file = self.cases[case].files[0] if file is None else file
        return f"{'https' if self.context else 'http'}://{user}{host}:{self.port}/{session}/{case}/{file}"

    def requests(self, session, case=None):
        """The log's entries of one session, oldest first."""
        with self.lock:
            return [r for r in self.log if r.session == session and case in (None, r.case)]

    def _accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection, self.connections), daemon=True).start()

    def _talk(self, connection, number):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            talk = Talk(self, connection, number)
            while (head := talk.read_head()) is not None:
                self._answer(talk, head)
        except (Gone, OSError, ValueError):
            pass
        try:
            # close() alone would send an RST if there is something unread, and take along what the client has not read. With TLS no "close notify" is sent.
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)[0] == 0:
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(1)
                while connection.recv(65536):
                    pass
        except (OSError, ValueError):
            pass
        connection.close()

    def _answer(self, talk, head):
        first, *lines = head.split("\r\n")
        method, _, rest = first.partition(" ")
        target = rest.rpartition(" ")[0]
        path = target
        if "://" in path:  # as a proxy would be asked
            path = "/" + path.split("://", 1)[1].partition("/")[2]
        parts = path.split("?")[0].lstrip("/").split("/", 2)
        session, name, file = (parts + ["", "", ""])[:3]
        fields = {}
        for line in lines:
            key, _, value = line.partition(":")
            fields[key.strip().lower()] = value.strip()
        request = Request(session, name, file, method, target, fields, 1, talk.number, fields.get("host", ""))
        with self.lock:
            request.number += sum(r.session == session and r.case == name and r.file == file for r in self.log)
            self.log.append(request)
        talk.request = request
        case = self.cases.get(name)
        if case is None:
            talk.head("404 Not Found", "Content-Length: 0")
            return
        case.answer(talk, request)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.listening.close()


def make_certificate(directory):
    """A certificate of its own for localhost and 127.0.0.1: the files (certificate, key), or None without the openssl command."""
    if not shutil.which("openssl"):
        return None
    certificate, key = os.path.join(directory, "certificate.pem"), os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


def pair(cases, directory):
    """A server and one of another origin, and the same behind TLS if a certificate can be made: [plain, other, tls or None]."""
    files = make_certificate(directory)
    servers = [Server(cases), Server(cases), Server(cases, *files) if files else None]
    servers[0].other = servers[1]
    servers[1].other = servers[0]
    if servers[2]:
        servers[2].other = servers[0]
    return servers


def main():
    import cases
    with tempfile.TemporaryDirectory() as directory:
        plain, _, tls = pair(cases.ALL, directory)
        for case in cases.ALL:
            for file in case.files:
                print(f"{case.title}\n    {(tls or plain if case.tls else plain).url('me', case.name, file)}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main())
