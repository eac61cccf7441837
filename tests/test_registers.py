"""The tables of the stages' files: none is forgotten, and a record's notebook shows their rows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from ethics_kit import registers, yamlfile
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES
from ethics_kit.schema import STAGE_FILES
from ethics_kit.workbook import open_workbook


def paths(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[str]:
    """Where a stage's file holds rows: every list or mapping of models, and every model on its own."""
    for name, hint in get_type_hints(model, include_extras=True).items():
        if name not in model.model_fields:
            continue
        bare, _ = registers._bare(hint)
        below = registers._model(hint)
        if below is None or name == "answers":
            continue
        many = get_origin(bare) in (list, dict)
        if many or not above:
            holds_rows = [n for n, f in below.model_fields.items() if registers._model(f.annotation)]
            if not (not many and "rows" in holds_rows):
                yield ".".join((*above, name))
        if get_origin(bare) is not dict:
            yield from paths(below, (*above, name, *(["*"] if many else [])))


@pytest.mark.parametrize("stage", STAGES)
def test_every_table_of_a_stages_file_has_its_words(stage: str) -> None:
    known = {".".join(register.path) for register in registers.registers(stage).values()}
    assert set(paths(STAGE_FILES[stage])) == known


def test_every_word_is_of_a_field() -> None:
    fields: dict[str, set[str]] = {}
    for stage in STAGES:
        for name, register in registers.registers(stage).items():
            fields.setdefault(name, set()).update(f.name for f in register.fields)
    assert {w.id: set(w.fields) - fields.get(w.id, set()) for w in catalogue.registers() if w.fields} == {
        w.id: set() for w in catalogue.registers() if w.fields
    }


def test_a_field_that_is_a_model_is_flattened_and_emptied_as_a_whole() -> None:
    assert registers.nested({"a": 1, "b.c": 2, "b.d": None, "e.f": None}) == {
        "a": 1,
        "b": {"c": 2, "d": None},
        "e": None,
    }


def test_a_record_shows_the_rows_with_author_and_date(
    project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = {"by": "Ann Lee", "role": "officer", "on": "2026-05-06", "until": "2027-05-06"}
    rows = [{"finding": "S1.2.impact_level", "reason": "No <b>prices</b>."} | accepted]
    root = project(impact_analysis={"waivers": rows})
    monkeypatch.chdir(root)
    shown: list[Any] = []
    monkeypatch.setattr("ethics_kit.workbook.display", shown.append)
    open_workbook("impact_analysis", system="demo", as_of="2026-11-01").edit("waivers")
    html = shown[0]._repr_mimebundle_()["text/html"]
    for words in ("Waivers", "S1.2.impact_level", "Ann Lee", "2026-05-06", "No &lt;b&gt;prices"):
        assert words in html
    assert repr(shown[0]) == "Waivers: 1 rows"


@pytest.mark.parametrize("register", ["risks_ruled_out", "stakeholders", "standards"])
def test_what_a_step_shows_is_not_shown_twice_in_a_record(
    project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, register: str
) -> None:
    monkeypatch.chdir(project())
    shown: list[Any] = []
    monkeypatch.setattr("ethics_kit.workbook.display", shown.append)
    open_workbook("impact_analysis", system="demo", as_of="2026-11-01").edit(register)
    assert shown == []


def test_a_table_without_rows_names_what_a_row_needs() -> None:
    found = registers.table(registers.registers("impact_analysis")["waivers"], {})
    assert (found.columns, found.rows) == (
        ["Finding", "Reason", "Accepted by", "Role", "Accepted on", "Accepted until"],
        [],
    )


def test_rows_under_rows_name_the_row_above() -> None:
    found = registers.registers("impact_analysis")["consultations"]
    once = {"on": "2026-01-02", "how": "panel", "raised": "a"}
    data = {"stakeholders": [{"group": "agents", "name": "Agents", "consulted": once}]}
    assert registers.table(found, data).rows == [["agents Agents", "2026-01-02", "panel", "a"]]
    assert registers.rows(found, data)[0].place == ("stakeholders", 0, "consulted")
    assert yamlfile.plain(data) == data
