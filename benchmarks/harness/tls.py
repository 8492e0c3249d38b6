"""The TLS suite: lines, and bytes in bulk both ways. The certificate is made here, and the load does not verify it."""
import subprocess

from build import note
from case import Case, Sample
from process import Failed, Server, load
from project import DATA, LOAD_CORE
from subject import built, engines, python

CERTIFICATE = DATA / "tls-certificate.pem"
KEY = DATA / "tls-key.pem"


def make_certificate():
    if CERTIFICATE.exists() and KEY.exists():
        return
    note("bench: making a certificate")
    DATA.mkdir(parents=True, exist_ok=True)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(KEY), "-out", str(CERTIFICATE)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        note(f"bench: no certificate, so that nothing of this suite can run: {error}")


def _common(*work):
    arguments = ("0", str(CERTIFICATE), str(KEY), *work)
    asyncio_share = 0.2 if work else 0.1
    return [
        *engines("leat_tls_echo", *arguments), built("asio", "rival_asio_tls_echo", *arguments, share=1.0 if work else 0.5),
        python("uvloop", "asyncio_tls_echo.py", *arguments, "--uvloop", modules=["uvloop"], share=asyncio_share),
        python("asyncio", "asyncio_tls_echo.py", *arguments, share=asyncio_share),
    ]


def _raw(name, program, *work):
    return built(name, program, "0", str(CERTIFICATE), str(KEY), *work)


def _lines(connections, depth, lines):
    def run(subject, number):
        with Server(subject) as server:
            in_flight = connections * depth
            wanted = max(int(lines * subject.share), 20 * in_flight)
            load("load_tls_echo", LOAD_CORE, server.port, connections, depth, max(wanted // 10, in_flight), 5)
            # The load's own handshakes would count: they are measured by a run of next to no lines, and taken off.
            started = server.cpu()
            load("load_tls_echo", LOAD_CORE, server.port, connections, depth, in_flight, 5)
            before = server.cpu()
            done = load("load_tls_echo", LOAD_CORE, server.port, connections, depth, wanted + in_flight, 60)
            used = server.cpu() - before - (before - started)
            return Sample(done["units"] - in_flight, used, done["seconds"], server.peak(),
                          {"load_busy": done["load_cpu"] / done["seconds"]})
    return run


def _bulk(way, megabytes):
    def run(subject, number):
        with Server(subject) as server:
            wanted = max(int(megabytes * subject.share), 1)
            load("load_tls_echo", LOAD_CORE, server.port, 1, way, max(wanted // 20, 1), 0)
            before = server.cpu()
            done = load("load_tls_echo", LOAD_CORE, server.port, 1, way, wanted, 0)
            used = server.cpu() - before
            if done["units"] != wanted:
                raise Failed(f"{done['units']} MB instead of {wanted}")
            return Sample(wanted * 16, used, done["seconds"], server.peak(), {"load_busy": done["load_cpu"] / done["seconds"]})
    return run


def cases(quick):
    make_certificate()
    scale = 0.2 if quick else 1
    echo = [_raw("floor-epoll", "floor_tls_echo_epoll"), _raw("floor-ahead", "floor_tls_echo_epoll", "ahead"), *_common()]
    sink = [_raw("floor-openssl", "floor_tls_bulk_blocking", "sink"), _raw("floor-ahead", "floor_tls_bulk_blocking", "sink", "ahead"),
            _raw("floor-epoll", "floor_tls_echo_epoll", "sink"), *_common("sink")]
    source = [_raw("floor-openssl", "floor_tls_bulk_blocking", "source"), *_common("source")]
    return [
        Case("tls", "tls-64x1", "lines of 64 bytes over TLS, 64 connections, depth 1", "line", echo, _lines(64, 1, 300_000 * scale)),
        Case("tls", "tls-50x16", "lines of 64 bytes over TLS, 50 connections, 16 lines in flight", "line", echo,
             _lines(50, 16, 2_000_000 * scale)),
        Case("tls", "tls-receive", "bytes received over one TLS connection and dropped", "64KiB", sink, _bulk("bulk", int(2048 * scale))),
        Case("tls", "tls-send", "bytes sent over one TLS connection", "64KiB", source, _bulk("fetch", int(2048 * scale))),
    ]
