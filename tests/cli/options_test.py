#!/usr/bin/env python3
"""leat: help, versions, wrong usage, logging."""

import json
import os
import signal
import subprocess
import time

import tool
from scripted import Scripted, whole


class Options(tool.Case):
    def test_help_is_the_manual(self):
        ended = tool.run("--help")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        for word in ("get", "serve", "echo", "--log-level", "--log-file", "--version", "Examples:", "LEAT_ENGINE", "Exit status"):
            self.assertIn(word, ended.stdout)
        ended = tool.run("get", "--help")
        self.assertEqual(ended.returncode, 0)
        for word in ("--input", "--output", "--directory", "--jobs", "--per-host", "--timeout", "--connect-timeout", "--stall-timeout", "--retries",
                     "--max-redirects", "--cacert", "--insecure", "--quiet", "--no-progress", "--user-agent", "Examples:", "130"):
            self.assertIn(word, ended.stdout)
        for command in ("serve", "echo"):
            self.assertIn("Examples:", tool.run(command, "--help").stdout)

    def test_version(self):
        ended = tool.run("--version")
        self.assertEqual(ended.returncode, 0)
        self.assertRegex(ended.stdout, r"^leat \d+\.\d+\.\d+\n$")

    def test_wrong_usage(self):
        for arguments in ([], ["nonsense"], ["--nonsense"], ["get"], ["get", "--nonsense"], ["get", "-j", "0", "http://x/"], ["get", "-j", "x", "http://x/"],
                          ["get", "-o", "a", "http://x/", "http://y/"], ["get", "-o", "a", "http://x/", "-i", "-"], ["get", "-o", "-", "http://x/"],
                          ["get", "--timeout", "-1", "http://x/"], ["get", "--timeout", "nan", "http://x/"], ["get", "--cacert", "/nowhere", "http://x/"],
                          ["get", "--user-agent", "a\nb", "http://x/"], ["serve"], ["serve", ".", "--listen", "x"], ["serve", ".", "--max-connections", "0"],
                          ["--log-level", "loud", "get", "http://x/"]):
            with self.subTest(arguments):
                ended = tool.run(*arguments)
                self.assertEqual((ended.returncode, ended.stdout), (2, ""))
                self.assertTrue(ended.stderr.startswith("leat: "), ended.stderr)
                self.assertIn("--help", ended.stderr)

    def test_a_url_in_the_place_of_a_command_does_not_show_its_password(self):
        ended = tool.run("redis://me:secret@host/")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("redis://me:***@host/", ended.stderr)
        self.assertNotIn("secret", ended.stderr)

    def test_what_was_probably_meant_is_told(self):
        for arguments, told in ((["get", "--retrys=3", "http://h/"], "'--retrys' is not an option; is --retries meant?"),
                                (["get", "http://h/", "--log-levle", "info"], "'--log-levle' is not an option; is --log-level meant?"),
                                (["get", "--usr=me:secret", "http://h/"], "'--usr' is not an option; is --user meant?"),
                                (["get", "--passphrase:secret", "http://h/"], "'--passphrase' is not an option\n"),
                                (["get", "-Z", "http://h/"], "'-Z' is not an option\n"),
                                (["gte", "http://h/"], "'gte' is neither a command nor an option; is 'get' meant?"),
                                (["--versoin"], "'--versoin' is not an option; is --version meant?")):
            with self.subTest(arguments):
                ended = tool.run(*arguments)
                self.assertEqual(ended.returncode, 2)
                self.assertIn(told, ended.stderr)
                self.assertNotIn("secret", ended.stderr)

    def test_options_that_contradict_each_other(self):
        for arguments in (["--content-disposition", "--mirror-path"], ["--report", "x", "--events", "x"], ["--report", "-"], ["--starts-per-second", "nan"]):
            with self.subTest(arguments):
                ended = tool.run("get", "http://127.0.0.1:1/", *arguments, cwd=self.directory)
                self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended.stderr)
                self.assertEqual(os.listdir(self.directory), [])

    def test_closed_descriptors_are_filled(self):
        with Scripted({"/a": whole("a")}) as server:
            server.answers["/slow"] = lambda connection, _: server.closing.wait(tool.PATIENCE)
            process = subprocess.Popen(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", tool.TOOL, "get", server.url("/slow"), "-d", self.path("out"),
                                        "--events", self.path("events")], env=tool.environment())
            while "/slow" not in server.counts and process.poll() is None:
                time.sleep(0.01)
            # Else what is printed would go into whatever is opened next.
            self.assertEqual([os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in range(3)], ["/dev/null"] * 3)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(tool.PATIENCE), 130)

    def test_user_agent(self):
        with Scripted({"/a": whole("a")}) as server:
            tool.run("get", server.url("/a"), "-d", self.directory, "--user-agent", "me/1 (test)")
            tool.run("get", server.url("/a"), "-d", self.directory)
            self.assertIn(b"User-Agent: me/1 (test)\r\n", server.heads[0])
            self.assertRegex(server.heads[1], rb"User-Agent: leat/\d+\.\d+\.\d+\r\n")

    def test_log_file_and_level(self):
        log = self.path("log")
        with Scripted({"/a": whole("a")}) as server:
            ended = tool.run("get", server.url("/a"), "-d", self.directory, "--log-file", log, "--log-level", "debug")
            self.assertEqual(ended.returncode, 0)
            with open(log) as file:
                self.assertIn("engine", file.read())
            self.assertIn("engine", ended.stderr)
            quiet = tool.run("--log-file", log + "2", "get", server.url("/a"), "-d", self.directory)
            self.assertEqual(quiet.stderr, "")  # the tool's own level is warn
            by_environment = tool.run("get", server.url("/a"), "-d", self.directory, env=tool.environment(LEAT_LOG="info"))
            self.assertIn("engine", by_environment.stderr)

    def test_a_log_file_that_cannot_be(self):
        ended = tool.run("get", "http://127.0.0.1:1/", "--log-file", self.path("no/such/log"))
        self.assertEqual(ended.returncode, 1)
        self.assertTrue(ended.stderr.startswith("leat: "), ended.stderr)
        self.assertIn("No such file or directory", ended.stderr)

    def run_into(self, stdout, *arguments):
        return subprocess.run([tool.TOOL, *arguments], stdout=stdout, stderr=subprocess.PIPE, env=tool.environment(), timeout=tool.PATIENCE, encoding="utf-8")

    def test_where_output_cannot_go(self):
        """Everything is fetched, and then it is told that who reads the output has not all of it."""
        told = "write standard output: No space left on device (errno 28)\n"
        with open("/dev/full", "w") as full, Scripted({"/a": whole("a"), "/b": whole("b")}) as server:
            for more in ([], ["--table"]):
                with self.subTest(more):
                    ended = self.run_into(full, "get", server.url("/a"), server.url("/b"), "-d", self.directory, "--report", self.path("report"), *more)
                    self.assertEqual((ended.returncode, ended.stderr), (1, "leat: get: " + told))
                    self.assertSameFile(self.path("a"), b"a")
                    self.assertSameFile(self.path("b"), b"b")
                    os.remove(self.path("a"))
                    os.remove(self.path("b"))
            with open(self.path("report")) as report:
                self.assertEqual(len(json.load(report)["files"]), 2)
            self.run_into(full, "get", server.url("/a"), "-d", self.directory, "--report", self.path("report"))
            with open(self.path("report")) as report:
                self.assertEqual(json.load(report)["exit_status"], 1)
            ended = self.run_into(full, "get", server.url("/none"), "-d", self.directory, "--retries", "0")
            self.assertEqual(ended.returncode, 8, ended.stderr)  # what has happened to a file is said first
            self.assertIn(told, ended.stderr)
            ended = self.run_into(full, "get", server.url("/a"), "-d", self.directory, "-q")
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            for arguments in (["get", "--help"], ["--version"], ["manual", "get"], ["completions", "bash"]):
                with self.subTest(arguments):
                    ended = self.run_into(full, *arguments)
                    self.assertEqual((ended.returncode, ended.stderr), (1, "leat: " + told))
            # A server whose address nobody has been told serves nobody.
            for arguments in (["serve", self.directory, "--listen", "127.0.0.1:0"], ["echo", "--listen", "127.0.0.1:0"]):
                with self.subTest(arguments):
                    ended = self.run_into(full, *arguments, "--log-level", "warn")
                    self.assertEqual((ended.returncode, ended.stderr), (1, f"leat: {arguments[0]}: {told}"))

    def test_a_reader_of_the_output_that_has_gone(self):
        with Scripted({"/a": whole("a")}) as server:
            for arguments in (["get", server.url("/a"), "-d", self.directory], ["get", server.url("/a"), "-d", self.directory, "--table"], ["get", "--help"]):
                with self.subTest(arguments):
                    reading, writing = os.pipe()
                    os.close(reading)
                    try:
                        ended = self.run_into(writing, *arguments)
                    finally:
                        os.close(writing)
                    self.assertEqual((ended.returncode, ended.stderr), (0, ""))


if __name__ == "__main__":
    tool.main()
