"""What stands at the end of a run: the table of verdicts, and a summary to paste into an e-mail."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from ethics_kit.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ethics_kit.cli_progress import Ended, Planned
    from ethics_kit.runner.results import Result

NEXT_TOLD = 5
ROWS, NAMED, WIDTH = 40, 10, 72
"""Rows of the table, lines of each list of the summary, and columns of the summary, at most."""

NOT_RUN, FAILED = "not run", "failed"
WORST_FIRST = (NOT_RUN, FAILED, "reject", "undetermined", "approve_with_conditions", "approve")
WHOLE = "in the pages and in actions.csv"


def table(plan: Planned, results: Sequence[Result]) -> list[str]:
    """Verdicts, one line per system, worst first; plain text, so that it can be pasted."""
    of: dict[Path, dict[str, Result]] = {}
    for result in results:
        of.setdefault(result.job.folder, {})[result.stage] = result
    rows = [[name, *(NOT_RUN for _ in plan.stages), ""] for name in plan.not_run]
    for folder, own in of.items():
        verdicts = (own[stage].verdict if stage in own else "–" for stage in plan.stages)
        rows.append([folder.name, *verdicts, _unchanged(list(own.values()))])
    rows.sort(key=lambda row: (sorted(map(_rank, row[1:-1])), row[0]))
    left_out = len(rows) - ROWS
    rows = [["system", *plan.stages, "unchanged since" if any(row[-1] for row in rows) else ""], *rows[:ROWS]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return lines + [f"and {left_out} more systems, none of them worse: {WHOLE}"] * (left_out > 0)


def _rank(verdict: str) -> int:
    return WORST_FIRST.index(verdict) if verdict in WORST_FIRST else len(WORST_FIRST)


def _unchanged(results: Sequence[Result]) -> str:
    """Since when, where no stage of a system was run again; else how many were not."""
    since = [result.since for result in results if result.since]
    return max(since) if len(since) == len(results) else f"{len(since)} of {len(results)}" * bool(since)


def next_steps(results: Sequence[Result]) -> list[str]:
    """After the assessment of one system: what to supply first, over its stages."""
    from ethics_kit.record import read_record
    from ethics_kit.report import supply

    if len({result.job.folder for result in results}) != 1:
        return []
    records = [record for r in results if r.ok and (record := read_record(r.folder / "record.json")[0])]
    lines = supply.told(records, NEXT_TOLD)
    title = "What to supply next:" if lines else "Nothing that is required waits for anything."
    return ["", title, *lines] if records else []


def summary(plan: Planned, ended: Ended) -> list[str]:
    """At most 72 columns, and as long for ten thousand systems as for fifty."""
    return [line for part in _parts(plan, ended) for line in part]


def _parts(plan: Planned, ended: Ended) -> Iterator[list[str]]:
    results = ended.results
    systems = len({result.job.folder for result in results})
    yield [f"Summary as of {plan.as_of}: {counted(len(results), 'assessment')} of {counted(systems, 'system')}"]
    if len(results) < plan.total:
        yield [f"Stopped before the end: {plan.total - len(results)} of {plan.total} not assessed"]
    verdicts = Counter(result.verdict for result in results)
    told = (f"{verdicts[name]} {name.replace('_', ' ')}" for name in WORST_FIRST if verdicts[name])
    yield textwrap.wrap(", ".join(told), WIDTH, initial_indent="  ", subsequent_indent="  ")
    if plan.not_run:
        yield from _listed(f"Not run, dossier not in order: {len(plan.not_run)}", plan.not_run)
    failed = [result for result in results if not result.ok]
    if failed:
        yield from _listed(f"Failed: {len(failed)}", (f"{r.system} {r.stage}: {r.reason}" for r in failed))
    if ended.refusals is not None:
        refused = (f"{r.result.system} {r.result.stage}: {r.why}" for r in ended.refusals)
        yield from _listed(f"Refused by the gate: {len(ended.refusals)} of {len(results)}", refused)
    skipped = sum(result.since is not None for result in results)
    if skipped:
        yield [f"Unchanged: {skipped} of {len(results)}, not run again"]
    yield [f"Pages: {page}" for page in ended.pages]
    yield [f"Took {duration(ended.seconds)} with {counted(plan.jobs, 'job')} at a time"]


def _listed(title: str, entries: Iterable[str]) -> Iterator[list[str]]:
    """A title and a line for each of the first entries, cut where it is too long."""
    entries = list(entries)
    yield [title]
    for entry in entries[:NAMED]:
        text = printable(entry, 10 * WIDTH)
        yield [f"  {text}" if len(text) <= WIDTH - 2 else f"  {text[: WIDTH - 3]}…"]
    if len(entries) > NAMED:
        yield [f"  and {len(entries) - NAMED} more"]


def counted(number: int, noun: str) -> str:
    """Such as "1 system" and "5 systems"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def duration(seconds: float) -> str:
    """Such as "45 s", "12 min 5 s" or "3 h 20 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
