#!/usr/bin/env python3
"""leat get: events as JSON lines, the report, the table, the program that is run for each file."""

import json
import os
import re
import signal
import stat
import subprocess

import tool
from scripted import Scripted, trickle, whole

KEYS = {"time", "elapsed", "event"}
OF_A_FILE = {"index", "name", "url", "bytes", "size", "attempt"}


class Case(tool.Case):
    def get(self, *arguments, **more):
        return tool.run("get", "-d", self.path("out"), *arguments, **more)

    def events(self, path=None):
        with open(path or self.path("events"), encoding="utf-8") as file:  # strict: it has to be UTF-8
            return [json.loads(line) for line in file]

    def of(self, events, index):
        return [e for e in events if e.get("index") == index and e["event"] != "progress"]


class Events(Case):
    def test_the_life_of_a_file(self):
        def at_last(connection, number):
            connection.sendall(whole("", "503 Busy", "Retry-After: 0\r\n") if number == 1 else whole("x" * 1000))

        with Scripted({"/good": whole("good"), "/busy": at_last}) as server:
            urls = [server.url(p) for p in ("/good", "/busy", "/missing")]
            ended = self.get(*urls, "--events", self.path("events"))
        self.assertEqual(ended.returncode, 8)
        events = self.events()
        for event in events:
            self.assertLessEqual(KEYS, event.keys())
            self.assertRegex(event["time"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$")
            if event["event"] not in ("summary", "total"):
                self.assertLessEqual(OF_A_FILE, event.keys())
        self.assertEqual([e["elapsed"] for e in events], sorted(e["elapsed"] for e in events))
        self.assertEqual([e["event"] for e in self.of(events, 0)], ["start", "done"])
        self.assertEqual([e["event"] for e in self.of(events, 1)], ["start", "retry", "done"])
        self.assertEqual([e["event"] for e in self.of(events, 2)], ["start", "failed"])
        retry, done = self.of(events, 1)[1:]
        self.assertIn("503", retry["detail"])
        self.assertIn("pause", retry)
        self.assertEqual((done["name"], done["url"], done["bytes"], done["size"], done["attempt"], done["state"], done["path"]),
                         ("busy", urls[1], 1000, 1000, 2, "complete", self.path("out/busy")))
        failed = self.of(events, 2)[1]
        self.assertEqual((failed["class"], failed["status"]), ("status", 404))
        self.assertIn("404", failed["error"])
        summary = events[-1]
        self.assertEqual({k: summary[k] for k in ("event", "files", "succeeded", "failed", "bytes", "exit_status")},
                         {"event": "summary", "files": 3, "succeeded": 2, "failed": 1, "bytes": 1004, "exit_status": 8})

    def test_progress_comes_once_a_second(self):
        with Scripted({}) as server:
            server.answers["/slow"] = trickle(130_000, 1000, 0.01, lambda: server.closing)
            self.assertEqual(self.get(server.url("/slow"), "--events", self.path("events")).returncode, 0)
        progress = [e for e in self.events() if e["event"] == "progress"]
        totals = [e for e in self.events() if e["event"] == "total"]
        most = self.events()[-1]["seconds"] + 2
        self.assertTrue(2 <= len(progress) <= most, progress)
        self.assertTrue(2 <= len(totals) <= most, totals)
        self.assertEqual({(e["index"], e["size"], e["state"]) for e in progress if e["bytes"]}, {(0, 130_000, "transferring")})
        self.assertGreater(progress[-1]["rate"], 0)
        self.assertLess(progress[0]["bytes"], progress[-1]["bytes"])

    def test_where_they_go(self):
        with Scripted({"/a": whole("a")}) as server:
            ended = self.get(server.url("/a"), "--events", "-")
            self.assertEqual([json.loads(line)["event"] for line in ended.stdout.splitlines() if '"total"' not in line], ["start", "done", "summary"])
            reading, writing = os.pipe()
            os.set_inheritable(writing, True)
            process = subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), server.url("/a"), "--events", str(writing)], pass_fds=[writing],
                                       env=tool.environment(), stdout=subprocess.DEVNULL)
            os.close(writing)
            with open(reading, encoding="utf-8") as events:
                self.assertEqual(json.loads(events.read().splitlines()[-1])["event"], "summary")
            self.assertEqual(process.wait(tool.PATIENCE), 0)
            for where in ("1234", self.path("no/such/place")):
                ended = self.get(server.url("/a"), "--events", where)
                self.assertEqual(ended.returncode, 1)
                self.assertIn(where, ended.stderr)

    def test_odd_texts_stay_json(self):
        evil = "\x1b]0;owned\x07\x9b31m\xff\xfe"
        with Scripted({"/status": f"HTTP/1.1 404 {evil}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"), "/%ff%1b%22%5c%e2%80%aename": whole("x")}) as server:
            self.get(*(server.url(p) for p in server.answers), "http://127.0.0.1:1/\udcff\x1b[2J", "--no-glob", "--retries", "0", "--events",
                     self.path("events"), "--report", self.path("report"))
        events = self.events()
        self.assertEqual(len([e for e in events if e["event"] in ("done", "failed")]), 3)
        with open(self.path("report"), "rb") as file:
            raw = file.read()
        self.assertEqual(len(json.loads(raw.decode("ascii"))["files"]), 3)
        self.assertNotIn(0x1B, raw)

    def test_passwords_are_told_nowhere(self):
        with Scripted({"/a": whole("a")}) as server:
            url = server.url("/a").replace("//", "//me:s3cret@")
            bad = server.url("/bad").replace("//", "//me:s3cret@")
            ended = self.get(url, bad, "--events", self.path("events"), "--report", self.path("report"), "--table", "--log-level", "debug",
                             "--on-done", "/bin/echo")
            dry = self.get(url, "--dry-run", "--user", "me:s3cret", "-H", "Authorization: s3cret")
        self.assertEqual(ended.returncode, 8, ended.stderr)
        with open(self.path("events")) as events, open(self.path("report")) as report:
            for text in (ended.stdout, ended.stderr, events.read(), report.read(), dry.stdout, dry.stderr):
                self.assertNotIn("s3cret", text)
        self.assertIn("me:***@", ended.stderr)

    def told_by(self, ended):
        """All that a run has said: its outputs, and the files of events and of the report, which go."""
        told = [ended.stdout, ended.stderr]
        for name in ("events", "report"):
            if os.path.exists(self.path(name)):
                with open(self.path(name)) as file:
                    told.append(file.read())
                os.remove(self.path(name))
        return told

    def test_passwords_in_urls_that_are_wrong_are_told_nowhere(self):
        shapes = ("me:s3cret@h/x", "//me:s3cret@h/x", "http:me:s3cret@h/x", "http:/me:s3cret@h/x", "http://me:s3cret/y@h/x", "http://me:s3cret#y@h/x",
                  "http://me:s3cret@[/x", "http://me:s3cret @h/x", "http://s3cret@127.0.0.1:1/x", "http://s3cret:@127.0.0.1:1/x", "ftp://me:s3cret@h/x")
        for url in shapes:
            for more in ([], ["--table"], ["--log-level", "debug"], ["--dry-run"], ["--dry-run=ask"]):
                with self.subTest((url, more)):
                    ended = self.get(url, "-o", "name", *more, "--no-glob", "--retries", "0", "--events", self.path("events"), "--report", self.path("report"))
                    told = self.told_by(ended)
                    self.assertTrue(any("***" in text for text in told), told)
                    for text in told:
                        self.assertNotIn("s3cret", text)
        with Scripted({}) as server:
            for url in (*shapes, server.url("/bad").replace("//", "//me:s3cret@")):
                ended = self.get(server.url("/bad"), "--mirror", url, "--log-level", "info", "--retries", "0")
                self.assertRegex(ended.stderr, r"going on with (\w+:)?/*\*\*\*@")
                self.assertNotIn("s3cret", ended.stderr + ended.stdout)
                if " " not in url:
                    ended = self.get(server.url("/bad"), "--proxy", url, "--retries", "0")
                    self.assertNotIn("s3cret", ended.stderr + ended.stdout)
            options = ("all-proxy=http://me:s3cret@h/", "all-proxy-passwd=s3cret", "ftp-passwd=s3cret", "http-passwd=s3cret", "header=Authorization: s3cret")
            self.write("list", server.url("/bad") + "".join(f"\n  {option}" for option in options) + "\n")
            ended = self.get("-i", self.path("list"), "--retries", "0")
            self.assertIn("list:2: the option 'all-proxy' is ignored", ended.stderr)
            self.assertNotIn("s3cret", ended.stderr)

    def test_passwords_in_words_that_are_taken_for_names_are_told_nowhere(self):
        with Scripted({"/a": whole("a")}) as server:
            for word in ("me:s3cret@h", "//me:s3cret@h/x", "http://me:s3cret@h/x", "http://s3cret@h/x", "me:s3cret/y@h/x", "http://me:s3cret\x1b@h/x"):
                for option in ("--metalink", "-i", "--checksums", "--cookies", "--report", "--events", "--netrc", "--cacert", "--on-done"):
                    forms = [[option + word if option == "-i" else option + "=" + word]]
                    if option != "--netrc":  # whose value is optional
                        forms.append([option, word])
                    for words in forms:
                        with self.subTest(words):
                            ended = tool.run("get", server.url("/a"), "-d", self.path("out"), *words, "--retries", "0", "--events", self.path("events"),
                                             "--report", self.path("report"), "--log-level", "info", cwd=self.directory)
                            for text in self.told_by(ended):
                                self.assertNotIn("s3cret", text)
            ended = self.get("--metalink", "me:s3cret@h")
            self.assertEqual(ended.returncode, 1)
            self.assertIn("me:***@h: No such file", ended.stderr)
            ended = self.get("--metalink", "picture@2x.meta4")
            self.assertIn("picture@2x.meta4: No such file", ended.stderr)

    def test_events_that_cannot_be_written(self):
        with Scripted({"/a": whole("a")}) as server:
            ended = self.get(server.url("/a"), "--events", "/dev/full")
            self.assertEqual(ended.returncode, 1)
            self.assertEqual(ended.stderr, "leat: get: write events to /dev/full: No space left on device (errno 28)\n")
            self.assertSameFile(self.path("out/a"), b"a")
            with open("/dev/null") as unwritable:
                ended = subprocess.run([tool.TOOL, "get", server.url("/a"), "--events", str(unwritable.fileno())], pass_fds=[unwritable.fileno()],
                                       capture_output=True, env=tool.environment())
            self.assertEqual(ended.returncode, 1)
            self.assertIn(b"Bad file descriptor", ended.stderr)

    def test_a_reader_that_goes_away(self):
        with Scripted({f"/{i}": whole("x") for i in range(50)}) as server:
            process = subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), "--events", "-", *(server.url(f"/{i}") for i in range(50))],
                                       stdout=subprocess.PIPE, env=tool.environment())
            process.stdout.close()
            self.assertEqual(process.wait(tool.PATIENCE), 0)


