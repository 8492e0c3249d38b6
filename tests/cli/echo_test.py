#!/usr/bin/env python3
"""leat echo as a server for Python's asyncio, nc and socat, and as a client of Python's asyncio server."""

import asyncio
import shutil
import signal
import socket
import subprocess
import unittest

import tool

MESSAGES = ["Hello, server!", "How are you?", "Asynchrony is cool!"]
TRANSCRIPT = "".join(f"Sending: {m}\nReceived: {m}\nClosing connection\n" for m in MESSAGES)


def echo_server(**more):
    return tool.Process("echo", "--listen", "127.0.0.1:0", **more)


class Server(tool.Case):
    def test_prints_the_port_it_was_given(self):
        with echo_server() as server:
            self.assertEqual(server.first_line, f"Server started on 127.0.0.1:{server.port}\n")
            self.assertNotEqual(server.port, 0)

    def test_serves_the_chapters_client(self):
        async def client(port, message):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{message}\n".encode())
            await writer.drain()
            data = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return data.decode().strip()

        async def clients(port):
            return await asyncio.gather(*(client(port, m) for m in MESSAGES))

        with echo_server() as server:
            self.assertEqual(asyncio.run(clients(server.port)), MESSAGES)
        log = "".join(server.log)
        for message in MESSAGES:
            self.assertRegex(log, r"Received from 127\.0\.0\.1:\d+: " + message.replace("?", r"\?"))
        self.assertEqual(log.count("New connection: 127.0.0.1:"), 3)
        self.assertEqual(log.count("Connection closed: 127.0.0.1:"), 3)

    def test_keeps_every_byte_of_many_lines(self):
        async def client(port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = [b"%d %s\n" % (i, b"x" * (i * 37 % 900)) for i in range(3000)]

            async def send():
                for line in lines:
                    writer.write(line)
                    await writer.drain()
                writer.write_eof()

            sending = asyncio.ensure_future(send())
            received = await reader.read(-1)
            await sending
            writer.close()
            return received == b"".join(lines)

        async def clients(port):
            return await asyncio.gather(*(client(port) for _ in range(5)))

        with echo_server(env=tool.environment(LEAT_LOG="warn")) as server:
            self.assertEqual(asyncio.run(clients(server.port)), [True] * 5)

    def test_a_line_beyond_the_limit_comes_back_whole(self):
        line = b"y" * 300_000 + b"\nz"
        with echo_server() as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.settimeout(tool.PATIENCE)
            # All in one direction first would fill both sides' buffers.
            received = b""
            for start in range(0, len(line), 50_000):
                connection.sendall(line[start : start + 50_000])
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                received += part
        self.assertEqual(received, line)

    def test_serves_nc_and_socat(self):
        commands = {"nc": ["nc", "-N", "127.0.0.1", "{port}"], "socat": ["socat", "-", "TCP:127.0.0.1:{port}"]}
        with echo_server() as server:
            for name, command in commands.items():
                if not shutil.which(name):
                    continue
                with self.subTest(name):
                    command = [part.format(port=server.port) for part in command]
                    ended = subprocess.run(command, input=b"one\ntwo\nno newline", capture_output=True, timeout=tool.PATIENCE)
                    self.assertEqual(ended.stdout, b"one\ntwo\nno newline")

    def test_control_characters_do_not_reach_the_log(self):
        with echo_server() as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"\x1b]0;title\x07\x9b2J\rforged\n")
            self.assertEqual(connection.makefile("rb").readline(), b"\x1b]0;title\x07\x9b2J\rforged\n")
        log = "".join(server.log)
        self.assertNotIn("\x1b", log)
        self.assertNotIn("\r", log)

    def test_a_reset_ends_its_own_connection_only(self):
        with echo_server() as server:
            rude = socket.create_connection(("127.0.0.1", server.port))
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            rude.sendall(b"half a li")
            with socket.create_connection(("127.0.0.1", server.port)) as polite:
                polite.sendall(b"a\n")
                stream = polite.makefile("rb")
                self.assertEqual(stream.readline(), b"a\n")
                rude.close()
                polite.sendall(b"b\n")
                self.assertEqual(stream.readline(), b"b\n")

    def test_stops_in_order(self):
        for by in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(by), echo_server() as server:
                connection = socket.create_connection(("127.0.0.1", server.port))
                connection.settimeout(tool.PATIENCE)
                connection.sendall(b"last words\n")
                self.assertEqual(connection.recv(100), b"last words\n")
                self.assertEqual(server.stop(by), 0)
                self.assertEqual(connection.recv(100), b"")  # an end, not a reset
                connection.close()

    def test_serves_though_nobody_reads_where_it_listens(self):
        """What is to be printed waits by itself, and the first signal ends that, too."""
        place = self.path("socket")

        def listens():
            with socket.socket(socket.AF_UNIX) as probe:
                return probe.connect_ex(place) == 0

        with tool.stuck_pipe() as stuck:
            server = subprocess.Popen([tool.TOOL, "echo", "--listen", "unix:" + place], stdout=stuck, stderr=subprocess.DEVNULL, env=tool.environment())
            try:
                self.wait_for(listens)
                asked = tool.run("echo", "unix:" + place, "hello")
                self.assertIn("Received: hello\n", asked.stdout, asked.stderr)
                server.send_signal(signal.SIGINT)
                self.assertEqual(server.wait(tool.PATIENCE), 130)
            finally:
                server.kill()
                server.wait()

    def test_a_port_in_use(self):
        with echo_server() as server:
            second = tool.run("echo", "--listen", f"127.0.0.1:{server.port}")
        self.assertEqual(second.returncode, 1)
        self.assertRegex(second.stderr, rf"(?m)^leat: echo: listen 127\.0\.0\.1:{server.port}: Address already in use")


