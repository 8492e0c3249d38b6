#!/usr/bin/python3
"""httpbin, which shows what it was sent, as a server for tests: from Debian's python3-httpbin, hence Debian's Python.

As a program: prints its URL, and serves until its standard input ends. Exit status 77: the package is not installed.
For tests in Python:

    with httpbin_server.Httpbin() as url: ...
"""
import os
import subprocess
import sys
import unittest

SKIP = 77


class Httpbin:
    """The server as a process of its own, for the length of a `with` block."""

    def __enter__(self):
        self.process = subprocess.Popen([os.path.abspath(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        encoding="ascii")
        url = self.process.stdout.readline().strip()
        if not url:
            self.__exit__()
            raise unittest.SkipTest("python3-httpbin is not installed")
        return url

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


def main():
    try:
        from httpbin import app
        from werkzeug.serving import WSGIRequestHandler, make_server
    except ImportError as why:
        print(why, file=sys.stderr)
        return SKIP

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"
        # httpbin takes chunked requests only where it knows the server to understand them; this one does.
        server_version = "gunicorn/werkzeug"

        def log_request(self, *_):
            pass

    import threading

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("http://127.0.0.1:%d" % server.server_port, flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
