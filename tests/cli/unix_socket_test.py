#!/usr/bin/env python3
"""leat echo on unix sockets, with socat and Python's asyncio at the other end."""

import asyncio
import os
import shutil
import subprocess
import unittest

import tool

TEXT = b"one\ntwo\nno newline"


def serve(place):
    # The number stands for the port elsewhere; the places here end with a digit.
    return tool.Process("echo", "--listen", place, expect=r"Server started on unix:\S*?(\d+)\n")


class UnixSocket(tool.Case):
    def socat(self, address):
        if not shutil.which("socat"):
            self.skipTest("socat is not here")
        ended = subprocess.run(["socat", "-t10", "-", address], input=TEXT, capture_output=True, timeout=tool.PATIENCE)
        self.assertEqual((ended.stdout, ended.stderr), (TEXT, b""))

    def test_socat_over_a_path(self):
        path = self.path("echo1")
        with serve("unix:" + path) as server:
            self.assertEqual(server.first_line, f"Server started on unix:{path}\n")
            self.socat("UNIX-CONNECT:" + path)
        self.assertFalse(os.path.exists(path))

    def test_socat_over_an_abstract_name(self):
        name = f"leat-cli-{os.getpid()}"
        with serve("unix:@" + name):
            self.socat("ABSTRACT-CONNECT:" + name)

    def test_the_client_talks_to_socat(self):
        if not shutil.which("socat"):
            self.skipTest("socat is not here")
        path = self.path("peer1")
        command = ["socat", "-d", "-d", f"UNIX-LISTEN:{path},fork", "EXEC:cat"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as peer:
            for line in peer.stderr:
                if "listening on" in line:
                    break
            ended = tool.run("echo", "unix:" + path, "hello")
            peer.terminate()
        self.assertEqual((ended.returncode, ended.stdout), (0, "Sending: hello\nReceived: hello\nClosing connection\n"))

    def test_asyncio_over_a_path(self):
        path = self.path("echo2")

        async def client():
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"hello\n")
            line = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return line

        with serve("unix:" + path) as server:
            self.assertEqual(asyncio.run(client()), b"hello\n")
        self.assertRegex("".join(server.log), r"Received from unix:\(unnamed\): hello")

    def test_a_second_server_is_refused_and_a_dead_ones_file_is_not_in_the_way(self):
        path = self.path("echo3")
        with serve("unix:" + path) as server:
            second = tool.run("echo", "--listen", "unix:" + path)
            self.assertEqual(second.returncode, 1)
            self.assertIn(f"listen unix:{path}: Address already in use", second.stderr)
            server.process.kill()
            server.status = server.process.wait()
        self.assertTrue(os.path.exists(path))
        with serve("unix:" + path):
            self.socat("UNIX-CONNECT:" + path)

    def test_usage(self):
        for arguments in (["--listen", "unix:"], ["--listen", "unix:" + "x" * 200], ["unix:@", "a"]):
            with self.subTest(arguments):
                ended = tool.run("echo", *arguments)
                self.assertEqual((ended.returncode, ended.stdout), (2, ""))


if __name__ == "__main__":
    tool.main()
