"""The commands keygen and sign, as a person meets them."""

import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ethics_kit import archive
from ethics_kit.attestation import keys

from .conftest import AS_OF, Signers

Kit = Callable[..., Any]
PASSPHRASE = "ETHICS_KIT_PASSPHRASE"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "correct horse battery staple")


def trust(root: Path, printed: str) -> None:
    """Paste what keygen printed into organisation.yaml, as it says."""
    path = root / "parameters/organisation.yaml"
    path.write_text(path.read_text() + printed[printed.index("signers:") :])


# --- keygen -------------------------------------------------------------------------------------------------------


def test_what_keygen_prints_can_be_pasted_and_is_in_order(kit: Kit, project: Callable[..., Path]) -> None:
    root = project()
    done = kit("keygen", "--name", 'Ona "O" Officer', "--role", "ethics_officer", "key.pem", cwd=root)
    assert (done.code, done.err) == (0, "")
    assert stat.S_IMODE((root / "key.pem").stat().st_mode) == 0o600
    trust(root, done.out)
    assert kit("check", cwd=root).code == 0
    (signer,) = YAML(typ="safe").load(root / "parameters/organisation.yaml")["signers"]
    assert (signer["name"], signer["role"]) == ('Ona "O" Officer', "ethics_officer")


def test_a_folder_that_is_not_there_is_made_for_the_key_and_its_owner_alone(kit: Kit, tmp_path: Path) -> None:
    done = kit("keygen", "keys/ona.pem", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_without_a_name_the_block_is_not_in_order_until_one_is_given(kit: Kit, project: Callable[..., Path]) -> None:
    root = project()
    trust(root, kit("keygen", "key.pem", cwd=root).out)
    done = kit("check", cwd=root)
    assert done.code == 2
    assert re.findall(r"signers\.0\.(\w+): found nothing", done.err) == ["name", "role"]


@pytest.mark.parametrize(("given", "told"), [("", "an empty passphrase"), (None, "no terminal to ask in")])
def test_keygen_without_a_passphrase_is_bad_input(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, told: str
) -> None:
    if given is None:
        monkeypatch.delenv(PASSPHRASE)
        monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    else:
        monkeypatch.setenv(PASSPHRASE, given)
    done = kit("keygen", "key.pem", cwd=tmp_path)
    assert done.code == 2
    assert told in done.err
    assert not (tmp_path / "key.pem").exists()


def test_keygen_never_writes_over_a_file(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("precious")
    done = kit("keygen", "key.pem", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("key.pem: found a file that is there already;")
    assert (tmp_path / "key.pem").read_text() == "precious"


@pytest.mark.parametrize(
    ("typed", "asked"), [(["same", "same"], 2), (["plover", "xyzzy", "same", "same"], 4), (["", "same", "same"], 3)]
)
def test_at_a_terminal_the_passphrase_is_asked_for_twice_and_not_shown(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: list[str], asked: int
) -> None:
    answers = iter(typed)
    prompts: list[str] = []
    monkeypatch.delenv(PASSPHRASE)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt, *_, **__: prompts.append(prompt) or next(answers))
    done = kit("keygen", "key.pem", cwd=tmp_path)
    assert done.code == 0
    assert len(prompts) == asked
    assert not any(word in done.out + done.err for word in typed if word)
    assert keys.load_private(tmp_path / "key.pem", "same")


# --- sign ---------------------------------------------------------------------------------------------------------


def current(signers: Signers) -> list[str]:
    """A record, made current; and the options that sign with the officer's key."""
    signers.run()
    return ["demo/impact_analysis", "--key", str(signers.key_files["officer"])]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("demo", "SYSTEM/STAGE"),
        ("demo/impact", "SYSTEM/STAGE"),
        ("nowhere/impact_analysis", "no system.yaml there"),
        ("demo/design_review", "found no record; allowed: a record that is current; to do: assess it first"),
        ("", "SYSTEM/STAGE"),
    ],
)
def test_a_record_that_is_not_there_is_bad_input(kit: Kit, signers: Signers, named: str, told: str) -> None:
    done = kit("sign", named, *current(signers)[1:], cwd=signers.root)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_after_a_failed_run_there_is_nothing_to_sign(kit: Kit, signers: Signers) -> None:
    options = current(signers)
    with archive.staged(signers.reports) as failed:
        archive.publish_failure(failed, signers.reports, "demo", "impact_analysis", AS_OF)
    done = kit("sign", *options, cwd=signers.root)
    assert done.code == 2
    assert "found a failed run;" in done.err


def test_an_altered_record_is_not_signed_and_the_file_named(kit: Kit, signers: Signers) -> None:
    options = current(signers)
    (signers.run() / "notebook.ipynb").write_text("{}")
    done = kit("sign", *options, cwd=signers.root)
    assert (done.code, done.out) == (2, "")
    assert "found notebook.ipynb was changed;" in done.err


def test_a_wrong_passphrase_is_bad_input(kit: Kit, signers: Signers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "wrong horse")
    done = kit("sign", *current(signers), cwd=signers.root)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"{signers.key_files['officer']}: found a wrong passphrase;")
    assert "horse" not in done.err


def test_a_key_that_was_not_pasted_is_refused_with_what_to_do(kit: Kit, signers: Signers) -> None:
    kit("keygen", "other.pem", cwd=signers.root)
    done = kit("sign", current(signers)[0], "--key", "other.pem", cwd=signers.root)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("parameters/organisation.yaml: signers: found no signer with the key ")


def test_a_damaged_chain_is_told_in_words(kit: Kit, signers: Signers) -> None:
    options = current(signers)
    (signers.reports / "demo/chain.json").write_text("{}")
    done = kit("sign", *options, cwd=signers.root)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("demo/chain.json is not a chain of this kit")
    assert "Traceback" not in done.err
