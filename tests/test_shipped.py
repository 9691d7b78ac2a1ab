"""What ships with the program is found in a checkout and in an installed package, by the same questions."""

from pathlib import Path

import pytest

from tincall import shipped


def test_a_checkout_has_it_in_its_own_folders() -> None:
    here = Path(__file__).resolve().parents[1]
    assert shipped.root() == shipped.checkout() == here
    assert (shipped.root() / "firmware" / "main.py").is_file() and shipped.compiled() is None
    assert shipped.downloads() == here / ".cache"


def test_a_package_carries_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "_SHIPPED", tmp_path)
    assert shipped.checkout() is None and shipped.root() == tmp_path and shipped.compiled() == tmp_path / "mpy"
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert shipped.downloads() == Path("/somewhere/tincall")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert shipped.downloads() == Path.home() / ".cache" / "tincall"
