"""Who may sign records: public keys with the people and roles behind them, in organisation.yaml or a file of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from ethics_kit.schema.fields import Day, Line, Model

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def public_key(pem: str) -> Ed25519PublicKey:
    """The Ed25519 key in a PEM block.

    Raises
    ------
    ValueError
        It is something else.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("an Ed25519 public key, the PEM block that ethics-kit keygen prints")
    return key


def _ed25519(pem: str) -> str:
    public_key(pem)
    return pem


class Signer(Model):
    """A person whose signatures count: in which role, by which key, from when and until when (both days included)."""

    name: Line
    role: Line
    public_key: Annotated[str, Field(max_length=1000), AfterValidator(_ed25519)]
    from_: Day = Field(alias="from")
    until: Day | None = None

    @field_validator("until")
    @classmethod
    def _after_the_beginning(cls, until: Day | None, others: ValidationInfo) -> Day | None:
        if until and "from_" in others.data and until < others.data["from_"]:
            raise ValueError("a day on or after the one in `from`")
        return until


class Keys(Model):
    """A file of trusted keys, for who checks records without the organisation's parameters."""

    signers: Annotated[list[Signer], Field(min_length=1)]
