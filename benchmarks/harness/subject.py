"""A subject: a program that is measured, as a command, an environment, and a reason when it cannot be run."""
import os
import shutil
import subprocess
from dataclasses import dataclass, field

import build
import project


@dataclass
class Subject:
    name: str
    command: list
    env: dict = field(default_factory=dict)
    skipped: str | None = None
    share: float = 1.0  # of the case's work, for those that take many times as long

    def environment(self):
        return {**os.environ, **self.env}


def built(name, program, *arguments, env=None, share=1.0):
    path = build.program(program)
    return Subject(name, [str(path), *arguments], env or {}, build.missing(path), share)


def engines(program, *arguments):
    """leat's two engines are subjects of their own."""
    return [built(f"leat-{e}", program, *arguments, env={"LEAT_ENGINE": e}) for e in ("uring", "epoll")]


def tool(arguments):
    reason = build.missing(project.TOOL)
    command = [str(project.TOOL), *arguments]
    return [Subject(f"leat-{e}", command, {"LEAT_ENGINE": e}, reason) for e in ("uring", "epoll")]


def python(name, script, *arguments, modules=(), share=1.0):
    command = [project.PYTHON, str(project.RIVALS / script), *arguments]
    return Subject(name, command, skipped=_missing_modules(modules), share=share)


def _missing_modules(modules):
    if not modules:
        return None
    known = subprocess.run([project.PYTHON, "-c", f"import {','.join(modules)}"], capture_output=True)
    return None if known.returncode == 0 else f"{project.PYTHON} cannot import {' and '.join(modules)}"


def installed(name, command):
    found = shutil.which(command[0])
    return Subject(name, command, skipped=None if found else f"{command[0]} is not installed")
