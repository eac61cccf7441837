"""P3.1 and C1.2: columns that are collected and not used, and columns that are used and add next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from ethics_kit import schema
from ethics_kit.measures import contribution
from ethics_kit.measures.contribution import Contribution, Without
from ethics_kit.measures.models import Model, ModelError
from ethics_kit.record import Finding, Status, Table
from ethics_kit.schema.design import Category, DataFlow
from ethics_kit.stages import events
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.design_review import uses
from ethics_kit.stages.design_review.inventory import columns_of
from ethics_kit.stages.design_review.uses import ColumnOf
from ethics_kit.stages.evidence import not_assessed, register_awaits, register_share
from ethics_kit.stages.modelled import model_of

SEED = 20260101
ROWS = 20_000
"""More rows of the training sample than this are not used; they are drawn by hash."""


def unused_columns(case: Case) -> Outcome:
    """P3.1: columns of the dossier's tables that nothing reads and that serve no other stated purpose."""
    kept, stated = case.dossier.stage(schema.DesignReview).inventory, uses.purposes(case)
    awaits = register_awaits(case, kept, "the data-flow inventory (inventory in design_review.yaml)")
    awaits = awaits or uses.purposes_await(case)
    if kept is None or awaits:
        return Outcome((not_assessed("P3.1", "columns_used", awaits),))
    columns = columns_of(case, kept.rows)
    unread = sorted(columns.all - columns.used - uses.decided_by(case) - uses.learnt_from(case))
    reasons = {column: _reason(case, kept.rows, column, stated) for column in unread}
    idle = {column for column, reason in reasons.items() if not reason}
    finding = register_share(
        case,
        "P3.1",
        "columns_used",
        len(columns.all) - len(idle),
        len(columns.all),
        statement=f"{len(columns.all) - len(idle)} of {len(columns.all)} columns are read or kept for a stated reason"
        + (f"; collected and not used: {uses.named(idle)}." if idle else "."),
        at_least=1.0,
        unit="share of columns",
        action="Stop collecting these columns, or say what they are for: under ignored or not_attributes in "
        "system.yaml, or by a purpose of their own in the inventory.",
        source="GDPR Art. 5(1)(c)",
    )
    return Outcome((finding,), _unread_table(kept.rows, reasons) if reasons else ())


def _reason(case: Case, rows: list[DataFlow], column: ColumnOf, stated: Sequence[str]) -> str:
    """Why a column that nothing reads is kept, in words; empty where nobody says."""
    table, name = column
    said = case.dossier.located_tables[table].spec.ignored.get(name) or case.dossier.system.not_attributes.get(name)
    if said and not schema.placeholder(said):
        return said
    extracts = sorted(extract for extract, columns in uses.handed_on(case).items() if name in columns)
    if extracts:
        return f"handed on in {', '.join(extracts)}"
    others = sorted(
        {
            row.purpose
            for row in uses.listing(rows, column)
            if row.purpose and not schema.placeholder(row.purpose) and not any(row.serves(p) for p in stated)
        }
    )
    return f"listed for {', '.join(others)}" if others else ""


def _unread_table(rows: list[DataFlow], reasons: dict[ColumnOf, str]) -> tuple[Table, ...]:
    body = [[*c, (uses.category(rows, c) or "not listed").replace("_", " "), why or None] for c, why in reasons.items()]
    return (
        Table(
            id="P3.1.unread_columns",
            title="Columns that nothing reads",
            requirement="P3.1",
            columns=["table", "column", "kind", "kept because"],
            rows=body,
        ),
    )


def contributions(case: Case) -> Outcome:
    """C1.2: what each column adds to performance on held-out rows, and which could go at what cost."""
    rows = _sample(case)
    if isinstance(rows, str):
        return Outcome((not_assessed("C1.2", "columns_to_drop", rows),))
    try:
        return _judged(case, *_tested(case, rows), rows)
    except ModelError as error:
        return Outcome((not_assessed("C1.2", "columns_to_drop", f"a model that can score the sample ({error})"),))


