"""./bench SUITE: leat beside its floors and rivals in interleaved rounds on one machine."""
import argparse
import os
import resource
import sys

import build
import report


def _suites():
    import churn
    import download
    import echo
    import files
    import tasks
    import tls

    return {"echo": echo.cases, "files": files.cases, "download": download.cases, "tls": tls.cases, "churn": churn.cases,
            "tasks": tasks.cases}


def _options():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("suite", choices=["echo", "files", "download", "tls", "churn", "tasks"])
    parser.add_argument("--json", action="store_true", help="JSON lines instead of tables")
    parser.add_argument("--quick", action="store_true", help="one round of a fifth of the work: to see that all runs")
    parser.add_argument("--rounds", type=int, help="rounds of each case (5; download 3; with --quick 1)")
    parser.add_argument("--only", metavar="SUBJECT,...", help="these subjects; NAME* takes all that begin so")
    parser.add_argument("--case", metavar="CASE,...", help="these cases of the suite")
    return parser.parse_args()


def _wanted(name, patterns):
    return any(name == p or (p.endswith("*") and name.startswith(p[:-1])) for p in patterns)


def main():
    options = _options()
    if os.cpu_count() < 2:
        sys.exit("bench: needs two cores, one for the subject and one for its load")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    build.install_packages()
    build.build()
    rounds = options.rounds or (1 if options.quick else 3 if options.suite == "download" else 5)
    cases = _suites()[options.suite](options.quick)
    if options.case:
        known = [case.name for case in cases]
        cases = [case for case in cases if case.name in options.case.split(",")]
        if not cases:
            sys.exit(f"bench: no such case; {options.suite} has {', '.join(known)}")
    for case in cases:
        if options.only:
            case.subjects = [s for s in case.subjects if _wanted(s.name, options.only.split(","))]
        case.run_rounds(rounds)
        print("\n".join(report.json_lines(case)) if options.json else report.table(case), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
