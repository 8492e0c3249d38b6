"""Servers and proxies that others wrote, each with a configuration, a port and files of the test's own, stopped by their process."""

import os
import shutil
import socket
import subprocess
import time
import unittest

import tool
from nginx import free_port


class Program:
    """Runs until the `with` block ends; it is there once its ports answer."""

    def __init__(self, name, place, *arguments, ports):
        program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
        if not program:
            raise unittest.SkipTest(f"{name} is not installed")
        self.output = open(os.path.join(place, f"{name}.output"), "w+b")
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, cwd=place)
        for port in ports:
            self._await(name, port)

    def _await(self, name, port):
        for _ in range(tool.PATIENCE * 20):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.__exit__()
        raise AssertionError(f"{name} does not start: {self.said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.seek(0)
        self.said = self.output.read().decode(errors="replace")
        self.output.close()


class Web(Program):
    """What nginx and Apache have in common: three ports, a log of "PROTOCOL STATUS RANGE URI" lines. `ports` maps "http", "h1" and "h2" to them."""

    def __init__(self, name, root, place, certificate, configuration, *arguments):
        os.makedirs(place, exist_ok=True)
        self.ports = {way: free_port() for way in ("http", "h1", "h2")}
        self.log_file = os.path.join(place, "access.log")
        path = os.path.join(place, "server.conf")
        with open(path, "w") as file:
            file.write(configuration.format(place=place, root=root, certificate=certificate[0], key=certificate[1], log=self.log_file, **self.ports))
        super().__init__(name, place, *[a.format(conf=path, place=place) for a in arguments], ports=self.ports.values())

    def url(self, way, path, host="localhost"):
        return f"{'http' if way == 'http' else 'https'}://{host}:{self.ports[way]}/{path}"

    def log(self):
        if not os.path.exists(self.log_file):  # Apache listens before it opens it
            return []
        with open(self.log_file) as file:
            return [line.split(" ", 3) for line in file.read().splitlines()]


NGINX = """
worker_processes 1;
daemon off;
pid {place}/pid;
error_log {place}/error.log;
events {{ worker_connections 512; }}
http {{
    log_format seen "$server_protocol $status $http_range $request_uri";
    access_log {log} seen;
    default_type application/octet-stream;
    client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3; uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
    keepalive_requests 70;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{h1} ssl;
        root {root};
        location /slow/ {{ alias {root}/; limit_rate 24m; }}
    }}
    server {{
        listen 127.0.0.1:{h2} ssl http2;
        root {root};
        location /slow/ {{ alias {root}/; limit_rate 24m; }}
    }}
}}
"""

APACHE = """
ServerRoot {place}
ServerName localhost
PidFile {place}/pid
ErrorLog {place}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule env_module {modules}/mod_env.so
LoadModule ratelimit_module {modules}/mod_ratelimit.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule http2_module {modules}/mod_http2.so
{user}
Listen 127.0.0.1:{{http}}
Listen 127.0.0.1:{{h1}}
Listen 127.0.0.1:{{h2}}
LogFormat "%H %>s %{{{{Range}}}}i %U" seen
CustomLog {{log}} seen
DocumentRoot {{root}}
Alias /slow/ {{root}}/
AllowEncodedSlashes NoDecode
<Directory {{root}}>
    Require all granted
</Directory>
<Location /slow/>
    SetOutputFilter RATE_LIMIT
    SetEnv rate-limit 24576
</Location>
MaxKeepAliveRequests 70
SSLCertificateFile {{certificate}}
SSLCertificateKeyFile {{key}}
<VirtualHost 127.0.0.1:{{h1}}>
    SSLEngine on
    Protocols http/1.1
</VirtualHost>
<VirtualHost 127.0.0.1:{{h2}}>
    SSLEngine on
    Protocols h2 http/1.1
</VirtualHost>
"""


def nginx(root, place, certificate):
    # As root its workers would become nobody, who may not read a test's directory.
    return Web("nginx", root, place, certificate, ("user root;" if os.geteuid() == 0 else "") + NGINX, "-c", "{conf}", "-p", "{place}", "-e", "{place}/error.log")


def apache(root, place, certificate):
    modules = "/usr/lib/apache2/modules"
    for name in ("http2", "ssl", "ratelimit"):
        if not os.path.exists(f"{modules}/mod_{name}.so"):
            raise unittest.SkipTest(f"Apache's mod_{name} is not installed")
    # It never serves as root: what it serves has to be readable by others.
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    configuration = APACHE.replace("{place}", "{{place}}").format(modules=modules, user=user)
    return Web("apache2", root, place, certificate, configuration, "-DFOREGROUND", "-f", "{conf}", "-d", "{place}")


def tinyproxy(place, user=""):
    port = free_port()
    path = os.path.join(place, "tinyproxy.conf")
    with open(path, "w") as file:
        file.write(f"Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 100\nLogLevel Info\nLogFile \"{place}/tinyproxy.log\"\n")
        if user:
            file.write("BasicAuth {} {}\n".format(*user.split(":")))
    program = Program("tinyproxy", place, "-d", "-c", path, ports=[port])
    program.port = port
    return program


def microsocks(place, user=""):
    port = free_port()
    more = ["-u", user.split(":")[0], "-P", user.split(":")[1]] if user else []
    program = Program("microsocks", place, "-i", "127.0.0.1", "-p", str(port), *more, ports=[port])
    program.port = port
    return program
