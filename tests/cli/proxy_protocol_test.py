#!/usr/bin/env python3
"""leat echo behind HAProxy, which says by the PROXY protocol whose connections it passes on."""

import shutil
import signal
import socket
import subprocess
import sys
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


HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
if __name__ == "__main__":
    if not HAPROXY:
        sys.exit(tool.SKIP)
    tool.main()
