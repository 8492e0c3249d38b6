"""The tasks suite: what tasks themselves cost. The programs measure it inside and print a figure a line."""
import json

from case import Case, Sample
from process import Failed, measure
from subject import built, engines, python


def _run(subject, number):
    used = measure(subject)
    try:
        figures = {name: value for line in used.output.splitlines() for name, value in json.loads(line).items()}
    except (ValueError, AttributeError):
        raise Failed(f"printed {used.output.strip()[:200]!r}") from None
    if not figures:
        raise Failed("printed no figure")
    return Sample(1, used.cpu, used.seconds, used.peak, figures)


def _case(name, part, title, asio=True):
    subjects = [*engines("leat_tasks", part)]
    if asio:
        subjects.append(built("asio", "rival_asio_tasks", part))
    subjects.append(python("asyncio", "asyncio_tasks.py", part))
    return Case("tasks", name, title, "run", subjects, _run, figures_only=True)


def cases(quick):
    """These are short as they are: `quick` changes only the rounds."""
    return [
        _case("spawn", "spawn", "spawning and joining a task that does nothing, in batches of 1000 (ns each)"),
        _case("sleeping", "sleeping", "memory of a sleeping task, of a million (asyncio: 100,000)"),
        _case("timeout", "timeout", "what a timeout around an operation adds (ns)", asio=False),
    ]
