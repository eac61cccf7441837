"""How long the fairness measures take: beside fairlearn's MetricFrame, and beside a bare GROUP BY of 100 million rows.

    python -m benchmarks.fairness [--small] [--json FILE]

Rows are drawn into Parquet files in a temporary folder, which is removed at the end. Times are seconds of the wall
clock, the median of several runs after one that does not count; the output says what ran less often.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ethics_kit.measures import counts, fairness, gaps
from ethics_kit.measures.counts import BETWEEN, Counts
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.metrics import BINARY

KEYS = ("region", "age", "gender")
FLAGS = ("selected", "positive")
NAMES = ("selection_rate", "true_positive_rate", "false_positive_rate", "true_negative_rate", "false_negative_rate")
METRICS = [BINARY[name] for name in (*NAMES, "accuracy")]
"""The rates that fairlearn and scikit-learn have a function for."""

REPLICATES = 1000
TAILS = [0.025, 0.975]

LEGEND = f"""\
Six rates of each of 72 groups (8 regions × 3 ages × 3 genders), with and without {REPLICATES:,} bootstrap replicates.

  MetricFrame  fairlearn's, from a pandas frame in memory, its text as Python objects: so MetricFrame is fastest.
  file         ours, from a Parquet file of the same rows: opening and reading it counts.
  frame        ours, from a pandas frame of the same rows, as read from that file: handing it to DuckDB counts.
  ratio        MetricFrame ÷ file.

