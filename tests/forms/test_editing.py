"""A change of a YAML file changes its own lines and no other, whatever stands around them."""

import difflib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ethics_kit import yamlfile
from ethics_kit.forms.editing import Change, carry_out, changed


def after(path: Path, text: str, *changes: Change) -> str:
    """The text after changes, each of which is checked against the same change made to the values."""
    for change in changes:
        path.write_text(text, encoding="utf-8")
        expected = yamlfile.plain(yamlfile.read(path).data)
        carry_out(expected, change)
        text = changed(yamlfile.read_to_edit(path), text, change).decode()
        path.write_text(text, encoding="utf-8")
        assert yamlfile.plain(yamlfile.read(path).data) == expected
    return text


def lines(old: str, new: str) -> list[str]:
    """The lines that went and came."""
    found = difflib.ndiff(old.splitlines(), new.splitlines())
    return [line for line in found if line[0] in "+-"]


REGISTER = """\
risks:   # all of them
  # the first
  - id: R1   # one
    title: "One"
    inherent: {likelihood: 3, severity: 3}   # rated in May

  # the second
  - id: R2
    text: |   # told by Bo
      Two
        lines
    due:   # open

# what follows
other: []   # nothing
"""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            Change("set", ("risks", 0), {"title": "Two: # 2", "by": "Ann"}),
            ['-     title: "One"', "+     title: 'Two: # 2'", "+     by: Ann"],
        ),
        (
            Change("set", ("risks", 0), {"inherent": {"severity": 4}}),
            [
                "-     inherent: {likelihood: 3, severity: 3}   # rated in May",
                "+     inherent: {likelihood: 3, severity: 4}   # rated in May",
            ],
        ),
        (Change("set", ("risks", 0), {"title": "One", "by": None}), []),
        (
            Change("set", ("risks", 1), {"text": "One line"}),
            [
                "-     text: |   # told by Bo",
                "-       Two",
                "-         lines",
                "+     text: One line   # told by Bo",
            ],
        ),
        (
            Change("set", ("risks", 1), {"due": date(2026, 1, 2), "note": "a\n b\n# c"}),
            [
                "-     due:   # open",
                "+     due: 2026-01-02   # open",
                "+     note: |-",
                "+       a",
                "+        b",
                "+       # c",
            ],
        ),
        (
            Change("add", ("risks",), {"id": "R3", "residual": {"likelihood": 1, "severity": 2}}),
            ["+   - id: R3", "+     residual: {likelihood: 1, severity: 2}"],
        ),
        (
            Change("remove", ("risks", 0), {}),
            [
                "-   - id: R1   # one",
                '-     title: "One"',
                "-     inherent: {likelihood: 3, severity: 3}   # rated in May",
            ],
        ),
        (
            Change("add", ("other",), {"a": [1, 2]}),
            ["- other: []   # nothing", "+ other:   # nothing", "+   - a:", "+       - 1", "+       - 2"],
        ),
        (Change("set", ("risks", 1), {"severity": 4, "scale": 2}), ["+     severity: 4", "+     scale: 2"]),
        (Change("add", ("fresh",), {"a": "b"}), ["+ fresh:", "+   - a: b"]),
        (Change("add", ("held", "rows"), {"a": "b"}), ["+ held:", "+   rows:", "+     - a: b"]),
        (Change("set", ("law", "gdpr"), {"applies": "yes"}), ["+ law:", "+   gdpr:", "+     applies: yes"]),
    ],
)  # fmt: skip
def test_only_what_changes_changes(tmp_path: Path, change: Change, expected: list[str]) -> None:
    new = after(tmp_path / "a.yaml", REGISTER, change)
    assert sorted(lines(REGISTER, new)) == sorted(expected)


def test_the_last_row_leaves_an_empty_list_and_every_comment(tmp_path: Path) -> None:
    new = after(tmp_path / "a.yaml", REGISTER, Change("remove", ("risks", 1), {}), Change("remove", ("risks", 0), {}))
    assert new == (
        "risks: []   # all of them\n  # the first\n\n  # the second\n\n# what follows\nother: []   # nothing\n"
    )


def test_an_odd_layout_is_written_anew_with_its_values(tmp_path: Path) -> None:
    new = after(tmp_path / "a.yaml", "risks: [{id: R1}]   # x\n# y\n", Change("add", ("risks",), {"id": "R2"}))
    assert "# x" in new
    assert "# y" in new


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(REGISTER.replace("\n", "\r\n").encode())
    new = changed(yamlfile.read_to_edit(path), path.read_bytes().decode(), Change("add", ("risks",), {"id": "R3"}))
    assert new.count(b"\r\n") == new.count(b"\n") == REGISTER.count("\n") + 1


WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n#:'\"-|>&*!%@`{}[], "), max_size=60
).map(lambda text: "\n".join(line.rstrip() for line in text.splitlines()).strip() or None)
VALUES = st.one_of(WORDS, st.integers(1, 5), st.dates(), st.sampled_from(["yes", "no", "null", "1e3", "~"]))
ROWS = st.dictionaries(st.sampled_from(["id", "title", "text", "due", "note"]), VALUES, min_size=1).filter(
    lambda row: any(value is not None for value in row.values())
)


@st.composite
def change(draw: st.DrawFn) -> list[tuple[str, Any, Any]]:
    """A few changes: verb, place by chance, values."""
    verbs = st.sampled_from(["set", "add", "remove"])
    return draw(st.lists(st.tuples(verbs, st.integers(0, 9), ROWS), min_size=1, max_size=4))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=change())
def test_whatever_is_typed_comes_back_and_the_lines_around_it_stay(
    tmp_path: Path, steps: list[tuple[str, Any, Any]]
) -> None:
    text, path = REGISTER, tmp_path / "a.yaml"
    for verb, number, values in steps:
        path.write_text(text, encoding="utf-8")
        rows = yamlfile.plain(yamlfile.read(path).data)["risks"]
        if verb == "add" or not rows:
            text = after(path, text, Change("add", ("risks",), values))
        else:
            place = ("risks", number % len(rows))
            text = after(path, text, Change(verb, place, values if verb == "set" else {}))
    kept = [line for line in REGISTER.splitlines() if line.lstrip().startswith("#")] + ["other: []   # nothing"]
    assert [line for line in text.splitlines() if line in kept] == kept
