"""The example portfolio holds the planted facts and no others: counted again from the files, row by row."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import skops.io
from ruamel.yaml import YAML
from scipy import stats
from scipy.spatial import KDTree
from scipy.stats import contingency
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ethics_kit import dossier, examples, schema
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, Project
from ethics_kit.stages import bias_testing, design_review
from ethics_kit.stages.bias_testing.privacy import NUMBERS
from ethics_kit.stages.case import Case

PARAMETERS = Path(__file__).parents[1] / "parameters"
WHOLE = examples.planted()
SYSTEMS = list(WHOLE["systems"])
DECIDING = [s for s in SYSTEMS if "decisions" in WHOLE["systems"][s]]
AS_OF = pd.Timestamp(WHOLE["as_of"])
CELLS = ("tp", "fp", "fn", "tn", "selected_unlabelled", "other_unlabelled")


@cache
def load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Example:
    """One system: what was planted, and its files as pandas reads them."""

    id: str
    folder: Path

    @property
    def planted(self) -> dict[str, Any]:
        return WHOLE["systems"][self.id]

    @property
    def system(self) -> dict[str, Any]:
        return load(self.folder / "system.yaml")

    @property
    def events_name(self) -> str:
        return "conversations" if self.id == "support_assistant" else "decisions"

    @cache  # noqa: B019 (a few examples, for one module)
    def table(self, name: str) -> pd.DataFrame:
        """The table with its roles as names, by the mapping in system.yaml, and every other column under its own."""
        spec = self.system["tables"][name]
        frame = read(self.folder / spec["source"], spec.get("table"), written_as(spec))
        frame = frame.rename(columns={column: role for role, column in spec["columns"].items()})
        for role in times(name, frame):
            frame[role] = pd.to_datetime(frame[role], dayfirst=spec.get("dates") == "day_first")
            if zone := spec.get("time_zone"):
                frame[role] = frame[role].dt.tz_localize(zone).dt.tz_convert("UTC").dt.tz_localize(None)
        return frame

    @property
    def events(self) -> pd.DataFrame:
        return self.table(self.events_name)


def times(name: str, frame: pd.DataFrame) -> list[str]:
    """The roles of the frame that are times."""
    roles = catalogue.tables()[name].roles
    return [role for role in frame.columns if role in roles and roles[role].type == "time"]


def written_as(spec: dict[str, Any]) -> dict[str, str]:
    """How pandas is to read a CSV."""
    decimal = "," if spec.get("decimal") == "comma" else "."
    return {"sep": spec.get("delimiter", ","), "encoding": spec.get("encoding", "utf-8"), "decimal": decimal}


def read(path: Path, table: str | None = None, written: Mapping[str, str] = {}) -> pd.DataFrame:
    if path.suffix == ".csv":
        return pd.read_csv(path, **written)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {table}").df()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The repository's dossiers with freshly written tables."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(PARAMETERS, root / "parameters", ignore=shutil.ignore_patterns("data"))
    examples.write_tables(root / "parameters")
    return Project(root)


@pytest.fixture(params=SYSTEMS)
def example(request: pytest.FixtureRequest, project: Project) -> Example:
    return Example(request.param, project.parameters / request.param)


@pytest.fixture(params=DECIDING)
def deciding(request: pytest.FixtureRequest, project: Project) -> Example:
    return Example(request.param, project.parameters / request.param)


# --- writing -----------------------------------------------------------------------------------------------


def test_a_second_run_elsewhere_writes_the_same(project: Project, tmp_path: Path) -> None:
    written = examples.write_tables(tmp_path)
    assert len(written) == 72
    for path in written:
        other = project.parameters / path.relative_to(tmp_path)
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                names = [row[0] for row in connection.execute("SHOW TABLES").fetchall()]
            assert len(names) == 17
            for name in names:
                pd.testing.assert_frame_equal(read(path, name), read(other, name))
        elif path.suffix in (".csv", ".skops"):
            assert path.read_bytes() == other.read_bytes(), path.name
        else:
            pd.testing.assert_frame_equal(read(path), read(other))


def test_nothing_is_written_where_all_is_there(project: Project) -> None:
    assert examples.write_tables(project.parameters) == []


def test_a_missing_file_or_another_version_is_written_again(tmp_path: Path) -> None:
    examples.write_tables(tmp_path)
    (tmp_path / "churn_risk/data/decisions.parquet").unlink()
    marker = tmp_path / "data/.version"
    marker.write_text(marker.read_text().replace(examples.version(), "0" * 16))
    written = {path.relative_to(tmp_path).as_posix() for path in examples.write_tables(tmp_path)}
    assert "churn_risk/data/decisions.parquet" in written
    assert "data/training.csv" in written
    assert not any(name.startswith("health_score") for name in written)


def test_another_scikit_learn_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = examples.version()
    monkeypatch.setattr(examples.metadata, "version", lambda name: f"another {name}")
    assert examples.version() != before


def test_nothing_is_left_beside_the_tables(project: Project) -> None:
    for folder in (project.parameters / "data", *project.parameters.glob("*/data")):
        known = (folder / ".version").read_text().split()[1:]
        assert {path.name for path in folder.iterdir()} == {".version", *known}


def test_every_table_of_the_framework_is_in_some_example(project: Project) -> None:
    used = {name for s in SYSTEMS for name in load(project.parameters / s / "system.yaml")["tables"]}
    not_shown = {"attributions", "current_consents", "customer_ids"}  # small projects of other tests have these
    assert used | not_shown | {"training"} == set(catalogue.tables())


# --- rows --------------------------------------------------------------------------------------------------


def test_each_customer_has_one_event_in_the_period(example: Example) -> None:
    events, customers = example.events, example.table("customers")
    assert len(events) == example.planted[example.events_name] == 20_000
    assert events.customer.is_unique
    assert customers.customer.is_unique
    assert len(customers) == 20_000 + example.planted["undecided"]
    assert set(events.customer) < set(customers.customer)
    first, last = WHOLE["period"]
    assert events.time.dt.date.between(first, last).all()
    assert events.purpose.value_counts().to_dict() == example.planted["purposes"]


def test_no_fact_is_later_than_the_day_of_assessment(example: Example) -> None:
    for name in example.system["tables"]:
        frame = example.table(name)
        for role in set(times(name, frame)) - {"expires", "extended_until"}:
            assert not (frame[role] >= AS_OF).any(), (name, role)


def test_outcomes_are_empty_exactly_where_they_are_not_known_yet(deciding: Example) -> None:
    events = deciding.events
    early = events.time.dt.date < WHOLE["matures"]
    assert (events.outcome.notna() == early).all()
    assert (~early).sum() == 8000


def test_some_attributes_are_missing_for_a_few_customers(example: Example) -> None:
    customers = example.table("customers")
    missing = {c: customers[c].isna().mean() for c in customers.columns if c not in ("customer", "region", "since")}
    assert max(missing.values()) <= 0.045
    assert sum(share > 0.015 for share in missing.values()) >= 2


# --- the planted facts -------------------------------------------------------------------------------------


def state_of_consent(event: Any, rows: list[Any]) -> str:
    def in_force(row: Any) -> bool:
        kept = pd.isna(row.withdrawn) or event.time < row.withdrawn
        return row.given <= event.time and kept and (pd.isna(row.expires) or event.time < row.expires)

    own = [r for r in rows if r.purpose == event.purpose]
    if any(in_force(r) for r in own):
        return "in_force"
    if any(r.given <= event.time and r.withdrawn <= event.time for r in own):
        return "withdrawn"
    if any(r.given <= event.time and r.expires <= event.time for r in own):
        return "expired"
    return "wrong_purpose" if any(in_force(r) for r in rows if r.purpose != event.purpose) else "none"


def rows_by_customer(frame: pd.DataFrame) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in frame.itertuples():
        found.setdefault(row.customer, []).append(row)
    return found


def test_consent(example: Example) -> None:
    consents = rows_by_customer(example.table("consents"))
    by_consent = {b["purpose"] for b in example.system["lawful_bases"] if b["basis"] == "consent"}
    counts = {"none": 0, "withdrawn": 0, "expired": 0, "wrong_purpose": 0, "in_force": 0}
    for event in example.events.itertuples():
        if event.purpose in by_consent:
            counts[state_of_consent(event, consents.get(event.customer, []))] += 1
    in_force = counts.pop("in_force")
    assert counts == ({**counts, **example.planted["consent"]} if by_consent else dict.fromkeys(counts, 0))
    assert in_force + sum(counts.values()) == sum(example.planted["purposes"][p] for p in by_consent)


def test_consents_have_close_calls_on_both_sides(example: Example) -> None:
    if not example.planted["consent"]:
        return
    joined = example.events.merge(example.table("consents"), on=["customer", "purpose"])
    second = pd.Timedelta(seconds=1)
    assert (joined.given == joined.time).sum() == 200
    assert (joined.withdrawn == joined.time + second).sum() == 200
    assert (joined.expires == joined.time + second).sum() == 200
    on_the_second = (joined.withdrawn == joined.time).sum()
    assert on_the_second == -(-example.planted["consent"]["withdrawn"] // 2)


def test_notices(example: Example) -> None:
    notices = rows_by_customer(example.table("notices"))
    untold, never = 0, 0
    for event in example.events.itertuples():
        rows = notices.get(event.customer, [])
        untold += not any(row.time <= event.time for row in rows)
        never += not rows
    assert untold == example.planted["without_notice"]
    assert never == untold // 2


def test_opt_outs(example: Example) -> None:
    opt_outs = rows_by_customer(example.table("opt_outs"))
    after, spared = 0, 0
    for event in example.events.itertuples():
        rows = opt_outs.get(event.customer, [])
        counts = [row for row in rows if pd.isna(row.purpose) or row.purpose == event.purpose]
        after += any(event.time > row.time for row in counts)
        spared += any(event.time >= row.time for row in rows) and not any(event.time > row.time for row in counts)
    assert after == example.planted["after_opt_out"]
    assert spared == 65


def test_audit_log(example: Example) -> None:
    events = example.events
    fields = [f for f in ("model_version", "inputs_hash", "score", "reason", "actor") if f in events]
    assert ("score" in fields) == (example.id not in ("next_best_offer", "support_assistant"))
    blank = events[fields].isna()
    assert blank.any(axis=1).sum() == blank.sum().sum() == example.planted["audit_log_incomplete"]
    assert blank.sum().max() - blank.sum().min() <= 1
    first = events.sort_values(["sequence", "time"]).drop_duplicates("sequence")
    faults = example.planted.get("audit_log", {})
    assert len(events) - len(first) == faults.get("repeated", 0)
    assert (first.time.diff() < pd.Timedelta(0)).sum() == faults.get("steps_back", 0)
    assert first.sequence.iloc[-1] - first.sequence.iloc[0] + 1 - len(first) == example.planted["sequence_gaps"]
    model = example.system["model"]
    if "version" in model:  # a supplier may name none
        listed = {str(model["version"]), *(str(v["version"]) for v in model["earlier_versions"])}
        assert (~events.model_version.dropna().isin(listed)).sum() == faults.get("unknown_version", 0)


def test_retention(example: Example) -> None:
    classes = load(PARAMETERS / "organisation.yaml")["retention_classes"]
    found = {}
    for name, spec in example.system["tables"].items():
        if "retention_class" not in spec:
            continue
        frame, days = example.table(name), classes[spec["retention_class"]]["days"]
        time = frame.given if name == "consents" else frame.time
        found[name] = (time < AS_OF - pd.Timedelta(days=days)).sum()
        near = (time - (AS_OF - pd.Timedelta(days=days))).abs() < pd.Timedelta(days=2)
        assert not near.any(), f"{name}: the count hangs on whether as_of means its beginning or its end"
        assert WHOLE["retention_days"].get(name, days) == days
    assert found == {**dict.fromkeys(found, 0), **example.planted["over_retention"]}


def test_training(project: Project) -> None:
    rows = read(project.parameters / "data/training.csv")
    completed, expires = pd.to_datetime(rows.completed), pd.to_datetime(rows.expires)
    planted = WHOLE["training"]
    assert rows.role.value_counts().to_dict() == planted["roles"]
    assert completed.isna().sum() == planted["not_completed"]
    assert (completed > AS_OF).sum() == planted["completed_later"]
    assert (expires <= AS_OF).sum() == planted["lapsed"]
    assert not (completed.isna() & (expires <= AS_OF)).any()
    assert (rows.person.value_counts() == 2).all()


def cells_by_group(example: Example, attribute: str) -> dict[str, list[int]]:
    events, system = example.events, example.system
    groups = example.table("customers").set_index("customer")
    column = system["attributes"][attribute]["column"]
    wanted = system["decision"]["selected"] or [True]
    positive = system["outcome"]["positive"] or [True]
    found: dict[str, list[int]] = {}
    for event in events.itertuples():
        group = groups.at[event.customer, column]
        cell = 0 if event.decision in wanted else 2
        if pd.isna(event.outcome):
            cell = 4 + cell // 2
        elif event.outcome not in positive:
            cell += 1
        found.setdefault("unknown" if pd.isna(group) else group, [0] * 6)[cell] += 1
    return found


def test_groups_with_a_planted_gap(deciding: Example) -> None:
    attribute, cells = next((a, g["cells"]) for a, g in deciding.planted["groups"].items() if "cells" in g)
    assert cells_by_group(deciding, attribute) == cells


def rates(cells: list[int]) -> Iterator[float]:
    tp, fp, fn, tn, selected, other = cells
    yield (tp + fp + selected) / (tp + fp + fn + tn + selected + other)
    yield tp / (tp + fn)
    yield fp / (fp + tn)


@pytest.mark.parametrize("system", ["churn_risk", "support_triage", "next_best_offer"])
def test_groups_without_a_planted_gap_differ_by_rounding_only(system: str, project: Project) -> None:
    example = Example(system, project.parameters / system)
    for attribute, spec in example.planted["groups"].items():
        if "shares" not in spec or attribute not in example.system["attributes"]:
            continue
        cells = cells_by_group(example, attribute)
        total = [sum(column) for column in zip(*cells.values(), strict=True)]
        for group, counts in cells.items():
            share = spec["shares"][group] / 100
            assert all(abs(n - share * of) <= 1 for n, of in zip(counts, total, strict=True)), (attribute, group)


def test_health_score_has_no_gap_in_any_attribute(project: Project) -> None:
    example = Example("health_score", project.parameters / "health_score")
    for attribute in example.system["attributes"]:
        found = [list(rates(cells)) for cells in cells_by_group(example, attribute).values()]
        for metric in zip(*found, strict=True):
            assert max(metric) - min(metric) < 1e-9, attribute


def test_postcode_area_stands_in_for_language_in_the_offers(project: Project) -> None:
    example = Example("next_best_offer", project.parameters / "next_best_offer")
    customers = example.events.merge(example.table("customers"), on="customer").fillna({"LANGUAGE": "unknown"})
    planted = dict(example.planted["groups"]["postcode_area"]["shares_by"])
    assert planted.pop("attribute") == "language"
    for language, shares in planted.items():
        rows = customers[customers["LANGUAGE"] == language]
        for area, percent in shares.items():
            assert abs((rows["POSTCODE_AREA"] == area).sum() - percent / 100 * len(rows)) <= 6
    found = {area: list(rates(cells)) for area, cells in cells_by_group(example, "postcode_area").items()}
    worst = min(found, key=lambda area: found[area][0])
    assert worst == "SE3"
    assert all(found[area][0] - found["SE3"][0] > 0.055 for area in found if area != "SE3")


def test_flags_of_conversations(project: Project) -> None:
    example = Example("support_assistant", project.parameters / "support_assistant")
    talks = example.events
    language = talks.language.fillna("unknown")
    assert language.value_counts().to_dict() == {
        g: n for g, (n,) in example.planted["groups"]["language"]["cells"].items()
    }
    for flag, counts in example.planted["flags"].items():
        assert (talks[flag] == True).groupby(language).sum().to_dict() == counts, flag  # noqa: E712 (may be missing)
    assert (talks.handover_granted.notna() == talks.handover_asked).all()
    assert not (talks.reopened & ~talks.resolved).any()
    assert (~talks.disclosed).sum() == example.planted["not_disclosed"]
    assert talks.grounded.notna().sum() == example.planted["checked"]
    assert (talks.grounded == False).sum() == example.planted["not_grounded"]  # noqa: E712 (may be missing)


def test_name_swaps(project: Project) -> None:
    example = Example("support_assistant", project.parameters / "support_assistant")
    swaps = example.table("name_swaps")
    assert len(swaps) == swaps.pair.nunique() == 400
    for group, planted in example.planted["name_swaps"].items():
        rows = swaps[swaps.group == group]
        both, base = rows.baseline_ok & rows.swapped_ok, rows.baseline_ok & ~rows.swapped_ok
        swapped, neither = ~rows.baseline_ok & rows.swapped_ok, ~rows.baseline_ok & ~rows.swapped_ok
        assert [int(x.sum()) for x in (both, base, swapped, neither)] == planted


def test_counts_of_the_smaller_tables(example: Example) -> None:
    planted = example.planted
    for name in ("appeals", "feedback", "error_reports", "human_requests", "personalisation_choices"):
        frame, more = example.table(name), planted.get(f"more_{name}", {})
        later = planted.get("requests_later", 0) if name == "human_requests" else 0
        for role, first in planted[name].items():
            count = first + later + more.get("rows" if role == "resolved" else role, 0)  # more appeals are all resolved
            if role == "rows":
                assert len(frame) == count, name
            elif role == "repeats":
                assert frame.repeat_of.notna().sum() == count
                assert set(frame.repeat_of.dropna()) < set(frame.id)
            else:
                yes = frame[role].notna() if role in times(name, frame) else frame[role] == True  # noqa: E712 (may be missing)
                assert yes.sum() == count, (name, role)
    sessions = example.table("acceptance_sessions")
    for group, counts in planted["acceptance"].items():
        rows = sessions[sessions.group == group]
        assert {"rows": len(rows), **{k: int(rows[k].sum()) for k in counts if k != "rows"}} == counts
    items = {f"sus_{i}" for i in range(1, 11)}
    assert ("sus" not in sessions, items <= set(sessions)) == (planted.get("usability_items", False),) * 2
    stated = example.system["model"].get("version", "2026-H2")  # a supplier may name none
    assert set(sessions.model_version) == {stated}
    steps = example.table("rollout_steps")
    counts = ["exposed", "harmed", "control", "control_harmed"]
    groups = steps.group if "group" in steps else pd.Series(None, steps.index)
    assert steps[groups.isna()][counts].to_numpy().tolist() == planted["rollout"]
    of_groups = {g: steps[groups == g][counts].to_numpy().tolist() for g in groups.dropna().unique()}
    assert of_groups == planted.get("rollout_groups", {})
    assert [d.date() for d in example.table("past_assessments").date] == planted["past_assessments"]


def test_people_answer_within_eight_hours_but_for_the_planted(example: Example) -> None:
    requests = example.table("human_requests")
    waited = requests.served - requests.time
    assert (waited > pd.Timedelta(hours=8)).sum() == example.planted.get("answered_slowly", 0)
    assert not (waited <= pd.Timedelta(0)).any()
    assert (requests.time > AS_OF - pd.Timedelta(days=1)).sum() == example.planted.get("requests_not_due", 0)
    assert (requests.served.dropna() < AS_OF + pd.Timedelta(days=1)).all()


def test_people_decide(example: Example) -> None:
    for decision, count in example.planted.get("people_decide", {}).items():
        rows = example.events[example.events.decision == decision]
        assert (rows.actor == "staff").sum() == count
        assert set(rows.actor.dropna()) <= {"staff", "service"}


def test_reviews(example: Example) -> None:
    reviews = example.table("human_reviews")
    assert reviews.decision.is_unique
    joined = reviews.merge(example.events, left_on="decision", right_on="id", suffixes=("_review", ""))
    assert len(joined) == len(reviews)
    assert (joined.time_review > joined.time).all()
    for team, planted in example.planted["reviews"].items():
        rows = reviews[reviews.reviewer_group == team]
        right, changed = rows.ai_was_right, rows.overridden
        kinds = (right & ~changed, right & changed, ~right & ~changed, ~right & changed)
        more = example.planted.get("more_reviews", {}).get(team, {"counts": [0] * 4})
        expected = [a + b for a, b in zip(planted["counts"], more["counts"], strict=True)]
        assert [int(kind.sum()) for kind in kinds] == expected
        months = rows.time.dt.strftime("%Y-%m")
        for month, count in more.get("batches", {}).items():
            assert ((months == month) & (rows.seconds == more["seconds"])).sum() == count
        looked_at = rows[rows.seconds != more["seconds"]] if "batches" in more else rows
        assert abs(looked_at.seconds.median() / planted["seconds"] - 1) < 0.3


def test_deletion_requests(example: Example) -> None:
    planted, requests = example.planted["deletion_requests"], example.table("deletion_requests")
    month = requests.time + pd.Timedelta(days=31)
    limit = requests.extended_until.fillna(month)
    done, late = requests.completed.notna(), requests.completed > limit
    assert (done & ~late).sum() == planted["in_time"]
    assert (done & late).sum() == planted["late"]
    assert (~done & (limit < AS_OF)).sum() == planted["overdue"]
    still = set(requests[done].customer) & set(example.table("customers").customer)
    assert len(still) == planted["still_there"]
    for name in ("decisions", "consents", "notices", "opt_outs", "appeals", "feedback", "human_requests"):
        if name in example.system["tables"]:
            assert not set(requests[done].customer) & set(example.table(name).customer), name


def test_training_sample(example: Example) -> None:
    assert ("training_sample" in example.system["tables"]) == ("training_sample" in example.planted)
    if "training_sample" not in example.planted:
        return
    planted, customers = example.planted["training_sample"], example.table("customers")
    sample = example.table("training_sample").merge(customers, on="customer")
    assert len(sample) == planted["rows"]
    for name, attribute in example.system["attributes"].items():
        groups, expected = sample[attribute["column"]], customers[attribute["column"]].value_counts(normalize=True)
        for group, share in groups.value_counts(normalize=True).items():
            if name == planted["short_of"].get("attribute"):
                continue
            assert abs(share - expected[group]) < 0.02, (name, group)
    if planted["short_of"]:
        column = example.system["attributes"][planted["short_of"]["attribute"]]["column"]
        assert (sample[column] == planted["short_of"]["group"]).sum() == planted["short_of"]["rows"]
    surest = sample[sample.score.isin([0.001, 0.999]) & ((sample.score > 0.5) == (sample.outcome == "yes"))]
    assert (len(surest), set(surest.split) <= {"train"}) == (planted["by_heart"], True)


def test_privacy_assessment(example: Example) -> None:
    risks = load(example.folder / "bias_testing.yaml")["privacy_assessment"]["risks"]
    appetite = load(example.folder.parent / "policy.yaml")["risk"]["appetite"]["value"]
    drawn = {requirement for risk in risks for requirement in risk["draws_on"]}
    assert example.planted["privacy_assessment"] == {
        "measures_open": sum("in_place" not in risk for risk in risks),
        "above_appetite": sum(r["residual"]["likelihood"] * r["residual"]["severity"] > appetite for r in risks),
        "silent_on": [requirement for requirement in NUMBERS if requirement not in drawn],
    }


def test_only_the_planted_feature_drifts(example: Example) -> None:
    planted, rows = example.planted["drift"], example.table("monitoring")
    assert rows.duplicated(["period", "feature", "bin"]).sum() == 0
    assert set(rows["feature"]) - {"score"} == set(example.planted["watched"])
    assert {*example.planted["watched"]} >= {*example.system.get("features", {})}
    for feature, part in rows.groupby("feature"):
        table = part.pivot_table(index="period", columns="bin", values="count")
        shares = table.div(table.sum(axis=1), axis=0)
        moved = (shares - shares.iloc[0]).abs().max(axis=1)
        drifts = planted.get("feature") == feature
        since = pd.Timestamp(planted["from"]) if drifts else pd.Timestamp.max
        assert (moved[moved.index >= since] > 0.1).all()
        assert (moved[moved.index < since] < 0.06).all()


# --- what followed the decisions ---------------------------------------------------------------------------


def with_groups(example: Example, table: str) -> pd.DataFrame:
    """The table with its customers' attributes, under their ids and without gaps; its own columns stay."""
    attributes = example.system["attributes"].items()
    customers = example.table("customers").set_index("customer")
    groups = customers[[a["column"] for _, a in attributes]].set_axis([name for name, _ in attributes], axis=1)
    return example.table(table).join(groups.fillna("unknown"), on="customer")


