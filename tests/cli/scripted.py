"""A server that answers each path with the bytes, or the function, that the test gives for it."""

import socket
import threading


class Scripted:
    """`answers` maps a path to raw bytes, or to a function of the connection and the number of the request for that path."""

    def __init__(self, answers, otherwise=b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"):
        self.answers = answers
        self.otherwise = otherwise
        self.heads = []  # of all requests, as they came
        self.counts = {}
        self.closing = threading.Event()  # set at the end: for functions that wait
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                head = []
                while (field := stream.readline()) not in (b"\r\n", b""):
                    head.append(field)
                self.heads.append(b"".join(head))
                line = head[0].split() if head else []
                if len(line) < 2:
                    return
                path = line[1].decode("latin-1")
                number = self.counts[path] = self.counts.get(path, 0) + 1
                answer = self.answers.get(path, self.otherwise)
                if callable(answer):
                    answer(connection, number)
                else:
                    connection.sendall(answer)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.listening.close()


def whole(body, status="200 OK", fields=""):
    """A reply after which the connection ends."""
    body = body if isinstance(body, bytes) else body.encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{fields}\r\n".encode("latin-1") + body


def trickle(size, piece, delay, closing):
    """A reply that comes slowly."""

    def answer(connection, _):
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode())
        sent = 0
        while sent < size and not closing().wait(delay):
            connection.sendall(b"t" * min(piece, size - sent))
            sent += piece

    return answer
