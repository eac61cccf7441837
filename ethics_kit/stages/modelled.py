"""The system's model, decision by decision: what went in, what came out, and what each feature added.

There are three tiers. A model that can be asked (a file or a plug-in) shows everything; a table of attributions shows
what the features added, as its maker says; predictions alone show none of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from ethics_kit.checks.model import opened
from ethics_kit.measures.affordable import LEAST, Affordable, affordable
from ethics_kit.measures.attributions import Attributions, Matrix, attributions, burden
from ethics_kit.measures.models import Model, ModelError
from ethics_kit.measures.scoring import check_columns
from ethics_kit.stages import events
from ethics_kit.stages.case import Case

SEED = 0
KEPT = ("selected", "reason", "score", "base")
AWAITS = (
    "the model itself (model.file or model.plugin in system.yaml) or a table of attributions: predictions alone do not "
    "show what they rest on"
)

CUT = (
    "as many as the policy's seconds_max affords on the machine of this run (sample_rows sets a number that holds on "
    "every machine)"
)

UNUSABLE = "a model that can be used: {}"


@dataclass(frozen=True)
class Modelled:
    """A seeded sample of decisions, one per unit, with what the model made of them.

    `rows` are raw values under the model's own column names; `features` are the names of these columns in system.yaml,
    in the same order. `selected` says what was decided, `reasons` the stored codes (None without such a column);
    `groups` has a column per attribute. `attributions` has a row of NaN where the table of attributions has none.
    `model` reads `rows`; it is None in the tier of the table. `size` tells in words how many decisions these are.
    """

    tier: Literal["model", "attributions"]
    features: tuple[str, ...]
    rows: pd.DataFrame
    selected: npt.NDArray[np.bool_]
    reasons: pd.Series[str] | None
    groups: pd.DataFrame
    attributions: Attributions
    model: Model | None
    size: str

    @property
    def values(self) -> Matrix:
        """Decisions × features."""
        return self.attributions.values

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """The decisions whose attributions are there."""
        return np.asarray(np.isfinite(self.attributions.values).all(axis=1))


@cache
def model_of(case: Case) -> Model | str | None:
    """The dossier's model; what is wrong with it, in words, where it cannot be used; None where none is named."""
    try:
        return opened(case.dossier)
    except ModelError as error:
        return str(error)


def columns_of(case: Case) -> dict[str, str]:
    """What the model calls each attribute and feature: its column of the training sample. Features come last."""
    system = case.dossier.system
    names = {f"attribute_{name}": held.column for name, held, _ in case.dossier.held_attributes() if held.column}
    return names | {f"feature_{name}": feature.training or feature.column for name, feature in system.features.items()}


@cache
def modelled(case: Case) -> Modelled | str:
    """The sample with its attributions, or what they await, in words."""
    model, policy = model_of(case), case.dossier.policy.explanations
    table = case.dossier.system.events
    if isinstance(model, str):
        return UNUSABLE.format(model)
    if not case.has(table, "customer", "time", "decision"):
        return case.lacking(table, "customer", "time", "decision")
    if model is None:
        return _from_table(case, policy.sample_rows.value)
    sample = _sample(_events(case), policy.sample_rows.value)
    if len(sample) < 2:
        return "two decisions or more"
    held = {column: name for name, column in columns_of(case).items() if name in sample}
    try:
        check_columns(model.columns, list(held))
        rows = pd.DataFrame({column: sample[held[column]] for column in model.columns})
        room = _room(case, model, rows)
        found = attributions(model, rows[: room.rows], seed=SEED)
    except ModelError as error:
        return UNUSABLE.format(error)
    features = tuple(held[column].partition("_")[2] for column in model.columns)
    return _modelled("model", features, sample[: room.rows], rows[: room.rows], found, model, cut=room.cut)


def _room(case: Case, model: Model, rows: pd.DataFrame) -> Affordable:
    """How many of the rows the policy's seconds_max affords. A plug-in may wait for others: its waiting counts."""
    work, times = burden(model, rows[:LEAST])
    return affordable(
        lambda n: work(rows[:n]),
        len(rows),
        seconds=case.dossier.policy.explanations.seconds_max.value,
        times=times,
        clock=time.perf_counter if case.dossier.system.model.plugin else time.process_time,
    )


def _from_table(case: Case, limit: int) -> Modelled | str:
    """The tier of the table: `output` is the logged score. A decision that is not in the table has no attributions."""
    if "attributions" not in case.dossier.located_tables:
        return AWAITS
    if not case.has("decisions", "id"):
        return case.lacking("decisions", "id")
    features = tuple(name for name, feature in case.dossier.system.features.items() if feature.attribution)
    if not features:
        return "for each feature its column of the table attributions (features in system.yaml: attribution)"
    told = case.table("attributions")
    told = told.select(told_of="decision", base="base", **{f"added_{name}": f"feature_{name}" for name in features})
    decided = _events(case)
    sample = _sample(decided.left_join(told, decided.id == told.told_of), limit)
    found = Attributions(
        sample[[f"added_{name}" for name in features]].to_numpy(dtype=float),
        sample["base"].to_numpy(dtype=float),
        sample["score"].to_numpy(dtype=float) if "score" in sample else np.full(len(sample), np.nan),
        "as the table of attributions says",
    )
    rows = sample[[f"feature_{name}" for name in features]].rename(columns=columns_of(case))
    return _modelled("attributions", features, sample, rows, found, None, cut=False)


def _events(case: Case) -> ir.Table:
    """The decisions with a boolean `selected` and a `unit` that rows repeat within."""
    told = events.described(case)
    selected = events.meaning(told.decision, case.dossier.system.decision.selected)
    unit = told.cluster.fill_null(told.customer) if "cluster" in told.columns else told.customer
    return told.mutate(selected=selected, unit=unit).filter(ibis._.selected.notnull())


def _sample(decided: ir.Table, limit: int) -> pd.DataFrame:
    """At most `limit` decisions, each unit's first, drawn by the hash of the unit."""
    order = [decided.time, *(decided[c] for c in ("id", "selected") if c in decided.columns)]
    ranked = decided.mutate(
        place=decided.unit.cast("string").hexdigest("md5"),
        nth=ibis.row_number().over(group_by=decided.unit, order_by=order),
    )
    drawn = ranked.filter(ranked.nth == 0).order_by("place").limit(limit)
    kept = [c for c in drawn.columns if c in KEPT or c.partition("_")[0] in ("attribute", "feature", "added")]
    rows: pd.DataFrame = drawn.select(*kept).to_pyarrow().to_pandas()
    return rows


@cache
def sampled(case: Case) -> pd.DataFrame:
    """The decisions that a model would be asked about, with columns ``feature_…`` and ``attribute_…``."""
    return _sample(_events(case), case.dossier.policy.explanations.sample_rows.value)


def _modelled(
    tier: Literal["model", "attributions"],
    features: tuple[str, ...],
    sample: pd.DataFrame,
    rows: pd.DataFrame,
    found: Attributions,
    model: Model | None,
    *,
    cut: bool,
) -> Modelled:
    groups = sample[[c for c in sample.columns if c.startswith("attribute_")]]
    why = ", " + CUT if cut else ""
    return Modelled(
        tier,
        features,
        rows.reset_index(drop=True),
        sample["selected"].to_numpy(dtype=bool),
        sample.get("reason"),
        groups.rename(columns=lambda c: c.removeprefix("attribute_")),
        found,
        model,
        f"a seeded sample of {len(sample):,} decisions{why}",
    )
