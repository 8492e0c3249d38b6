#!/usr/bin/env python3
"""leat get: whatever a server does, it ends with the right file or with an error that says why; never with a wrong file, a file elsewhere, or not at all."""

import concurrent.futures
import os
import sys
import tempfile
import unittest

import tool

sys.path.insert(0, os.path.join(tool.HERE, "../hostile"))

import cases  # noqa: E402
import server  # noqa: E402
import verdict  # noqa: E402

LIMIT = 30      # seconds; what takes so long hangs
AT_ONCE = 16
STALL = "0.7"
HELP = tool.run("get", "--help").stdout

# What is known to be wrong, with the reason; each is a test that fails, and says so once it passes.
KNOWN = {}


def has(option):
    return f"{option} " in HELP or f"{option}\n" in HELP or f"{option}," in HELP


def command(case, url_of, certificate):
    """A function of the sandbox and the run, as verdict.attempt wants it; None if the tool does not have what the case is about."""
    options = ["--retries", "3", "--stall-timeout", STALL, "--connect-timeout", "5"]
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
    return lambda sandbox, number: ["timeout", "-s", "KILL", str(LIMIT + 5), tool.TOOL, "get", "-d", sandbox.out, *options, *urls]


class Hostile(unittest.TestCase):
    """One server, and every case on it side by side; each case is a test that looks at its own."""

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="leat-hostile-")
        cls.plain, cls.other, cls.tls = server.pair(cases.ALL, cls.place.name)
        cls.certificate = os.path.join(cls.place.name, "certificate.pem")
        cls.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        # What waits longest first: the others fill the time.
        order = sorted(cases.ALL, key=lambda c: not (c.wants & {"slow", "time"} or "stall" in c.name or "head" in c.name))
        cls.runs = {case.name: cls.pool.submit(cls.attempt, case) for case in order if cls.wanted(case)}

    @classmethod
    def wanted(cls, case):
        """Are the case's tests asked for? All are, unless names are given on the command line."""
        asked = [a for a in sys.argv[1:] if not a.startswith("-")]
        return not asked or any(test_name(case) in a for a in asked) or any(a == "Hostile" for a in asked)

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown(cancel_futures=True)
        for one in (cls.plain, cls.other, cls.tls):
            if one:
                one.__exit__()
        cls.place.cleanup()

    @classmethod
    def attempt(cls, case):
        one = cls.tls if case.tls else cls.plain
        if one is None:
            return "no openssl command to make a certificate"
        user = "somebody:secret@" if "user" in case.wants else ""
        words = command(case, lambda file: one.url("test", case.name, file, host="localhost" if case.tls else "127.0.0.1", user=user), cls.certificate)
        if words is None:
            return "the tool has no option for it"
        return verdict.attempt(case, words, one, "test", LIMIT)

    def look(self, case):
        run = self.runs[case.name].result()
        if isinstance(run, str):
            self.skipTest(run)
        told = f"{case.title}: {verdict.KINDS[run.kind]} ({run.detail}); exit {run.statuses}, {run.seconds:.1f} s, files {run.files}\n{run.output[-2000:]}"
        self.assertIn(run.kind, case.good, told)
        self.assertNotIn("leat: internal", run.output, told)
        for status in run.statuses:
            self.assertIn(status, range(0, 64), told)  # it decided itself: no signal, no crash
        if run.statuses[-1] != 0:
            self.assertRegex(run.output, r"leat: get: \S+: \w", told)
        self.assertLess(run.seconds, LIMIT, told)


def test_name(case):
    return "test_" + case.name.replace("-", "_")


def add(case):
    def test(self):
        self.look(case)
    test.__doc__ = f"a server that does this: {case.title}"
    if case.name in KNOWN:
        test = unittest.expectedFailure(test)
    setattr(Hostile, test_name(case), test)


for each in cases.ALL:
    add(each)

if __name__ == "__main__":
    tool.main()
