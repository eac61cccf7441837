"""The risk library: whole, rated, and careful with what it cites."""

import re

import pytest
from pydantic import ValidationError

from ethics_kit.framework import catalogue

RISKS = list(catalogue.risks().values())
USES = {"churn", "health", "triage", "offers", "bot"}

ASKED_FOR = {
    "neglect of accounts with a low health score": ("R11", "score", "attention"),
    "discounts that pass groups by": ("R30", "offer", "group"),
    "retention by obstruction": ("R7", "cancel", "leave"),
    "slower triage of second-language writers": ("R31", "language", "priority"),
    "surveillance of usage": ("R32", "usage", "clicks"),
    "reliance of staff": ("R33", "staff", "wrong"),
    "feedback loops": ("R12", "loop", "labels"),
    "area or device as a proxy for prices": ("R5", "postal code", "device"),
    "area or device as a proxy for scores": ("R34", "postal code", "handset"),
    "decisions on the wrong person of an account": ("R35", "shared", "login"),
    "leaks of distress or illness": ("R36", "distress", "health"),
}


def test_ids_run_from_r1_without_a_gap():
    assert [r.id for r in RISKS] == [f"R{n}" for n in range(1, len(RISKS) + 1)]
    assert len(RISKS) >= 25


def test_every_use_has_risks_and_no_title_stands_twice():
    assert {use for r in RISKS for use in r.uses} == USES
    assert len({r.title for r in RISKS}) == len(RISKS)


@pytest.mark.parametrize(("risk", "words"), [(w[0], w[1:]) for w in ASKED_FOR.values()], ids=list(ASKED_FOR))
def test_the_known_harms_of_customer_success_are_in_the_library(risk, words):
    found = catalogue.risks()[risk]
    told = " ".join([found.title, found.cause, found.harmed, found.sign, *found.treatments]).lower()
    assert all(word in told for word in words)


@pytest.mark.parametrize("risk", RISKS, ids=lambda r: r.id)
def test_a_risk_says_why_it_is_rated_so_and_what_can_be_done(risk):
    assert len(risk.because.split()) >= 15
    assert 2 <= len(risk.treatments) == len(set(risk.treatments)) <= 4
    assert all(t.endswith(".") and len(t.split()) >= 5 for t in risk.treatments)
    assert re.search(r"\d", risk.source)


def test_ratings_differ_and_none_is_trivial():
    scores = [r.likelihood * r.severity for r in RISKS]
    assert min(scores) >= 4
    assert len(set(scores)) >= 5


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("petition", r"petition"),
        ("pleading", r"pleading"),
        ("alleged", r"alleges.*denied"),
        ("settled", r"settlement.*denied"),
        ("reported", r"reported"),
        ("own reasoning", r"own reasoning"),
    ],
)
def test_what_is_only_said_is_told_as_said_in_the_reasons_too(source, word):
    citing = [r for r in RISKS if source in r.source]
    assert citing
    for risk in citing:
        assert re.search(word, risk.because), risk.id


@pytest.mark.parametrize("field", ["likelihood", "severity", "because", "treatments"])
def test_a_risk_of_the_library_without_a_rating_or_a_reason_is_refused(field):
    row = RISKS[0].model_dump()
    del row[field]
    with pytest.raises(ValidationError, match=field):
        catalogue.Risk.model_validate(row)


@pytest.mark.parametrize(("field", "value"), [("likelihood", 0), ("severity", 6), ("treatments", ["One only."])])
def test_a_rating_outside_1_to_5_or_a_single_treatment_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        catalogue.Risk.model_validate(RISKS[0].model_dump() | {field: value})
