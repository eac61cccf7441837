"""How long the privacy measures take: beside an obvious pandas way, and on ten times the rows.

    python -m benchmarks.privacy [--small] [--json FILE]

Rows are drawn into Parquet files in a temporary folder, which is removed at the end. Times are seconds of the wall
clock: the median of several runs after one that does not count, and of one run at the larger size.
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
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.fairness import median, opened, seconds
from ethics_kit.measures import anonymity
from ethics_kit.measures.consents import consent_by_purpose
from ethics_kit.measures.diversity import diversity

QUASI = ["age", "area", "sex", "plan"]

LEGEND = """\
  k        classes by four quasi-identifiers of up to 360,000 combinations, by size
  l_t      l-diversity, t-closeness and δ-disclosure of a column with six values
  ordered  the same of a column with 1,000 numbers, t by the earth mover's distance of their ranks
  consent  decisions by the consent in force at their own moment; a customer has ten, and consented once or twice

  ours     from a Parquet file: opening and reading it counts.
  pandas   the obvious way with group-by and merge, from a frame in memory.
  grows    time at the larger size ÷ time at the smaller, ÷ how many times the rows: 1 is linear.
  peak     the most memory of a process that does nothing else.
"""

ROWS = """
SELECT
    (18 + digits % 60)::SMALLINT AS age,
    'A' || lpad((digits // 60 % 500)::VARCHAR, 3, '0') AS area,
    ['f', 'm', NULL][1 + (digits // 30000 % 3)::INT] AS sex,
    ['basic', 'family', 'plus', 'business'][1 + (digits // 90000 % 4)::INT] AS plan,
    ['none', 'call', 'credit', 'discount', 'gift', 'upgrade'][1 + (digits // 360000 % 6)::INT] AS offer,
    (digits // 2160000 % 1000)::DOUBLE AS amount,
    'C' || (range % ({rows} // 10)) AS customer,
    TIMESTAMP '2026-01-01' + INTERVAL (digits // 2160000000 % 300) DAY AS time,
    'offers' AS purpose
FROM (SELECT range, hash(range) AS digits FROM range({rows}))
"""
"""Rows that are the same in every run, as the digits of a hash of their number."""

CONSENTS = """
SELECT
    'C' || (range % ({rows} // 10)) AS customer,
    'offers' AS purpose,
    TIMESTAMP '2025-06-01' + INTERVAL (digits % 400) DAY AS given,
    CASE WHEN digits // 400 % 10 = 0 THEN TIMESTAMP '2026-03-01' + INTERVAL (digits // 4000 % 200) DAY END AS withdrawn
FROM (SELECT range, hash(range + {rows}) AS digits FROM range({rows} * 12 // 100))
"""


@dataclass(frozen=True)
class Sizes:
    """Rows with pandas beside, more rows without, and how often ours runs."""

    beside: int
    alone: int
    runs: int


FULL, SMALL = Sizes(1_000_000, 10_000_000, 3), Sizes(10_000, 40_000, 1)


@dataclass(frozen=True)
class Timing:
    """Seconds of one measure; None where something was not run."""

    measure: str
    rows: int
    ours: float
    pandas: float | None
    ratio: float | None
    grows: float | None
    peak_mb: float | None


# --- ours --------------------------------------------------------------------------------------------------------


def ours_k(folder: Path) -> dict[int, int]:
    return dict(anonymity.sizes(anonymity.classes(opened().read_parquet(folder / "rows.parquet"), QUASI)).counts)


def ours_lt(folder: Path) -> list[float]:
    return _told(diversity(opened().read_parquet(folder / "rows.parquet"), QUASI, "offer"))


def ours_ordered(folder: Path) -> list[float]:
    return _told(diversity(opened().read_parquet(folder / "rows.parquet"), QUASI, "amount", ordered=True))


def _told(found: Any) -> list[float]:
    return [found.distinct_l, found.entropy_l, found.t]


def ours_consent(folder: Path) -> int:
    connection = opened()
    rows, consents = (connection.read_parquet(folder / f"{name}.parquet") for name in ("rows", "consents"))
    found = consent_by_purpose(rows.select("customer", "time", "purpose"), consents)
    return sum(counts.in_force for counts in found.values())


# --- pandas ------------------------------------------------------------------------------------------------------


def pandas_k(rows: pd.DataFrame, _: pd.DataFrame) -> dict[int, int]:
    return rows.groupby(QUASI, dropna=False).size().value_counts().to_dict()


def pandas_lt(rows: pd.DataFrame, _: pd.DataFrame) -> list[float]:
    """A table of classes by values."""
    shares = rows.groupby([*QUASI, "offer"], dropna=False).size().unstack(fill_value=0)
    p = shares.div(shares.sum(axis=1), axis=0).to_numpy()
    entropy = -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(axis=1)
    q = shares.sum().to_numpy() / len(rows)
    return [(p > 0).sum(axis=1).min(), np.exp(entropy).min(), np.abs(p - q).sum(axis=1).max() / 2]


def pandas_ordered(rows: pd.DataFrame, _: pd.DataFrame) -> list[float]:
    """Class after class, as the definition reads."""
    values = np.sort(rows["amount"].unique())
    place = np.searchsorted(values, rows["amount"])
    reached = np.cumsum(np.bincount(place)) / len(rows)
    found = []
    for own in rows.assign(place=place).groupby(QUASI, dropna=False)["place"]:
        share = np.bincount(own[1], minlength=len(values)) / len(own[1])
        entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
        t = np.abs(np.cumsum(share) - reached)[:-1].sum() / (len(values) - 1)
        found.append(((share > 0).sum(), np.exp(entropy), t))
    distinct, entropies, distances = zip(*found, strict=True)
    return [min(distinct), min(entropies), max(distances)]


def pandas_consent(rows: pd.DataFrame, consents: pd.DataFrame) -> int:
    """Every pair of a decision and a consent of its customer."""
    pairs = rows[["customer", "time", "purpose"]].reset_index().merge(consents, on=["customer", "purpose"])
    held = (pairs["given"] <= pairs["time"]) & ~(pairs["withdrawn"] <= pairs["time"])
    return pairs.loc[held, "index"].nunique()


MEASURES: dict[str, tuple[Callable[[Path], Any], Callable[[pd.DataFrame, pd.DataFrame], Any]]] = {
    "k": (ours_k, pandas_k),
    "l_t": (ours_lt, pandas_lt),
    "ordered": (ours_ordered, pandas_ordered),
    "consent": (ours_consent, pandas_consent),
}


# --- both --------------------------------------------------------------------------------------------------------


def timed(sizes: Sizes, folder: Path) -> list[Timing]:
    """Each measure at both sizes, in a line each."""
    small, large = (written(rows, folder / str(rows)) for rows in (sizes.beside, sizes.alone))
    peaks = {name: alone(peak_mb, name, large) for name in MEASURES}  # first: a process begins with its parent's peak
    rows, consents = (pd.read_parquet(small / f"{name}.parquet") for name in ("rows", "consents"))
    found = []
    for name, (ours, obvious) in MEASURES.items():
        check(name, ours(small), obvious(rows, consents))
        pandas = statistics.median(seconds(lambda: obvious(rows, consents)) for _ in range(sizes.runs))  # noqa: B023
        own = median(lambda: ours(small), sizes.runs)  # noqa: B023
        found.append(Timing(name, sizes.beside, own, pandas, pandas / own, None, None))
        show(found[-1])
        more = seconds(lambda: ours(large))  # noqa: B023
        grows = more / own / (sizes.alone / sizes.beside)
        found.append(Timing(name, sizes.alone, more, None, None, grows, peaks[name]))
        show(found[-1])
    return found


def alone(work: Callable[[str, Path], float], name: str, folder: Path) -> float:
    """What `work` finds in a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, name, folder).result()


def peak_mb(name: str, folder: Path) -> float:
    """The most memory (MB) this process ever had, after one measure."""
    MEASURES[name][0](folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def check(name: str, ours: Any, theirs: Any) -> None:
    """RuntimeError unless both found the same: else the times are of different things."""
    same = ours == theirs if isinstance(ours, dict) else np.allclose(ours, theirs)
    if not same:
        raise RuntimeError(f"{name} is {theirs} by pandas, and {ours} by ours")


def written(rows: int, folder: Path) -> Path:
    """A folder with the rows and the consents; DuckDB draws and writes them piece by piece."""
    folder.mkdir()
    for name, query in (("rows", ROWS), ("consents", CONSENTS)):
        target = folder / f"{name}.parquet"
        opened().con.execute(f"COPY ({query.format(rows=rows)}) TO '{target}' (FORMAT parquet)")
    return folder


def show(found: Timing) -> None:
    numbers = (found.pandas, found.ratio, found.grows, found.peak_mb)
    cells = " ".join(f"{'':>9}" if value is None else f"{value:>9,.2f}" for value in numbers)
    print(f"{found.measure:<8} {found.rows:>11,} {found.ours:>8.2f} {cells}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all, print it, and write it where asked."""
    parser = argparse.ArgumentParser(description="Time the privacy measures.")
    parser.add_argument("--small", action="store_true", help="a quick look, at fewer rows than the ratios' names say")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table and the ratios")
    asked = parser.parse_args(arguments)
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    machine |= {name: metadata.version(name) for name in ("duckdb", "ibis-framework", "pandas")}
    print(", ".join(f"{name} {value}" for name, value in machine.items()), end="\n\n")
    print(LEGEND)
    print(f"{'measure':<8} {'rows':>11} {'ours':>8} {'pandas':>9} {'ratio':>9} {'grows':>9} {'peak MB':>9}")
    with tempfile.TemporaryDirectory() as name:
        timings = timed(SMALL if asked.small else FULL, Path(name))
    ratios = {f"pandas_{t.measure}_1e6": t.ratio for t in timings if t.ratio}
    ratios |= {f"grows_{t.measure}_1e7": t.grows for t in timings if t.grows}
    if asked.json:
        told = {"small": asked.small, "machine": machine, "timings": [asdict(t) for t in timings], "ratios": ratios}
        asked.json.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