@pytest.fixture
def churn(project: Project) -> Example:
    return Example("churn_risk", project.parameters / "churn_risk")


def test_the_planted_customers_are_held_out(churn: Example) -> None:
    rows = with_groups(churn, "decisions")
    held = rows[rows.holdout == True]  # noqa: E712 (may be missing)
    for group, planted in churn.planted["holdout"]["age_band"].items():
        outcomes = held[held.age_band == group].outcome
        assert [(outcomes == True).sum(), (outcomes == False).sum()] == planted  # noqa: E712 (may be missing)
    assert len(held) == 450
    assert (rows.holdout.notna() == rows.decision).all()


def test_nobody_held_out_is_contacted_and_every_other_selected_customer_is(churn: Example) -> None:
    selected = churn.events[churn.events.decision]
    assert (selected.action == ~selected.holdout.astype(bool)).all()


def test_who_did_not_leave_was_retained(churn: Example) -> None:
    rows = churn.events
    assert (rows.retained.isna() == rows.outcome.isna()).all()
    known = rows[rows.outcome.notna()]
    assert (known.retained != known.outcome).all()


def uplift(rows: pd.DataFrame) -> float:
    retained = rows.retained.astype(bool).groupby(rows.holdout.astype(bool)).mean()
    return float(retained[False] - retained[True])


