#!/usr/bin/env python3
"""leat behind HAProxy, which says by the PROXY protocol whose connections it passes on: in plain text, and with TLS through it."""

import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import unittest

import tool

CONFIGURATION = """
global
    maxconn 100
defaults
    mode tcp
    timeout connect 10s
    timeout client 30s
    timeout server 30s
listen front
    bind fd@{descriptor}
    server leat 127.0.0.1:{port} {option}
"""


class Haproxy:
    """HAProxy in front of a port. It is given a listening socket, so that its port is known and taken."""

    def __init__(self, case, port, option):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        descriptor = self.listening.fileno()
        path = case.write(f"haproxy-{self.port}.cfg", CONFIGURATION.format(descriptor=descriptor, port=port, option=option))
        self.process = subprocess.Popen([HAPROXY, "-db", "-q", "-f", path], pass_fds=[descriptor])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGUSR1)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.listening.close()


def echo_server(*arguments):
    return tool.Process("echo", "--listen", "127.0.0.1:0", *arguments)


class ProxyProtocol(tool.Case):
    def say(self, port, line):
        """Who said it, as he sees it himself."""
        with socket.create_connection(("127.0.0.1", port), timeout=tool.PATIENCE) as connection:
            connection.sendall(line)
            self.assertEqual(connection.makefile("rb").readline(), line)
            return connection.getsockname()

    def test_the_server_knows_its_client(self):
        for option in ("send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options unique-id,crc32c"):
            with self.subTest(option), echo_server("--proxy-protocol", "--trusted-proxies", "127.0.0.1") as server:
                with Haproxy(self, server.port, option) as proxy:
                    host, port = self.say(proxy.port, b"hello\n")
                server.stop()
                self.assertIn(f"Received from {host}:{port}: hello", "".join(server.log))

    def test_health_checks_are_no_faults(self):
        with echo_server("--proxy-protocol") as server:
            with Haproxy(self, server.port, "send-proxy-v2 check-send-proxy check inter 50ms") as proxy:
                for _ in range(3):
                    self.say(proxy.port, b"hello\n")
            server.stop()
            self.assertNotIn("proxy header", "".join(server.log))

    def test_without_the_header_it_is_the_proxys_connection_that_ends(self):
        with echo_server("--proxy-protocol") as server:
            with Haproxy(self, server.port, "") as proxy, socket.create_connection(("127.0.0.1", proxy.port), timeout=tool.PATIENCE) as connection:
                connection.sendall(b"hello, I am the client\n")
                try:
                    self.assertEqual(connection.recv(100), b"")
                except ConnectionResetError:
                    pass
            server.stop()
            self.assertRegex("".join(server.log), r"proxy header of 127\.0\.0\.1:\d+: no PROXY header; closing")

    def test_a_stranger_is_not_believed(self):
        with echo_server("--trusted-proxies", "192.0.2.0/24") as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=tool.PATIENCE) as connection:
                connection.sendall(b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nhello\n")
                try:
                    self.assertEqual(connection.recv(100), b"")
                except ConnectionResetError:
                    pass
            server.stop()
            self.assertRegex("".join(server.log), r"not one of the trusted proxies")


class ThroughTheProxy(tool.Case):
    """TLS that the proxy passes on as it is: first its header, then the client's own handshake, on one connection."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificates = tempfile.TemporaryDirectory()
        cls.certificate, cls.key = (os.path.join(cls.certificates.name, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", cls.key, "-out",
                        cls.certificate, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                       check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.certificates.cleanup()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        lines = os.path.join(os.environ.get("LEAT_BUILD") or os.path.join(tool.HERE, "../../build/release"), "tests/support/tls_lines")
        self.server = subprocess.Popen([lines, "proxied", self.certificate, self.key], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(self.end)
        self.port = int(self.server.stdout.readline())
        self.context = ssl.create_default_context(cafile=self.certificate)

    def end(self):
        self.server.terminate()
        self.assertEqual(self.server.wait(tool.PATIENCE), 0)
        self.server.stdout.close()

    def test_haproxy_passes_tls_on_and_names_the_client(self):
        for option in ("send-proxy-v2", "send-proxy", "send-proxy-v2 proxy-v2-options unique-id,crc32c"):
            with self.subTest(option), Haproxy(self, self.port, option) as proxy:
                with socket.create_connection(("127.0.0.1", proxy.port), timeout=tool.PATIENCE) as plain:
                    host, port = plain.getsockname()
                    with self.context.wrap_socket(plain, server_hostname="localhost") as secured, secured.makefile("rwb") as lines:
                        for said, answer in ((b"hello\n", b"hello\n"), (b"WHO\n", f"{host}:{port} by 127.0.0.1:".encode()), (b"SESSION\n", b"TLSv1.3")):
                            lines.write(said)
                            lines.flush()
                            self.assertTrue(lines.readline().startswith(answer), (option, said))

    def converse(self, header, pieces):
        """The header and the client's hello go out together, cut where `pieces` says; the rest as it comes."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with socket.create_connection(("127.0.0.1", self.port), timeout=tool.PATIENCE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def until_done(step):
                while True:
                    try:
                        result = step()
                    except ssl.SSLWantReadError:
                        result = None
                    if outgoing.pending:
                        connection.sendall(outgoing.read())
                    if result is not None:
                        return result
                    came = connection.recv(16384)
                    if not came:
                        self.fail("the connection was ended")
                    incoming.write(came)

            with self.assertRaises(ssl.SSLWantReadError):
                client.do_handshake()
            together = header + outgoing.read()
            for begin, end in zip([0, *pieces], [*pieces, len(together)]):
                connection.sendall(together[begin:end])
            until_done(lambda: client.do_handshake() or True)
            client.write(b"WHO\n")
            return until_done(lambda: client.read(1000)).decode()

    def test_the_header_and_the_hello_may_arrive_together(self):
        second = b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH4s4sHH", 0x21, 0x11, 12, bytes([10, 1, 2, 3]), bytes([10, 4, 5, 6]), 1111, 443)
        first = b"PROXY TCP4 10.1.2.3 10.4.5.6 1111 443\r\n"
        for header in (first, second):
            for pieces in ([], [len(header)], [1], [len(header) - 1], [len(header) + 1], [len(header) + 5], [5, len(header) + 40]):
                with self.subTest(header=header, pieces=pieces):
                    self.assertRegex(self.converse(header, pieces), r"^10\.1\.2\.3:1111 by 127\.0\.0\.1:\d+\n$")

    def test_a_hello_without_a_header_is_refused(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=tool.PATIENCE) as plain:
            with self.assertRaises(OSError):
                self.context.wrap_socket(plain, server_hostname="localhost")


HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
if __name__ == "__main__":
    if not HAPROXY:
        sys.exit(tool.SKIP)
    tool.main()