class Report(Case):
    def test_report(self):
        with Scripted({"/good": whole("good" * 1000)}) as server:
            urls = [server.url("/good"), server.url("/bad")]
            self.write("report", "what was there before")
            self.assertEqual(self.get(*urls, "--report", self.path("report")).returncode, 8)
        with open(self.path("report")) as file:
            report = json.load(file)
        good, bad = report["files"]
        self.assertEqual((good["url"], good["path"], good["state"], good["bytes"], good["attempts"], good["status"]),
                         (urls[0], self.path("out/good"), "complete", 4000, 1, 200))
        self.assertNotIn("error", good)
        self.assertEqual((bad["state"], bad["class"], bad["status"]), ("failed", "status", 404))
        self.assertEqual({k: report["totals"][k] for k in ("files", "succeeded", "failed", "bytes")}, {"files": 2, "succeeded": 1, "failed": 1, "bytes": 4000})
        self.assertEqual((report["exit_status"], report["interrupted"]), (8, False))
        self.assertEqual(sorted(os.listdir(self.directory)), ["out", "report"])

    def test_an_interrupted_run_leaves_one_too(self):
        with Scripted({"/good": whole("good")}) as server:
            server.answers["/never"] = lambda connection, _: server.closing.wait(tool.PATIENCE)
            process = subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), server.url("/good"), server.url("/never"), "--report", self.path("report"),
                                        "--events", self.path("events")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=tool.environment())
            self.assertIn(b"saved", process.stdout.readline())
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=tool.PATIENCE)
            self.assertEqual(process.returncode, 130)
        with open(self.path("report")) as file:
            report = json.load(file)
        self.assertEqual([f["state"] for f in report["files"]], ["complete"])
        self.assertEqual((report["exit_status"], report["interrupted"]), (130, True))
        self.assertEqual(self.events()[-1]["exit_status"], 130)

    def test_a_report_that_cannot_be_written(self):
        with Scripted({"/a": whole("a")}) as server:
            ended = self.get(server.url("/a"), "--report", self.path("no/such/place"))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("no/such/place", ended.stderr)
        self.assertSameFile(self.path("out/a"), b"a")

    def test_table(self):
        with Scripted({"/good": whole("x" * 2500)}) as server:
            ended = self.get(server.url("/good"), server.url("/bad"), "--table")
        head, good, bad = ended.stdout.splitlines()
        self.assertEqual(head.split(), ["FILE", "SIZE", "TIME", "RATE", "TRIES", "STATE"])
        self.assertRegex(good, r"/out/good +2\.50 kB +[\d.]+ s +[\d.]+ [kMG]?B/s +1  complete$")
        self.assertRegex(bad, r"/out/bad +.* 1  failed \(status\)$")