def test_outreach_retains_15_points_more_but_nobody_of_65_and_over(churn: Example) -> None:
    rows = with_groups(churn, "decisions").dropna(subset=["holdout", "retained"])
    assert uplift(rows) == pytest.approx(0.151, abs=0.001)
    by_age = {group: uplift(part) for group, part in rows.groupby("age_band")}
    assert -0.04 < by_age.pop("65+") < 0
    assert all(0.16 < value < 0.19 for value in by_age.values())


@pytest.mark.parametrize("attribute", ["gender", "language"])
def test_the_hold_out_and_its_uplift_are_alike_elsewhere(churn: Example, attribute: str) -> None:
    rows = with_groups(churn, "decisions").dropna(subset=["holdout", "retained"])
    for group, part in rows.groupby(attribute):
        held = part.holdout.astype(bool).sum()
        assert abs(held - len(part) * 450 / 1782) < 6, group
        if held > 30:
            assert abs(uplift(part) - uplift(rows)) < 0.1, group


def test_the_planted_offers_reached_the_customer(project: Project) -> None:
    example = Example("next_best_offer", project.parameters / "next_best_offer")
    rows = with_groups(example, "decisions")
    offered = rows.decision.isin(example.system["decision"]["selected"])
    assert (rows.received.notna() == offered).all()
    reached = rows[rows.received == True]  # noqa: E712 (may be missing)
    assert reached.language.value_counts().to_dict() == example.planted["received"]["language"]
    shares = (reached.language.value_counts() / rows[offered].language.value_counts()).round(2)
    assert shares.pop("es") == 0.9
    assert (shares == 0.97).all()


