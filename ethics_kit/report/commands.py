"""The commands by which anybody with a shell and OpenSSL 3 checks a record, without this kit."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ethics_kit.attestation.proof import Proof, Signature
from ethics_kit.attestation.statement import FILE, PAYLOAD_TYPE
from ethics_kit.record import Record

REPORT = "report.html"
PDF_IF_THERE = "$(ls report.pdf 2>/dev/null)"
"""A PDF is made from the page, so that the page cannot know whether there is one."""

SCRATCH = """\
set -e
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
"""
PAYLOAD = """\
sed -n 's/.*"payload":"\\([^"]*\\)".*/\\1/p' {file} | openssl base64 -d -A > "$work/payload"
"""
SIGNATURE = """\
cat > "$work/key.pem" <<'KEY'
{pem}KEY
sed -n 's/.*"keyid":"{key_id}","sig":"\\([^"]*\\)".*/\\1/p' {file} | openssl base64 -d -A > "$work/signature"
printf 'DSSEv1 {length} {type} %s ' "$(wc -c < "$work/payload" | tr -d ' ')" | cat - "$work/payload" > "$work/signed"
openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/signed" -sigfile "$work/signature"
"""
RERUN = """\
{run}
sed -n 's/.*"record_id":"\\([0-9a-f]*\\)","run".*/\\1/p' {record}
"""
DIGESTS = """\
for name in {names}; do
  sha256=$(openssl dgst -sha256 -r "$name" | cut -d ' ' -f 1)
  if grep -qF "{{\\"digest\\":{{\\"sha256\\":\\"$sha256\\"}},\\"name\\":\\"$name\\"}}" "$work/payload"
  then echo "$name: as attested"
  else echo "$name: ALTERED"; altered=yes
  fi
done
test -z "$altered"
"""


def of_signature(signature: Signature) -> str:
    """Checks a signature, and the digests of the files it covers against what was signed."""
    signed = SIGNATURE.format(
        pem=signature.pem,
        key_id=signature.key_id,
        file=signature.file,
        length=len(PAYLOAD_TYPE),
        type=PAYLOAD_TYPE,
    )
    return _script(signature.file, signed, signature.covers)


def of_files(proof: Proof) -> str:
    """Checks the digests of all files of the folder against attestation.json."""
    return _script(FILE, "", [*sorted((*proof.files, REPORT)), PDF_IF_THERE])


def of_rerun(record: Record) -> str:
    """Runs the assessment again and prints the id that its record has then; nothing is written where it is the same."""
    run = ["ethics-kit", "run", str(record.system["id"]), "--stage", record.stage, "--as-of", record.as_of.isoformat()]
    latest = shlex.quote(f"reports/{record.system['id']}/{record.stage}/{record.folder_name}/record.json")
    return RERUN.format(run=shlex.join(run), record=latest)


def _script(file: str, signed: str, names: Sequence[str]) -> str:
    body = SCRATCH + "altered=\n" + PAYLOAD.format(file=file) + signed + DIGESTS.format(names=" ".join(names))
    return f"(\n{body})"
