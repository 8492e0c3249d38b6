"""The churn suite: connections that come and go. Each sends a line, reads it back and closes; then the next takes its place."""
from case import Case, Sample
from process import Server, load
from project import LOAD_CORE
from subject import built, engines, python


def _subjects():
    return [
        built("floor-epoll", "floor_churn_epoll"), *engines("leat_churn"),
        built("asio", "rival_asio_churn", share=0.5), built("asio-uring", "rival_asio_churn_uring", share=0.5),
        python("uvloop", "asyncio_churn.py", "0", "--uvloop", modules=["uvloop"], share=0.2),
        python("asyncio", "asyncio_churn.py", "0", share=0.1),
    ]


def _churn(in_flight, connections):
    def run(subject, number):
        with Server(subject) as server:
            wanted = max(int(connections * subject.share), 10 * in_flight)
            load("load_churn", LOAD_CORE, server.port, in_flight, wanted // 10, 5)
            before = server.cpu()
            done = load("load_churn", LOAD_CORE, server.port, in_flight, wanted, 60)
            return Sample(done["units"], server.cpu() - before, done["seconds"], server.peak(),
                          {"load_busy": done["load_cpu"] / done["seconds"]})
    return run


def cases(quick):
    scale = 0.2 if quick else 1
    return [Case("churn", "churn-64", "connect, echo a line of 64 bytes, close; 64 at once", "connection", _subjects(),
                 _churn(64, 100_000 * scale))]