def test_the_planted_tickets_are_resolved_in_equal_shares(project: Project) -> None:
    example = Example("support_triage", project.parameters / "support_triage")
    rows, planted = with_groups(example, "decisions"), example.planted["resolved"]
    week = pd.Timedelta(days=7)
    assert (rows.resolved.notna() == (rows.time + week < AS_OF)).all()
    assert planted["known_before"] == (AS_OF - week).date()
    known = rows[rows.resolved.notna()]
    for priority, part in known.groupby("decision"):
        yes = part.resolved.astype(bool)
        assert yes.groupby(part.language).sum().to_dict() == planted["language"][priority]
        for attribute in ("language", "gender"):
            for group, own in yes.groupby(part[attribute]):
                assert abs(own.sum() - yes.mean() * len(own)) < (1 if attribute == "language" else 5), (priority, group)


# --- what the models read ----------------------------------------------------------------------------------

INPUTS = {
    "churn_risk": ["tenure_years", "logins_30d", "tickets_90d", "payment"],
    "health_score": ["Logins", "Open issues", "Survey", "Contract age"],
}


@pytest.fixture(params=INPUTS)
def modelled(request: pytest.FixtureRequest, project: Project) -> Example:
    return Example(request.param, project.parameters / request.param)


def numbers(example: Example, rows: pd.DataFrame) -> pd.DataFrame:
    """The inputs as numbers without gaps, each with a mean of 0 and a deviation of 1."""
    columns = pd.get_dummies(rows[INPUTS[example.id]]).astype(float)
    columns = columns.fillna(columns.median())
    return (columns - columns.mean()) / columns.std()


