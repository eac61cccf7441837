"""Signed or not, as the portfolio's pages tell it: by a trusted key, or not at all."""

from ethics_kit.attestation import keys
from tests.attestation.conftest import AS_OF
from tests.published import read


def signed(signers, trusted):
    entry = read(signers.reports, "demo", as_of=AS_OF, keys=trusted).entries["impact_analysis"]
    assert entry.status == "ok"
    return entry.signed, entry.unsigned


def test_a_signature_counts_by_a_trusted_key_and_stays_when_the_record_is_reviewed(signers):
    trusted = keys.of_project(signers.project)
    folder = signers.run()
    assert signed(signers, trusted) == ((), ("owner", "ethics_officer", "committee"))
    signers.sign(folder, signers.officer)
    assert signed(signers, trusted) == (("ethics_officer",), ("owner", "committee"))
    signers.review(folder, "Rhea Viewer")
    assert signed(signers, trusted) == (("ethics_officer",), ("owner", "committee"))
    signers.sign(folder, signers.committee)
    assert signed(signers, trusted) == (("ethics_officer", "Committee"), ("owner",))


def test_without_a_trusted_key_nothing_is_signed(signers):
    folder = signers.run()
    signers.sign(folder, signers.officer)
    assert signed(signers, []) == ((), ("owner", "ethics_officer", "committee"))
    others = [key for key in keys.of_project(signers.project) if key.role == "Committee"]
    assert signed(signers, others) == ((), ("owner", "ethics_officer", "committee"))
