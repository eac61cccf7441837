"""C2.3: how often the system is right and wrong about each group, and what comes of it for people treated alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from ethics_kit.framework import catalogue
from ethics_kit.measures import classes, gaps, metrics, proportions
from ethics_kit.measures.counts import UNKNOWN, Counts
from ethics_kit.measures.disclosure import withheld
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.uplift import Effect
from ethics_kit.record import Table
from ethics_kit.report import figures
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing import families, scored
from ethics_kit.stages.bias_testing.parity import SEED, Line, drawn, spread_tables, unknown_note
from ethics_kit.stages.bias_testing.tested import tested, uncovered
from ethics_kit.stages.case import Case, Outcome, hide_alike
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.labelled import doubt, knows_outcomes, labelled, of_people, source

DRAWN = metrics.ERRORS | metrics.ORDER | metrics.CONVERSATIONS
"""Rates that get a figure."""


@cache
def outcome_equity(case: Case) -> Outcome:
    """C2.3: how often the system is right and wrong about each group, among matured outcomes."""
    results = tested(case)
    if results.awaits:
        return Outcome((not_assessed("C2.3", "group_comparison", results.awaits),))
    findings = uncovered(case, "C2.3", "outcome_difference")
    tables: list[Table] = []
    shown: list[Comparison] = []
    held = results.of("C2.3")
    for name, _ in of_people(case):
        if awaits := doubt(case, name):
            findings.append(not_assessed("C2.3", f"{name}.outcome_difference", awaits))
            continue
        findings += [not_assessed("C2.3", f"{name}.{m}_difference", awaits) for m, awaits in _missing(case)]
        own = [rows for rows in held.values() if rows[0].attribute == name]
        findings += [told.finding(case, "C2.3", rows[0].name, rows, among=_among(case, rows[0])) for rows in own]
        if own:
            title = f"Errors and results by {name}"
            tables.append(told.table(case, "C2.3", f"{name}.outcomes", own, _notes(case, name, own), title=title))
        shown += [c for rows in own if rows[0].metric in DRAWN and not rows[0].within for c in drawn(case, rows)]
    small = case.dossier.policy.records.small_cell.value
    forest = figures.forest(shown, {name: metric.label for name, metric in DRAWN.items()}, small=small)
    spread = [m for m in families.decisive(case) if families.SERVED[m.name] == "C2.3"]
    tables += spread_tables(case, "C2.3", spread) + _equalized_odds(case) + _rates(case)
    return Outcome(tuple(findings), tuple(tables), forest)


def _missing(case: Case) -> list[tuple[str, str]]:
    """The rates of this requirement that cannot be had, and what they await."""
    if case.dossier.system.kind == "generative":
        owed = [m for m in metrics.CONVERSATIONS if families.SERVED[m] == "C2.3"]
        awaits = "in the table conversations the columns for resolved, reopened and grounded"
        return [(m, awaits) for m in owed if m not in labelled(case).metrics]
    awaits = "outcome.horizon_days, and the table's column for outcome"
    errors = [m for m in case.dossier.policy.fairness.metrics.value if m in metrics.ERRORS and not knows_outcomes(case)]
    return [*((m, awaits) for m in errors), *_missing_results(case)]


def _missing_results(case: Case) -> Iterator[tuple[str, str]]:
    """What the system is used for says which results of a decision have to be compared."""
    use, table = case.dossier.system.use, case.dossier.system.events
    if use is None:
        yield "results", "what the system is used for (use in system.yaml)"
        return
    for role, about in catalogue.results().items():
        if use in about.result_of and role not in case.not_kept and not case.has(table, role):
            yield role, f"in the table {table} the column for {role}, or why it is not kept (not_kept in system.yaml)"


def _among(case: Case, comparison: Comparison) -> str:
    if comparison.within == "treatment":
        return " among people treated alike"
    if comparison.metric in metrics.ERRORS and case.dossier.system.outcome.changed_by_action == "yes":
        return " under treatment"
    return ""


def _notes(case: Case, name: str, own: Sequence[Sequence[Comparison]]) -> list[str]:
    known, firsts = labelled(case), [rows[0] for rows in own]
    notes = unknown_note(case, name, own[0])
    if known.immature and any(f.metric in metrics.ERRORS or f.metric == "placed_lower" for f in firsts):
        notes.append(f"{known.immature} rows are left out of error rates, as their outcome is not known yet.")
    if any(_among(case, first) == " under treatment" for first in firsts):
        held_out = scored.hold_out(case)
        notes.append(
            "Error rates are under treatment: acting changes the outcome, so who was helped looks like a false alarm. "
            + ("What acting changes is shown against the hold-out." if held_out else "No hold-out tells how much.")
        )
    if not scored.independent(case) and {"score", "holdout"} & set(known.events.columns):
        notes.append("Scores, calibration and the hold-out are not told by group, as rows repeat or carry weights.")
    if any(first.within == "treatment" for first in firsts):
        notes.append("Treated alike: compared within each action taken, then pooled (Mantel–Haenszel, or its like).")
    return notes


def _equalized_odds(case: Case) -> list[Table]:
    """Per attribute the larger of the two error-rate gaps between any groups."""
    held = source(case)
    if not isinstance(held, Counts) or "true_positive_rate" not in labelled(case).metrics:
        return []
    policy, small = case.dossier.policy.fairness, case.dossier.policy.records.small_cell.value
    body: list[Line] = []
    for name in labelled(case).compared:
        key = f"attribute_{name}"
        recall, alarms = (held.shares(metrics.ERRORS[m], key) for m in ("true_positive_rate", "false_positive_rate"))
        both = recall.add_suffix("_p").join(alarms.add_suffix("_n")).drop(index=UNKNOWN, errors="ignore")
        hidden = withheld((both["n_p"] + both["n_n"]).tolist(), small)
        both = both[[place not in hidden for place in range(len(both))]]
        if len(both) < 2:
            continue
        cells = [
            [p, false, positives - p, negatives - false]
            for p, positives, false, negatives in both[["count_p", "n_p", "count_n", "n_n"]].itertuples(index=False)
        ]
        found = gaps.equalized_odds(list(both.index), cells, confidence=policy.confidence.value, seed=SEED)
        body.append(
            [name, *told.parts(found.gap), found.by_chance, told.scale(found.rate).label if found.rate else None]
        )
    columns = ["attribute", "equalized odds difference", "low", "high", "by chance", "driven by"]
    return [
        Table(
            id="C2.3.equalized_odds",
            title="Equalized odds: the larger of the two error-rate gaps between any groups",
            requirement="C2.3",
            columns=columns,
            rows=body,
            note="Interval: bootstrap of the counts. By chance: what is expected where error rates are equal.",
        )
    ] * bool(body)


def _rates(case: Case) -> list[Table]:
    """Every rate of every group, with interval and rows."""
    known = labelled(case)
    small = case.dossier.policy.records.small_cell.value
    every = {**metrics.SELECTION, **metrics.ERRORS}
    rates = [metric for name, metric in every.items() if name in known.metrics and name not in metrics.COMPLEMENTS]
    found = []
    for name in (n for n in known.compared if n in case.dossier.policy.fairness.attributes.value):
        body: list[Line] = []
        blocks = [_rows(case, name, metric) for metric in rates]
        shown, _ = hide_alike(blocks, key=0, n_column=1, counts=[2, 3, 4], small=small)
        for metric, rows in zip(rates, shown, strict=True):
            body += [[told.scale(metric.name).label, *row] for row in rows]
        if body and len(rates) > 1:
            found.append(
                Table(
                    id=f"C2.3.{name}.rates",
                    title=f"Every rate by {name}",
                    requirement="C2.3",
                    columns=["rate", "group", "n", "value", "low", "high"],
                    rows=body,
                    note="n counts the rows that the rate divides by. True negative and false negative rates are what "
                    "the false positive rate and recall leave to 1.",
                )
            )
    return found


def _rows(case: Case, name: str, metric: metrics.Metric) -> list[Line]:
    """Group, rows, and the rate with its interval."""
    pairs = source(case).pairs(metric, f"attribute_{name}")
    able = [(*p.own.worth,) if p.own.estimable else (0.0, 0.0) for p in pairs]
    confidence = case.dossier.policy.fairness.confidence.value
    rates = proportions.rates([c for c, _ in able], [n for _, n in able], confidence=confidence)
    return [[p.group, int(p.own.n), *told.parts(rate)] for p, rate in zip(pairs, rates, strict=True)]


def classes_by_group(case: Case) -> Outcome:
    """C2.3: each class against all others, where there are more than two."""
    if tested(case).awaits:
        return Outcome()
    known = labelled(case)
    if "deserved" not in known.events.columns or not scored.independent(case):
        return Outcome()
    names = {name: known.events[f"attribute_{name}"] for name in known.compared}
    order = case.dossier.system.decision.order
    table = known.events.select(**names, decision=known.events.decided, deserved=known.events.deserved)
    counted = classes.confusion(table, known.compared, order)
    small = case.dossier.policy.records.small_cell.value
    tables = []
    for name in known.compared:
        body: list[Line] = []
        blocks: dict[tuple[str, str], list[Line]] = {}
        for one, cells in classes.one_vs_rest(counted, name).items():
            for metric in ("selection_rate", "true_positive_rate", "false_positive_rate"):
                rows = [[g, n, count / n if n else None] for g, count, n in cells[metric] if g != UNKNOWN]
                blocks[one, told.scale(metric).label] = rows
        for words, placed in (("lower", classes.placed_lower), ("higher", classes.placed_higher)):
            rows = [[p.group, p.n, p.count / p.n if p.n else None] for p in placed(counted, name) if p.group != UNKNOWN]
            blocks["any", f"placed {words} than deserved"] = rows
        shown, _ = hide_alike([*blocks.values()], key=0, n_column=1, counts=[2], small=small)
        for heading, lines in zip(blocks, shown, strict=True):
            body += [[*heading, *line] for line in lines]
        tables.append(
            Table(
                id=f"C2.3.{name}.classes",
                title=f"Each class against all others, by {name}",
                requirement="C2.3",
                columns=["class", "rate", "group", "n", "value"],
                rows=body,
            )
        )
    return Outcome((), tuple(tables))


def effect_of_acting(case: Case) -> Outcome:
    """C2.3: what acting changes, against those held out by chance, by decile of the score and by group."""
    found = None if tested(case).awaits else scored.hold_out(case)
    if found is None:
        return Outcome()
    lines = [("all", found.overall), *((f"decile {place}", effect) for place, effect in found.deciles.items())]
    note = (
        f"Uplift is the good outcome's rate among those treated less that in the hold-out. Decile 1 holds the highest "
        f"scores. {found.left_out} rows lack arm or outcome."
    )
    by_group = [
        (f"{name} = {group}", effect.effect)
        for name, groups in found.groups.items()
        for group, effect in groups.items()
        if group != UNKNOWN
    ]
    gaps_told = [
        f"{name} = {group} {effect.gap.value * 100:+.1f} points"
        for name, groups in found.groups.items()
        for group, effect in groups.items()
        if effect.gap.low is not None and effect.gap.high is not None and effect.gap.value is not None
        if effect.gap.low > 0 or effect.gap.high < 0
    ]
    apart = f"Uplift differs from the others', with an interval beside 0, for: {'; '.join(gaps_told) or 'no group'}."
    return Outcome(
        (),
        (
            _uplift_table(case, "decile", "decile of the score", lines, note),
            _uplift_table(case, "group", "group", by_group, apart + " Not adjusted for the number of groups."),
        ),
    )


def _uplift_table(case: Case, name: str, by: str, lines: Sequence[tuple[str, Effect]], note: str) -> Table:
    small = case.dossier.policy.records.small_cell.value
    enough = [min(e.arms.n, e.arms.held_out_n) >= small for _, e in lines]
    rows: list[Line] = [
        [group, e.arms.n, e.arms.held_out_n, e.treated.value, e.held_out.value, *told.parts(e.uplift)]
        if shown
        else [group, *[None] * 7]
        for (group, e), shown in zip(lines, enough, strict=True)
    ]
    return Table(
        id=f"C2.3.uplift_by_{name}",
        title=f"What acting changes, by {by}",
        requirement="C2.3",
        columns=["rows", "treated n", "held out n", "treated", "held out", "uplift", "low", "high"],
        rows=rows,
        hidden=enough.count(False),
        note=note,
    )
