"""Where packages come from: what is taken from the machine's apt sources and what is not."""

from pathlib import Path

import debs
import pytest

from tincall.errors import OperatorError

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
# a comment inside
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
Trusted: yes

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
"""


def _source(*files: Path) -> debs.Source:
    return debs.debian_source(files)


def _write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_deb822_gives_mirror_and_key_and_our_suite_only(tmp_path: Path) -> None:
    stanza = _source(_write(tmp_path, "debian.sources", DEB822)).stanza()
    assert stanza.splitlines() == [
        "Types: deb",
        "URIs: http://mirror.example/debian",
        "Suites: trixie",
        "Components: main",
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
        "Targets: Packages",
    ]


def test_one_line_form(tmp_path: Path) -> None:
    text = (
        "# deb http://other.example/debian bookworm main\n"
        "deb-src http://src.example/debian bookworm main\n"
        "deb [ arch=amd64 signed-by=/k.gpg trusted=yes ] http://mirror.example/debian bookworm main # ours\n"
    )
    source = _source(_write(tmp_path, "sources.list", text))
    assert (source.uris, source.signed_by) == ("http://mirror.example/debian", "/k.gpg")
    assert "trusted" not in source.stanza().lower()


def test_a_key_written_in_the_source_is_kept_whole(tmp_path: Path) -> None:
    block = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEabc\n -----END PGP PUBLIC KEY BLOCK-----\n"
    text = f"Types: deb\nURIs: http://m.example/\nSuites: trixie\nComponents: main\n{block}"
    assert "\n .\n mDMEabc\n" in _source(_write(tmp_path, "a.sources", text)).stanza()


@pytest.mark.parametrize(
    "text",
    [
        "Types: deb\nURIs: http://m.example/ubuntu\nSuites: noble noble-updates\nComponents: main universe\n",
        "Types: deb\nURIs: http://m.example/docker\nSuites: bookworm\nComponents: stable\n",
        "Types: deb\nURIs: http://m.example/pg\nSuites: bookworm-pgdg\nComponents: main\n",
        "Types: deb\nEnabled: no\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\n",
        "Types: deb-src\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\n",
        "",
    ],
)
def test_what_is_not_debian_is_not_taken_for_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(OperatorError, match="no Debian archive"):
        _source(_write(tmp_path, "some.sources", text))


def test_debians_own_key_goes_first(tmp_path: Path) -> None:
    other = "Types: deb\nURIs: http://chat.example/\nSuites: stable\nComponents: main\nSigned-By: /chat.gpg\n"
    files = (_write(tmp_path, "a.sources", other), _write(tmp_path, "b.sources", DEB822))
    assert _source(*files).uris == "http://mirror.example/debian"


def test_the_private_apt_keeps_checks_on_and_credentials_private(tmp_path: Path) -> None:
    source = debs.Source("http://user:secret@mirror.example/", ("trixie",), ("main",), "")
    debs.PrivateApt(tmp_path / "apt", source)
    written = tmp_path / "apt/etc/debian.sources"
    assert written.stat().st_mode & 0o077 == 0
    configuration = (tmp_path / "apt/apt.conf").read_text()
    assert 'AllowUnauthenticated "false"' in configuration
    assert 'AllowInsecureRepositories "false"' in configuration


def test_an_archive_without_a_signature_is_refused(tmp_path: Path) -> None:
    release = tmp_path / "archive/dists/trixie"
    (release / "main/binary-amd64").mkdir(parents=True)
    (release / "main/binary-i386").mkdir()
    for name in ("Release", "main/binary-amd64/Packages", "main/binary-i386/Packages"):
        (release / name).write_text("")
    source = debs.Source(f"file:{tmp_path}/archive", ("trixie",), ("main",), "")
    with pytest.raises(OperatorError, match="is not signed"):
        debs.PrivateApt(tmp_path / "apt", source).update()


def test_an_error_shows_no_password(tmp_path: Path) -> None:
    source = debs.Source("http://user:secret@127.0.0.1:9/debian", ("trixie",), ("main",), "")
    with pytest.raises(OperatorError) as caught:
        debs.PrivateApt(tmp_path / "apt", source).update()
    assert "secret" not in str(caught.value)


def test_dependencies_are_names_only() -> None:
    assert debs.dependencies({"depends": "libc6 (>= 2.34), a | b, c:any, libffi8"}) == ["libc6", "a", "c", "libffi8"]
    assert debs.dependencies({}) == []


def test_a_broken_package_is_named(tmp_path: Path) -> None:
    broken = _write(tmp_path, "broken_1_amd64.deb", "not a package")
    with pytest.raises(OperatorError, match="broken_1_amd64.deb does not unpack"):
        debs.unpack([broken], tmp_path / "out")


def test_another_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debs.platform, "machine", lambda: "aarch64")
    with pytest.raises(OperatorError, match="do not run on Linux aarch64") as caught:
        debs.require_debian_tools()
    assert "--board cpython" in caught.value.hint