def _sample(case: Case) -> pd.DataFrame | str:
    """The training sample: a row per customer with `positive`, `held_out` and its features; else what it awaits."""
    needed = ("customer", "split", "outcome")
    if not case.has("training_sample", *needed):
        return case.lacking("training_sample", *needed)
    absent = [name for name, feature in case.dossier.system.features.items() if feature.training is None]
    features = [name for name in case.dossier.system.features if name not in absent]
    if absent or not features:
        return f"the columns of {', '.join(absent) or 'features'} in the training sample (training under features)"
    sample = case.table("training_sample")
    positive = events.label(sample.outcome, case.dossier.system.outcome.positive)
    place = sample.customer.hexdigest("md5")
    values = [sample[f"feature_{name}"].cast("string").fill_null("") for name in features]
    drawn = reduce(lambda one, other: one + "|" + other, values).hexdigest("md5")
    nth = ibis.row_number().over(group_by=sample.customer, order_by=drawn)
    table = sample.select(
        place=place,
        nth=nth,
        positive=positive,
        held_out=events.held_out(sample.split),
        **{f"feature_{name}": sample[f"feature_{name}"] for name in features},
    )
    one_each = table.filter((table.nth == 0) & table.positive.notnull() & table.held_out.notnull())
    rows: pd.DataFrame = one_each.order_by("place").limit(ROWS).to_pyarrow().to_pandas()
    few = _too_few(case, rows)
    return few or rows.astype({"positive": bool, "held_out": bool})


def _too_few(case: Case, rows: pd.DataFrame) -> str:
    """What is lacking where a split has too few rows of an outcome to rank by; empty where none has."""
    needed = case.dossier.policy.fairness.minimum_group.value
    for held_out, split in ((True, "held out from training"), (False, "for training")):
        counts = rows.loc[rows["held_out"].astype(bool) == held_out, "positive"].astype(bool).value_counts()
        if min(counts.get(True, 0), counts.get(False, 0)) < needed:
            return f"at least {needed} rows of each outcome {split} in the training sample"
    return ""


def _tested(case: Case, rows: pd.DataFrame) -> tuple[Without, dict[str, ColumnOf], str]:
    """Scores without columns, the columns by their name in the data, and how it was done."""
    system, test, train = case.dossier.system, rows[rows["held_out"]], rows[~rows["held_out"]]
    names = {f"feature_{name}": str(feature.training) for name, feature in system.features.items()}
    read = model_of(case)
    if isinstance(read, str):
        raise ModelError(read, "a model that can be read", "correct model.file or model.plugin in system.yaml")
    if isinstance(read, Model):
        data = test.rename(columns=names).reset_index(drop=True)
        columns = {name: ("training_sample", name) for name in read.columns}
        scorer = _rising(read, data, test["positive"].to_numpy())
        return contribution.permuted(scorer, data, seed=SEED), columns, "the model, each column shuffled"
    without = contribution.refitted(train[list(names)], train["positive"].to_numpy(), test[list(names)])
    told = "no model is given: a logistic regression on the features, fitted again without each"
    return without, {name: ("training_sample", column) for name, column in names.items()}, told


def _rising(model: Model, rows: pd.DataFrame, positive: npt.NDArray[np.bool_]) -> Model:
    """The model with scores that rise with the outcome: one that gives a number may mean health by it, and so fall."""
    scores = model.score(rows)
    if model.scale != "value" or scores[positive].mean() >= scores[~positive].mean():
        return model
    return replace(model, predict=lambda data: -np.asarray(model.predict(data), dtype=np.float64))


