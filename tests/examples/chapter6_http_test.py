#!/usr/bin/env python3
"""The chapter's HTTP clients, against a server of the test's own: 6.5.1, 6.6.2, 6.6.3, 6.6.5."""

import http.server
import random
import socket
import threading

import example

PAGES = {f"/file{i}.jpg": random.Random(i).randbytes(i * 150_001) for i in (1, 2, 3)}
PAGES["/index.html"] = b"<!doctype html><title>An example</title>\nand a second line\n"
PAGES["/empty"] = b""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/three-at-once":
            return self.server.gate.pass_through(lambda: self.answer(b"in time"))
        if self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 500)
            self.close_connection = True
            return None
        if self.path not in PAGES:
            return self.send_error(404)
        return self.answer(PAGES[self.path])

    def answer(self, content):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Gate:
    """Counts who is inside; nobody leaves before three have been."""

    def __init__(self):
        self.changed = threading.Condition()
        self.inside = self.most = self.passed = 0

    def pass_through(self, answer):
        with self.changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= 3, example.PATIENCE)
            self.inside -= 1  # before the answer: once that is there, the next request may come
            self.passed += 1
        answer()


class HttpCase(example.Case):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.gate = Gate()
        self.serving = threading.Thread(target=self.server.serve_forever)
        self.serving.start()
        self.addCleanup(self.stop_server)

    def stop_server(self):
        self.server.shutdown()
        self.serving.join()
        self.server.server_close()

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.server.server_port, path)


def unreachable():
    """A URL whose host refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return "http://127.0.0.1:%d/" % taken.getsockname()[1]


class Downloads(HttpCase):
    def test_all_files_arrive_byte_for_byte(self):
        names = ["file1.jpg", "file2.jpg", "file3.jpg", "empty"]
        status, lines, _ = self.run_example("6_5_1_downloads", *(self.url("/" + name) for name in names))
        self.assertEqual(status, 0)
        self.assertEqual(sorted(lines), sorted(f"File {name} downloaded." for name in names))
        for name in names:
            self.assertEqual(self.read(name), PAGES["/" + name])

    def test_a_status_that_is_an_error(self):
        status, _, errors = self.run_example("6_5_1_downloads", self.url("/nothing"))
        self.assertEqual(status, 1)
        self.assertIn("leat: uncaught error: 404 Not Found: " + self.url("/nothing"), errors)

    def test_a_body_that_stops_short(self):
        status, lines, errors = self.run_example("6_5_1_downloads", self.url("/short"))
        self.assertEqual((status, lines), (1, []))
        self.assertIn(self.url("/short"), errors)
        self.assertIn("500", errors)


class Exceptions(HttpCase):
    def test_what_fails_is_reported_and_the_rest_goes_on(self):
        refused = unreachable()
        urls = [self.url("/index.html"), self.url("/nothing"), refused, "http://no such host/", "ftp://127.0.0.1/"]
        status, lines, _ = self.run_example("6_6_2_exceptions", *urls)
        self.assertEqual(status, 0)
        text = "\n".join(lines)
        self.assertIn(f"Error fetching {self.url('/nothing')}: 404 Not Found", text)
        self.assertRegex(text, f"Error fetching {refused}: .*Connection refused \\(errno 111\\)")
        self.assertIn("Error fetching http://no such host/: ", text)
        self.assertIn("Error fetching ftp://127.0.0.1/: ", text)
        self.assertEqual(lines[-1], "<!doctype html><title>An example</title>")
        self.assertEqual(len(lines), 5)

    def test_a_name_that_nobody_has(self):
        # Without a DNS server to answer it may be the time that ends it.
        status, lines, _ = self.run_example("6_6_2_exceptions", "http://www.nonexistenturl.invalid/")
        self.assertEqual(status, 0)
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r"(Error|Timeout) fetching http://www\.nonexistenturl\.invalid/.*")

    def test_a_server_that_never_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = "http://127.0.0.1:%d/" % silent.getsockname()[1]
            status, lines, _ = self.run_example("6_6_2_exceptions", url)
        self.assertEqual((status, lines), (0, [f"Timeout fetching {url}"]))


class Semaphore(HttpCase):
    def test_three_at_once_and_no_more(self):
        status, lines, _ = self.run_example("6_6_3_semaphore", self.url("/three-at-once"))
        self.assertEqual((status, lines), (0, ["Received 10 responses."]))
        self.assertEqual(self.server.gate.most, 3)
        self.assertEqual(self.server.gate.passed, 10)


class Logging(HttpCase):
    def test_levels(self):
        refused = unreachable()
        status, lines, errors = self.run_example("6_6_5_logging", self.url("/index.html"), refused)
        self.assertEqual((status, lines), (0, []))
        size = len(PAGES["/index.html"])
        time = r"\d\d:\d\d:\d\d\.\d{3}"
        self.assertRegex(errors, f"(?m)^{time} info Downloaded {self.url('/index.html')} with {size} characters$")
        self.assertRegex(errors, f"(?m)^{time} error Error fetching {refused}: .*Connection refused")

    def test_the_environment_decides(self):
        file = self.path("service.log")
        status, _, errors = self.run_example("6_6_5_logging", self.url("/index.html"), self.url("/nothing"),
                                             environment={"LEAT_LOG": "error", "LEAT_LOG_FILE": file})
        self.assertEqual(status, 0)
        for text in (errors, self.read("service.log").decode()):
            self.assertIn(f"error Error fetching {self.url('/nothing')}: 404 Not Found", text)
            self.assertNotIn("Downloaded", text)


if __name__ == "__main__":
    example.main()
