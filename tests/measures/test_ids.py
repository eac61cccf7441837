"""One customer under two ids is one customer; an id of which it is not certain whose it is, is a fault."""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import Any

import ibis
import pytest

from ethics_kit.measures.columns import Column
from ethics_kit.measures.ids import salesforce_15
from ethics_kit.measures.tables import Source, Tables

PUBLISHED = [
    "a01M00000062mPgIAI",
    "001M000000qfPySIAU",
    "a0FE000000D6r3FMAR",
    "0F9E000000092w2KAA",
    "aaaaaaaaaaaaaaaAAA",
    "AbCdEfGhIjKlMnOVKV",
    "aBcDEfgHIJKLMNO025",
    "a0D30000001n7PiEAI",
]
"""Ids with their suffix, from public lists of test cases for the conversion."""


def shortened(*texts: str) -> list[str | None]:
    value = salesforce_15(ibis.memtable({"v": texts}).v).name("v")
    found: list[str | None] = ibis.duckdb.connect().to_pyarrow(value).to_pylist()
    return found


def test_the_two_forms_of_a_salesforce_id_are_read_alike() -> None:
    assert shortened(*PUBLISHED) == [i[:15] for i in PUBLISHED] == shortened(*(i[:15] for i in PUBLISHED))


def with_suffix(short: str) -> str:
    """The suffix by a table of binary numbers, as Salesforce tells it."""
    table = {f"{n:05b}": c for n, c in enumerate(string.ascii_uppercase + "012345")}
    parts = [short[i : i + 5][::-1] for i in (0, 5, 10)]
    return short + "".join(table["".join("01"[c.isupper()] for c in part)] for part in parts)


def test_the_suffix_is_that_of_the_binary_table() -> None:
    chance = random.Random(7)
    short = ["".join(chance.choices(string.ascii_letters + string.digits, k=15)) for _ in range(200)]
    assert shortened(*map(with_suffix, short)) == short


@pytest.mark.parametrize(
    "text", ["A01M00000062MPGIAI", "a01M00000062mPgIAJ", "a01M00000062mP", "a01M-0000062mPg", "", "7"]
)
def test_what_is_no_salesforce_id_is_not_read(text: str) -> None:
    assert shortened(text) == [None]


def tables(tmp_path: Path, **files: tuple[str, dict[str, Column]]) -> Tables:
    for name, (content, _) in files.items():
        (tmp_path / f"{name}.csv").write_text(content)
    return Tables({name: Source(tmp_path / f"{name}.csv", columns) for name, (_, columns) in files.items()})


CUSTOMER = {"customer": Column("who", "id", required=True)}
KNOWN = {"id": Column("id", "id", required=True), "customer": Column("who", "id", required=True)}


def test_a_salesforce_id_with_a_wrong_suffix_is_a_fault_that_shows_no_id(tmp_path: Path) -> None:
    columns = {"customer": Column("who", "id", salesforce=True)}
    (found,) = tables(tmp_path, t=("who\na01M00000062mPgIAI\nA01M00000062MPGIAI\n", columns)).faults("t")
    shape = "the first in row 2, written like “A99A99999999AAAAAA”"
    assert found.found == f"1 of 2 values of who that are not a Salesforce id, {shape}"
    assert "A01M" not in str(found)


def customers(found: Tables, name: str = "t") -> list[Any]:
    return sorted(found.table(name).to_pyarrow()["customer"].to_pylist())


def test_ids_of_other_systems_are_read_as_the_one_customer(tmp_path: Path) -> None:
    found = tables(
        tmp_path,
        t=("who\nz7\nc1\nc2\nz7\n", CUSTOMER),
        customer_ids=("id,who\nz7,c1\nz7,c1\nc1,c1\nm9,c2\n", KNOWN),
    )
    assert found.faults("customer_ids") == []
    assert customers(found) == ["c1", "c1", "c1", "c2"]
    assert customers(found, "customer_ids") == ["c1", "c1", "c1", "c2"]


def test_a_customer_who_is_there_under_two_ids_is_a_repeated_one(tmp_path: Path) -> None:
    once = {"customer": Column("who", "id", unique=True)}
    found = tables(tmp_path, t=("who\nz7\nc1\nc2\n", once), customer_ids=("id,who\nz7,c1\n", KNOWN))
    assert [f.found for f in found.faults("t")] == ["1 repeated values in who"]


@pytest.mark.parametrize(
    ("content", "role", "found"),
    [
        ("id,who\nz7,c1\nz7,c2\nz8,c1\n", "id", "1 ids with more than one customer"),
        ("id,who\nz7,m9\nm9,c1\n", "customer", "1 customers that are another's id in turn"),
        ("id,who\nz7,c1\nc1,z7\n", "customer", "2 customers that are another's id in turn"),
    ],
)
def test_an_id_of_two_customers_and_a_chain_are_faults(tmp_path: Path, content: str, role: str, found: str) -> None:
    told = tables(tmp_path, customer_ids=(content, KNOWN)).faults("customer_ids")
    assert [(f.role, f.found) for f in told] == [(role, found)]


def test_other_tables_are_still_told_of_where_the_ids_are_at_fault(tmp_path: Path) -> None:
    found = tables(tmp_path, t=("who\nc1\n", CUSTOMER), customer_ids=("id,who\nz7,\n", KNOWN))
    assert found.faults("t") == []
