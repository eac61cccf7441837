"""What a table's columns probably are: right for tables people really have, and never surer than the table allows."""

import csv
import random
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ethics_kit.errors import InputError
from ethics_kit.proposal import Proposal, looks_protected, propose, words_of

ROWS = 300


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV; each column is a list of values to draw from, or a function of the row's number."""

    def write(
        name: str = "table.csv", rows: int = ROWS, /, **columns: Sequence[object] | Callable[[int], object]
    ) -> Path:
        chance = random.Random(1)
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in range(rows):
                writer.writerow([c(row) if callable(c) else chance.choice(c) for c in columns.values()])
        return path

    return write


Table = Callable[..., Path]
YES_NO = ("Yes", "No")
FLAG = (0, 1)


def classes(found: Proposal) -> dict[str, str]:
    return {str(a.column): a.class_ for a in found.attributes.values()}


# --- tables people really have ---------------------------------------------------------------------------------


def test_ibm_telco_churn(table: Table) -> None:
    found = propose(
        table(
            customerID=lambda row: f"{row:04d}-ABCDE",
            gender=("Female", "Male"),
            SeniorCitizen=FLAG,
            Partner=YES_NO,
            Dependents=YES_NO,
            tenure=range(72),
            PhoneService=YES_NO,
            MultipleLines=(*YES_NO, "No phone service"),
            InternetService=("DSL", "Fiber optic", "No"),
            OnlineSecurity=YES_NO,
            OnlineBackup=YES_NO,
            DeviceProtection=YES_NO,
            TechSupport=YES_NO,
            StreamingTV=YES_NO,
            StreamingMovies=YES_NO,
            Contract=("Month-to-month", "One year"),
            PaperlessBilling=YES_NO,
            PaymentMethod=("Mailed check", "Credit card (automatic)"),
            MonthlyCharges=lambda row: 18.25 + row,
            TotalCharges=lambda row: " " if row < 3 else 18.25 * row,
            Churn=YES_NO,
        )
    )
    assert found.roles == {"customer": "customerID", "outcome": "Churn"}
    assert classes(found) == {
        "gender": "protected",
        "SeniorCitizen": "protected",
        "Partner": "protected",
        "Dependents": "protected",
        "InternetService": "segment",
        "Contract": "segment",
        "PaymentMethod": "segment",
    }
    assert not found.values
    assert not found.too_many


def test_a_banks_churn_table(table: Table) -> None:
    found = propose(
        table(
            RowNumber=lambda row: row + 1,
            CustomerId=lambda row: 15_600_000 + row,
            Surname=[f"Name{i}" for i in range(90)],
            CreditScore=range(350, 850),
            Geography=("France", "Germany", "Spain"),
            Gender=("Female", "Male"),
            Age=range(18, 92),
            Tenure=range(11),
            Balance=lambda row: row * 7.5,
            NumOfProducts=(1, 2, 3),
            HasCrCard=FLAG,
            IsActiveMember=FLAG,
            EstimatedSalary=lambda row: 1000.5 + row,
            Exited=FLAG,
        )
    )
    assert found.roles == {"customer": "CustomerId", "outcome": "Exited"}
    assert classes(found) == {"Geography": "proxy", "Gender": "protected"}
    assert list(found.too_many) == ["Age"]
    assert {"CreditScore", "Surname", "RowNumber"} <= set(found.unused)


def test_an_export_of_support_tickets(table: Table) -> None:
    found = propose(
        table(
            ticket_id=lambda row: f"T{row}",
            account_id=[f"A{i}" for i in range(120)],
            created_at=lambda row: f"2026-05-{row % 28 + 1:02d} 10:00:00",
            priority=("high", "low", "normal"),
            language=("en", "es"),
            agent=("ag1", "ag2"),
            resolved=("true", "false"),
        )
    )
    assert found.roles == {
        "customer": "account_id",
        "time": "created_at",
        "id": "ticket_id",
        "decision": "priority",
        "outcome": "resolved",
        "actor": "agent",
    }
    assert classes(found) == {"language": "proxy"}
    assert found.values == {"decision": ("high", "low", "normal")}


