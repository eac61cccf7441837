"""YAML is read safely, each value keeps its line, and writing keeps what a person wrote."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ethics_kit import yamlfile, yamlparse
from ethics_kit.errors import InputError
from ethics_kit.schema import Policy, System


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "a.yaml"


def refusal(path: Path, content: str | bytes) -> str:
    """The one problem for which a file is not read."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        yamlfile.read(path)
    assert len(caught.value.problems) == 1
    return str(caught.value)


# --- what is not read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "a.yaml: found an empty file; allowed: keys with values; to do: fill it in; ethics-kit new writes"),
        ("# only a comment\n", "a.yaml: found an empty file;"),
        ("- a\n- b\n", "a.yaml: found no keys at the top level; allowed: keys with values; to do: begin with"),
        ("just text\n", "a.yaml: found no keys at the top level;"),
        ("a: 1\nb:\n\tc: 2\n", "a.yaml:3: found a tab; allowed: valid YAML; to do: indent with spaces"),
        ("a: 1\nb: 2\na: 3\n", 'a.yaml:3: found "a" a second time; allowed: valid YAML; to do: keep one of the two'),
        ('a: 1\nb: "open\nc: 2\n', "a.yaml:2: found a quote that is not closed; allowed: valid YAML; to do: close it"),
        ("a: 1\nb: 'open\n", "a.yaml:2: found a quote that is not closed;"),
        ("a: 1\nb: see: this\n", "a.yaml:2: found a colon where no key can be; allowed: valid YAML; to do: put text"),
        ("a:\n  b: 1\n c: 2\n", "a.yaml:3: found a line that does not fit those above it;"),
        ("a: [1, 2\nb: 3\n", "a.yaml:2: found "),
        ("a: 1\nb: @home\n", "a.yaml:2: found found character '@'"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2: found "),
        (
            "a: 1\nb: &x 2\n",
            "a.yaml:2: found an anchor or alias (& or *); allowed: plain values; to do: write the value",
        ),
        ("a: 1\nb: *important\n", "a.yaml:2: found an anchor or alias (& or *);"),
        ("a: 1\nb: !secret x\n", "a.yaml:2: found a tag (!secret); allowed: plain values; to do: remove it"),
        (b"a: 1\nb: caf\xe9\n", "a.yaml:2: found a character that is not UTF-8; allowed: UTF-8; to do: save"),
        ("a: 1\n".encode("utf-16"), "a.yaml:1: found a character that is not UTF-8;"),
        ("a: 1\nb: x\x07y\n", "a.yaml:2: found a control character; allowed: text; to do: delete it"),
        ("a: " + "x" * 3_000_000, "a.yaml: found a file over 2 MB; allowed: at most 2 MB; to do: keep tables in data"),
        ("a: " + "[" * 5000 + "]" * 5000, "a.yaml:1: found keys or lists more than 50 deep inside one another;"),
        ("a: " + "{b: " * 5000 + "}" * 5000, "a.yaml:1: found keys or lists more than 50 deep inside one another;"),
        ("a: " + "[" * 1_900_000, "a.yaml:1: found keys or lists more than 50 deep"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(path: Path, content: str | bytes, told: str) -> None:
    said = refusal(path, content)
    assert said.startswith(told)
    assert said.isprintable()


def test_a_file_that_is_not_there(path: Path) -> None:
    with pytest.raises(InputError, match=r"^a.yaml: found no such file; allowed: a YAML file; to do: create it"):
        yamlfile.read(path)


def test_a_folder_in_place_of_a_file(path: Path) -> None:
    path.mkdir()
    with pytest.raises(InputError, match=r"^a.yaml: found a folder, pipe or device; allowed: a file; to do: put"):
        yamlfile.read(path)


def test_a_pipe_is_refused_and_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"^a.yaml: found a folder, pipe or device;"):
        yamlfile.read(path)


@pytest.mark.parametrize(
    "payload",
    [
        "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [CANARY]]",
        "!!python/object/apply:os.system ['touch CANARY']",
        "!!python/object/new:os.system ['touch CANARY']",
        "!!python/name:os.system ''",
        "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch CANARY']",
    ],
)
def test_a_tag_never_runs_code(path: Path, tmp_path: Path, payload: str) -> None:
    canary = tmp_path / "canary"
    said = refusal(path, f"name: {payload.replace('CANARY', str(canary))}\n")
    assert "found a tag (" in said
    assert not canary.exists()


@pytest.mark.parametrize("key", ["? [a, {b: 1}]\n: c\n", "{[a, {b: 1}]: c}: d\n"])
def test_keys_in_place_of_a_name_are_refused(path: Path, key: str) -> None:
    assert refusal(path, key).startswith("a.yaml: found a list or keys where a name has to be; allowed: valid YAML;")


def test_a_billion_laughs_are_refused_at_the_first(path: Path) -> None:
    laughs = "a: &a [ha, ha]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
    assert refusal(path, laughs).startswith("a.yaml:1: found an anchor or alias")


# --- what is read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa: x\n", b"a: x\r\n", b"a: x", b"---\na: x\n...\n"])
def test_a_byte_order_mark_and_other_line_ends_are_accepted(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert yamlfile.plain(yamlfile.read(path).data) == {"a": "x"}


def test_values_are_plain_python(path: Path) -> None:
    path.write_text(
        "t: text\ni: 1_000\nf: 1.50\nb: true\ny: yes\nn:\nl: [a, {b: 0x10}]\nd: 2026-10-31\nfold: >-\n  x\n  y\n"
    )
    found = yamlfile.plain(yamlfile.read(path).data)
    assert {k: (type(v).__name__, str(v)) for k, v in found.items()} == {
        "t": ("str", "text"),
        "i": ("int", "1000"),
        "f": ("float", "1.5"),
        "b": ("bool", "True"),
        "y": ("str", "yes"),
        "n": ("NoneType", "None"),
        "l": ("list", "['a', {'b': 16}]"),
        "d": ("date", "2026-10-31"),
        "fold": ("str", "x y"),
    }


PIECES = (
    *("a: b\n", "- x\n", "  - y: 1\n", "k: |\n  as it\n   is\n\n", "k2: >-\n  fold\n  more\n\n  para\n", "# c\n"),
    *("s: a #c\n", "q: 'it''s'\n", 'p: "x\n\n  y"\n', "f: {a: 1, b: [c, d]}\n", "g: [1, 2,\n  3]\n", "h:\n  i: 1\n"),
    *("e:\n", "o: {a 1}\n", "d1: 2026-01-01\n", "d2: 2026-02-30\n", "t: 2026-01-01 10:00:00\n", "n: 0o17\n"),
    *("n2: 010\n", "y: yes\n", "null: 1\n", "? a\n: b\n", "m: a: b\n", "u: https://x.example/z#a\n", "w: a\n   b\n"),
    *("v: >+\n a\n\n\n", "x: |2\n   a\n", "---\n", "...\n", "r: x\r\n", "\ttab\n", "%TAG ! x\n", 'b: "\\u00e9"\n'),
    *("c: |#\n  a\n", "<<: {a: 1}\n", "z: \x85\n", *" :-#'\"{}[],|>?&*!\n"),
)
"""Of YAML files as people write them, and what tells YAML 1.1 from 1.2."""


def told(reader: Callable[[str], Any], text: str) -> object:
    """What a reader makes of a text: values, their types, the line of each."""

    def shown(node: Any) -> object:
        if isinstance(node, Mapping):
            return [(shown(k), shown(v), (node.lc.data or {}).get(k, [None])[0]) for k, v in node.items()]
        if isinstance(node, list):
            return [(shown(v), node.lc.item(i)[0]) for i, v in enumerate(node)]
        return type(yamlfile.plain(node)).__name__, str(node)

    try:
        return shown(reader(text))
    except (yamlparse.NotPlain, YAMLError, TypeError, ValueError) as error:
        return type(error).__name__


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join))
def test_both_readers_find_the_same(text: str) -> None:
    """The one that keeps comments is slow, and refuses a little more; neither may understand a file differently."""
    whole, quick = told(yamlparse.round_trip().load, text), told(yamlparse.read, text)
    assert quick == whole or isinstance(whole, str)


