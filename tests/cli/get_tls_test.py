#!/usr/bin/env python3
"""leat get over HTTPS: servers are verified, unless the user says otherwise, and that is said again."""

import os
import shutil
import ssl
import subprocess
import unittest

import tool
from scripted import Scripted, whole


class Secure(Scripted):
    """The scripted server behind TLS."""

    def __init__(self, answers, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        super().__init__(answers)

    def talk(self, connection):
        try:
            connection = self.context.wrap_socket(connection, server_side=True)
        except OSError:  # the client did not like the certificate
            return connection.close()
        super().talk(connection)

    def url(self, path, host="localhost"):
        return f"https://{host}:{self.port}{path}"


@unittest.skipUnless(shutil.which("openssl"), "the openssl command makes the certificates")
class Tls(tool.Case):
    def setUp(self):
        super().setUp()
        self.certificate, self.key = self.path("cert.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        self.content = os.urandom(3_000_000)

    def get(self, *arguments):
        return tool.run("get", "-d", self.path("out"), "--retries", "0", *arguments)

    def test_verified(self):
        with Secure({"/a": whole(self.content)}, self.certificate, self.key) as server:
            ended = self.get(server.url("/a"), "--cacert", self.certificate)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertSameFile(self.path("out/a"), self.content)

    def test_not_trusted(self):
        with Secure({"/a": whole("a")}, self.certificate, self.key) as server:
            ended = self.get(server.url("/a"))
            self.assertEqual(ended.returncode, 6)
            self.assertRegex(ended.stderr, "certificate")
            # The right authority, and another name than the certificate's.
            ended = self.get(server.url("/a", "127.0.0.1"), "--cacert", self.certificate)
            self.assertEqual(ended.returncode, 6)
        self.assertEqual(os.listdir(self.path("out")), [])

    def test_insecure_says_so(self):
        with Secure({"/a": whole("a")}, self.certificate, self.key) as server:
            ended = self.get(server.url("/a", "127.0.0.1"), "--insecure")
            self.assertEqual(ended.returncode, 0)
            self.assertIn("leat: get: warning: --insecure", ended.stderr)

    def test_a_file_of_authorities_that_is_none(self):
        self.write("nonsense.pem", "nonsense")
        ended = self.get("https://localhost:1/", "--cacert", self.path("nonsense.pem"))
        self.assertEqual(ended.returncode, 6)
        self.assertIn("nonsense.pem", ended.stderr)


if __name__ == "__main__":
    tool.main()
