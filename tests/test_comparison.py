"""Two records side by side, and the rule for findings that came back."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ethics_kit.comparison import came_back, compare, compare_findings
from ethics_kit.record import Finding, Input, Interval
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
