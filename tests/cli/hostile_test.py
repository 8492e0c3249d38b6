#!/usr/bin/env python3
"""leat get: whatever a server does, it ends with the right file or with an error that says why; never with a wrong file, a file elsewhere, or not at all."""

import concurrent.futures
import hashlib
import os
import sys
import tempfile
import unittest

import tool

sys.path.insert(0, os.path.join(tool.HERE, "../hostile"))

import cases  # noqa: E402
import server  # noqa: E402
import verdict  # noqa: E402
from case import A, B  # noqa: E402

LIMIT = 15 if not os.environ.get("LEAT_SANITIZE") else 60  # seconds; what takes so long hangs
AT_ONCE = 16
STALL = "0.7"
HELP = tool.run("get", "--help").stdout

# What is known to be wrong, as (way, case): each is a test that fails, and says so once it passes.
KNOWN = set()


def has(option):
    return f"{option} " in HELP or f"{option}\n" in HELP or f"{option}," in HELP


def command(case, more, url_of, certificate):
    """A function of the sandbox and the run, as verdict.attempt wants it; None if the tool does not have what the case is about."""
    options = [*(["--retries", "3"] if "--retries" not in more else []), "--stall-timeout", STALL, "--connect-timeout", "5"]
    if has("--retry-delay"):
        options += ["--retry-delay", "0.05"]
    if case.tls:
        options += ["--cacert", certificate]
    if "disposition" in case.wants:
        if not has("--content-disposition"):
            return None
        options.append("--content-disposition")
    if "slow" in case.wants and has("--min-rate"):
        options += ["--min-rate", "1000", "--min-rate-time", "0.5"]
    elif "time" in case.wants:
        options += ["--timeout", "1.5"]
    urls = [url_of(file) for file in case.files]
    options += more
    return lambda sandbox, number: ["timeout", "-s", "KILL", str(LIMIT + 5), tool.TOOL, "get", "-d", sandbox.out, *options, *urls]


# The same cases in other ways. What is fetched in parts, or by two runs, has more to go wrong with.
IN_PARTS = [c for c in cases.ALL if c.group in ("Bodies that break off", "A file that changes while it is fetched", "Ranges that are not what was asked") or c.name == "gzip-range"]
WAYS = {  # to (options, runs at most, cases)
    "plain": ([], 2, cases.ALL),
    "segments": (["--segments", "4", "--segment-size", "256K"], 2, IN_PARTS),
    "next_run": (["--retries", "0"], 5, IN_PARTS),
    "no_resume": (["--no-resume"], 2, IN_PARTS),
}


def slow(case):
    return bool(case.wants & {"slow", "time"}) or any(word in case.name for word in ("stall", "head", "reset-before", "for-good"))


class Hostile(unittest.TestCase):
    """One server, and every case on it side by side; each case is a test that looks at its own."""

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="leat-hostile-")
        cls.plain, cls.other, cls.tls = server.pair(cases.ALL, cls.place.name)
        cls.certificate = os.path.join(cls.place.name, "certificate.pem")
        cls.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        every = [(way, case) for way, (_, _, taken) in WAYS.items() for case in taken if cls.wanted(way, case)]
        # What waits longest first: the others fill the time.
        cls.runs = {(way, case.name): cls.pool.submit(cls.attempt, way, case) for way, case in sorted(every, key=lambda e: not slow(e[1]))}

    @classmethod
    def wanted(cls, way, case):
        """Are the case's tests asked for? All are, unless names are given on the command line."""
        asked = [a for a in sys.argv[1:] if not a.startswith("-")]
        return not asked or any(a in ("Hostile", f"Hostile.{test_name(way, case)}") for a in asked)

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown(cancel_futures=True)
        for one in (cls.plain, cls.other, cls.tls):
            if one:
                one.__exit__()
        cls.place.cleanup()

    @classmethod
    def attempt(cls, way, case):
        one = cls.tls if case.tls else cls.plain
        if one is None:
            return "no openssl command to make a certificate"
        more, runs, _ = WAYS[way]
        if not all(has(option) for option in more if option.startswith("--")):
            return "the tool has no option for it"
        user = "somebody:secret@" if "user" in case.wants else ""
        words = command(case, more, lambda file: one.url(way, case.name, file, host="localhost" if case.tls else "127.0.0.1", user=user), cls.certificate)
        if words is None:
            return "the tool has no option for it"
        return verdict.attempt(case, words, one, way, LIMIT, runs=runs)

    def look(self, way, case):
        run = self.runs[way, case.name].result()
        if isinstance(run, str):
            self.skipTest(run)
        asked = "\n".join(f"    {r.fields.get('range')} {r.fields.get('if-range')}: {r.status}, {r.sent} bytes" for r in run.requests[:12])
        told = (f"{case.title}: {verdict.KINDS[run.kind]} ({run.detail}); exit {run.statuses}, {run.seconds:.1f} s, files {run.files}\n{asked}\n"
                f"{run.output[-1500:]!r}")
        good = case.good
        if way == "segments":
            good = (*good, "again")  # what a connection has on its way when its part is split is lost, and on one machine that is all that remains
        if way == "no_resume":
            good = (*good, "again")
            self.assertEqual([r.fields["range"] for r in run.requests if "range" in r.fields], [], told)
            if case.right and "error" not in good:
                good = (*good, "error")  # it has fewer ways to get there
        if way == "no_resume" and case.name == "login-page":
            good = (*good, "wrong")  # the second run knows nothing of a file before: only --checksum tells a page with status 200 from it
        self.assertIn(run.kind, good, told)
        for status in run.statuses:
            self.assertIn(status, range(0, 64), told)  # it decided itself: no signal, no crash
        if run.statuses[-1] != 0:
            self.assertRegex(run.output, r"leat: get: \S+: \w", told)
            if way == "no_resume":
                self.assertEqual(run.files, {}, told)
        self.assertLess(run.seconds, LIMIT, told)


