"""An nginx of our own: its own configuration, prefix and ports, one worker on the load's core."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from process import Failed, last_line, pinned
from project import DATA, LOAD_CORE

CONFIGURATION = """
daemon off;
{user}
worker_processes 1;
pid {prefix}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_requests 100000;
    keepalive_timeout 600s;
    open_file_cache max=20000 inactive=600s;
    open_file_cache_valid 600s;
    default_type application/octet-stream;
    client_body_temp_path {prefix}/body;
    proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi;
    scgi_temp_path {prefix}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {root};
        location /any/ {{ try_files /{any} =404; }}
    }}
    {more}
}}
"""

# TLS on a port of its own, with HTTP/2 or without.
TLS = """
    server {{
        listen 127.0.0.1:{port} ssl{http2} backlog=4096;
        root {root};
        ssl_certificate {certificate};
        ssl_certificate_key {key};
    }}
"""


def _program():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def missing():
    return None if _program() else "nginx is not installed"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """`tls`: (certificate, key) for two more ports. `any_name`: the file that every name below /any/ stands for."""

    def __init__(self, root, tls=None, any_name="none"):
        DATA.mkdir(parents=True, exist_ok=True)
        self._prefix = tempfile.mkdtemp(prefix="nginx-", dir=DATA)
        self.ports = {way: _free_port() for way in (("http", "https", "h2") if tls else ("http",))}
        self.port = self.ports["http"]
        more = "".join(TLS.format(port=self.ports[way], http2=" http2" if way == "h2" else "", root=root, certificate=tls[0], key=tls[1])
                       for way in self.ports if way != "http")
        configuration = os.path.join(self._prefix, "nginx.conf")
        with open(configuration, "w") as file:
            file.write(CONFIGURATION.format(prefix=self._prefix, port=self.port, root=root, any=any_name, more=more,
                                            user="user root;" if os.geteuid() == 0 else ""))
        self._errors = open(os.path.join(self._prefix, "stderr"), "w+b")
        self._process = subprocess.Popen([_program(), "-p", self._prefix, "-e", "stderr", "-c", configuration],
                                         stdin=subprocess.DEVNULL, stdout=self._errors, stderr=self._errors,
                                         preexec_fn=pinned(LOAD_CORE))
        try:
            self._wait()
        except Failed:
            self.stop()
            raise

    def url(self, way="http"):
        return f"{'http' if way == 'http' else 'https'}://127.0.0.1:{self.ports[way]}/"

    def _wait(self):
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        self._errors.seek(0)
        raise Failed(f"nginx does not answer: {last_line(self._errors.read())}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._errors.close()
        shutil.rmtree(self._prefix, ignore_errors=True)
