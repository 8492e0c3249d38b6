#!/usr/bin/env python3
"""leat get --sync: a file is on the disk before it has its name, and the names of the directories that were made for it are too."""

import json
import os
import re
import shutil
import subprocess

import tool
from scripted import Scripted, whole

CALLS = "fsync,fdatasync,syncfs,linkat,renameat,mkdir"


class Sync(tool.Case):
    def setUp(self):
        super().setUp()
        strace = shutil.which("strace")
        if not strace or subprocess.run([strace, "-qq", "-o", os.devnull, "true"], capture_output=True).returncode != 0:
            self.skipTest("strace is not there, or not allowed")
        self.strace = strace

    def traced(self, *options, arguments, **how):
        """Runs `leat get` below strace."""
        command = [self.strace, "-f", "-qq", *options, tool.TOOL, "get", "-q", "-j", "1", "--no-resume", *arguments]
        return subprocess.run(command, capture_output=True, timeout=tool.PATIENCE, env=tool.environment(ASAN_OPTIONS="detect_leaks=0"), encoding="utf-8", **how)

    def calls_of(self, *arguments, stdin=None, cwd=None, user=None):
        """What the tool did with the disk, in this order: ("made", directory), ("synced", path), ("data", path), ("named", path)."""
        done = self.traced("-y", "-s", "4096", "-e", "trace=" + CALLS, "-o", self.path("trace"), arguments=arguments, input=stdin, cwd=cwd, user=user)
        self.assertEqual(done.returncode, 0, done.stderr)
        calls, begun = [], {}
        with open(self.path("trace"), encoding="utf-8") as file:
            for line in file:
                thread, call = line.split(None, 1)
                if call.endswith("<unfinished ...>\n"):
                    begun[thread] = call[: -len("<unfinished ...>\n")]
                    continue
                if call.startswith("<..."):
                    call = begun.pop(thread) + call.split("resumed>", 1)[1]
                if not re.search(r"\) += 0$", call.strip()):
                    continue
                name = call.split("(", 1)[0]
                quoted = re.findall(r'"([^"]*)"', call)
                places = re.findall(r"<(/[^>]*)>", call)
                if name == "mkdir":
                    calls.append(("made", os.path.normpath(os.path.join(cwd or os.getcwd(), quoted[0]))))
                elif name in ("linkat", "renameat"):
                    calls.append(("named", os.path.normpath(os.path.join(places[-1], quoted[-1]))))
                else:
                    calls.append(({"fsync": "synced", "fdatasync": "data", "syncfs": "all"}[name], places[0]))
        return calls

    def assertLasts(self, calls, files):
        """Before a file has its name, that of each directory that was made for it is on the disk; then its own is."""
        unsynced, named = set(), 0
        for kind, place in calls:
            if kind == "made":
                unsynced.add(os.path.dirname(place))
            elif kind == "synced":
                self.assertIn(place, unsynced, calls)  # once each, and no other
                unsynced.discard(place)
            elif kind == "named":
                named += 1
                self.assertEqual(unsynced, set(), calls)
                unsynced.add(os.path.dirname(place))
        self.assertEqual(unsynced, set(), calls)
        self.assertEqual(named, len(files), calls)
        self.assertEqual([kind for kind, _ in calls].count("data"), len(files), calls)
        for file in files:
            self.assertTrue(os.path.isfile(file), file)

    def test_a_mirrored_path(self):
        with Scripted({"/a/b/one": whole("one"), "/a/b/two": whole("two"), "/a/c/three": whole("x" * 500_000)}) as server:
            calls = self.calls_of("--sync", "-d", self.path("new/out"), "--mirror-path", *(server.url(p) for p in server.answers))
            places = {name: place for place, _, names in os.walk(self.path("new")) for name in names}
            self.assertEqual(len(places["one"].split(os.sep)), len(self.path("new/out").split(os.sep)) + 3, places)  # HOST/a/b
            self.assertLasts(calls, [os.path.join(places[name], name) for name in ("one", "two", "three")])

    def test_directories_and_names_of_their_own(self):
        with Scripted({"/one": whole("one"), "/two": whole("two"), "/three": whole("three")}) as server:
            os.mkdir(self.path("there"))
            lines = [{"url": server.url("/one"), "name": "sub/below/one"}, {"url": server.url("/two"), "dir": self.path("there/else/where"), "name": "two"},
                     {"url": server.url("/three"), "dir": "within/it", "name": "three"}]
            calls = self.calls_of("--sync", "-d", "out", "--input-format", "json", "-i", "-", stdin="".join(json.dumps(each) + "\n" for each in lines), cwd=self.path(""))
            places = {name: place for place, _, names in os.walk(self.path("")) for name in names}
            self.assertLasts(calls, [os.path.join(places[name], name) for name in ("one", "two", "three")])
            self.assertEqual(places["two"], self.path("there/else/where"))

    def test_one_directory_that_is_there(self):
        with Scripted({"/one": whole("one"), "/two": whole("two")}) as server:
            os.mkdir(self.path("out"))
            calls = self.calls_of("--sync", "-d", self.path("out"), server.url("/one"), server.url("/two"))
            self.assertLasts(calls, [self.path("out/one"), self.path("out/two")])

    def test_no_sync_is_none(self):
        with Scripted({"/a/one": whole("one")}) as server:
            calls = self.calls_of("-d", self.path("new/out"), "--mirror-path", server.url("/a/one"))
            self.assertEqual({kind for kind, _ in calls}, {"made", "named"})

    def test_a_directory_that_cannot_be_read(self):
        """Its file system is synced instead: that it may be written to is enough."""
        with Scripted({"/one": whole("one")}) as server:
            os.mkdir(self.path("out"))
            os.mkdir(self.path("out/sub"), 0o300)
            nobody = None
            if os.getuid() == 0:  # who reads every directory
                nobody = 65534
                for place in ("", "out", "out/sub"):
                    os.chown(self.path(place), nobody, nobody)
                if subprocess.run([tool.TOOL, "--version"], capture_output=True, user=nobody).returncode != 0:
                    self.skipTest("the tool is in a place where only root may run it")
            stdin = "".join(json.dumps({"url": server.url("/one"), "name": name}) + "\n" for name in ("sub/one", "sub/made/two"))
            calls = self.calls_of("--sync", "-d", self.path("out"), "--input-format", "json", "-i", "-", stdin=stdin, user=nobody)
            os.chmod(self.path("out/sub"), 0o700)
            self.assertEqual([(kind, os.path.basename(place)) for kind, place in calls if kind in ("all", "synced")][1:], [("all", "made"), ("synced", "made")], calls)
            self.assertEqual(calls.count(("made", self.path("out/sub/made"))), 1)
            self.assertEqual([kind for kind, _ in calls].count("all"), 2)

    def test_what_cannot_be_synced(self):
        """Says what failed; a file that may not be on the disk has no name yet."""
        for call, made, told, named in (("fdatasync", "out", "sync", False), ("fsync", "out/new", "sync the directories above", False), ("fsync", "out", "sync the directory of", True)):
            with self.subTest((call, made)), Scripted({"/one": whole("one")}) as server:
                os.mkdir(self.path("out"))
                ended = self.traced("-e", f"trace={call}", "-e", f"inject={call}:error=EIO", "-o", os.devnull, arguments=["--sync", "-d", self.path(made), server.url("/one")])
                self.assertNotEqual(ended.returncode, 0)
                self.assertIn(f"{told} {self.path(made)}/one: Input/output error", ended.stderr)
                self.assertEqual([names for _, _, names in os.walk(self.path("out")) if names], [["one"]] if named else [])
                shutil.rmtree(self.path("out"))


if __name__ == "__main__":
    tool.main()
