#!/usr/bin/env python3
"""The chapter's servers and clients: 6.3.2 and 6.5.2."""

import asyncio
import signal
import socket

import example

MESSAGES = ["Hello, server!", "How are you?", "Asynchrony is cool!"]
STARTED = r"Server started on 127\.0\.0\.1:(\d+)"
PEER = r"127\.0\.0\.1:\d+"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


async def tcp_echo_client(port, message):
    """The chapter's, which returns what it receives."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{message}\n".encode())
    await writer.drain()
    data = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return data.decode().strip()


class EchoServer(example.Case):
    def test_serves_the_chapters_client(self):
        async def clients(port):
            return await asyncio.gather(*(tcp_echo_client(port, message) for message in MESSAGES))

        with self.example("6_3_2_echo_server", "127.0.0.1", "0") as server:
            port = int(server.wait_for(STARTED)[1])
            self.assertEqual(asyncio.run(clients(port)), MESSAGES)
            for _ in MESSAGES:
                server.wait_for(f"Connection closed: {PEER}")
            self.assertEqual(server.stop(signal.SIGTERM), 0)
            text = "\n".join(server.lines)
        self.assertEqual(text.count("New connection: 127.0.0.1:"), 3)
        for message in MESSAGES:
            self.assertRegex(text, f"Received from {PEER}: " + message.replace("?", r"\?"))

    def test_says_what_the_chapter_says_in_its_order(self):
        with self.example("6_3_2_echo_server", "127.0.0.1", "0") as server:
            port = int(server.wait_for(STARTED)[1])
            with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rwb") as stream:
                peer = "127.0.0.1:%d" % client.getsockname()[1]
                for message in MESSAGES:
                    stream.write(message.encode() + b"\n")
                    stream.flush()
                    self.assertEqual(stream.readline(), message.encode() + b"\n")
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(stream.read(), b"")
            server.wait_for(f"Connection closed: {peer}")
            self.assertEqual(server.stop(signal.SIGINT), 0)
            self.assertEqual(server.lines[1:], [f"New connection: {peer}", *(f"Received from {peer}: {m}" for m in MESSAGES),
                                                f"Connection closed: {peer}"])

    def test_serves_many_at_once(self):
        async def talk(port, count):
            """All are connected before the first speaks."""
            ends = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
            for i, (_, writer) in enumerate(ends):
                writer.write(b"number %d\n" % i)
            replies = [await reader.readline() for reader, _ in ends]
            for _, writer in ends:
                writer.close()
            return replies

        with self.example("6_3_2_echo_server", "127.0.0.1", "0") as server:
            port = int(server.wait_for(STARTED)[1])
            self.assertEqual(asyncio.run(talk(port, 100)), [b"number %d\n" % i for i in range(100)])
            self.assertEqual(server.stop(signal.SIGTERM), 0)

    def test_a_stranger_cannot_reach_the_terminal(self):
        hostile = b"\x1b[2Jcleared\x07\xff\n"
        with self.example("6_3_2_echo_server", "127.0.0.1", "0") as server:
            port = int(server.wait_for(STARTED)[1])
            with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rwb") as stream:
                stream.write(hostile)
                stream.flush()
                self.assertEqual(stream.readline(), hostile)
            server.wait_for(f"Received from {PEER}: \ufffd\\[2Jcleared\ufffd\ufffd")
            self.assertEqual(server.stop(signal.SIGTERM), 0)


class EchoClient(example.Case):
    def check(self, status, lines):
        self.assertEqual(status, 0)
        self.assertEqual(len(lines), 9)
        self.assertEqual(lines.count("Closing connection"), 3)
        for message in MESSAGES:
            self.assertLess(lines.index(f"Sending: {message}"), lines.index(f"Received: {message}"))

    def test_talks_to_the_server_of_the_chapter(self):
        with self.example("6_3_2_echo_server", "127.0.0.1", "0") as server:
            port = server.wait_for(STARTED)[1]
            status, lines, _ = self.run_example("6_3_2_echo_client", "127.0.0.1", port)
            self.check(status, lines)
            self.assertEqual(server.stop(signal.SIGTERM), 0)

    def test_talks_to_asyncio(self):
        async def handle_client(reader, writer):
            while data := await reader.readline():
                writer.write(data)
                await writer.drain()
            writer.close()

        async def serve():
            server = await asyncio.start_server(handle_client, "127.0.0.1", 0)
            async with server:
                port = str(server.sockets[0].getsockname()[1])
                return await asyncio.to_thread(self.run_example, "6_3_2_echo_client", "127.0.0.1", port)

        status, lines, _ = asyncio.run(serve())
        self.check(status, lines)

    def test_nobody_listens(self):
        port = free_port()
        status, lines, errors = self.run_example("6_3_2_echo_client", "127.0.0.1", str(port))
        self.assertEqual((status, lines), (1, []))
        self.assertIn(f"connect 127.0.0.1:{port}: Connection refused (errno 111)", errors)


class Connections(example.Case):
    def test_answers_what_arrives_line_or_not(self):
        with self.example("6_5_2_connections", "127.0.0.1", "0") as server:
            port = int(server.wait_for(STARTED)[1])
            with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rwb") as stream:
                peer = "127.0.0.1:%d" % client.getsockname()[1]
                for message in ("Hello", "no newline is needed"):
                    stream.write(message.encode())
                    stream.flush()
                    self.assertEqual(stream.readline(), f"You said: {message}\n".encode())
                    server.wait_for(f"Received from {peer}: {message}")
            server.wait_for(f"Connection closed: {peer}")
            self.assertEqual(server.stop(signal.SIGTERM), 0)

    def test_reads_at_most_a_hundred_bytes_at_once(self):
        with self.example("6_5_2_connections", "127.0.0.1", "0") as server:
            port = int(server.wait_for(STARTED)[1])
            with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rwb") as stream:
                stream.write(b"x" * 250)
                stream.flush()
                client.shutdown(socket.SHUT_WR)
                said = stream.read().split(b"\n")
            self.assertEqual(said[-1], b"")
            pieces = [line.removeprefix(b"You said: ") for line in said[:-1]]
            self.assertEqual(b"".join(pieces), b"x" * 250)
            self.assertLessEqual(max(map(len, pieces)), 100)
            self.assertEqual(server.stop(signal.SIGTERM), 0)

    def test_a_slow_client_holds_nobody_up(self):
        with self.example("6_5_2_connections", "127.0.0.1", "0") as server:
            port = int(server.wait_for(STARTED)[1])
            with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as other:
                other.sendall(b"me first")
                self.assertEqual(other.makefile("rb").readline(), b"You said: me first\n")
            self.assertEqual(server.stop(signal.SIGTERM), 0)


if __name__ == "__main__":
    example.main()