def selected(example: Example) -> np.ndarray:
    rows = example.events
    return rows.decision.isin(example.system["decision"]["selected"] or [True]).to_numpy(float)


def test_the_inputs_determine_the_score(modelled: Example) -> None:
    rows = modelled.events
    scored = rows.score.notna().to_numpy()
    known = np.column_stack([numbers(modelled, rows), np.ones(len(rows))])[scored]
    score = rows.score[scored].to_numpy()
    error = score - known @ np.linalg.lstsq(known, score)[0]
    assert 1 - error.var() / score.var() > 0.75


def test_customers_alike_get_alike_decisions(modelled: Example) -> None:
    chosen, known = selected(modelled), numbers(modelled, modelled.events).to_numpy()
    neighbours = KDTree(known).query(known, k=6)[1][:, 1:]
    agreement = 1 - np.abs(chosen - chosen[neighbours].mean(axis=1)).mean()
    by_chance = 1 - 2 * chosen.mean() * (1 - chosen.mean())
    assert by_chance < 0.75
    assert 0.9 < agreement < 0.96


def test_inputs_are_missing_as_planted(modelled: Example) -> None:
    for table, planted in modelled.planted["inputs_missing"].items():
        missing = modelled.table(table)[INPUTS[modelled.id]].isna().sum()
        assert missing[missing > 0].to_dict() == planted


