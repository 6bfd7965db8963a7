"""The report of a load: a page of Markdown, its charts as SVG, and the figures as JSON, in one directory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tests.load.profiles import Profile
from tests.load.result import ALL, MS, StepResult
from tests.load.run import Run
from tests.load.svg import chart
from tests.load.verdict import bottleneck, broken, invalid, is_client

PAGE = "report.md"
COMPARED = "| Variant | Highest good rate | Lowest broken rate | What broke | Held by | CPU ms a request |"
STEPPED = (
    "| Requests/s | Requests | Errors | Sent late p99 | Answered p99 | Due to visible p50 / p99 / most "
    "| Accepted to visible p99 | Seen p99, SSE / WebSocket | Behind | Settled after | Load | Verdict |"
)


def write_report(out: Path, runs: Sequence[Run]) -> Path:
    """Write everything, and return the page."""
    out.mkdir(parents=True, exist_ok=True)
    for one in runs:
        (out / f"{one.variant}.json").write_bytes(msgspec.json.format(msgspec.json.encode(one), indent=1))
        for name, text in charts(one).items():
            (out / f"{one.variant}-{name}.svg").write_text(text, "utf-8")
    page = out / PAGE
    page.write_text(page_of(runs), "utf-8")
    return page


def read_run(path: Path) -> Run:
    """Return a run from its JSON."""
    return msgspec.json.decode(path.read_bytes(), type=Run)


def page_of(runs: Sequence[Run]) -> str:
    """Return the page of some runs."""
    lines = ["# Load report", "", *_header(runs[0]), "", "## Comparison", "", *comparison(runs), ""]
    for one in runs:
        lines += _variant(one)
    return "\n".join(lines)


def comparison(runs: Sequence[Run]) -> list[str]:
    """Return the table that compares the variants. The CPU of a request is that of the lowest rate, common to all."""
    rows = [
        f"{COMPARED} p50 / p99 at {runs[0].steps[0].rate:.0f}/s | End state |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in runs:
        first, limit = one.steps[0], limit_of(one)
        late = first.due_visible[ALL]
        what = "; ".join(broken(limit, one.slo)) if limit else "nothing"
        held = bottleneck(limit or one.steps[-1])
        end = f"{len(one.failures)} failures" if one.failures else "equal, nothing lost"
        rows.append(
            f"| {one.title} | {_rate(one.good)} | {_rate(one.broke)} | {what} | {held.name} | {cpu_ms(first):.2f} "
            f"| {late.p50:.0f} / {late.p99:.0f} ms | {end} |"
        )
    return rows


def limit_of(run: Run) -> StepResult | None:
    """Return the step of the lowest rate that broke the SLO, if one did."""
    return next((step for step in run.steps if step.rate == run.broke), None)


def cpu_ms(step: StepResult) -> float:
    """Return the milliseconds of CPU that all processes of the product spent for each request."""
    used = sum(use.cpu for name, use in step.processes.items() if not is_client(name))
    return MS * used * step.seconds / step.requests


def charts(run: Run) -> dict[str, str]:
    """Return the charts of a run by name."""
    steps = [step for step in run.steps if invalid(step, run.slo) is None]
    late, seen = [step.due_visible[ALL] for step in steps], "seen by subscribers, p99"
    rates = [step.rate for step in steps]
    latency = {
        "due to visible, p50": [one.p50 for one in late],
        "due to visible, p99": [one.p99 for one in late],
        "due to answered, p99": [max(one.p99 for one in step.answered.values()) for step in steps],
        "accepted to visible, p99": [step.accepted_visible.p99 for step in steps],
        seen: [max(one.p99 for one in step.seen.values()) for step in steps],
    }
    names = sorted({name for step in steps for name in step.processes})
    cpu = {name: [step.processes[name].cpu for step in steps] for name in names}
    behind = {
        name: [step.domains[name].behind_s for step in steps if name in step.domains]
        for name in sorted({name for step in steps for name in step.domains})
    }
    return {
        "latency": chart("Latency by rate", "requests/s", "ms", _over(rates, latency), run.slo.visible_ms),
        "cpu": chart("CPU by rate", "requests/s", "cores", _over(rates, cpu)),
        "behind": chart("Longest wait of a record", "requests/s", "seconds", _over(rates, behind), run.slo.behind_s),
    }


def _over(rates: Sequence[float], values: dict[str, list[float]]) -> dict[str, list[tuple[float, float]]]:
    return {name: list(zip(rates, some, strict=False)) for name, some in values.items()}


def _rate(value: float | None) -> str:
    return "none" if value is None else f"{value:.0f}/s"


def _header(run: Run) -> list[str]:
    mode = "had a core whenever they wanted one" if run.real_time else "competed with the product for cores"
    slo = (
        f"{run.slo.visible_ms:.0f} ms from due to visible for 99 %, {run.slo.errors:.1%} errors, "
        f"no domain {run.slo.behind_s:.0f} s behind"
    )
    return [
        *(f"* {name}: {text}" for name, text in run.machine.items()),
        f"* options: {', '.join(f'{name} {text}' for name, text in run.options.items())}",
        f"* SLO: {slo}",
        f"* clients and watch {mode}",
    ]


def _variant(run: Run) -> list[str]:
    judged = limit_of(run) or run.steps[-1]
    held = bottleneck(judged)
    return [
        f"## {run.title.capitalize()}",
        "",
        f"{run.date}, {run.seconds:.0f} s in all.",
        "",
        *steps_table(run),
        "",
        *(f"![{name}]({run.variant}-{name}.svg)" for name in charts(run)),
        "",
        f"**First bottleneck**, at {judged.rate:.0f}/s: {held.name} ({held.holds}).",
        "",
        *(f"* {one}" for one in held.evidence),
        "",
        *_domains(judged),
        "",
        *(line for one in run.profiles for line in _profile(one)),
        *(f"* {one}" for one in run.notes),
        *(f"* FAILURE: {one}" for one in run.failures),
        "",
    ]


def steps_table(run: Run) -> list[str]:
    """Return the table of the steps, by rate."""
    rows = [
        STEPPED,
        "|" + "---|" * 12,
    ]
    for step in sorted(run.steps, key=lambda one: one.rate):
        late = step.due_visible[ALL]
        verdict = "invalid" if invalid(step, run.slo) else "broken" if broken(step, run.slo) else "good"
        rows.append(
            f"| {step.rate:.0f} | {step.requests} | {step.errors:.2%} | {step.sent_late.p99:.0f} ms "
            f"| {max(one.p99 for one in step.answered.values()):.0f} ms "
            f"| {late.p50:.0f} / {late.p99:.0f} / {late.most:.0f} ms | {step.accepted_visible.p99:.0f} ms "
            f"| {step.seen['sse'].p99:.0f} / {step.seen['websocket'].p99:.0f} ms | {step.behind_s:.1f} s "
            f"| {step.settled_s:.1f} s | {step.load:.1f} | {verdict} |"
        )
    return rows


def _domains(step: StepResult) -> list[str]:
    rows = [
        "| Domain | Events/s | Events a batch | Commits/s | Commit ms | Due to visible p99 | Behind |",
        "|" + "---|" * 7,
    ]
    for name, work in step.domains.items():
        late = step.due_visible.get(name)
        shown = f"{late.p99:.0f} ms ({late.count})" if late and math.isfinite(late.p99) else "-"
        rows.append(
            f"| {name} | {work.events / step.seconds:.0f} | {work.batch:.1f} | {work.commits / step.seconds:.0f} "
            f"| {work.commit_ms:.1f} | {shown} | {work.behind_s:.1f} s |"
        )
    return rows


def _profile(profile: Profile) -> Iterable[str]:
    yield f"**Profile of {profile.process}** at the limit: Python ran {profile.busy:.0%} of the time. Shares of that:"
    yield ""
    for title, shares in (
        ("threads", profile.threads),
        ("packages", profile.packages),
        ("functions", profile.functions),
    ):
        listed = ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if share >= 0.01)
        yield f"* {title}: {listed}"
    yield ""
