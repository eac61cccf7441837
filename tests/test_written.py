"""A dossier says how its files are written: the settings it may have, and what is told where one is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.errors import InputError
from ethics_kit.project import Project

Make = Callable[..., Path]
OPT_OUTS = {"source": "data/export.csv", "columns": {"customer": "who", "time": "left", "purpose": "from"}}


def load(root: Path) -> dossiers.Dossier:
    return dossiers.load(Project(root), root / "parameters/demo")


@pytest.fixture
def told(project: Make) -> Callable[..., list[str]]:
    """Problems of the demo dossier, its table opt_outs written as these bytes with these settings: key and words."""

    def check(content: str | bytes = "who,left,from\nc001,2026-09-01,retention\n", **spec: Any) -> list[str]:
        root = project(system={"tables": {"opt_outs": OPT_OUTS | spec}})
        path = root / "parameters/demo" / (OPT_OUTS | spec)["source"]
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            load(root)
        except InputError as error:
            return [f"{p.key}: {p.found}; {p.allowed}" for p in error.problems if p.line]
        return []

    return check


Told = Callable[..., list[str]]


def test_a_table_in_a_form_of_its_own_is_read_as_the_plain_one(project: Make) -> None:
    spec = {
        "encoding": "cp1252", "delimiter": ";", "dates": "day_first", "time_zone": "Europe/Berlin",
        "values": {"purpose": {"Kündigung": "retention", 7: "triage"}},
    }  # fmt: skip
    root = project(system={"tables": {"opt_outs": OPT_OUTS | spec}})
    content = "who;left;from\nc001;1.9.2026 14:05;Kündigung\nc002;31.10.2026;7\n"
    (root / "parameters/demo/data/export.csv").write_bytes(content.encode("cp1252"))
    assert load(root).tables.table("opt_outs").to_pyarrow().to_pylist() == [
        {"customer": "c001", "time": datetime.fromisoformat("2026-09-01T12:05"), "purpose": "retention"},
        {"customer": "c002", "time": datetime.fromisoformat("2026-10-30T23:00"), "purpose": "triage"},
    ]


def test_a_zone_that_is_none_names_a_close_one(told: Told) -> None:
    (problem,) = told(time_zone="Europe/Berlim")
    assert problem.startswith("tables.opt_outs.time_zone: ")
    assert problem.endswith("an IANA time zone, such as Europe/Berlin")


def test_every_setting_that_is_none_is_told(told: Told) -> None:
    wrong = {"encoding": "pickle", "delimiter": "x", "decimal": "dot", "dates": "any"}
    assert sorted(p.split(":")[0] for p in told(**wrong)) == sorted(f"tables.opt_outs.{key}" for key in wrong)


def test_encoding_and_delimiter_are_for_csv_files(project: Make) -> None:
    root = project(system={"tables": {"opt_outs": OPT_OUTS | {"source": "a.parquet", "encoding": "cp1252"}}})
    with pytest.raises(InputError, match="encoding for a file that is no CSV"):
        load(root)


def test_a_map_or_salesforce_ids_for_a_role_without_such_a_column_are_told(told: Told) -> None:
    found = told(values={"customer": {"a": "b"}, "channel": {"a": "b"}}, salesforce_ids=["purpose"])
    assert sorted(found) == [
        'tables.opt_outs.salesforce_ids.0: "purpose", which is no id column here; customer',
        'tables.opt_outs.values.channel: "channel", which is no text or flag or number column here; purpose',
        'tables.opt_outs.values.customer: "customer", which is no text or flag or number column here; purpose',
    ]


@pytest.mark.parametrize(("role", "read", "words"), [("granted", "perhaps", "yes or no"), ("purpose", " ", "a text")])
def test_a_map_that_leads_to_no_value_is_told(project: Make, role: str, read: str, words: str) -> None:
    columns = {"customer": "customer_id", "purpose": "purpose", "given": "given", "granted": "withdrawn"}
    spec = {"source": "data/consents.csv", "columns": columns, "values": {role: {"retention": read, "": "no"}}}
    with pytest.raises(InputError) as raised:
        load(project(system={"tables": {"consents": spec}}))
    problem = next(p for p in raised.value.problems if p.key == f"tables.consents.values.{role}.retention")
    assert problem.allowed == words


def test_a_number_that_a_map_leads_to_has_a_point(project: Make) -> None:
    columns = {"customer": "customer_id", "time": "decided_at", "score": "flagged"}
    spec = {"source": "data/decisions.csv", "columns": columns, "values": {"score": {"yes": "0,5", "no": "0"}}}
    with pytest.raises(InputError) as raised:
        load(project(system={"tables": {"decisions": spec | {"decimal": "comma"}}}))
    assert 'found "0,5"; allowed: a number with a decimal point' in str(raised.value)


def test_values_that_a_map_leaves_out_are_told_at_the_map(told: Told) -> None:
    (problem,) = told(values={"purpose": {"Retention": "retention"}})
    assert problem.startswith(
        "tables.opt_outs.values.purpose: 1 of 1 values of from that `values` leaves out: “aaaaaaaaa”; "
    )


def test_a_file_in_another_encoding_is_told_at_the_encoding(told: Told) -> None:
    (problem,) = told("who,left,from\nc001,2026-09-01,Größe\n".encode("cp1252"), encoding="utf-16")
    assert problem.startswith("tables.opt_outs.encoding: a file that is not in utf-16")


def test_times_with_and_without_an_offset_are_told_at_the_zone(told: Told) -> None:
    (problem,) = told("who,left,from\nc001,2026-09-01 10:00:00,\nc002,2026-09-01 10:00:00Z,\n")
    assert problem.startswith(
        "tables.opt_outs.time_zone: times with an offset from UTC in left, and without one in left"
    )


def test_a_customer_under_two_ids_opts_out_as_one(project: Make) -> None:
    ids = {"source": "data/ids.csv", "columns": {"id": "zendesk", "customer": "crm"}}
    root = project(system={"tables": {"customer_ids": ids, "opt_outs": OPT_OUTS}})
    data = root / "parameters/demo/data"
    (data / "ids.csv").write_text("zendesk,crm\n90001,c001\n90002,c002\n")
    (data / "export.csv").write_text("who,left,from\n90001,2026-09-01,\nc001,2026-09-02,\nc009,2026-09-02,\n")
    opted = load(root).tables.table("opt_outs").customer.value_counts().to_pyarrow().to_pylist()
    assert {row["customer"]: row["customer_count"] for row in opted} == {"c001": 2, "c009": 1}
    (data / "ids.csv").write_text("zendesk,crm\n90001,c001\n90001,c002\n")
    with pytest.raises(InputError, match=r"customer_ids\.columns\.id: found 1 ids with more than one customer"):
        load(root)


def test_current_consents_may_say_their_day(project: Make) -> None:
    spec = {"source": "data/consents.csv", "columns": {"customer": "customer_id", "consented": "withdrawn"}}
    spec |= {"dated": date(2026, 10, 31)}
    with pytest.raises(InputError, match=r"200 of 200 rows without a value in withdrawn"):
        load(project(system={"tables": {"consents": ..., "current_consents": spec}}))
