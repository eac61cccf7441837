"""The legal limits of requests to delete: each of a known law, dated, with its source."""

import re

import pytest

from ethics_kit.framework import catalogue
from ethics_kit.framework.limits import limits

LAWS = {law.id: law for law in limits()}


def test_each_limit_is_of_a_law_that_systems_settle():
    assert [catalogue.standards()[name].kind for name in LAWS] == ["law", "law"]


@pytest.mark.parametrize("law", LAWS)
def test_each_limit_tells_its_source_the_day_it_was_read_and_what_is_left_out(law):
    assert len(LAWS[law].source) > 40
    assert LAWS[law].seen.year >= 2026
    assert LAWS[law].not_counted.strip()


def test_the_gdpr_gives_a_month_and_two_more_and_the_ccpa_45_days_and_45_more():
    spans = {
        name: (law.first.months, law.first.days, law.extension.months, law.extension.days) for name, law in LAWS.items()
    }
    assert spans == {"gdpr": (1, 0, 2, 0), "ccpa": (0, 45, 0, 45)}
    assert {name: law.starts for name, law in LAWS.items()} == {"gdpr": "verified", "ccpa": "receipt"}


def test_places_are_countries_or_regions_and_none_stands_twice():
    places = [place for law in LAWS.values() for place in law.places]
    assert len(places) == len(set(places)) == 31
    assert all(re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", place) for place in places)


def test_a_region_of_a_country_is_reached_and_a_country_of_a_region_is_not():
    assert LAWS["gdpr"].reaches("DE-BY")
    assert LAWS["ccpa"].reaches("US-CA")
    assert not LAWS["ccpa"].reaches("US")
