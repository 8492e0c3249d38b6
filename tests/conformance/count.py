#!/usr/bin/env python3
"""Checks that every test of CPython's test_asyncio that is listed in python_tests.txt has its counterpart here: a test
whose comment names it, or a row of README.md that says why leat differs. Prints the count by area.

    count.py                  check and count; fails when a test has neither, or a name here means no Python test
    count.py --write          the same, and writes the count into README.md
    count.py --list FOLDER    prints the list, from the folder of CPython's test_asyncio. As committed:
        apt-get install libpython3.11-testsuite
        tests/conformance/count.py --list /usr/lib/python3.11/test/test_asyncio > tests/conformance/python_tests.txt

A test is listed under the class that defines it, once, however many classes inherit it. In a comment, and in the first
column of a row, a name is `test_module.Class.test_name`; what is left out is as before it in the same comment or row, a
row's module is that of its section, and `*` stands for any letters. A class alone, in backquotes, means all its tests.
"""
import ast
import fnmatch
import pathlib
import re
import sys

here = pathlib.Path(__file__).resolve().parent
areas = {
    "streams": ["test_streams"],
    "tasks": ["test_tasks"],
    "taskgroups": ["test_taskgroups"],
    "locks": ["test_locks"],
    "queues": ["test_queues"],
    "timeouts": ["test_timeouts", "test_waitfor"],
    "subprocess": ["test_subprocess"],
    "ssl": ["test_ssl", "test_sslproto"],
}
begin, end = "<!-- count.py --write: begin -->", "<!-- end -->"


def list_tests(folder):
    for modules in areas.values():
        for module in modules:
            tree = ast.parse((pathlib.Path(folder) / (module + ".py")).read_text())
            for cls in tree.body:
                for item in getattr(cls, "body", []) if isinstance(cls, ast.ClassDef) else []:
                    if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and item.name.startswith("test"):
                        print(f"{module}.{cls.name}.{item.name}")


name = re.compile(r"(?:(?P<module>test_[a-z]+)\.)?(?:(?P<cls>[A-Z_*][\w*]*)\.)?(?P<test>test_[\w*]+)(?!\w|\.|/)"
                  r"|`(?P<whole>[A-Z_*][\w*]*)`")


def named(text, modules, tests, errors, where):
    """What `text` names, of `tests`."""
    found = set()
    module = cls = None
    for match in name.finditer(text):
        if match["module"]:
            module, cls = match["module"], None
        cls = match["whole"] or match["cls"] or cls
        pattern = f"{cls or '*'}.{'*' if match['whole'] else match['test']}"
        hits = {test for test in tests if any(fnmatch.fnmatchcase(test, f"{m}.{pattern}") for m in ([module] if module else modules))}
        if not hits:
            errors.append(f"{where}: {match[0]}: no such test in python_tests.txt")
        if match["whole"]:
            cls = None
        found |= hits
    return found


def comments(path):
    """Runs of comment lines that name a Python test."""
    run, first = [], 0
    for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
        stripped = line.strip()
        if stripped.startswith("//"):
            first = first if run else number
            run.append(stripped[2:].strip())
        elif run:
            text = " ".join(run)
            if re.search(r"\btest_[a-z]+\.[A-Z_]", text):
                yield first, text
            run = []


def rows(readme):
    """The first column of each table row, with the area whose section it is in."""
    area = None
    for number, line in enumerate(readme.splitlines(), 1):
        if line.startswith("## "):
            area = line[3:].strip()
        elif area in areas and line.startswith("| `"):
            yield number, area, line.split("|")[1]


def main():
    if sys.argv[1:2] == ["--list"]:
        list_tests(sys.argv[2])
        return 0
    tests = (here / "python_tests.txt").read_text().split()
    readme_path = here / "README.md"
    readme = readme_path.read_text()
    errors, answered, differs = [], set(), set()
    for path in sorted(here.glob("*_test.cpp")):
        for number, text in comments(path):
            answered |= named(text, [], tests, errors, f"{path.name}:{number}")
    for number, area, cell in rows(readme):
        differs |= named(cell, areas[area], tests, errors, f"README.md:{number}")
    table = ["| area | Python tests | tested, the same | tested, leat differs | leat differs, no test | missing |",
             "|---|--:|--:|--:|--:|--:|"]
    total = [0] * 5
    for area, modules in areas.items():
        own = {test for test in tests if test.split(".")[0] in modules}
        counts = [len(own), len(own & answered - differs), len(own & answered & differs), len(own & differs - answered),
                  len(own - answered - differs)]
        table.append(f"| {area} | " + " | ".join(map(str, counts)) + " |")
        total = [a + b for a, b in zip(total, counts)]
    table.append("| **all** | " + " | ".join(map(str, total)) + " |")
    errors += [f"{test}: neither a test nor a row of README.md names it" for test in tests if test not in answered | differs]
    print("\n".join(table))
    block = "\n".join([begin, *table, end])
    written = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: block, readme, flags=re.S)
    if sys.argv[1:2] == ["--write"]:
        readme_path.write_text(written)
    elif written != readme:
        errors.append("README.md: the count there is not this one: tests/conformance/count.py --write")
    print("\n".join(errors), file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
