"""Keys that sign (Ed25519): made, kept encrypted, opened again; and the public ones that are trusted.

A key's id is the sha256 of its SubjectPublicKeyInfo in DER, as
``openssl pkey -pubin -in KEY.pem -outform DER | openssl dgst -sha256`` prints it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from ethics_kit import checks, schema, yamlfile
from ethics_kit.errors import InputError, Problem
from ethics_kit.project import Project

LONGEST = 10_000


@dataclass(frozen=True)
class TrustedKey:
    """A public key, whose it is, in which role, and from when until when its signatures count."""

    name: str
    role: str
    key: SSlibKey
    pem: str
    from_: date
    until: date | None

    @property
    def id(self) -> str:
        return self.key.keyid

    def holds_on(self, day: date) -> bool:
        return self.from_ <= day and (self.until is None or day <= self.until)


def trusted(signers: Sequence[schema.Signer]) -> list[TrustedKey]:
    """The keys of `signers`, ready to check signatures with."""
    found = []
    for signer in signers:
        key = schema.public_key(signer.public_key)
        found.append(TrustedKey(signer.name, signer.role, _named(key), pem(key), signer.from_, signer.until))
    return found


def of_project(project: Project) -> list[TrustedKey]:
    """The trusted keys that stand in organisation.yaml.

    Raises
    ------
    InputError
        The file is not in order.
    """
    return _read(project.organisation, schema.Organisation)


def of_file(path: Path) -> list[TrustedKey]:
    """The trusted keys of a file with the list ``signers``.

    Raises
    ------
    InputError
        The file is not in order.
    """
    return _read(path, schema.Keys)


def _read(path: Path, model: type[schema.Organisation | schema.Keys]) -> list[TrustedKey]:
    file = yamlfile.read(path)
    content, problems = yamlfile.validate(model, file)
    if content is not None:
        problems += checks.signers.problems(file, content.signers)
    if content is None or problems:
        raise InputError(problems)
    return trusted(content.signers)


def pem(key: Ed25519PublicKey) -> str:
    """The public key as a PEM block."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _named(key: Ed25519PublicKey) -> SSlibKey:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SSlibKey.from_crypto(key, keyid=hashlib.sha256(der).hexdigest())


def generate(path: Path, passphrase: str) -> str:
    """Make a key, write it encrypted to the new file `path` that its owner alone can read; return the public PEM block.

    Raises
    ------
    InputError
        The passphrase is empty, or there is a file already.
    """
    if not passphrase:
        raise _refused(path, "an empty passphrase", "a passphrase", "give one: whoever reads the file could sign")
    private = Ed25519PrivateKey.generate()
    content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise there_already(path) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise
    return pem(private.public_key())


def there_already(path: Path) -> InputError:
    """Why no key is written to `path`."""
    todo = "choose another name; a key is never written over"
    return _refused(path, "a file that is there already", "a new file", todo)


def load_private(path: Path, passphrase: str) -> CryptoSigner:
    """The key in `path`, ready to sign.

    Raises
    ------
    InputError
        Others can read the file, it is no encrypted Ed25519 key, or the passphrase is wrong.
    """
    content = _private_content(path)
    allowed = "the encrypted Ed25519 key that ethics-kit keygen wrote"
    try:
        private = load_pem_private_key(content, passphrase.encode())
    except TypeError:
        if passphrase:
            raise _refused(path, "a key that is not encrypted", allowed, "make a new one: ethics-kit keygen") from None
        raise _refused(path, "no passphrase", "the key's passphrase", "type it, or set ETHICS_KIT_PASSPHRASE") from None
    except (ValueError, UnsupportedAlgorithm):
        found = "a wrong passphrase" if b"ENCRYPTED PRIVATE KEY" in content else "no private key"
        raise _refused(path, found, allowed, "give the file and passphrase of keygen") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise _refused(path, "another kind of key", allowed, "make one: ethics-kit keygen")
    return CryptoSigner(private, _named(private.public_key()))


def _private_content(path: Path) -> bytes:
    if not path.is_file():  # reading a pipe may never end
        raise _refused(path, "no such file", "a key file", "check the name, or make a key: ethics-kit keygen FILE")
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                todo = f"chmod 600 {path.name}, and consider whether somebody may have copied it"
                raise _refused(path, "a key that others can read", "a file that its owner alone can read", todo)
            return file.read(LONGEST)
    except OSError as error:
        found = error.strerror or "unreadable"
        raise _refused(path, found, "a readable key file", "check its permissions") from None


def _refused(path: Path, found: str, allowed: str, todo: str) -> InputError:
    return InputError([Problem(file=path, found=found, allowed=allowed, todo=todo)])
