"""Nothing in the repository that does not belong there: no private key, no host of a package registry, no machine's paths."""

import re
from pathlib import Path

import pytest

# written in pieces, so that this file is not a finding
FORBIDDEN = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{40,}",
    "registry": r"deb\.debian" + r"\.org|(?:archive|security)\.ubuntu" + r"\.com|security\.debian" + r"\.org"
    r"|\bpypi" + r"\.org|pythonhosted" + r"\.org|registry\.npmjs" + r"\.org|artifact[-]?registry|pkg\.dev",
    "path of somebody's machine": r"(?<![\w.])/(?:work|root|home/\w+)/\w",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str, checkout: Path, files: list[Path]) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for file in files:
        match = pattern.search((checkout / file).read_bytes().decode(errors="replace"))
        if match and file != Path("tests/house/test_secrets.py"):
            found.append(f"{file}: {match[0][:40]!r}")
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("private key", "-----BEGIN EC PRIVATE KEY-----\n" + "QUJD" * 20 + "\n"),
        ("private key", "-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 20 + "\n"),
        ("registry", "http://deb.debian" + ".org/debian"),
        ("registry", "https://pypi" + ".org/simple"),
        ("path of somebody's machine", "see /root" + "/notes"),
    ],
)
def test_the_scan_finds_what_it_looks_for(what: str, text: str) -> None:
    assert re.search(FORBIDDEN[what], text)