def test_a_usual_file_is_read_by_the_c_library(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(LINES)
    monkeypatch.setattr(YAML, "load", None)
    assert yamlfile.plain(yamlfile.read(path).data)["owner"] == {"name": "Ann", "role": "lead"}
    assert not isinstance(yamlfile.read(path), yamlfile.EditableFile)  # it has lost its comments


LINES = """\
# a comment
name: x

owner:
  name: Ann
  role: lead

out_of_scope:
  - prices
  # between
  - >-
    long
    text
  - rents

tables:
  decisions: {source: a.csv,
    columns: {time: t}}
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("name",), 2),
        (("owner",), 4),
        (("owner", "role"), 6),
        (("out_of_scope",), 8),
        (("out_of_scope", 0), 9),
        (("out_of_scope", 1), 11),
        (("out_of_scope", 2), 14),
        (("tables", "decisions", "source"), 17),
        (("tables", "decisions", "columns", "time"), 18),
        (("owner", "missing"), 4),
        (("missing",), 1),
        (("out_of_scope", 7), 8),
        (("name", "too", "deep"), 2),
    ],
)
def test_the_line_of_a_key_or_of_its_nearest_parent(path: Path, key: yamlfile.Key, line: int) -> None:
    path.write_text(LINES)
    assert yamlfile.read(path).line(key) == line


def test_writing_keeps_comments_order_quotes_and_folds(path: Path) -> None:
    text = (
        "# first\n"
        "b: 1   # why\n"
        "a: 'quoted'\n"
        "\n"
        "# before the list\n"
        "list:\n"
        "  - x   # an item\n"
        "  - {k: v}\n"
        "folded: >-\n"
        "  one\n"
        "  two\n"
        "empty:   # yes | no\n"
        "day: 2026-10-31\n"
    )
    path.write_text(text)
    assert yamlfile.read_to_edit(path).dumps().decode() == text


# --- models ----------------------------------------------------------------------------------------------------


def problems(model: type[BaseModel], path: Path, content: str) -> list[str]:
    path.write_text(content)
    found, told = yamlfile.validate(model, yamlfile.read(path))
    assert (found is None) == bool(told)
    return list(map(str, told))


SOUND = "name: x\nkind: scored\nunit: {decision: a ticket, affected_person: customer}\n"


def test_a_sound_file_becomes_its_model(path: Path) -> None:
    path.write_text(SOUND)
    found, told = yamlfile.validate(System, yamlfile.read(path))
    assert told == []
    assert found is not None
    assert found.unit.decision == "a ticket"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("purpsoe: x", "purpsoe: found an unknown key; allowed: name, prelim*; to do: did you mean purpose?"),
        ("qqq: x", "qqq: found an unknown key; allowed: name, prelim*; to do: remove it, or correct the key"),
        ("qqq:", "qqq: found an unknown key;"),
        ("1: x", "1: found an unknown key;"),
        ("purpose: 5", 'purpose: found "5" (a number); allowed: text; to do: put it in quotes'),
        ("purpose: true", 'purpose: found "true" (yes/no); allowed: text; to do: put it in quotes'),
        ("purpose: [a]", "purpose: found a list of 1; allowed: text; to do: correct the value"),
        ("purpose: {a: 1}", "purpose: found the keys a; allowed: text; to do: correct the value"),
        ("purpose: ' '", 'purpose: found " " (text); allowed: text that is not blank; to do: correct the value'),
        ('purpose: "a\\0b"', 'purpose: found "a\\x00b" (text); allowed: text that is not blank;'),
        ('purpose: "\\ud83d"', 'purpose: found "\\ud83d" (text); allowed: text of whole characters;'),
        ('purpose: "\\u200b\\u202e"', 'purpose: found "\\u200b\\u202e" (text); allowed: text that can be seen;'),
        ("purpose: '\u3164 \u2800'", 'purpose: found "\u3164 \u2800" (text); allowed: text that can be seen;'),
        ("out_of_scope: prices", 'out_of_scope: found "prices" (text); allowed: a list, an item per line after a -;'),
        ("owner: Ann", 'owner: found "Ann" (text); allowed: the keys name, role, contact; to do: correct the value'),
        ("owner: {name: Ann}", "owner.role: found nothing; allowed: a value is required; to do: give role: a value"),
        ("owner: {name: , role: x}", "owner.name: found nothing; allowed: a value is required;"),
        ("attributes: [a]", "attributes: found a list of 1; allowed: keys with values;"),
        ("attributes: {sex: {class: proxy, colum: s}}", "attributes.sex.colum: found an unknown key; *mean column?"),
        ("attributes: {sex: {class: proxi, column: s}}", 'attributes.sex.class: found "proxi" (text); *mean proxy?'),
        ("attributes: {sex: {class: proxy}}", "attributes.sex: found the keys class; allowed: either column (where"),
        ("attributes: {Sex: {class: proxy, column: s}}", 'attributes.Sex: found "Sex" (text); allowed: 2 to 61 small'),
        ("model: {released: 2026-02-30}", 'model.released: found "2026-02-30" (text); allowed: a date such'),
        ("model: {released: 20260230}", 'model.released: found "20260230" (a number); allowed: a date such as'),
        ("model: {released: 86400}", 'model.released: found "86400" (a number); allowed: a date such as'),
        ("model: {released: '86400'}", 'model.released: found "86400" (text); allowed: a date such as'),
        ("model: {released: 31.10.2026}", 'model.released: found "31.10.2026" (text); allowed: a date such as'),
        ("model: {released: 2026-10-31T10:00:00}", 'model.released: found "2026-10-31T10:00:00" (a time);'),
        ("decision: {capacity: 1.5}", 'decision.capacity: found "1.5" (a number); allowed: a whole number;'),
        ("decision: {capacity: true}", 'decision.capacity: found "true" (yes/no); allowed: a whole number;'),
        ("decision: {capacity: many}", 'decision.capacity: found "many" (text); allowed: a whole number;'),
        ("decision: {capacity: 0}", 'decision.capacity: found "0" (a number); allowed: a number of at least 1;'),
        ("decision: {selected: [1]}", 'decision.selected.0: found "1" (a number); *put it in quotes'),
        ("tables: {decisions: }", "tables.decisions.columns: found nothing;"),
        ('purpose: "\\e[31m"\nuse: "\\e[2J"', 'use: found "\\x1b[2J" (text); allowed: churn, health, '),
    ],
)  # fmt: skip
def test_each_mistake_is_told_in_words(path: Path, line: str, told: str) -> None:
    first = problems(System, path, SOUND + line + "\n")[0]
    assert re.match(r"a.yaml:[4-5]: " + re.escape(told).replace(r"\*", ".*"), first), first


@pytest.mark.parametrize(
    "line", ["out_of_scope:", "attributes:", "owner:", "model:", "decision:", "use:", "outcome: {}"]
)
def test_a_key_left_empty_is_the_same_as_no_key(path: Path, line: str) -> None:
    assert problems(System, path, SOUND + line + "\n") == []


def test_every_problem_of_a_file_is_told_once_with_its_own_line(path: Path) -> None:
    content = "kind: scord\nnam: x\nowner:\n  name: 1\n  role: 2\nlawful_bases:\n  - {purpose: p, basis: consent}\n"
    content += "  - {purpos: p}\n"
    keys = [re.match(r"a.yaml:(\d+): ([^:]+):", p) for p in problems(System, path, content)]
    assert sorted((int(m[1]), m[2]) for m in keys if m) == [
        (1, "kind"),
        (1, "name"),
        (1, "unit"),
        (2, "nam"),
        (4, "owner.name"),
        (5, "owner.role"),
        (7, "lawful_bases.0.approved_by"),
        (7, "lawful_bases.0.by"),
        (7, "lawful_bases.0.on"),
        (8, "lawful_bases.1.approved_by"),
        (8, "lawful_bases.1.basis"),
        (8, "lawful_bases.1.by"),
        (8, "lawful_bases.1.on"),
        (8, "lawful_bases.1.purpos"),
        (8, "lawful_bases.1.purpose"),
    ]


@pytest.mark.parametrize("value", [".nan", ".inf", "-1", "1.01", "'0.5'", "true", "yes", "[0.5]", ""])
def test_a_share_of_the_policy_is_a_number_from_0_to_1(path: Path, value: str) -> None:
    content = f"coverage:\n  notice_min:\n    value: {value}\n    rationale: r\n    source: s\n"
    assert [p for p in problems(Policy, path, content) if p.startswith("a.yaml:3: coverage.notice_min.value: found ")]


def test_the_sound_part_lacks_what_is_wrong_and_keeps_the_rest(path: Path) -> None:
    wrong = "attributes:\n  a1: {class: proxy, column: a}\n  b1: {class: prox}\nmodel: {version: 1}\nuse: churn\n"
    path.write_text(SOUND + wrong)
    part, lost = yamlfile.sound_part(System, yamlfile.read(path))
    assert part is not None
    assert list(part.attributes) == ["a1"]
    assert (part.use, part.model.version) == ("churn", None)
    assert lost == {"attributes", "model"}
    path.write_text("kind: scored\n")
    assert yamlfile.sound_part(System, yamlfile.read(path))[0] is None


def test_the_sound_part_reads_a_misspelt_key_as_what_it_is_close_to(path: Path) -> None:
    wrong = "tables:\n  decisions: {sorce: a.csv, colums: {id: i}}\n  customers: {columns: {}}\nnonsense: 1\n"
    path.write_text(SOUND + wrong)
    part, lost = yamlfile.sound_part(System, yamlfile.read(path))
    assert part is not None
    assert {name: (t.source, t.columns) for name, t in part.tables.items()} == {"decisions": ("a.csv", {"id": "i"})}
    assert lost == {"tables", "nonsense"}


def test_a_value_nested_in_many_levels_is_one_ordinary_problem(path: Path) -> None:
    told = problems(System, path, SOUND + "purpose: " + "[" * 40 + "]" * 40 + "\n")
    assert told == ["a.yaml:4: purpose: found a list of 1; allowed: text; to do: correct the value"]


def test_a_union_is_told_once_and_at_its_key(path: Path) -> None:
    class Pair(BaseModel):
        model_config = ConfigDict(extra="forbid")
        value: str | list[int]

    def told(value: Any) -> list[str]:
        return problems(Pair, path, f"value: {value}\n")

    assert told(5) == ['a.yaml:1: value: found "5" (a number); allowed: text; to do: put it in quotes']
