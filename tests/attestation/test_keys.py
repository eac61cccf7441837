"""Keys: made, kept for their owner alone, opened again, and which public ones are trusted."""

import re
import stat
import subprocess
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ethics_kit.attestation import keys
from ethics_kit.errors import InputError
from ethics_kit.project import Project


def pem_of(key, encryption):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def refusal(function, *arguments):
    with pytest.raises(InputError) as error:
        function(*arguments)
    return str(error.value)


def test_a_key_is_encrypted_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    public = keys.generate(path, "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert keys.pem(keys.load_private(path, "secret")._private_key.public_key()) == public


def test_the_keys_id_is_what_openssl_computes(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    keys.generate(path, "secret")
    command = "openssl pkey -in key.pem -passin pass:secret -pubout -outform DER | openssl dgst -sha256 -r"
    told = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert told.split()[0] == keys.load_private(path, "secret").public_key.keyid


def test_an_empty_passphrase_is_refused_and_nothing_written(tmp_path: Path) -> None:
    assert "an empty passphrase" in refusal(keys.generate, tmp_path / "key.pem", "")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("precious")
    assert "never written over" in refusal(keys.generate, path, "secret")
    assert path.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o666])
def test_a_key_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    keys.generate(path, "secret")
    path.chmod(mode)
    told = refusal(keys.load_private, path, "secret")
    assert "a key that others can read" in told
    assert "chmod 600 key.pem" in told


SPOILT = {
    "not encrypted": (pem_of(ed25519.Ed25519PrivateKey.generate(), NoEncryption()), "a key that is not encrypted"),
    "other curve": (
        pem_of(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"secret")),
        "another kind of key",
    ),
    "no key": (b"hello", "no private key"),
    "empty": (b"", "no private key"),
}


@pytest.mark.parametrize(("content", "found"), SPOILT.values(), ids=SPOILT)
def test_what_is_no_encrypted_ed25519_key_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    told = refusal(keys.load_private, path, "secret")
    assert f"found {found};" in told
    assert "secret" not in told


@pytest.mark.parametrize(("given", "found"), [("wrong", "a wrong passphrase"), ("", "no passphrase")])
def test_a_wrong_passphrase_is_told_without_it(tmp_path: Path, given: str, found: str) -> None:
    path = tmp_path / "key.pem"
    keys.generate(path, "secret")
    assert f"found {found};" in refusal(keys.load_private, path, given)


@pytest.mark.parametrize("there", [False, True])
def test_no_key_file_is_told(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "key.pem"
    if there:
        path.mkdir()
    assert "found no such file;" in refusal(keys.load_private, path, "secret")


# --- signers ------------------------------------------------------------------------------------------------------

PUBLIC = keys.pem(ed25519.Ed25519PrivateKey.generate().public_key())
SIGNER = {"name": "Ona Officer", "role": "ethics_officer", "public_key": PUBLIC, "from": date(2026, 1, 1)}


def test_signers_are_read_with_their_days(project) -> None:
    root = project(organisation={"signers": [SIGNER | {"until": date(2026, 6, 30)}]})
    (key,) = keys.of_project(Project(root))
    assert (key.name, key.role, key.pem) == ("Ona Officer", "ethics_officer", PUBLIC)
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1)]
    assert [key.holds_on(day) for day in days] == [False, True, True, False]


RSA_LIKE = ec.generate_private_key(ec.SECP256R1()).public_key()
WRONG = {
    "no key": ({"public_key": "hello"}, "an Ed25519 public key"),
    "another kind": (
        {"public_key": RSA_LIKE.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()},
        "an Ed25519 public key",
    ),
    "until before from": ({"until": date(2025, 12, 31)}, "a day on or after the one in `from`"),
    "a role misspelt": ({"role": "ethics_oficer"}, "did you mean ethics_officer?"),
    "no role": ({"role": ...}, "a value is required"),
    "misspelt": ({"untill": date(2027, 1, 1)}, "did you mean until?"),
}


@pytest.mark.parametrize(("change", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_signer_is_told_with_its_line(project, kit, change, told) -> None:
    row = {k: v for k, v in (SIGNER | change).items() if v is not ...}
    root = project(organisation={"signers": [row]})
    done = kit("check", cwd=root)
    assert done.code == 2
    assert re.match(rf"parameters/organisation.yaml:\d+: signers\.0\.\w+: .*{re.escape(told)}", done.err)


@pytest.mark.parametrize("role", ["Ethics Officer", "ethics-officer", "analyst", "auditor", "Head of Customer Success"])
def test_a_signers_role_may_be_any_that_is_no_slip(project, kit, role) -> None:
    assert kit("check", cwd=project(organisation={"signers": [SIGNER | {"role": role}]})).code == 0


def test_one_key_for_two_signers_is_told(project, kit) -> None:
    root = project(organisation={"signers": [SIGNER, SIGNER | {"name": "Cy Chair", "role": "committee"}]})
    done = kit("check", cwd=root)
    assert done.code == 2
    assert "signers.1.public_key: found the key of Ona Officer, ethics_officer; allowed: each key once" in done.err
    with pytest.raises(InputError, match="each key once"):
        keys.of_project(Project(root))


def test_a_private_key_in_the_organisations_file_is_told_and_not_shown(project, kit) -> None:
    private = pem_of(ed25519.Ed25519PrivateKey.generate(), NoEncryption()).decode()
    done = kit("check", cwd=project(organisation={"signers": [SIGNER | {"public_key": private}]}))
    assert done.code == 2
    assert "found a private key" in done.err
    assert private.splitlines()[1] not in done.err


def test_a_file_of_keys_is_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    block = "\n".join(f"      {line}" for line in PUBLIC.splitlines())
    path.write_text(f"signers:\n  - name: A\n    role: owner\n    from: 2026-01-01\n    public_key: |\n{block}\n")
    assert [key.name for key in keys.of_file(path)] == ["A"]
    path.write_text("signers: []\n")
    with pytest.raises(InputError, match=r"keys\.yaml"):
        keys.of_file(path)
