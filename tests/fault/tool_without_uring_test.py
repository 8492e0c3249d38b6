#!/usr/bin/env python3
"""With io_uring's system calls refused, as in a container, the tool downloads as before and says in one line why it runs on epoll."""
import functools
import http.server
import os
import subprocess
import sys
import tempfile
import threading

BUILD = os.environ["LEAT_BUILD"]
TOOL = os.environ["LEAT_TOOL"]
LAUNCHER = os.path.join(BUILD, "tests", "support", "refuse_uring")


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


def main():
    if not os.path.exists(TOOL) or not os.path.exists(LAUNCHER):
        print("the tool or the launcher is not built")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/site")
        content = os.urandom(3_000_000)
        for i in range(20):
            with open(f"{folder}/site/{i}.bin", "wb") as file:
                file.write(content[i * 1000:])
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=f"{folder}/site"))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        urls = [f"http://127.0.0.1:{server.server_address[1]}/{i}.bin" for i in range(20)]
        environment = {name: value for name, value in os.environ.items() if name != "LEAT_ENGINE"}
        environment["LEAT_LOG"] = "info"
        for errno in ("EPERM", "ENOSYS", "ENOMEM"):
            target = f"{folder}/{errno}"
            os.mkdir(target)
            done = subprocess.run([LAUNCHER, errno, "all", TOOL, "get", "--quiet", "-d", target, *urls], env=environment, timeout=60,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode == 77:
                print("no seccomp here")
                return 77
            assert done.returncode == 0, (errno, done.returncode, done.stdout)
            reasons = [line for line in done.stdout.splitlines() if "engine: " in line]
            assert len(reasons) == 1 and "engine: epoll, since io_uring is not available: io_uring_setup: " in reasons[0], done.stdout
            for i in range(20):
                with open(f"{target}/{i}.bin", "rb") as file:
                    assert file.read() == content[i * 1000:], (errno, i)
        server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
