#!/usr/bin/env python3
"""leat get: patterns, lists of several forms, standard input that stays open, Metalink documents, the plan."""

import hashlib
import json
import os
import subprocess
import urllib.parse

import tool
from scripted import Scripted, whole


class Input(tool.Case):
    def get(self, *arguments, **more):
        return tool.run("get", *arguments, cwd=self.directory, **more)

    def names(self, directory="."):
        return sorted(name for name in os.listdir(self.path(directory)) if not name.startswith("."))


class Patterns(Input):
    def test_a_url_that_stands_for_many(self):
        with Scripted({}, otherwise=whole("x")) as server:
            self.assertEqual(self.get(server.url("/f[08-11].txt"), server.url("/{one,two}-[a-b]"), "-d", "out").returncode, 0)
            self.assertEqual(self.names("out"), ["f08.txt", "f09.txt", "f10.txt", "f11.txt", "one-a", "one-b", "two-a", "two-b"])
            self.assertEqual(self.get(server.url("/{x,y}/[1-2]"), "-o", "dir_#1/file_#2", "-d", "named").returncode, 0)
            self.assertEqual([self.names("named/" + d) for d in ("dir_x", "dir_y")], [["file_1", "file_2"]] * 2)

    def test_as_it_stands(self):
        with Scripted({}, otherwise=whole("x")) as server:
            self.assertEqual(self.get(server.url("/f[1-3]{a,b}"), "--no-glob", "-o", "f").returncode, 0)
            self.assertEqual([urllib.parse.unquote(path) for path in server.counts], ["/f[1-3]{a,b}"])

    def test_wrong_ones(self):
        for url in ("http://x/[1-", "http://x/{a", "http://x/[5-1]"):
            ended = self.get(url)
            self.assertEqual(ended.returncode, 2, ended.stderr)
            self.assertTrue(ended.stderr.startswith("leat: get: "), ended.stderr)
        # One name for two files.
        self.assertEqual(self.get("http://x/[1-2]", "-o", "name").returncode, 2)


