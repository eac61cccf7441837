"""Seeded draws, and columns of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Frame = dict[str, Array]
"""A table's columns by role."""
Facts = Mapping[str, Any]


HOUR, DAY = 3600, 86400
SECOND = np.timedelta64(1, "s")
NEVER = np.datetime64("NaT", "s")

PICKS: dict[str, Sequence[Any]] = {
    "channel": ("e-mail", "app", "letter"),
    "choice": ("off", "less", "on"),
    "rating": (1, 2, 3, 4, 4, 5, 5),
    "seconds": range(40, 240),
    "sus": (55.0, 62.5, 67.5, 70.0, 72.5, 75.0, 80.0, 90.0),
    "task": ("find the reason", "contest a result", "reach a person"),
    "topic": ("clarity", "wrong result", "waiting time", "contact", "praise"),
}
"""What columns are drawn from whose values prove nothing."""


def objects(values: Iterable[Any]) -> Array:
    return np.array(list(values), dtype=object)


def repeated(value: object, n: int) -> Array:
    return np.full(n, value, dtype=object)


def where(condition: Array, yes: object, no: object) -> Array:
    chosen: Array = np.where(condition, yes, no)  # type: ignore[call-overload]
    return chosen


def moment(day: object) -> np.datetime64:
    return np.datetime64(str(day), "s")


def between(rng: np.random.Generator, first: object, end: object, n: int) -> Array:
    """`n` moments from `first` up to, and without, `end`."""
    length = int((moment(end) - moment(first)).astype(int))
    return np.asarray(moment(first) + rng.integers(0, length, n).astype("m8[s]"))


def moved(rng: np.random.Generator, time: Array, low: int, high: int) -> Array:
    """`time` moved by at least `low` and less than `high` seconds; negative is earlier."""
    return np.asarray(time + rng.integers(low, high, len(time)).astype("m8[s]"))


def soon_after(rng: np.random.Generator, time: Array, as_of: np.datetime64) -> Array:
    """Within 20 days of `time`, and before the day of assessment."""
    longest = np.minimum(as_of - time, 20 * DAY * SECOND).astype(int)
    return np.asarray(time + (longest * rng.beta(1.2, 3, len(time))).astype("m8[s]"))


def parts(rng: np.random.Generator, among: Array, counts: Iterable[int]) -> list[Array]:
    """Disjoint random parts of `among` of the sizes given, then the rest."""
    return np.split(rng.permutation(among), np.cumsum(list(counts)))


def evenly(rng: np.random.Generator, among: Array, count: int, attributes: Iterable[Array]) -> Array:
    """`count` rows of `among`, with as equal a share of each group as whole rows allow; the first attributes first."""
    random = rng.random(len(among))
    keys = [random, *reversed([attribute[among].astype(str) for attribute in attributes])]
    places = (np.arange(count) + rng.random()) * len(among) / count
    return np.asarray(among[np.lexsort(keys)][places.astype(int)])


def stack(blocks: Iterable[Frame], by: str) -> Frame:
    """The blocks' rows in the order of column `by`."""
    blocks = list(blocks)
    frame = {role: np.concatenate([b[role] for b in blocks]) for role in blocks[0]}
    order = np.argsort(frame[by], kind="stable")
    return {role: column[order] for role, column in frame.items()}


def quotas(total: int, shares: Mapping[str, float]) -> Array:
    """`total` rows split by `shares` in percent; the largest remainders are rounded up."""
    exact = total * np.array(list(shares.values()), dtype=float) / 100
    rows = np.floor(exact + 1e-9).astype(int)
    rows[np.argsort(rows - exact, kind="stable")[: total - rows.sum()]] += 1
    return rows
