"""An nginx of the test's own: its configuration, its port, its files."""

import os
import shutil
import socket
import subprocess
import time
import unittest

import tool

CONFIGURATION = """
worker_processes 1;
daemon off;
pid {place}/pid;
error_log {place}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3; uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
    keepalive_requests 50;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location /slow/ {{ alias {root}/; limit_rate 100k; }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    def __init__(self, root, place):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.access(program, os.X_OK):
            raise unittest.SkipTest("nginx is not installed")
        os.makedirs(place, exist_ok=True)
        self.port = free_port()
        configuration = os.path.join(place, "nginx.conf")
        with open(configuration, "w") as file:
            # As root its workers would become nobody, who may not read a test's directory.
            user = "user root;" if os.geteuid() == 0 else ""
            file.write(user + CONFIGURATION.format(place=place, root=root, port=self.port))
        self.process = subprocess.Popen([program, "-c", configuration, "-p", place, "-e", os.path.join(place, "error.log")], stderr=subprocess.DEVNULL)
        for _ in range(tool.PATIENCE * 20):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise unittest.SkipTest("nginx does not start")
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(tool.PATIENCE)
