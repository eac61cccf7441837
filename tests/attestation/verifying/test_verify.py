from __future__ import annotations



def test_an_honest_history_is_intact(history) -> None:
    assert history.troubles() == []
    from ethics_kit.attestation.told import lines
    print("\n".join(lines(history.verify())))