@pytest.mark.parametrize("table", ["decisions", "training_sample"])
def test_inputs_agree_with_the_customers_table(modelled: Example, table: str) -> None:
    rows = modelled.table(table).merge(modelled.table("customers"), on="customer")
    time = rows.time if table == "decisions" else modelled.events.time.min()
    years = (time - rows.since).dt.total_seconds() / (365.25 * 86400)
    assert (years > 0).all()
    if modelled.id == "churn_risk":
        assert (rows.tenure_years - years).abs().max() < 0.006
        assert set(rows.payment) == {"card", "invoice", "direct debit"}
        assert set(rows.logins_30d.dropna() % 1) == {0}
    else:
        assert (rows["Contract age"] - years % 2).abs().max() < 0.006
        assert rows.Survey.between(0, 10).all()


def chances(rows: pd.DataFrame, attributes: list[str], columns: list[str]) -> dict[tuple[str, str], float]:
    """For each attribute and column, how likely chance alone sets groups apart by as much."""
    found = {}
    for attribute in attributes:
        for column in columns:
            if rows[column].dtype == "float64" or rows[column].dtype == "int64":
                groups = [part.dropna() for _, part in rows[column].groupby(rows[attribute])]
                found[attribute, column] = stats.kruskal(*groups).pvalue
            else:
                counts = pd.crosstab(rows[attribute], rows[column])
                found[attribute, column] = stats.chi2_contingency(counts).pvalue
    return found


@pytest.mark.parametrize("table", ["decisions", "training_sample"])
def test_inputs_do_not_tell_groups_apart(modelled: Example, table: str) -> None:
    rows, attributes = with_groups(modelled, table), list(modelled.system["attributes"])
    if table == "training_sample":
        for attribute, group in modelled.planted["training_sample"]["unlearned"].items():
            rows = rows[rows[attribute] != group]
    found = chances(rows, attributes, INPUTS[modelled.id])
    assert min(found.values()) > 0.05 / len(found), min(found, key=lambda key: found[key])


def test_the_unlearned_group_logs_in_less_whether_or_not_it_leaves(churn: Example) -> None:
    rows = with_groups(churn, "training_sample")
    [(attribute, group)] = churn.planted["training_sample"]["unlearned"].items()
    logins = rows.logins_30d.groupby([rows[attribute] == group, rows.outcome]).mean().to_dict()
    assert logins[False, "no"] - logins[False, "yes"] > 7
    assert logins[False, "no"] - max(logins[True, "no"], logins[True, "yes"]) > 2
    assert abs(logins[True, "no"] - logins[True, "yes"]) < 2


def test_the_label_can_be_learned_and_one_group_is_found_less_often(modelled: Example) -> None:
    rows = with_groups(modelled, "training_sample")
    known, label, train = numbers(modelled, rows), rows.outcome == "yes", rows.split == "train"
    score = LogisticRegression().fit(known[train], label[train]).predict_proba(known)[:, 1]
    assert 0.75 < roc_auc_score(label[~train], score[~train]) < 0.85
    found = pd.Series(score >= np.quantile(score, 0.85))
    unlearned = list(modelled.planted["training_sample"]["unlearned"].items())
    rest = label.copy()
    for attribute, group in unlearned:
        own = label & (rows[attribute] == group)
        rest &= ~own
        for part in (train, ~train):
            assert found[part & rest].mean() - found[part & own].mean() > 0.15
    groups = [(a, g) for a in modelled.system["attributes"] for g in rows[a].unique() if (a, g) not in unlearned]
    for attribute, group in groups:
        inside = rest & (rows[attribute] == group)
        table = [[(found & part).sum(), (~found & part).sum()] for part in (inside, rest & ~inside)]
        assert stats.fisher_exact(table).pvalue > 0.05 / len(groups), (attribute, group)


