"""The table of adequacy decisions: dated, sourced, each country once."""

from datetime import date

import pytest
from pydantic import ValidationError

from ethics_kit.framework import transfers

TABLE = transfers.table()


def test_the_european_economic_area_has_its_thirty_countries():
    assert len(TABLE.eea) == 30
    assert {"IS", "LI", "NO"} <= TABLE.eea
    assert not {"GB", "CH"} & TABLE.eea


def test_each_country_stands_once_and_none_lies_in_the_area():
    countries = [decision.to for decision in TABLE.adequacy]
    assert len(countries) == len(set(countries)) == 16
    assert not set(countries) & TABLE.eea


def test_every_decision_was_made_before_the_table_was_seen_and_every_source_is_used():
    assert all(decision.on <= TABLE.seen for decision in TABLE.adequacy)
    assert {source for decision in TABLE.adequacy for source in decision.at} == set(TABLE.sources)
    assert all(address.startswith("http") for address in TABLE.sources.values())


@pytest.mark.parametrize("country", ["US", "CA"])
def test_decisions_on_some_recipients_say_which(country):
    assert TABLE.decision(country).scope


def test_the_decision_on_the_united_kingdom_ends_by_itself():
    decision = TABLE.decision("GB")
    assert [decision.holds(day) for day in (date(2025, 12, 18), date(2031, 12, 27), date(2031, 12, 28))] == [
        False,
        True,
        False,
    ]


def test_a_decision_without_a_source_of_the_file_is_refused():
    content = TABLE.model_dump()
    content["adequacy"] = [{"to": "AD", "decision": "x", "on": date(2024, 1, 1), "at": ("a_friend",)}]
    with pytest.raises(ValidationError, match="no such sources: a_friend"):
        transfers.Transfers.model_validate(content)
