"""What `new --data` proposes of how a file is written: only what every value bears out, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ethics_kit import scaffold
from ethics_kit.proposal import Proposal, propose
from ethics_kit.yamlfile import read

Written = Callable[..., Proposal]


@pytest.fixture
def proposed(tmp_path: Path) -> Written:
    def _proposed(content: str, encoding: str = "utf-8") -> Proposal:
        (tmp_path / "a.csv").write_bytes(content.encode(encoding))
        return propose(tmp_path / "a.csv")

    return _proposed


def said(found: Proposal) -> dict[str, str]:
    return {key: value for key, (value, _) in found.writing.settings.items()}


GERMAN = "Kundennr;customer_id;scored_at;risk_score\n" + "".join(
    f"Größe {i};{i:04d};{i % 28 + 1}.{i % 12 + 1}.2026 14:05;0,{i:02d}\n" for i in range(60)
)


def test_a_german_export_is_read_as_what_it_is(proposed: Written) -> None:
    found = proposed(GERMAN, "cp1252")
    assert said(found) == {"encoding": "cp1252", "delimiter": ";", "dates": "day_first", "decimal": "comma"}
    assert found.roles == {"customer": "customer_id", "time": "scored_at", "score": "risk_score"}
    told = "\n".join(found.words())
    assert "encoding       cp1252: the file is not in UTF-8; look whether its accents come out right" in told
    assert "dates          day_first: scored_at has days over 12 in first place" in told


def test_the_dossier_says_what_is_proposed_and_why(proposed: Written, tmp_path: Path) -> None:
    found = proposed(GERMAN, "utf-16")
    path = tmp_path / "system.yaml"
    path.write_text(scaffold.system_yaml("demo", found, "data/a.csv"), encoding="utf-8")
    spec = read(path).data["tables"]["decisions"]
    expected = {"encoding": "utf-16", "delimiter": ";", "decimal": "comma", "dates": "day_first"}
    assert {key: spec[key] for key in expected} == expected
    assert "# proposed: every number of risk_score is written so, and none has a point" in path.read_text("utf-8")


def test_months_first_are_seen(proposed: Written) -> None:
    assert said(proposed("customer_id,scored_at\n1,10/31/2026 2:05 PM\n2,1/2/2026 2:05 PM\n")) == {
        "dates": "month_first"
    }


@pytest.mark.parametrize("dates", [("1/2/2026", "3/4/2026"), ("31/1/2026", "1/31/2026")])
def test_dates_that_do_not_tell_are_in_doubt(proposed: Written, tmp_path: Path, dates: tuple[str, str]) -> None:
    found = proposed("customer_id,scored_at\n1,{}\n2,{}\n".format(*dates))
    assert said(found) == {}
    assert "in doubt       scored_at: day or month first?" in "\n".join(found.words())
    assert "# dates:   # scored_at: day or month first?" in scaffold.system_yaml("demo", found, "data/a.csv")


@pytest.mark.parametrize(
    "content",
    [
        "customer_id;amount;share\n1;1,5;0.5\n2;2,5;0.1\n",
        "customer_id;amount\n1;1,5\n2;about 2\n",
        "customer_id;amount\n1;15\n2;25\n",
    ],
    ids=["another column has points", "a value is no number", "no comma"],
)
def test_a_decimal_comma_is_not_proposed_on_other_evidence(proposed: Written, content: str) -> None:
    assert said(proposed(content)) == {"delimiter": ";"}


def test_salesforce_ids_are_seen_by_their_suffix(proposed: Written) -> None:
    found = proposed("customer_id,flagged\na01M00000062mPgIAI,yes\n001M000000qfPyS,no\n")
    assert found.salesforce_ids == ["customer"]
    assert '    salesforce_ids: ["customer"]   # proposed' in scaffold.system_yaml("demo", found, "data/a.csv")


@pytest.mark.parametrize("ids", ["a01M00000062mPg 001M000000qfPyS", "a01M00000062mPgIAI c1", "a01M00000062mPgIAJ c"])
def test_other_ids_are_taken_as_they_are(proposed: Written, ids: str) -> None:
    one, two = ids.split()
    assert proposed(f"customer_id,flagged\n{one},yes\n{two},no\n").salesforce_ids == []


def test_a_plain_table_needs_no_settings(proposed: Written) -> None:
    found = proposed("customer_id,scored_at,score\n1,2026-10-31,0.5\n2,2026-10-30,0.25\n")
    assert not found.writing.settings
    assert not found.writing.doubts
