"""A backup's file: what was written is read, and whatever else stands in a file is refused with nothing taken."""

import io
import json
import random
import tarfile

import pytest

from tincall.errors import OperatorError
from tincall.relay.store import archive

EMPTY = archive.Contents("0004", "0.1.0", 1_790_000_000, missing=["kek.bin"])


@pytest.fixture
def made(tmp_path):
    places = {}
    for name, data in {"tincall.db": random.Random(1).randbytes(5000), "ca.pem": b"certificate"}.items():
        places[name] = tmp_path / ("from-" + name)
        places[name].write_bytes(data)
    contents = archive.write(tmp_path / "b.tar", EMPTY, places)
    return tmp_path / "b.tar", contents


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def refused(path, out, match):
    with pytest.raises(OperatorError, match=match):
        archive.read(path, None)
    with pytest.raises(OperatorError, match=match):
        archive.read(path, out)


def forged(path, files, listed=None, **changes):
    """Write a tar by hand, with a list that says `listed`."""
    listed = {name: archive.hashlib.sha256(data).hexdigest() for name, data in files} if listed is None else listed
    said = {"schema": "0004", "tincall": "0", "made_s": 1, "files": listed, "missing": [], "format": 1} | changes
    with tarfile.open(path, "w") as tar:
        for name, data in [(archive.LIST, json.dumps(said).encode()), *files]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_what_was_written_is_read(made, out):
    path, contents = made
    assert (path.stat().st_mode & 0o777) == 0o600
    assert archive.read(path, None) == archive.read(path, out) == contents
    assert contents.missing == ["kek.bin"] and contents.schema == "0004"
    assert (out / "ca.pem").read_bytes() == b"certificate" and (out / "tincall.db").stat().st_size == 5000
    assert {one.stat().st_mode & 0o777 for one in out.iterdir()} == {0o600}
    assert not list(path.parent.glob("*.part"))


def test_any_tool_can_list_it(made):
    with tarfile.open(made[0]) as tar:
        assert tar.getnames() == ["backup.json", "tincall.db", "ca.pem"]


def test_every_flipped_byte_of_a_file_is_found(made, tmp_path):
    path, contents = made
    whole = path.read_bytes()
    dice = random.Random(4)
    with tarfile.open(path) as tar:
        spans = [(info.offset_data, info.size) for info in tar]
    taken = []
    for start, size in spans[1:]:
        for _ in range(100):
            at = start + dice.randrange(size)
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :])
            try:
                taken.append(archive.read(path, None))
            except OperatorError as error:
                assert "has changed" in error.message
    assert taken == []


def test_a_cut_at_any_length_is_found(made, tmp_path):
    path, _ = made
    whole = path.read_bytes()
    with tarfile.open(path) as tar:
        end = max(info.offset_data + info.size for info in tar)
    for length in [*range(0, end, 211), end - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(OperatorError):
            archive.read(path, None)


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", ".hidden", "a/b", "backup.json", "", "x" * 129, "a\nb"])
def test_names_that_lead_elsewhere_are_refused(tmp_path, out, name):
    forged(tmp_path / "f.tar", [(name or "x", b"data")], {name: "0" * 64})
    refused(tmp_path / "f.tar", out, "is not a backup")
    assert list(out.iterdir()) == []


def test_what_the_list_does_not_name_and_what_is_no_file_is_refused(tmp_path, out):
    path = tmp_path / "f.tar"
    forged(path, [("kek.bin", b"mine")], {})
    refused(path, out, "which its list does not")
    forged(path, [], {"tincall.db": "0" * 64})
    refused(path, out, "tincall.db is missing")
    forged(path, [], {"tincall.db": "0" * 64})
    with tarfile.open(path, "a") as tar:
        link = tarfile.TarInfo("tincall.db")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    refused(path, out, "which its list does not")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"noise" * 1000, b"\0" * 10240])
def test_what_is_no_tar_is_refused(tmp_path, out, data):
    (tmp_path / "x").write_bytes(data)
    refused(tmp_path / "x", out, "backup")


def test_another_tar_is_refused(tmp_path, out):
    with tarfile.open(tmp_path / "x", "w") as tar:
        tar.addfile(tarfile.TarInfo("readme"))
    refused(tmp_path / "x", out, "is not a backup of a relay")
    for changes in ({"format": "one"}, {"missing": None, "schema": 4, "files_": []}, {"surprise": 1}):
        forged(tmp_path / "x", [], {}, **changes)
        refused(tmp_path / "x", out, "is not a backup of a relay")
    forged(tmp_path / "x", [], ["tincall.db"])
    refused(tmp_path / "x", out, "is not a backup of a relay")


def test_a_newer_format_is_named(tmp_path, out):
    forged(tmp_path / "x", [], {}, format=2, tincall="9.9")
    refused(tmp_path / "x", out, "newer Tincall \\(9.9\\)")


def test_a_file_that_is_not_there_is_told(tmp_path, out):
    refused(tmp_path / "none", out, "cannot be read")


def test_a_file_that_changes_meanwhile_leaves_no_backup(tmp_path, monkeypatch):
    place = tmp_path / "tincall.toml"
    place.write_text("before")
    first = archive.digest

    def digest_then_change(path):
        found = first(path)
        path.write_text("after!")
        return found

    monkeypatch.setattr(archive, "digest", digest_then_change)
    with pytest.raises(OperatorError, match="has changed"):
        archive.write(tmp_path / "b.tar", EMPTY, {"tincall.toml": place})
    assert not list(tmp_path.glob("b.tar*"))