def test_a_log_of_scores_with_contacts_in_accounts(table: Table) -> None:
    found = propose(
        table(
            score_id=lambda row: row,
            account_id=[f"A{i}" for i in range(40)],
            contact_id=lambda row: f"C{row}",
            scored_at=lambda row: f"2026-05-01T10:{row % 60:02d}:00Z",
            churn_probability=lambda row: row / 1000,
            credit_score=range(300, 800),
            predicted_churn=FLAG,
            churned=FLAG,
            model_version=("m1", "m2"),
            reason_code=("usage", "price"),
            age_band=("18-34", "35-59", "60+"),
            plan=("basic", "plus"),
        )
    )
    assert found.roles == {
        "customer": "contact_id",
        "time": "scored_at",
        "id": "score_id",
        "cluster": "account_id",
        "score": "churn_probability",
        "decision": "predicted_churn",
        "outcome": "churned",
        "model_version": "model_version",
        "reason": "reason_code",
    }
    assert classes(found) == {"age_band": "protected", "plan": "segment"}


# --- single rules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("age_band", ("18-34", "35-59")),  # not a decision, though it is a band
        ("birth_date", ("1980-01-01", "1990-05-05")),  # not a time of decision, though it is a date
        ("race", ("a", "b")),
    ],
)
def test_a_protected_attribute_plays_no_other_part(table: Table, column: str, values: tuple[str, ...]) -> None:
    found = propose(table(customer_id=lambda row: row, **{column: values}))
    assert found.roles == {"customer": "customer_id"}
    assert classes(found) == {column: "protected"}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("Age", range(18, 90)),
        ("date_of_birth", [date(1950 + i % 50, 1 + i % 12, 1 + i % 28) for i in range(200)]),
        ("postcode", [f"{i:05d}" for i in range(200)]),
        ("City", [f"City {i}" for i in range(100)]),
    ],
)
def test_an_attribute_with_many_values_is_not_proposed_but_said_to_need_bands(
    table: Table, column: str, values: Sequence[object]
) -> None:
    found = propose(table(customer_id=lambda row: row, **{column: values}))
    assert found.attributes == {}
    assert list(found.too_many) == [column]
    assert column not in found.unused
    told = next(line for line in found.words() if column in line)
    assert told.split() == [
        "needs",
        "bands",
        f"{column}:",
        str(found.too_many[column]),
        "values,",
        "groups",
        "need",
        "few",
    ]


@pytest.mark.parametrize("column", ["satisfaction_score", "NPS Score", "creditScore", "sentiment-score"])
def test_a_score_the_model_is_given_is_not_taken_for_the_score_it_gives(table: Table, column: str) -> None:
    assert "score" not in propose(table(customer_id=lambda row: row, **{column: lambda row: row})).roles


@pytest.mark.parametrize("values", [YES_NO, FLAG, ("true", "false"), ("Y", "N"), ("T", "F"), ("yes", "")])
def test_yes_and_no_need_no_list_of_values(table: Table, values: tuple[object, ...]) -> None:
    found = propose(table(customer_id=lambda row: row, churned=values, flagged=values))
    assert found.roles == {"customer": "customer_id", "decision": "flagged", "outcome": "churned"}
    assert found.values == {}


def test_which_values_mean_yes_is_asked_and_not_guessed(table: Table) -> None:
    found = propose(table(customer_id=lambda row: row, outcome=("stayed", "left")))
    assert found.values == {"outcome": ("left", "stayed")}
    assert any("list under outcome.positive which of its values mean yes" in line for line in found.words())


@pytest.mark.parametrize(
    ("column", "protected"),
    [
        ("SeniorCitizen", True),
        ("customer_gender", True),
        ("account_holder_age", True),
        ("Partner", True),
        ("ZIP", True),
        ("billing-country", True),
        ("account_age", False),
        ("accountAgeDays", False),
        ("ticket_state", False),
        ("language_model", False),
        ("message", False),
        ("page", False),
        ("DeviceProtection", False),
        ("Sussex", False),
    ],
)
def test_what_looks_protected(column: str, protected: bool) -> None:
    assert looks_protected(column) is protected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SeniorCitizen", "senior citizen"),
        ("senior_citizen", "senior citizen"),
        ("customerID", "customer id"),
        ("HTTPStatus", "http status"),
        ("  Churn? (Y/N)", "churn y n"),
        ("", ""),
        ("年齢", ""),
    ],
)
def test_names_are_compared_as_words(name: str, words: str) -> None:
    assert words_of(name) == words


def test_columns_of_one_name_but_for_case_are_two_attributes(table: Table) -> None:
    found = propose(table(**{"customer id": lambda row: row, "Gender": ("f", "m"), "gender_": ("f", "m")}))
    assert {name: a.column for name, a in found.attributes.items()} == {"gender": "Gender", "gender_2": "gender_"}


