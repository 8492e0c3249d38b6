#!/usr/bin/env python3
"""leat's TLS with strangers at the other end: Python's ssl and asyncio, and openssl's own client and server."""

import asyncio
import os
import shutil
import ssl
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("LEAT_BUILD") or os.path.join(HERE, "../../build/release")
LINES = os.environ.get("LEAT_TLS_LINES") or os.path.join(BUILD, "tests/support/tls_lines")
PATIENCE = 60


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = lambda name: os.path.join(cls.folder.name, name)
        cls.certificate, cls.key = path("cert.pem"), path("key.pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", cls.key, "-out", cls.certificate,
                "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        cls.own, cls.own_key = path("own.pem"), path("own.key")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", cls.own_key, "-out", cls.own, "-days", "2", "-subj", "/CN=alice")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def serve(self, *more):
        """leat as a server; its ports, for TLS from the start and for STARTTLS."""
        server = subprocess.Popen([LINES, "serve", self.certificate, self.key, *more], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

        def end():
            server.terminate()
            self.assertEqual(server.wait(PATIENCE), 0)
            server.stdout.close()

        self.addCleanup(end)
        self.server = server
        self.port, self.plain_port = (int(word) for word in server.stdout.readline().split())

    def connect(self, port, *words, data, name="localhost", how="connect"):
        """leat as a client: its exit status and what it printed."""
        done = subprocess.run([LINES, how, str(port), self.certificate, name], input=data, capture_output=True, timeout=PATIENCE)
        return done.returncode, done.stdout

    def context(self):
        return ssl.create_default_context(cafile=self.certificate)

    # ---- Python as the client

    def talk(self, talk):
        return asyncio.run(asyncio.wait_for(talk, PATIENCE))

    def test_asyncio_sends_lines_and_takes_them_back(self):
        self.serve()

        async def talk():
            context = self.context()
            context.set_alpn_protocols(["http/1.1"])
            reader, writer = await asyncio.open_connection("localhost", self.port, ssl=context)
            writer.write(b"SESSION\n")
            about = await reader.readline()
            for size in (1, 100, 16384, 30000, 60000):
                writer.write(b"x" * size + b"\n")
                self.assertEqual(await reader.readline(), b"x" * size + b"\n")
            writer.close()
            await writer.wait_closed()
            return about

        self.assertEqual(self.talk(talk()), b"TLSv1.3 http/1.1 new localhost -\n")

    def test_asyncio_starts_tls_in_the_middle(self):
        self.serve()

        async def talk():
            reader, writer = await asyncio.open_connection("localhost", self.plain_port)
            writer.write(b"STARTTLS\n")
            self.assertEqual(await reader.readline(), b"go ahead\n")
            await writer.start_tls(self.context(), server_hostname="localhost")
            writer.write(b"secret\n")
            self.assertEqual(await reader.readline(), b"secret\n")
            writer.close()
            await writer.wait_closed()

        self.talk(talk())

    def test_python_shows_a_certificate(self):
        self.serve(self.own)
        context = self.context()
        context.load_cert_chain(self.own, self.own_key)
        self.assertEqual(self.ask(context), b"TLSv1.3 - new localhost CN=alice\n")

    def test_python_without_a_certificate_is_told_that_one_is_required(self):
        self.serve(self.own)
        with self.assertRaises(ssl.SSLError) as refused:
            self.ask(self.context())
        self.assertIn("CERTIFICATE_REQUIRED", str(refused.exception).upper().replace(" ", "_"))

    def ask(self, context, session=None):
        import socket
        with socket.create_connection(("localhost", self.port), PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as secured:
                secured.sendall(b"SESSION\n")
                answer = secured.makefile("rb").readline()
                self.session = secured.session
                secured.unwrap()  # leat answers the end with its own
                return answer

    def test_python_resumes_sessions_of_both_versions(self):
        self.serve()
        for version, name in ((ssl.TLSVersion.TLSv1_2, b"TLSv1.2"), (ssl.TLSVersion.TLSv1_3, b"TLSv1.3")):
            context = self.context()
            context.minimum_version = context.maximum_version = version
            self.assertEqual(self.ask(context).split()[:3], [name, b"-", b"new"])
            self.assertEqual(self.ask(context, self.session).split()[:3], [name, b"-", b"resumed"])

    def test_python_that_breaks_off_is_noticed(self):
        self.serve()
        import socket
        plain = socket.create_connection(("localhost", self.port), PATIENCE)
        secured = self.context().wrap_socket(plain, server_hostname="localhost")
        secured.sendall(b"half a li")
        secured.shutdown(socket.SHUT_WR)  # of TCP alone
        self.assertEqual(self.server.stdout.readline(), "truncated\n")
        secured.close()

    # ---- openssl as the client

    def test_openssl_talks_and_changes_keys(self):
        self.serve()
        # K asks for new keys of both sides, k for its own; Q ends.
        client = subprocess.Popen(["openssl", "s_client", "-connect", f"localhost:{self.port}", "-CAfile", self.certificate, "-verify_return_error",
                                   "-servername", "localhost", "-tls1_3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)

        def until(words):
            while line := client.stdout.readline():
                if words in line:
                    return line
            self.fail(f"no {words}")

        def say(words):
            client.stdin.write(words)
            client.stdin.flush()

        say("first\n")
        until("first")
        for key in "Kk":
            say(key + "\n")
            until("KEYUPDATE")
            say(f"after {key}\n")
            until(f"after {key}")
        say("Q\n")
        self.assertEqual(client.wait(PATIENCE), 0)
        client.stdin.close()
        client.stdout.close()

    # ---- strangers as servers

    def test_openssl_serves(self):
        server = subprocess.Popen(["openssl", "s_server", "-accept", "0", "-cert", self.certificate, "-key", self.key, "-rev"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            while not (line := server.stdout.readline()).startswith("ACCEPT"):
                self.assertTrue(line)
            port = int(line.rsplit(":", 1)[1])
            status, said = self.connect(port, data=b"abc\nCLOSE\n")
            self.assertIn(b"cba\n", said)
            self.assertTrue(said.startswith(b"TLSv1.3 - new localhost CN=localhost\n"), said)
            self.assertEqual(status, 0, said)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()

    def with_asyncio_server(self, handle, data, how="connect", context=None):
        async def serve():
            server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
            port = server.sockets[0].getsockname()[1]
            result = await asyncio.to_thread(self.connect, port, data=data, how=how)
            server.close()
            return result

        return asyncio.run(asyncio.wait_for(serve(), PATIENCE))

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def test_asyncio_serves_much(self):
        sent = os.urandom(3_000_000)

        async def handle(reader, writer):
            writer.write(await reader.readexactly(len(sent)))
            await writer.drain()
            writer.close()

        status, said = self.with_asyncio_server(handle, sent, context=self.server_context())
        self.assertEqual(status, 0, said[-200:])
        self.assertTrue(said.endswith(sent + b"end\n"))

    def test_asyncio_serves_starttls(self):
        async def handle(reader, writer):
            self.assertEqual(await reader.readline(), b"STARTTLS\n")
            writer.write(b"go ahead\n")
            await writer.drain()
            await writer.start_tls(self.server_context())
            writer.write(await reader.readline())
            writer.close()

        status, said = self.with_asyncio_server(handle, b"secret\n", how="starttls")
        self.assertEqual(status, 0, said)
        self.assertTrue(said.endswith(b"secret\nend\n"), said)

    def test_a_server_that_injects_before_the_handshake_is_refused(self):
        async def handle(reader, writer):
            await reader.readline()
            writer.write(b"go ahead\nforged\n")
            await writer.drain()
            await reader.read()
            writer.close()

        status, said = self.with_asyncio_server(handle, b"secret\n", how="starttls")
        self.assertEqual(status, 1)
        self.assertIn(b"7 bytes were received before the handshake", said)


if __name__ == "__main__":
    if not shutil.which("openssl"):
        raise SystemExit(77)
    if not os.access(LINES, os.X_OK):
        raise SystemExit(f"{LINES} is not built")
    unittest.main(verbosity=1)
