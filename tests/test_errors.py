"""Problems say where, what was found, what is allowed and what to do, on one line that is safe to print."""

from pathlib import Path

import pytest

from ethics_kit.errors import EthicsKitError, InputError, Problem, RunError, display_path, printable, quoted


def problem(**changes: object) -> Problem:
    fields = {"file": Path("a.yaml"), "found": "x", "allowed": "y", "todo": "write y"}
    return Problem(**{**fields, **changes})


def test_a_problem_reads_file_line_key_found_allowed_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = str(problem(file=tmp_path / "parameters" / "a.yaml", line=7, key="owner.name"))
    assert told == "parameters/a.yaml:7: owner.name: found x; allowed: y; to do: write y"


def test_a_problem_of_a_whole_file_has_no_line_and_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(problem()) == "a.yaml: found x; allowed: y; to do: write y"


def test_a_file_outside_the_working_directory_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert display_path(tmp_path / "a.yaml") == str(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines", r"two\nlines"),
        ("a\rb", r"a\rb"),
        ("\x9b31m", r"\x9b31m"),
        ("right\u202eleft", r"right\u202eleft"),
        ("\ud800", r"\ud800"),
        ("Größe 年", "Größe 年"),
    ],
)
def test_what_could_steer_a_terminal_is_escaped_and_other_text_stays(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


@pytest.mark.parametrize("part", ["key", "found", "allowed", "todo"])
def test_no_part_of_a_problem_can_break_its_line_or_colour_it(part: str) -> None:
    told = str(problem(**{part: "a\nb\x1b[2J\r"}))
    assert told.isprintable()
    assert r"a\nb\x1b[2J\r" in told


def test_a_file_name_with_a_newline_stays_on_one_line(tmp_path: Path) -> None:
    assert str(problem(file=tmp_path / "a\nb.yaml")).isprintable()


def test_long_text_is_cut_and_its_length_told() -> None:
    assert printable("x" * 5000) == "x" * 200 + "… (5000 characters)"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://ann:hunter2@db.example/sales", '"postgresql://…"'),
        ("jdbc:postgresql://db.example/sales?password=hunter2", '"jdbc:postgresql://…"'),
        ("https://store.example/t.csv?sig=hunter2", '"https://…"'),
        ("s3://key:hunter2@bucket/\nt.csv", '"s3://…"'),
        ("https://example.org/file.pdf", '"https://example.org/file.pdf"'),
        ("ann@example.org", '"ann@example.org"'),
    ],
)
def test_a_found_address_is_shown_without_its_credentials(address: str, shown: str) -> None:
    assert quoted(address) == shown


def test_an_input_error_carries_every_problem_sorted_by_file_line_and_key() -> None:
    late, early = problem(line=9), problem(line=2, key="b")
    earlier, other = problem(line=2, key="a"), problem(file=Path("0.yaml"), line=99)
    error = InputError([late, early, earlier, other])
    assert error.problems == [other, earlier, early, late]
    assert str(error).splitlines() == [str(p) for p in (other, earlier, early, late)]


@pytest.mark.parametrize("error", [InputError([problem()]), RunError("stage 2 broke")])
def test_in_a_notebook_an_error_shows_its_words_and_no_stack(error: EthicsKitError) -> None:
    assert error._render_traceback_() == [f"{type(error).__name__}:", str(error)]
