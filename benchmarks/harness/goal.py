"""The goals of the project: what leat must reach in each case, as ratios of CPU or as sizes."""
from dataclasses import dataclass

MB = 1_000_000


@dataclass
class Goal:
    case: str
    subject: str
    at_most: float
    against: str | None = None  # a ratio of CPU to this subject; None for a figure of leat's own
    figure: str = "cpu"
    below: bool = False  # less than, not at most

    def text(self):
        bound = "below" if self.below else "at most"
        if self.against:
            return f"{self.subject} {bound} {self.at_most:g} x {self.against}"
        return f"{self.subject} {bound} {self.at_most:g} ({self.figure.replace('_', ' ')})"

    def reached(self, case):
        if self.against:
            return case.ratio(self.subject, self.against)
        if self.subject not in case.samples:
            return None
        return case.peak(self.subject) / MB if self.figure == "peak_MB" else case.figure(self.subject, self.figure)

    def met(self, value):
        return value < self.at_most if self.below else value <= self.at_most


def both(case, at_most, against, **more):
    return [Goal(case, f"leat-{engine}", at_most, against, **more) for engine in ("uring", "epoll")]


GOALS = [
    Goal("echo-64x1", "leat-uring", 1.12, "floor-uring"),
    Goal("echo-64x1", "leat-uring", 1.0, "floor-epoll", below=True),
    Goal("echo-64x1", "leat-uring", 0.82, "asio"),
    Goal("echo-64x1", "leat-uring", 0.45, "asyncio"),
    Goal("echo-64x1", "leat-epoll", 1.1, "floor-epoll"),
    Goal("echo-50x16", "leat-uring", 1.3, "floor-uring"),
    Goal("echo-50x16", "leat-epoll", 1.3, "floor-epoll"),
    *both("echo-50x16", 0.1, "asio"),
    Goal("bulk", "leat-epoll", 1.1, "floor-epoll"),
    Goal("bulk", "leat-uring", 1.1, "floor-uring"),
    *both("idle", 700, None, figure="bytes_each"),
    *both("idle", 8, None, figure="fixed_MB"),
    Goal("compile", "leat", 0.35, "asio"),
    Goal("compile", "leat", 0.35, "asio-separate"),
    *both("tls-64x1", 1.1, "floor-epoll"),
    *both("tls-64x1", 1.1, "floor-ahead"),
    *both("tls-64x1", 1.0, "asio", below=True),
    *both("tls-50x16", 1.1, "floor-epoll"),
    *both("tls-50x16", 1.1, "floor-ahead"),
    *both("tls-50x16", 1.0, "asio", below=True),
    *both("tls-receive", 1.05, "floor-openssl"),
    *both("tls-receive", 1.05, "floor-ahead"),
    *both("tls-send", 1.05, "floor-openssl"),
    *both("churn-64", 1.15, "floor-epoll"),
    *both("spawn", 60, None, figure="spawn_join_ns"),
    *both("sleeping", 250, None, figure="sleeping_bytes", below=True),
    *both("timeout", 100, None, figure="timeout_ns"),
    *both("timeout", 100, None, figure="timeout_waiting_ns"),
    *both("small-files", 1.15, "floor"),
    *both("small-files", 0.12, "aiofiles"),
    *both("lines", 1.25, "floor"),
    *both("lines", 1.0, "getline", below=True),
    *both("lines", 1.0, "getline-256k", below=True),
    *both("writes", 1.3, "floor"),
    *both("writes", 1.0, "fwrite", below=True),
    *both("writes", 1.0, "fwrite-256k", below=True),
    *both("small", 0.65, "curl"),
    *both("small", 0.25, "aria2"),
    *both("small", 1.4, "floor"),
    *both("small-https", 0.8, "curl"),
    *both("small-h2", 0.8, "curl"),
    *both("medium", 0.5, "curl"),
    *both("big", 0.4, "curl"),
    *both("big", 16, None, figure="peak_MB", below=True),
    *both("big-https", 0.9, "curl"),
    *both("calls", 7, None, figure="calls_each"),
    *both("list", 64, None, figure="peak_MB", below=True),
    *both("list", 100, None, figure="first_ms"),
]


def goals_of(case):
    """Each goal of a case with the value reached (None if it could not be measured) and whether that meets it."""
    for goal in GOALS:
        if goal.case == case.name:
            value = goal.reached(case)
            yield goal, value, None if value is None else goal.met(value)
