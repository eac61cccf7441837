"""Two records side by side, and the rule for findings that came back."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from ethics_kit.comparison import came_back, compare, compare_findings, plain, sentence, value_words
from ethics_kit.record import EARLIER, Finding, Input, Interval, Record
from tests.test_archive import record

STATUSES = ("met", "not_met", "inconclusive", "not_assessed", "not_applicable")


def finding(name: str, status: str, value: float | None = 0.1, **more: object) -> Finding:
    return Finding(
        id=f"C2.1.{name}",
        requirement="C2.1",
        status=status,
        evidence="measured",
        statement="A gap.",
        value=value,
        null_reason="none" if value is None else None,
        **more,
    )


def kinds(before: list[Finding], after: list[Finding]) -> dict[str, str]:
    return {c.id.removeprefix("C2.1."): c.kind for c in compare_findings(before, after)}


def test_what_changed_is_told_worst_first() -> None:
    before = [
        finding("a", "met"),
        finding("b", "not_met"),
        finding("c", "met"),
        finding("d", "met"),
        finding("e", "met"),
    ]
    after = [
        finding("a", "inconclusive"),
        finding("b", "met"),
        finding("c", "not_met"),
        finding("d", "met", 0.2),
        finding("f", "not_met"),
    ]
    assert list(kinds(before, after).items()) == [
        ("c", "worse"),
        ("f", "appeared"),
        ("a", "worse"),
        ("d", "moved"),
        ("b", "better"),
        ("e", "gone"),
    ]


def test_what_only_moved_within_its_interval_comes_last() -> None:
    wide = Interval(low=0.0, high=0.5, level=0.95)
    before = [finding("a", "not_met", 0.1, interval=wide), finding("b", "met"), finding("c", "met", 0.1)]
    after = [finding("a", "not_met", 0.2, interval=wide), finding("b", "inconclusive"), finding("c", "met", 0.2)]
    assert list(kinds(before, after).items()) == [("b", "worse"), ("c", "moved"), ("a", "moved")]


def test_a_record_against_itself_has_no_change() -> None:
    assert compare(record(), record()) == compare(record(), record())
    found = compare(record(), record(statement="Otherwise said."))
    assert (found.findings, found.parameters, found.inputs) == ((), (), ())


def test_not_applicable_is_as_good_as_met_but_another_status() -> None:
    assert kinds([finding("a", "met")], [finding("a", "not_applicable")]) == {"a": "moved"}
    assert kinds([finding("a", "not_applicable")], [finding("a", "not_met")]) == {"a": "worse"}


def test_values_and_intervals_of_both_are_kept() -> None:
    narrow = Interval(low=0.05, high=0.15, level=0.95)
    (change,) = compare_findings([finding("a", "met", interval=narrow)], [finding("a", "not_met", 0.3)])
    assert change.before
    assert change.after
    assert (change.before.interval, change.after.value) == (narrow, 0.3)
    assert change.newly_not_met


def test_parameters_and_inputs_that_changed_are_named() -> None:
    def with_(sha256: str, **parameters: float) -> object:
        entry = Input(role="table decisions", address="data/d.csv", sha256=sha256)
        return record().model_copy(update={"parameters": parameters, "inputs": [entry]})

    found = compare(with_("a" * 64, margin=0.05, kept=1), with_("b" * 64, margin=0.04, kept=1, new=2))
    assert [(c.name, c.before, c.after) for c in found.parameters] == [("margin", 0.05, 0.04), ("new", None, 2)]
    assert [c.name for c in found.inputs] == ["table decisions: data/d.csv"]


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(STATUSES)), max_size=6),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(STATUSES)),
)
def test_came_back_is_not_met_now_and_before_with_a_met_or_gone_between(
    earlier: list[dict[str, str]], now: dict[str, str]
) -> None:
    found = came_back(earlier, now)  # type: ignore[arg-type]
    for name in "abc":
        pairs = [
            (i, j)
            for j in range(len(earlier))
            for i in range(j)
            if earlier[i].get(name) == "not_met" and earlier[j].get(name) in ("met", None)
        ]
        assert (name in found) == (now.get(name) == "not_met" and bool(pairs))
        if name in found:
            assert found[name] in pairs
            assert found[name][1] == max(j for _, j in pairs)


def test_what_was_only_undecided_in_between_did_not_come_back() -> None:
    earlier = [{"a": "not_met"}, {"a": "inconclusive"}, {"a": "not_assessed"}]
    assert came_back(earlier, {"a": "not_met"}) == {}  # type: ignore[arg-type]
    assert came_back([*earlier, {}], {"a": "not_met"}) == {"a": (0, 3)}  # type: ignore[arg-type]


def test_the_day_of_a_record_is_no_difference() -> None:
    assert compare(record(date(2026, 9, 1)), record()).findings == ()


# --- numbers ------------------------------------------------------------------------------------------------------


def moved(before: tuple[float, ...], after: tuple[float, ...], **more: object) -> str | None:
    """How a value told as (value, low, high) moved."""

    def one(value: float, low: float | None = None, high: float | None = None, **more: object) -> Finding:
        interval = Interval(low=low, high=high, level=0.95) if low is not None else None
        return finding("a", "met", value, **({"interval": interval} | more))

    (change,) = compare_findings([one(*before)], [one(*after, **more)])
    return change.movement


def test_a_number_moved_beyond_its_interval_where_the_two_have_no_value_in_common() -> None:
    assert moved((0.1, 0.05, 0.15), (0.2, 0.16, 0.25)) == "beyond"
    assert moved((0.2, 0.16, 0.25), (0.1, 0.05, 0.15)) == "beyond"
    assert moved((0.1, 0.05, 0.15), (0.2, 0.15, 0.25)) == "within"
    assert moved((0.1, 0.05, 0.15), (0.12, 0.0, 0.9)) == "within"


def test_without_two_like_intervals_nothing_is_said_of_how_far_a_number_moved() -> None:
    assert moved((0.1, 0.05, 0.15), (0.9,)) == "unjudged"
    assert moved((0.1, 0.05, 0.15), (0.9, 0.8, 0.95), unit="days") == "unjudged"
    assert moved((0.1, 0.05, 0.15), (0.9,), interval=Interval(low=0.8, high=0.95, level=0.9)) == "unjudged"
    assert moved((0.1, 0.05, 0.15), (0.9,), interval=Interval(low=0.8, high=None, level=0.95)) == "unjudged"


def test_of_a_value_that_is_the_same_or_new_no_movement_is_told() -> None:
    (worse,) = compare_findings([finding("a", "met")], [finding("a", "not_met")])
    assert worse.movement is None
    (told,) = compare_findings([finding("a", "not_assessed", None)], [finding("a", "not_met", 0.3)])
    assert told.movement is None
    (new,) = compare_findings([], [finding("a", "not_met", 0.3)])
    assert new.movement is None


def test_two_intervals_without_a_common_value_are_stricter_than_a_test_at_five_per_cent() -> None:
    """For two independent estimates with equal standard errors (Schenker & Gentleman 2001)."""
    half = norm.ppf(0.975)
    for distance, told in ((2 * half - 1e-6, "within"), (2 * half + 1e-6, "beyond")):
        assert (
            moved((0.5, 0.5 - half, 0.5 + half), (0.5 + distance, 0.5 + distance - half, 0.5 + distance + half)) == told
        )
    assert round(2 * norm.sf(2 * half / 2**0.5), 3) == 0.006


def test_values_are_told_with_interval_and_n_and_with_limits_only_where_these_differ() -> None:
    interval = Interval(low=0.05, high=0.15, level=0.95)
    old = finding("a", "met", 0.1, interval=interval, n=400, threshold=0.2)
    (same,) = compare_findings([old], [finding("a", "not_met", 23456.7, n=9, threshold=0.2)])
    assert value_words(same) == ("0.10 [0.05, 0.15], n = 400", "23457, n = 9")
    (other,) = compare_findings([old], [finding("a", "not_met", 12345, threshold=0.05)])
    assert value_words(other) == ("0.10 [0.05, 0.15], n = 400, limit 0.2", "12345, limit 0.05")
    (gone,) = compare_findings([finding("a", "met", 1, threshold=2)], [])
    assert value_words(gone) == ("1", None)
    (lost,) = compare_findings([old], [finding("a", "met", None)])
    assert value_words(lost) == ("0.10 [0.05, 0.15], n = 400", "no value")
    (never,) = compare_findings([finding("a", "met", None)], [finding("a", "not_met", None)])
    assert value_words(never) == (None, None)


# --- the records ----------------------------------------------------------------------------------------------------


def rows(sha256: str, rows: int, after: int) -> Record:
    entry = Input(role="table decisions", address="data/d.csv", sha256=sha256 * 64, rows=rows, rows_after_as_of=after)
    earlier = Input(role=EARLIER, address="churn_risk/x/record.json", sha256=str(after)[:1] * 64)
    return record().model_copy(update={"inputs": [entry, earlier]})


def test_an_input_changed_where_its_bytes_did_or_more_of_its_rows_count() -> None:
    (change,) = compare(rows("a", 100, 60), rows("a", 100, 10)).inputs
    assert [plain(v) for v in (change.before, change.after)] == [
        "40 rows, sha256 aaaaaaaaaaaa",
        "90 rows, sha256 aaaaaaaaaaaa",
    ]
    assert compare(rows("a", 100, 10), rows("a", 110, 20)).inputs == ()
    assert len(compare(rows("a", 100, 10), rows("b", 100, 10)).inputs) == 1


def test_facts_of_both_records_are_told_whether_they_changed_or_not() -> None:
    old, new = record(version="3.1"), record(version="3.2")
    facts = {fact.name: (fact.before, fact.after, fact.changed) for fact in compare(old, new).facts}
    assert facts["model"] == ("3.1", "3.2", True)
    assert facts["recommendation"] == ("approve", "approve", False)
    assert facts["met"] == (1, 1, False)


def test_one_sentence_counts_the_changes_and_says_the_recommendation() -> None:
    before = record(date(2026, 10, 1))
    assert sentence(before, compare(before, record())) == (
        "Findings since the record of 2026-10-01: none changed. The recommendation is approve, as before."
    )
    interval = Interval(low=0.05, high=0.15, level=0.95)
    old = before.model_copy(update={"findings": [finding("a", "met"), finding("b", "met", 0.1, interval=interval)]})
    apart = finding("b", "met", 0.9, interval=Interval(low=0.8, high=0.95, level=0.95))
    new = record().model_copy(
        update={
            "findings": [finding("a", "inconclusive"), apart, finding("c", "not_met"), finding("d", "met")],
            "recommendation": before.recommendation.model_copy(update={"verdict": "approve_with_conditions"}),
        }
    )
    assert sentence(before, compare(old, new)) == (
        "Findings since the record of 2026-10-01: 1 worse, 2 new (1 not met), 1 moved (1 beyond its interval). "
        "The recommendation was approve and is approve with conditions."
    )
