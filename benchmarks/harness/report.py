"""What a case measured, as a table for a person or as JSON lines for a program."""
import json

from goal import MB, goals_of

LEAT = ("leat", "leat-uring", "leat-epoll")


def _number(value):
    if value is None:
        return "-"
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _ratio(value):
    return "-" if value is None else f"{value:.3f}"


def _leat_subjects(case):
    return [name for name in LEAT if name in case.samples]


def _rows(case):
    leat = _leat_subjects(case)
    figures = case.figure_names()
    if case.figures_only:
        yield ["subject", "peak MB", *figures]
        for subject in case.samples:
            yield [subject, f"{case.peak(subject) / MB:.1f}", *(_number(case.figure(subject, name)) for name in figures)]
        return
    floor = case.floor()
    yield ["subject", f"{case.cpu_name} CPU/{case.unit}", f"{case.unit}/s", "peak MB", *figures,
           f"x {floor}" if floor else "x floor", *(f"{name}/it" for name in leat)]
    for subject in case.samples:
        yield [subject, _number(case.median_cpu(subject)), _number(case.throughput(subject)),
               f"{case.peak(subject) / MB:.1f}", *(_number(case.figure(subject, name)) for name in figures),
               _ratio(case.ratio(subject, floor)), *(_ratio(case.ratio(name, subject)) for name in leat)]


def table(case):
    rows = list(_rows(case))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["", f"{case.suite}: {case.title}"]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        lines.append("  " + "  ".join(cells).rstrip())
    lines += [f"  {name}: skipped, {reason}" for name, reason in case.skipped.items()]
    goals = list(goals_of(case))
    if goals:
        width = max(len(goal.text()) for goal, _, _ in goals)
        lines.append("  " + "goal".ljust(width) + "  reached")
    for goal, value, met in goals:
        verdict = "not measured" if met is None else f"{value:.3g}".rjust(7) + ("  met" if met else "  NOT MET")
        lines.append("  " + goal.text().ljust(width) + "  " + verdict)
    return "\n".join(lines)


def json_lines(case):
    where = {"suite": case.suite, "case": case.name}
    floor = case.floor()
    for subject, rounds in case.samples.items():
        figures = {name: case.figure(subject, name) for name in case.figure_names()}
        if case.figures_only:
            yield json.dumps({**where, "subject": subject, "rounds": len(rounds), "peak_bytes": case.peak(subject), **figures})
            continue
        ratios = {name: case.ratio(name, subject) for name in _leat_subjects(case)}
        yield json.dumps({
            **where, "subject": subject, "unit": case.unit, "rounds": len(rounds),
            f"cpu_{case.cpu_name}_per_unit": case.median_cpu(subject), "units_per_second": case.throughput(subject),
            "peak_bytes": case.peak(subject), **figures,
            "floor": floor, "ratio_to_floor": case.ratio(subject, floor),
            "leat_ratio_to_this": ratios,
            "cpu_per_unit_of_rounds": [case.cpu(subject, number) for number in sorted(rounds)]})
    for subject, reason in case.skipped.items():
        yield json.dumps({**where, "subject": subject, "skipped": reason})
    for goal, value, met in goals_of(case):
        yield json.dumps({**where, "subject": goal.subject, "goal": goal.text(), "against": goal.against,
                          "figure": goal.figure, "limit": goal.at_most, "reached": value, "met": met})