class Lists(Input):
    def test_options_of_aria2(self):
        good = hashlib.sha256(b"a").hexdigest()
        with Scripted({"/a": whole("a"), "/b": whole("b"), "/c": whole("c")}) as server:
            self.write("list", f"{server.url('/missing')}\t{server.url('/a')}\n  out=first\n  checksum=sha-256={good}\n  header=X-One: 1\n\n"
                               f"{server.url('/b')}\n  dir=elsewhere\n# comment\n{server.url('/c')}\n")
            ended = self.get("-i", "list", "-d", "out", "-H", "X-All: yes")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual((self.names("out"), self.names("elsewhere")), (["c", "first"], ["b"]))
            heads = {head.split()[1]: head for head in server.heads}
            self.assertIn(b"X-One: 1\r\n", heads[b"/a"])
            for head in heads.values():
                self.assertIn(b"X-All: yes\r\n", head)
            self.assertNotIn(b"X-One", heads[b"/b"])

    def test_json_lines(self):
        with Scripted({"/a": whole("a"), "/b": whole("b")}) as server:
            text = "".join(json.dumps(each) + "\n" for each in ({"url": server.url("/a"), "name": "first"}, {"url": server.url("/b"), "headers": {"X": "1"}}))
            for directory, arguments in (("one", ["-i", self.write("list.jsonl", text)]), ("two", ["-i", self.write("list", text)]),
                                         ("three", ["-i", "list", "--input-format", "json"])):
                ended = self.get(*arguments, "-d", directory)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertEqual(self.names(directory), ["b", "first"])

    def test_several_lists(self):
        with Scripted({}, otherwise=whole("x")) as server:
            self.write("one", server.url("/1"))
            self.write("two", server.url("/2"))
            ended = self.get("-i", "one", "-i", "two", "-i", "-", server.url("/4"), "-d", "out", stdin=server.url("/3"))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(self.names("out"), ["1", "2", "3", "4"])

    def test_a_bad_line_is_told_and_the_rest_goes_on(self):
        with Scripted({}, otherwise=whole("x")) as server:
            ended = self.get("-i", "-", "-d", "out", "--input-format", "json",
                             stdin=f'{{"url": "{server.url("/1")}"}}\n{{nonsense\n{{"url": "{server.url("/3")}"}}\n')
        self.assertEqual(ended.returncode, 1)
        self.assertIn("leat: get: standard input:2: ", ended.stderr)
        self.assertEqual(self.names("out"), ["1", "3"])

    def test_files_come_while_standard_input_is_open(self):
        with Scripted({}, otherwise=whole("x")) as server:
            process = subprocess.Popen([tool.TOOL, "get", "-i", "-", "-d", self.path("out")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       env=tool.environment(), encoding="utf-8")
            for name in ("a", "b", "c"):
                process.stdin.write(server.url("/" + name) + "\n")
                process.stdin.flush()
                # The pipe is open; the next line is not written before this file is there.
                self.assertRegex(process.stdout.readline(), f"^saved .*/out/{name} ")
                self.assertTrue(os.path.exists(self.path("out", name)))
            # An option line that comes with its URL is not lost, however it is cut.
            process.stdin.write(server.url("/d") + "\n  out=call")
            process.stdin.flush()
            process.stdin.write("ed\n\n")
            process.stdin.flush()
            self.assertRegex(process.stdout.readline(), "^saved .*/out/called ")
            process.stdin.close()
            self.assertEqual(process.wait(tool.PATIENCE), 0)
            process.stdout.close()


class Metalink(Input):
    def document(self, server, name="file", content=b"content", digest=None):
        digest = digest or hashlib.sha256(content).hexdigest()
        return ('<?xml version="1.0" encoding="UTF-8"?>\n<metalink xmlns="urn:ietf:params:xml:ns:metalink">\n'
                f'<file name="{name}"><size>{len(content)}</size><hash type="sha-256">{digest}</hash>\n'
                f'<url priority="1">{server.url("/gone")}</url><url priority="2">{server.url("/file")}</url></file>\n</metalink>\n')

    def test_from_a_file_and_from_a_url(self):
        with Scripted({"/file": whole("content")}) as server:
            self.write("doc.meta4", self.document(server))
            server.answers["/doc"] = whole(self.document(server, "by-url"))
            for arguments, name in ((["doc.meta4"], "file"), (["--metalink", "doc.meta4", "-d", "two"], "two/file"),
                                    (["--metalink", server.url("/doc")], "by-url")):
                ended = self.get(*arguments)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertSameFile(self.path(name), b"content")

    def test_wrong_ones(self):
        with Scripted({"/file": whole("content")}) as server:
            self.write("bad.meta4", self.document(server, digest="0" * 64))
            self.assertEqual(self.get("bad.meta4", "--retries", "0").returncode, 13)
            self.assertEqual(self.names(), ["bad.meta4"])
            self.write("none.meta4", "<metalink/>")
            ended = self.get("none.meta4")
            self.assertEqual(ended.returncode, 1)
            self.assertIn("leat: get: none.meta4: ", ended.stderr)
            ended = self.get("--metalink", server.url("/missing"))
            self.assertEqual(ended.returncode, 1)
            self.assertIn("404", ended.stderr)

    def test_mirrors_of_a_single_file(self):
        with Scripted({"/b": whole("b")}) as server:
            ended = self.get(server.url("/a"), "--mirror", server.url("/b"), "--retries", "0")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertSameFile(self.path("a"), b"b")


class Plan(Input):
    def test_no_request_is_made(self):
        self.write("out/there", "old")
        with Scripted({}, otherwise=whole("x")) as server:
            self.write("list", f"{server.url('/listed')}\t{server.url('/mirror')}\n  out=name\n  checksum=sha-256={'0' * 64}\n")
            ended = self.get(server.url("/there"), server.url("/x[1-2]"), server.url("/y/x1"), "-i", "list", "-d", "out", "--existing", "skip", "--dry-run")
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertEqual(server.counts, {})
            self.assertEqual([line for line in ended.stdout.splitlines() if not line.startswith("    header: ")], [
                f"{server.url('/there')} -> out/there", "    target: is there, and would be left as it is",
                f"{server.url('/x1')} -> out/x1", f"{server.url('/x2')} -> out/x2", f"{server.url('/y/x1')} -> out/x1.1",
                f"{server.url('/listed')} -> out/name", f"    mirror: {server.url('/mirror')}", "    checksum: sha256:" + "0" * 64])
        self.assertEqual(self.names("out"), ["there"])

    def test_the_fields_are_told_without_secrets(self):
        self.write("cookies", "127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\tpr1vate\n")
        self.write("out/there", "old")
        os.makedirs(self.path("out/folder"))
        with Scripted({}, otherwise=whole("x")) as server:
            usual = ["    header: Accept: */*", "    header: Accept-Encoding: identity"]
            cases = (
                (["/a", "--user-agent", "me"], ["    header: User-Agent: me", *usual]),
                (["/a", "-H", "accept: text/html", "--referer", "http://h/"],
                 ["    header: Accept-Encoding: identity", "    header: accept: text/html", "    header: Referer: http://h/"]),
                (["/a", "-H", "X-Api-Key: pr1vate", "-H", "Authorization: pr1vate", "-H", "Cookie: a=pr1vate"],
                 [*usual, "    header: X-Api-Key: ***", "    header: Authorization: ***", "    header: Cookie: ***"]),
                (["/a", "--bearer", "pr1vate", "--cookies", "cookies"], [*usual, "    header: Cookie: ***", "    header: Authorization: ***"]),
                (["/a", "--user", "me:pr1vate"], [*usual, "    header: Authorization: *** when the server asks for it"]),
                (["/a", "--user", "me:pr1vate", "--auth", "basic"], [*usual, "    header: Authorization: ***"]),
                (["/there", "--existing", "if-newer"], ["    target: is there, and would be replaced if the server's is newer", *usual,
                                                        "    header: If-Modified-Since: the time of the file that is there"]),
                (["/folder"], ["    target: is a directory, and would be a failure", *usual]),
                (["/a", "--user-agent", "a\u202eb\u009b"], ["    header: User-Agent: a\ufffdb\ufffd", *usual]),
            )
            for (path, *more), lines in cases:
                with self.subTest(more):
                    ended = self.get(server.url(path), "-d", "out", *more, "--dry-run")
                    self.assertEqual((ended.returncode, ended.stderr), (0, ""))
                    shown = [line for line in ended.stdout.splitlines()[1:] if not line.startswith("    header: User-Agent: leat/")]
                    self.assertEqual(shown, lines)
                    self.assertNotIn("pr1vate", ended.stdout)
            ended = self.get(server.url("/a").replace("//", "//me:pr1vate@"), "--dry-run")
            self.assertIn("    header: Authorization: ***\n", ended.stdout)
            self.assertNotIn("pr1vate", ended.stdout)
            self.assertEqual(server.counts, {})

    def test_a_full_disk_is_a_failure(self):
        with open("/dev/full", "w") as full:
            ended = subprocess.run([tool.TOOL, "get", "http://h/[1-3]", "--dry-run"], stdout=full, stderr=subprocess.PIPE, env=tool.environment())
        self.assertEqual(ended.returncode, 1)
        self.assertIn(b"No space left", ended.stderr)

    def test_the_servers_are_asked(self):
        with Scripted({"/a": whole("", fields="Content-Type: text/plain\r\n").replace(b"Content-Length: 0", b"Content-Length: 1500")}) as server:
            ended = self.get(server.url("/a"), "--dry-run=ask")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn("    server: 200 OK, 1500 bytes, text/plain\n", ended.stdout)
            ended = self.get(server.url("/a"), server.url("/b"), "--dry-run=ask")
            self.assertEqual(ended.returncode, 1)
            self.assertIn("    server: 404 Not Found", ended.stdout)
            self.assertTrue(all(head.startswith(b"HEAD ") for head in server.heads))
        self.assertEqual(self.names(), [])


if __name__ == "__main__":
    tool.main()