def test_name(way, case):
    return f"test_{way}_{case.name}".replace("-", "_")


def add(way, case):
    def test(self):
        self.look(way, case)
    test.__doc__ = f"a server that does this: {case.title}"
    if (way, case.name) in KNOWN:
        test = unittest.expectedFailure(test)
    setattr(Hostile, test_name(way, case), test)


for each_way, (_, _, taken) in WAYS.items():
    for each in taken:
        add(each_way, each)


class Promises(tool.Case):
    """What the user has asked for holds against a server that would have it otherwise."""

    def setUp(self):
        super().setUp()
        self.plain, self.other, self.tls = server.pair(cases.ALL, self.directory)
        for one in (self.plain, self.other, self.tls):
            if one:
                self.addCleanup(one.__exit__)
        os.mkdir(self.path("out"))

    def get(self, *arguments, retries=2, out="out"):
        return tool.run("get", "-d", self.path(out), "--retries", str(retries), *(["--retry-delay", "0.05"] if has("--retry-delay") else []), *arguments)

    def left(self, out="out"):
        """The names that a user sees."""
        return sorted(name for name in os.listdir(self.path(out)) if not name.startswith("."))

    def checksum(self, content):
        return ["--checksum", "sha256:" + hashlib.sha256(content).hexdigest()]

    @unittest.skipUnless(has("--checksum"), "no --checksum yet")
    def test_what_has_another_checksum_never_gets_the_name(self):
        for case in ("login-page", "redirect-to-file", "204", "cut-for-good", "chunk-cut", "changed-silently"):
            with self.subTest(case):
                ended = self.get(self.plain.url("sum", case), *self.checksum(A), out=case)
                self.assertNotEqual(ended.returncode, 0, ended.stderr)
                self.assertEqual(self.left(case), [])

    @unittest.skipUnless(has("--checksum"), "no --checksum yet")
    def test_a_checksum_finds_the_right_file_in_the_end(self):
        for case, content in (("changed", B), ("changed-silently", B), ("range-moved", A), ("cut-thrice", A)):
            with self.subTest(case):
                ended = self.get(self.plain.url("found", case), *self.checksum(content), out=case, retries=5)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertSameFile(self.path(case, "file.bin"), content)

    def test_what_was_there_stays_until_the_new_one_is_complete(self):
        for case in ("cut-for-good", "500-always", "404", "length-huge", "chunk-cut"):
            with self.subTest(case):
                self.write(f"{case}/file.bin", b"the older one")
                self.assertNotEqual(self.get(self.plain.url("older", case), out=case).returncode, 0)
                self.assertSameFile(self.path(case, "file.bin"), b"the older one")

    def secrets(self, *arguments, user=""):
        """The user names who to be, and the first server sends on to another."""
        url = self.plain.url("secret", "redirect-with-password", user=user)
        self.get(url, *arguments)
        return [r.fields for r in self.plain.requests("secret")], [r.fields for r in self.other.requests("secret")]

    def test_secrets_are_not_sent_to_another_host(self):
        ways = [((), "me:secret@")]
        if has("--bearer"):
            ways += [(("--bearer", "secret"), ""), (("--user", "me:secret"), ""), (("-H", "Authorization: Basic bWU6c2VjcmV0"), ""), (("-H", "Cookie: a=secret"), "me:x@")]
        for arguments, user in ways:
            with self.subTest(arguments):
                first, second = self.secrets(*arguments, user=user)
                self.assertTrue(any("authorization" in fields for fields in first))
                self.assertTrue(second, "it was not sent on")
                for fields in second:
                    self.assertNotIn("authorization", fields)
                    self.assertNotIn("cookie", fields)
                    self.assertNotIn("secret", str(fields.get("referer")))
            self.plain.log.clear()
            self.other.log.clear()

    def test_one_bad_server_stops_no_other_file(self):
        bad = [c.name for c in cases.ALL if c.good == ("error",) and not c.tls and not slow(c) and c.name not in ("changed-each-time", "login-page")]
        urls = [self.plain.url("others", name, f"{name}.bin") for name in bad]
        good = [self.other.url("others", "drip", f"good{i}") for i in range(8)]
        ended = self.get(*urls[:20], *good, *urls[20:], "--stall-timeout", "1")
        self.assertNotEqual(ended.returncode, 0)
        self.assertEqual(self.left(), sorted(f"good{i}" for i in range(8)), ended.stderr)
        for url in urls:
            self.assertEqual(ended.stderr.count(f"leat: get: {url}: "), 1, url)


if __name__ == "__main__":
    tool.main()