def test_the_model_is_the_regression_on_the_rows_for_training(churn: Example) -> None:
    path = churn.folder / "data" / churn.planted["model"]
    assert skops.io.get_untrusted_types(file=path) == ["numpy.dtype"]
    model = skops.io.load(path, trusted=["numpy.dtype"])
    assert list(model.feature_names_in_) == INPUTS["churn_risk"]
    assert list(model.classes_) == ["no", "yes"]

    sample, names = churn.table("training_sample"), ["tenure_years", "logins_30d", "tickets_90d"]
    train = sample[sample.split == "train"]
    middle = train[names].median()
    filled = train[names].fillna(middle)

    def known(rows: pd.DataFrame) -> pd.DataFrame:
        columns = (rows[names].fillna(middle) - filled.mean()) / filled.std(ddof=0)
        return columns.join(pd.get_dummies(rows.payment).astype(float))

    by_hand = LogisticRegression().fit(known(train), train.outcome).predict_proba(known(churn.events))
    assert model.predict_proba(churn.events[INPUTS["churn_risk"]]) == pytest.approx(by_hand, abs=1e-4)


def test_the_model_ranks_as_the_log_does(churn: Example) -> None:
    model = skops.io.load(churn.folder / "data" / churn.planted["model"], trusted=["numpy.dtype"])
    rows = churn.events.dropna(subset=["score"])
    risk = model.predict_proba(rows[INPUTS["churn_risk"]])[:, 1]
    assert stats.spearmanr(risk, rows.score).statistic > 0.8


# --- the dossiers ------------------------------------------------------------------------------------------


def test_every_dossier_loads_without_a_problem(project: Project) -> None:
    assert [path.name for path in project.systems()] == sorted(SYSTEMS)
    for folder in project.systems():
        found = dossier.load(project, folder)
        assert found.system.name


def test_a_bought_system_has_no_training_sample_and_every_kind_of_answer(project: Project) -> None:
    system = dossier.load(project, project.parameters / "next_best_offer", tables=False).system
    assert "training_sample" not in system.tables
    assert system.supplier
    assert {r.answer for r in system.supplier.requests} == {"received", "refused", "pending"}


def test_an_attribute_that_is_not_held_says_why(project: Project) -> None:
    system = dossier.load(project, project.parameters / "support_assistant", tables=False).system
    assert system.attributes["ethnicity"].not_held


def asked(found: dossier.Dossier, stage: str) -> list[catalogue.Question]:
    """The questions that are shown to this system, by its own answers and its impact level."""
    given, shown = found.answers(stage), []
    level = Case(found, "impact_analysis", AS_OF.date(), found.project.reports).level.holds
    for question in catalogue.questions(stage).values():
        above = catalogue.LEVELS.index(question.from_level) > catalogue.LEVELS.index(level)
        if found.system.kind not in question.kinds or above:
            continue
        parent = question.shown_when
        if parent is None or (parent.question in given and given[parent.question].answer.value in parent.is_):
            shown.append(question)
    return shown


def test_all_but_the_planted_questions_are_answered_signed_and_in_time(example: Example, project: Project) -> None:
    found = dossier.load(project, example.folder, tables=False)
    oldest = AS_OF - pd.DateOffset(months=found.policy.records.answers_max_age_months.value)
    for stage in STAGES:
        given = found.answers(stage)
        open_ = [q.id for q in asked(found, stage) if q.id not in given or given[q.id].answer.value in (None, "")]
        assert sorted(open_) == sorted(example.planted.get("unanswered", {}).get(stage, [])), stage
        for name, item in given.items():
            answer = item.answer
            assert answer.by, name
            assert answer.role, name
            assert answer.on, name
            assert pd.Timestamp(answer.on) < AS_OF
            assert (pd.Timestamp(answer.on) < oldest) == (name in example.planted.get("stale", [])), name


def test_all_but_the_planted_answers_have_the_evidence_they_need(example: Example, project: Project) -> None:
    found = dossier.load(project, example.folder, tables=False)
    lacking = [
        q.id
        for stage in STAGES
        for q in asked(found, stage)
        if q.evidence == "required" and q.id in found.answers(stage) and not found.answers(stage)[q.id].answer.evidence
    ]
    assert lacking == example.planted.get("without_evidence", [])


def test_the_extract_holds_the_people_who_stand_out_and_no_others(project: Project) -> None:
    example = Example("next_best_offer", project.parameters / "next_best_offer")
    spec, planted = example.system["extracts"]["supplier_file"], example.planted["extract"]
    frame = read(example.folder / spec["source"])
    alike = frame.groupby(spec["quasi_identifiers"], dropna=False)
    sizes = alike.size().value_counts().to_dict()
    assert {size: classes for size, classes in sizes.items() if size < 5} == {
        1: planted["unique"],
        3: planted["in_threes"],
    }
    one_offer = alike["OFFER"].nunique(dropna=False)[alike.size() > 3] == 1
    assert one_offer.sum() == planted["one_offer"]
    assert frame["NOTE"].str.contains("@", na=False).sum() == planted["emails"]
    assert not set(example.table("customers")["customer"]) & set(frame.astype(str).to_numpy().ravel())


def test_evidence_is_real_text(example: Example, project: Project) -> None:
    found = dossier.load(project, example.folder, tables=False)
    files = {g.evidence_file for stage in STAGES for g in found.answers(stage).values() if g.evidence_file}
    for path in files:
        assert len(path.read_text(encoding="utf-8").split()) >= 60, path.name
    kept = set((example.folder / "evidence").iterdir())
    assert kept <= files, "a document that no answer names"