def _judged(case: Case, without: Without, columns: dict[str, ColumnOf], how: str, rows: pd.DataFrame) -> Outcome:
    policy, level = case.dossier.policy.privacy.contribution_min, case.dossier.policy.fairness.confidence.value
    positive: npt.NDArray[np.bool_] = rows.loc[rows["held_out"], "positive"].to_numpy()
    listed = case.dossier.stage(schema.DesignReview).inventory
    kinds = {name: uses.category(listed.rows if listed else [], column) for name, column in columns.items()}
    whole = contribution.contribution(without, list(columns), positive, confidence=level)
    if whole.added.high is not None and whole.added.high < 0:
        raise ModelError(
            "scores that fall where the outcome is more likely",
            "scores that rise with the outcome",
            "name the model's class for a positive outcome (model.positive in system.yaml)",
        )
    found = contribution.each(without, list(columns), positive, confidence=level)
    found.sort(key=_most_sensitive(kinds))
    drop = contribution.droppable(without, found, positive, minimum=policy.value, confidence=level)
    finding = _finding(case, found, drop, {name: column for name, (_, column) in columns.items()}, how)
    body = [
        [
            columns[one.columns[0]][1],
            (kinds[one.columns[0]] or "not listed").replace("_", " "),
            one.added.value,
            one.added.low,
            one.added.high,
            "drop" if drop and one.columns[0] in drop.columns else _verdict(one, policy.value),
        ]
        for one in found
    ]
    table = Table(
        id="C1.2.contributions",
        title="What each column adds to performance",
        requirement="C1.2",
        columns=["column", "kind", "AUC added", "low", "high", "verdict"],
        rows=body,
        note=f"On {len(positive):,} rows held out from training; {how}. Intervals hold together at {level:.0%} "
        f"(Bonferroni). What adds less than {policy.value:g} is proposed for removal, most sensitive first, as long as "
        "all that is proposed adds less together.",
    )
    return Outcome((finding,), (table,))


def _most_sensitive(kinds: dict[str, Category | None]) -> Callable[[Contribution], tuple[int, float]]:
    """Most sensitive first, then what adds least; what nobody listed may be anything, so it comes first."""

    def key(one: Contribution) -> tuple[int, float]:
        kind = kinds[one.columns[0]]
        return (uses.MOST_SENSITIVE_FIRST.index(kind) if kind else -1, one.added.value or 0.0)

    return key


def _verdict(one: Contribution, minimum: float) -> str:
    low, high = one.added.low, one.added.high
    if low is None or high is None:
        return "not estimable"
    return "adds" if low >= minimum else "adds little alone" if high < minimum else "not settled"


def _finding(
    case: Case, found: Sequence[Contribution], drop: Contribution | None, names: dict[str, str], how: str
) -> Finding:
    policy = case.dossier.policy.privacy.contribution_min
    verdicts = {one.columns[0]: _verdict(one, policy.value) for one in found}
    open_ = [one for one in found if verdicts[one.columns[0]] in ("not settled", "not estimable")]
    kept = sum(verdict == "adds" for verdict in verdicts.values())
    told = f"{kept} of {len(found)} columns add at least {policy.value:g} to the AUC"
    status: Status = "met"
    action = None
    if open_:
        needed = [rows for one in open_ if (rows := one.rows_to_settle(policy.value))]
        told += f"; not settled: {', '.join(names[one.columns[0]] for one in open_)}"
        told += f" (about {max(needed):,} held-out rows would be enough)" if needed else ""
        status, action = "inconclusive", "Hold out more rows from training."
    if drop:
        cost = drop.added
        told += f"; proposed for removal: {', '.join(names[c] for c in drop.columns)}, which together add "
        told += f"{cost.value:.4f} ({cost.low:.4f} to {cost.high:.4f})"
        status, action = "not_met", "Take these columns out, or have somebody accept that they stay, and why."
    return Finding(
        id="C1.2.columns_to_drop",
        requirement="C1.2",
        status=status,
        evidence="measured",
        statement=f"{told}.",
        value=len(drop.columns) if drop else 0,
        unit="columns proposed for removal",
        n=found[0].n if found else 0,
        threshold=0,
        method=f"AUC with less without, on held-out rows ({how}); paired intervals after DeLong, Bonferroni",
        source=policy.source,
        action=action,
    )
