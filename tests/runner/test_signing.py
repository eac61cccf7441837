"""From keygen to a signed report, by the commands alone."""

import html
import re
import subprocess

from ethics_kit.attestation import keys


def test_a_run_is_signed_and_stays_signed_when_it_is_repeated(short, kit, monkeypatch):
    root = short()
    monkeypatch.setenv("ETHICS_KIT_PASSPHRASE", "correct horse battery staple")
    printed = kit("keygen", "--name", "Ona Officer", "--role", "ethics_officer", "key.pem", cwd=root).out
    organisation = root / "parameters/organisation.yaml"
    organisation.write_text(organisation.read_text() + printed[printed.index("signers:") :])
    run = ("run", "--stage", "impact_analysis", "--as-of", "2026-11-01")
    assert kit(*run, cwd=root).code == 0
    done = kit("sign", "demo/impact_analysis", "--key", "key.pem", cwd=root)
    report = next((root / "reports/demo/impact_analysis").glob("2026-*/report.html"))
    assert (done.code, done.err) == (0, "")
    told = f"Signed by Ona Officer, ethics_officer: {report.relative_to(root)}"
    assert done.out == f"{told}\nPortfolio: reports/index.html\n"
    assert "ethics officer: Ona Officer, <time>20" in (root / "reports/demo/index.html").read_text()
    signed = report.read_bytes()
    key_id = keys.load_private(root / "key.pem", "correct horse battery staple").public_key.keyid
    assert b"Ona Officer, ethics officer, on 20" in signed
    assert key_id.encode() in signed
    assert str(root).encode() not in signed
    scripts = re.findall(r'(?s)<pre class="commands">(.*?)</pre>', report.read_text())
    for script in scripts:
        subprocess.run(["sh", "-c", html.unescape(script)], cwd=report.parent, check=True)
    assert len(scripts) == 2
    again = kit("sign", str(report.parent), "--key", "key.pem", cwd=root)
    assert again.code == 0
    assert again.out.startswith("Nothing to do: Ona Officer has signed")
    assert "(unchanged)" in kit(*run, "--force", cwd=root).out
    assert report.read_bytes() == signed