def test_a_column_name_too_long_for_a_dossier_is_not_proposed(table: Table) -> None:
    long = "gender " + "x" * 300
    found = propose(table(customer_id=lambda row: row, **{long: ("f", "m")}))
    assert found.attributes == {}
    assert long in found.unused


def test_what_is_told_of_a_hostile_header_is_safe_to_print(table: Table) -> None:
    hostile = {"gender\x1b[31m": ("f", "m"), "x\x1b[2J": ("a", "b"), "churned\x07": YES_NO, "age\x1b": range(90)}
    found = propose(table(customer_id=lambda row: row, **hostile))
    assert all(line.isprintable() for line in found.words())
    assert any(r"x\x1b[2J" in line for line in found.words())


@pytest.mark.parametrize(("value", "time"), [("2026-01-05", "scored_on"), ("on hold", None)])
def test_a_day_something_was_done_on_is_a_time(table: Table, value: str, time: str | None) -> None:
    assert propose(table(customer_id=range(ROWS), scored_on=[value])).roles.get("time") == time


def test_a_semicolon_between_columns_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("customer_id;gender;churn\n" + "".join(f"{i};{'fm'[i % 2]};{i % 2}\n" for i in range(50)))
    assert propose(path).roles == {"customer": "customer_id", "outcome": "churn"}


# --- files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., Path]:
    def write(*statements: str) -> Path:
        path = tmp_path / "all.duckdb"
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return path

    return write


COLUMNS = "SELECT range AS customer_id, DATE '2026-01-01' AS decision_date, range / 100 AS score FROM range(100)"


def test_a_duckdb_files_decisions_come_before_its_other_tables(database: Callable[..., Path]) -> None:
    path = database("CREATE TABLE a AS SELECT 1 AS x", f"CREATE TABLE decisions AS {COLUMNS}")
    found = propose(path)
    assert found.table == "decisions"
    assert found.roles == {"customer": "customer_id", "time": "decision_date", "score": "score"}


def test_a_duckdb_file_with_one_table_needs_no_name(database: Callable[..., Path]) -> None:
    assert propose(database(f'CREATE TABLE "Scores 2026" AS {COLUMNS}')).table == "Scores 2026"


def test_parquet_columns_keep_their_types(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    extra = "[1, 2] AS list, {'a': 1} AS struct, true AS flagged"
    duckdb.sql(f"COPY ({COLUMNS.replace(' FROM', f', {extra} FROM')}) TO '{path}' (FORMAT parquet)")
    found = propose(path)
    assert found.roles == {
        "customer": "customer_id",
        "time": "decision_date",
        "score": "score",
        "decision": "flagged",
    }
    assert set(found.unused) == {"list", "struct"}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "missing.csv",
            None,
            "missing.csv: found no file missing.csv; allowed: an existing file; to do: correct the path",
        ),
        (
            "t.xlsx",
            b"PK",
            "t.xlsx: found a .xlsx file; allowed: .csv .parquet .duckdb; to do: export it as one of these",
        ),
        ("t.csv", b"", "t.csv: found an empty file .* to do: export the table again"),
        ("t.csv", b"customer_id,churn\n", "t.csv: found no rows; allowed: at least one row;"),
        ("t.parquet", b"customer_id,churn\n1,0\n", "t.parquet: found a file that cannot be read"),
        ("t.duckdb", b"customer_id,churn\n1,0\n", "t.duckdb: found a file that cannot be read"),
        ("t.csv", b"customer_id,churn\n\xff\x81,1\n", "t.csv: found a file that cannot be read"),
        ("t[1].csv", b"a\n1\n", r"found a path with \* \? \[ \] { or }; allowed: plain names; to do: rename"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told) as caught:
        propose(tmp_path / name)
    assert len(caught.value.problems) == 1
    assert str(caught.value).isprintable()


def test_a_duckdb_file_without_tables_is_told(database: Callable[..., Path]) -> None:
    with pytest.raises(
        InputError, match="found no table in the file; allowed: at least one table; to do: write the table"
    ):
        propose(database())


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no file"):
        propose(tmp_path)


def test_a_role_no_column_seems_to_have_is_named_with_what_to_do(table: Table) -> None:
    lines = propose(table(customer_id=lambda row: row, churned=YES_NO)).words()
    assert "  time           no column looks like it: name one, or give the snapshot's day (dated)" in "\n".join(lines)
    assert any(line.startswith("  decision       no column looks like it") for line in lines)
    assert not any(line.startswith("  customer       no column") for line in lines)
