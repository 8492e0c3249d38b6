"""Where things are: every path of the harness is derived from the project's own folder."""
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "benchmarks"
RIVALS = SOURCES / "rivals"
RELEASE = ROOT / "build" / "release"
STANDALONE = ROOT / "build" / "benchmarks"
DATA = ROOT / "build" / "bench-data"
TOOL = RELEASE / "leat"
PYTHON = "/usr/bin/python3"

SERVER_CORE = 0
LOAD_CORE = 1