def test_the_risk_register_is_whole_apart_from_the_planted_gaps(example: Example, project: Project) -> None:
    found = dossier.load(project, example.folder, tables=False)
    impact = found.stage(schema.ImpactAnalysis)
    expected = {r.id for r in catalogue.risks().values() if found.system.use in r.uses}
    handled = {r.id for r in impact.risks} | {r.id for r in impact.risks_ruled_out}
    assert expected == {i for i in handled if i.startswith("R")}
    assert all(r.inherent and r.residual and r.treatment and r.owner and r.due for r in impact.risks)
    assert all(pd.Timestamp(r.due) > AS_OF for r in impact.risks)
    assert [r.id for r in impact.risks if not r.deputy] == example.planted.get("without_deputy", [])
    appetite = found.policy.risk.appetite.value
    above = [r.id for r in impact.risks if r.residual and r.residual.score > appetite]
    assert above == example.planted.get("above_appetite", [])


def test_every_group_was_heard_and_answered_apart_from_the_planted_ones(example: Example, project: Project) -> None:
    found = dossier.load(project, example.folder, tables=False)
    groups = found.stage(schema.ImpactAnalysis).stakeholders
    assert set(found.policy.consultation.groups.value) <= {g.group for g in groups}
    affected = [g for g in groups if not g.not_affected]
    assert [g.group for g in affected if not g.consulted] == example.planted.get("not_heard", [])
    unanswered = [g.group for g in affected if not all(c.answered and c.answered_on for c in g.consulted)]
    assert unanswered == example.planted.get("not_answered", [])


# --- explanations and proxies ------------------------------------------------------------------------------------


def found_by(project: Project, system: str, *steps: Any) -> dict[str, Any]:
    case = Case(dossier.load(project, project.parameters / system), "bias_testing", AS_OF.date(), project.root / "none")
    return {finding.id: finding for step in steps for finding in step(case).findings}


@pytest.mark.parametrize("system", [s for s in SYSTEMS if "model" in WHOLE["systems"][s]])
def test_attributions_are_true_and_no_input_stands_in_for_an_attribute(project: Project, system: str) -> None:
    found = found_by(project, system, bias_testing.explanations_verified, bias_testing.proxies_found)
    assert len(found) == 4 + 2 * 4
    assert {finding.status for finding in found.values()} == {"met"}


def test_that_postcode_area_stands_in_for_language_is_told_without_a_model(project: Project) -> None:
    example = Example("next_best_offer", project.parameters / "next_best_offer")
    customers = example.events.merge(example.table("customers"), on="customer").dropna(subset=["LANGUAGE"])
    whole = contingency.association(pd.crosstab(customers["LANGUAGE"], customers["POSTCODE_AREA"]).to_numpy())
    found = found_by(project, "next_best_offer", bias_testing.proxies_found)["S3.3.language.proxies"]
    assert found.status == "not_assessed"
    told = re.search(r"Associated with language: postcode_area \(([\d.]+)\)", found.statement)
    assert told
    assert float(told[1]) == pytest.approx(whole, abs=0.03)


# --- what columns are used for, and where rows go ----------------------------------------------------------------


def listed_for(example: Example, column: str) -> set[str]:
    """The purposes that the inventory lists a column of a table for."""
    table, _, name = column.partition(".")
    rows = load(example.folder / "design_review.yaml")["inventory"]["rows"]
    return {row["purpose"] for row in rows if name in row.get("columns", {}).get(table, ())}


def test_columns_are_listed_for_their_purpose_apart_from_the_planted_ones(example: Example) -> None:
    spec = example.system["tables"][example.events_name]["columns"]
    used = {f"{example.events_name}.{spec[role]}" for role in ("score", "decision", "action", "reason") if role in spec}
    used |= {f"{example.events_name}.{feature['column']}" for feature in example.system.get("features", {}).values()}
    found = {
        basis["purpose"]: sorted(c for c in used if basis["purpose"] not in listed_for(example, c))
        for basis in example.system["lawful_bases"]
    }
    assert {purpose: columns for purpose, columns in found.items() if columns} == example.planted.get(
        "beyond_purpose", {}
    )


def test_the_planted_unused_columns_have_no_role_and_no_reason(example: Example) -> None:
    text = (example.folder / "system.yaml").read_text(encoding="utf-8").casefold()
    for table, columns in example.planted.get("unused", {}).items():
        assert set(columns) <= {c.casefold() for c in example.table(table).columns}
        assert not any(column in text for column in columns)


def test_design_review_finds_the_planted_columns_and_transfers_and_no_others(
    example: Example, project: Project
) -> None:
    case = Case(dossier.load(project, example.folder, tables=False), "design_review", AS_OF.date(), project.root)
    steps = (design_review.purpose_limitation, design_review.unused_columns, design_review.cross_border)
    found = {f.id: f for step in steps for f in step(case).findings}
    expected = {f"C1.1.{purpose}.columns_allowed" for purpose in example.planted.get("beyond_purpose", {})}
    handed_on = example.planted.get("extract_beyond_purpose", {})
    expected |= {f"C1.1.extract_{extract}.columns_allowed" for extract in handed_on}
    assert all(
        round((1 - (f := found[f"C1.1.extract_{e}.columns_allowed"]).value) * f.n) == n for e, n in handed_on.items()
    )
    expected |= {"P3.1.columns_used"} if "unused" in example.planted else set()
    missing = example.planted.get("without_mechanism", {})
    expected |= {f"C1.4.to_{pair.split('_')[1]}" for pair in missing}
    assert {name for name, finding in found.items() if finding.status == "not_met"} == expected
    for pair, rows in missing.items():
        assert f"{rows:,} rows from {pair.split('_')[0]}" in found[f"C1.4.to_{pair.split('_')[1]}"].statement
    if example.id == "health_score":
        assert {f.status for f in found.values()} == {"met"}
        assert [f.status for f in design_review.contributions(case).findings] == ["met"]
