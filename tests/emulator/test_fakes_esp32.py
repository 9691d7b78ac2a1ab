"""Non-volatile storage: what was committed lasts, what was not is gone, errors are the chip's."""

import json

WRITE = """
from esp32 import NVS
nvs = NVS("tincall")
nvs.set_i32("count", -7)
nvs.set_blob("key", bytes(range(5)))
nvs.set_i32("old", 1)
nvs.commit()
nvs.erase_key("old")
nvs.commit()
nvs.set_i32("count", 8)
nvs.set_i32("loose", 9)
say("own", nvs.get_i32("count"))
"""
READ = """
from esp32 import NVS
nvs = NVS("tincall")
buf = bytearray(8)
def number_of(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return error.errno
say("count", nvs.get_i32("count"))
say("key", [nvs.get_blob("key", buf), list(buf)])
say("loose", number_of(nvs.get_i32, "loose"))
say("old", number_of(nvs.get_i32, "old"))
say("type", number_of(nvs.get_i32, "key"))
say("short", number_of(nvs.get_blob, "key", bytearray(4)))
say("erase", number_of(nvs.erase_key, "nothing"))
say("name", number_of(NVS, "a" * 16))
say("long", number_of(nvs.set_i32, "a" * 16, 1))
say("other", number_of(NVS("else").get_i32, "count"))
say("big", kind_of(nvs.set_i32, "count", 0x80000000))
"""


def test_only_what_was_committed_survives_and_errors_have_their_numbers(bench) -> None:
    assert bench.results(WRITE) == {"own": 8}
    assert bench.results(READ) == {
        "count": -7,
        "key": [5, [0, 1, 2, 3, 4, 0, 0, 0]],
        "loose": -4354,
        "old": -4354,
        "type": -4355,
        "short": -4364,
        "erase": -4354,
        "name": -4358,
        "long": -4361,
        "other": -4354,
        "big": "OverflowError",
    }


def test_the_file_is_for_its_owner_only(bench) -> None:
    bench.run(WRITE)
    file = bench.folder / "board" / "nvs.json"
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_text())["tincall"]["count"] == ["i32", -7]


ERASE = """
from esp32 import NVS, Partition
say("found", [len(Partition.find(Partition.TYPE_DATA, label="nvs")), len(Partition.find(Partition.TYPE_APP))])
part = Partition.find(Partition.TYPE_DATA, label="nvs")[0]
say("size", [part.ioctl(4, 0), part.ioctl(5, 0)])
for block in range(part.ioctl(4, 0)):
    part.ioctl(6, block)
try:
    NVS("tincall").get_i32("count")
except OSError as error:
    say("count", error.errno)
"""


def test_what_was_erased_shows_until_its_pages_are_erased(bench) -> None:
    bench.run(WRITE)
    folder = bench.folder / "board"
    assert '["tincall", "old", ["i32", 1]]' in (folder / "nvs.old").read_text()
    assert bench.results(ERASE) == {"found": [1, 0], "size": [6, 4096], "count": -4354}
    assert not list(folder.glob("nvs.*"))


FILL = """
from esp32 import NVS, erase_if_full
def number_of(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return error.errno
nvs = NVS("tincall")
say("long", number_of(nvs.set_blob, "long", bytes(20000)))
for n in range(4):
    nvs.set_blob("fits%d" % n, bytes(4000))
nvs.commit()
say("full", number_of(nvs.set_blob, "more", bytes(4000)))
say("replaced", number_of(nvs.set_blob, "fits0", bytes(4000)))
erase_if_full()
say("kept", nvs.get_blob("fits0", bytearray(4000)))
"""


def test_it_holds_what_a_chip_holds(bench) -> None:
    assert bench.results(FILL) == {"long": -4366, "full": -4357, "replaced": -4357, "kept": 4000}
    file = bench.folder / "board" / "nvs.json"
    every = json.loads(file.read_text())
    every["else"] = {"big": ["blob", "00" * 4000]}  # what no board can have written
    file.write_text(json.dumps(every))
    bench.run("import esp32; esp32.erase_if_full()")
    assert not file.exists()