Ours does more: interval and test of each group's gap to all others, ratios, p-values adjusted over the whole record,
verdicts, and the rows that would settle them. With replicates, both add percentile intervals of every rate.
"""

ROWS = """
SELECT
    ['Centre', 'Coast', 'East', 'Islands', 'North', 'South', 'Valley', 'West'][1 + (digits % 8)::INT] AS region,
    ['18-34', '35-54', '55 and over'][1 + (digits // 8 % 3)::INT] AS age,
    ['another', 'man', 'woman'][1 + (digits // 24 % 3)::INT] AS gender,
    digits // 72 % 100 < 30 AS positive,
    digits // 7200 % 100 < CASE WHEN positive THEN 60 ELSE 20 END AS selected
FROM (SELECT hash(range) AS digits FROM range({rows}))
"""
"""Rows that are the same in every run, as the digits of a hash of their number."""


@dataclass(frozen=True)
class Size:
    """So many rows; how often MetricFrame runs without replicates, and with how many replicates it runs once."""

    rows: int
    metricframe_runs: int
    metricframe_replicates: int


@dataclass(frozen=True)
class Sizes:
    """What is timed beside MetricFrame; the rows of the scan; how often ours runs."""

    frames: tuple[Size, ...]
    scan: int
    runs: int


FULL = Sizes((Size(10_000, 5, 10), Size(100_000, 3, 10), Size(1_000_000, 1, 2)), 100_000_000, 7)
SMALL = Sizes((Size(10_000, 1, 1),), 1_000_000, 2)


@dataclass(frozen=True)
class Timing:
    """Seconds for so many rows and bootstrap replicates, and what MetricFrame's were taken from."""

    rows: int
    replicates: int
    metricframe: float
    file: float
    frame: float
    ratio: float
    metricframe_is: str


@dataclass(frozen=True)
class Scan:
    """Seconds for a whole file; `first` and `peak_mb` are those of a process that does nothing else."""

    rows: int
    file_mb: float
    bare: float
    ours: float
    ratio: float
    first: float
    peak_mb: float


# --- what is timed -----------------------------------------------------------------------------------------------


def judged(table: ir.Table) -> tuple[Counts, list[Comparison]]:
    """Ours: the rows counted once, and each group against all others on each rate."""
    counted = counts.count(table, KEYS, FLAGS)
    compared = [
        comparison
        for metric in METRICS
        for comparison in fairness.compare("group", metric.name, counted.pairs(metric, *KEYS), margin=0.05)
    ]
    return counted, fairness.judge(compared, significance=0.05, minimum_group=30)


def resampled(counted: Counts) -> NDArray[np.float64]:
    """Intervals from resampled counts, as (metrics, low and high, groups)."""
    lines = counted.table.sort_values([*KEYS, *FLAGS], ignore_index=True)
    starts = np.flatnonzero(~lines.duplicated(list(KEYS)))
    drawn = gaps.resample(lines["rows"], REPLICATES, seed=1)

    def groups(conditions: Mapping[str, bool | None]) -> NDArray[np.int64]:
        met = [lines[flag] >= 0 if wanted is None else lines[flag] == wanted for flag, wanted in conditions.items()]
        return np.add.reduceat(drawn * np.logical_and.reduce(met), starts, axis=1)

    found = []
    for metric in METRICS:
        n = groups(metric.bottom)
        count = groups({**metric.bottom, **metric.top})
        rates = np.divide(count, n, out=np.full(n.shape, np.nan), where=n > 0)
        found.append(np.nanquantile(rates, TAILS, axis=0))
    return np.array(found)


def bootstrapped(table: ir.Table) -> NDArray[np.float64]:
    """Ours with replicates."""
    return resampled(judged(table)[0])


def metric_frame(rows: pd.DataFrame, replicates: int = 0) -> pd.DataFrame:
    """Fairlearn's rates by group."""
    import fairlearn.metrics as fl
    from sklearn.metrics import accuracy_score

    more = {"n_boot": replicates, "ci_quantiles": TAILS, "random_state": 1} if replicates else {}
    found = fl.MetricFrame(
        metrics={name: getattr(fl, name) for name in NAMES} | {"accuracy": accuracy_score},
        y_true=rows["positive"],
        y_pred=rows["selected"],
        sensitive_features=rows[list(KEYS)],
        **more,
    )
    return found.by_group


def seconds(work: Callable[[], object]) -> float:
    """The time of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(work: Callable[[], object], runs: int) -> float:
    """The median time of so many runs, after one that does not count."""
    work()
    return statistics.median(seconds(work) for _ in range(runs))


# --- beside MetricFrame ------------------------------------------------------------------------------------------


def beside_metric_frame(size: Size, runs: int, folder: Path) -> list[Timing]:
    """Both without replicates, then with."""
    path = written(size.rows, folder)
    rows = pd.read_parquet(path)
    objects = rows.astype(dict.fromkeys(KEYS, object))
    connection = opened()

    def beside(metricframe: float, told: str, replicates: int, work: Callable[[ir.Table], object]) -> Timing:
        file = median(lambda: work(connection.read_parquet(path, table_name="rows")), runs)
        frame = median(lambda: work(ibis.memtable(rows)), runs)
        return Timing(size.rows, replicates, metricframe, file, frame, metricframe / file, told)

    check(judged(ibis.memtable(rows))[1], metric_frame(objects))
    once = statistics.median(seconds(lambda: metric_frame(objects)) for _ in range(size.metricframe_runs))
    some = seconds(lambda: metric_frame(objects, size.metricframe_replicates))
    whole = once + (some - once) * REPLICATES / size.metricframe_replicates
    return [
        beside(once, f"runs: {size.metricframe_runs}", 0, judged),
        beside(whole, f"scaled up, replicates run: {size.metricframe_replicates}", REPLICATES, bootstrapped),
    ]


def check(ours: Sequence[Comparison], theirs: pd.DataFrame) -> None:
    """RuntimeError unless both found the same rates: else the times are of different things."""
    by_group = {(c.metric, c.group): c.rate.value for c in ours}
    for metric in METRICS:
        for group, value in theirs[metric.name].items():
            if abs(by_group[metric.name, BETWEEN.join(group)] - value) > 1e-12:
                raise RuntimeError(f"{metric.name} of {group} is {value} by MetricFrame, and not by ours")


# --- beside a bare GROUP BY --------------------------------------------------------------------------------------


def beside_group_by(rows: int, runs: int, folder: Path) -> Scan:
    """Ours, from file to verdicts, and DuckDB asked by hand; in turn, so that a busy machine slows both alike."""
    path = written(rows, folder)
    file_mb = path.stat().st_size / 1e6
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
        first, peak_mb = alone.submit(in_a_fresh_process, path).result()
    connection, plain = opened(), opened().con
    query = f"SELECT region, age, gender, selected, positive, count(*) FROM '{path}' GROUP BY ALL"

    def bare() -> None:
        plain.execute(query).fetchall()

    def ours() -> None:
        judged(connection.read_parquet(path, table_name="rows"))

    bare()
    ours()
    pairs = [(seconds(bare), seconds(ours)) for _ in range(runs)]
    path.unlink()
    bare_time, our_time = (statistics.median(times) for times in zip(*pairs, strict=True))
    return Scan(rows, file_mb, bare_time, our_time, our_time / bare_time, first, peak_mb)


def in_a_fresh_process(path: Path) -> tuple[float, float]:
    """The time of the first run, and the most memory (MB) this process ever had."""
    first = seconds(lambda: judged(opened().read_parquet(path)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return first, peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def opened() -> ibis.backends.duckdb.Backend:
    """DuckDB in memory, without the progress bar that it prints after two seconds."""
    connection = ibis.duckdb.connect()
    connection.con.execute("SET enable_progress_bar = false")
    return connection


def written(rows: int, folder: Path) -> Path:
    """A Parquet file of so many rows; DuckDB draws and writes it piece by piece."""
    path = folder / f"{rows}.parquet"
    opened().con.execute(f"COPY ({ROWS.format(rows=rows)}) TO '{path}' (FORMAT parquet)")
    return path


# --- what is told ------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all, print it, and write it where asked."""
    parser = argparse.ArgumentParser(description="Time the fairness measures.")
    parser.add_argument("--small", action="store_true", help="a quick look, at fewer rows than the ratios' names say")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table and the ratios")
    asked = parser.parse_args(arguments)
    sizes = SMALL if asked.small else FULL
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    machine |= {name: metadata.version(name) for name in ("duckdb", "fairlearn", "ibis-framework", "pandas")}
    print(", ".join(f"{name} {value}" for name, value in machine.items()), end="\n\n")
    with tempfile.TemporaryDirectory() as name:
        scan = beside_group_by(sizes.scan, sizes.runs, Path(name))
        show_scan(scan, name)
        print(LEGEND)
        print(f"{'rows':>9} {'replicates':>10} {'MetricFrame':>12} {'file':>8} {'frame':>8} {'ratio':>9}")
        timings = []
        for size in sizes.frames:
            for found in beside_metric_frame(size, sizes.runs, Path(name)):
                timings.append(found)
                show_timing(found)
    plain = max((found for found in timings if not found.replicates), key=lambda found: found.rows)
    replicated = [found for found in timings if found.replicates and found.rows <= 100_000]
    with_replicates = max(replicated, key=lambda found: found.rows)
    ratios = {
        "metricframe_1e6": plain.ratio,
        "metricframe_bootstrap_1e5": with_replicates.ratio,
        "bare_group_by_1e8": scan.ratio,
    }
    print(f"\nMetricFrame ÷ ours: {plain.ratio:,.0f} at {plain.rows:,} rows;", end=" ")
    print(f"{with_replicates.ratio:,.0f} with replicates at {with_replicates.rows:,} rows.")
    print(f"Ours ÷ bare GROUP BY: {scan.ratio:.2f} at {scan.rows:,} rows.")
    if asked.json:
        told = {"small": asked.small, "machine": machine, "scan": asdict(scan)}
        told |= {"timings": [asdict(found) for found in timings], "ratios": ratios}
        asked.json.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show_scan(scan: Scan, folder: str) -> None:
    print(f"{scan.rows:,} rows in {scan.file_mb:,.0f} MB of Parquet (in {folder}, removed at the end):")
    print(f"  bare GROUP BY over the same columns  {scan.bare:.3f} s")
    print(f"  ours, with the verdicts of 72 groups {scan.ours:.3f} s, {scan.ratio:.2f} times that")
    print(f"  ours in a fresh process              {scan.first:.3f} s, {scan.peak_mb:,.0f} MB at most", end="\n\n")


def show_timing(found: Timing) -> None:
    times = f"{found.metricframe:>12,.2f} {found.file:>8.3f} {found.frame:>8.3f} {found.ratio:>9,.0f}"
    print(f"{found.rows:>9,} {found.replicates:>10,} {times}  MetricFrame: {found.metricframe_is}", flush=True)


if __name__ == "__main__":
    main()