class Hook(tool.Case):
    def hook(self, text):
        path = self.write("hook", "#!/bin/sh\n" + text)
        os.chmod(path, stat.S_IRWXU)
        return path

    def get(self, server, paths, *arguments):
        return tool.run("get", "-d", self.path("out"), *(server.url(p) for p in paths), *arguments)

    def test_it_is_run_for_each_file_that_is_there(self):
        hook = self.hook(f'[ -f "$1" ] || exit 9\necho "$#" "$1" "$2" >> {self.path("told")}\n')
        names = [f"/f{i}" for i in range(20)] + ["/with%20space"]
        with Scripted({name: whole("x") for name in names}) as server:
            ended = self.get(server, [*names, "/missing"], "--on-done", hook)
            expected = sorted(f"2 {self.path('out', name[1:].replace('%20', ' '))} {server.url(name)}" for name in names)
        self.assertEqual(ended.returncode, 8, ended.stderr)
        with open(self.path("told")) as told:
            self.assertEqual(sorted(told.read().splitlines()), expected)

    def test_its_failure_is_reported(self):
        with Scripted({"/a": whole("a")}) as server:
            ended = self.get(server, ["/a"], "--on-done", self.hook("exit 3\n"))
            self.assertEqual(ended.returncode, 1)
            self.assertRegex(ended.stderr, "--on-done: .*/hook .*/out/a: exited with 3")
            ended = self.get(server, ["/a"], "--on-done", self.path("nowhere"))
            self.assertEqual(ended.returncode, 1)
            self.assertIn("nowhere", ended.stderr)
        self.assertSameFile(self.path("out/a"), b"a")

    def test_at_most_four_run_at_once(self):
        # Each leaves a mark while it runs, and says how many marks there are; it goes on when there are four, or when it can be no more.
        os.mkdir(self.path("marks"))
        hook = self.hook(f'cd {self.path("marks")} || exit 9\ntouch $$\nls | wc -l >> ../counts\n'
                         'n=0; while [ $(ls | wc -l) -lt 4 ] && [ ! -e ../enough ] && [ $n -lt 500 ]; do n=$((n+1)); /bin/sleep 0.01; done\n'
                         'touch ../enough; rm $$\n')
        names = [f"/f{i}" for i in range(12)]
        with Scripted({name: whole("x") for name in names}) as server:
            self.assertEqual(self.get(server, names, "--on-done", hook).returncode, 0)
        with open(self.path("counts")) as counts:
            counted = [int(line) for line in counts]
        self.assertEqual((len(counted), max(counted)), (12, 4))


if __name__ == "__main__":
    tool.main()