class Client(tool.Case):
    def with_asyncio_server(self, handle, *messages, more=()):
        async def go():
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            loop = asyncio.get_running_loop()
            async with server:
                return await loop.run_in_executor(None, lambda: tool.run("echo", f"127.0.0.1:{port}", *more, *messages))

        return asyncio.run(go())

    def test_talks_to_the_chapters_server(self):
        async def handle(reader, writer):
            while data := await reader.readline():
                writer.write(data)
                await writer.drain()
            writer.close()
            await writer.wait_closed()

        ended = self.with_asyncio_server(handle, *MESSAGES)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, TRANSCRIPT, ""))

    def test_sends_all_messages_at_once(self):
        waiting = []

        async def handle(reader, writer):
            line = await reader.readline()
            waiting.append((line, writer))
            if len(waiting) < 3:
                return
            for sent, to in reversed(waiting):  # nobody is answered before all have spoken
                to.write(sent)
                to.close()

        ended = self.with_asyncio_server(handle, *MESSAGES)
        self.assertEqual((ended.returncode, ended.stdout), (0, TRANSCRIPT))

    def test_no_reply(self):
        async def handle(reader, writer):
            await reader.readline()
            writer.close()

        ended = self.with_asyncio_server(handle, "a")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("the connection was closed before a reply came", ended.stderr)

        async def silent(reader, writer):
            await reader.read()  # until the client has had enough
            writer.close()

        ended = self.with_asyncio_server(silent, "a", more=("--timeout", "0.2"))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("no reply in time", ended.stderr)

    def test_a_reply_cannot_reach_the_terminal(self):
        async def handle(reader, writer):
            await reader.readline()
            writer.write(b"\x1b[2Jhi\x07\n")
            writer.close()

        ended = self.with_asyncio_server(handle, "a")
        self.assertNotIn("\x1b", ended.stdout)
        self.assertIn("[2Jhi", ended.stdout)

    def test_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            ended = tool.run("echo", f"127.0.0.1:{port}", "a")
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr, rf"^leat: echo: .*127\.0\.0\.1:{port}.*[Rr]efused")

    def test_usage(self):
        for arguments in ([], ["127.0.0.1:1"], ["nonsense", "a"], ["127.0.0.1:0", "a"], ["--listen", "x"],
                          ["--listen", "127.0.0.1:0", "127.0.0.1:1"], ["127.0.0.1:1", "two\nlines"], ["::1:80", "a"]):
            with self.subTest(arguments):
                ended = tool.run("echo", *arguments)
                self.assertEqual((ended.returncode, ended.stdout), (2, ""))
                self.assertTrue(ended.stderr.startswith("leat: echo: "), ended.stderr)


if __name__ == "__main__":
    tool.main()
