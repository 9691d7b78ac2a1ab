"""The flash is an image of LittleFS that a computer can read, and one that is damaged is told and left alone."""

from littlefs import LittleFS
from support.wired import execute, raw, wired

from tincall.emulator.troubles import BLOCK_BYTES, Troubles


def test_the_image_is_littlefs_of_the_size_asked_for(tmp_path):
    image = tmp_path / "b" / "flash.img"
    with wired(tmp_path / "b", Troubles(flash_bytes=16 * BLOCK_BYTES)) as live, live.open() as port:
        raw(port)
        execute(port, b"with open('kept','w') as f: f.write('yes')")
        assert b"OSError: 28" in execute(port, b"with open('big','w') as f: f.write('x' * 70000)")[1]
    assert image.stat().st_size == 16 * BLOCK_BYTES
    files = LittleFS(block_size=BLOCK_BYTES, block_count=16, mount=False)
    files.context.buffer = bytearray(image.read_bytes())
    files.mount()
    with files.open("kept", "r") as file:
        assert file.read() == "yes"
    assert "boot.py" in files.listdir("/")
    image.write_bytes(b"\0" * len(image.read_bytes()))
    with wired(tmp_path / "b") as live, live.open() as port:
        raw(port)
        assert b"OSError" in execute(port, b"open('kept')")[1]
    assert "file system is damaged" in (tmp_path / "b" / "board.log").read_text()
    assert not any(image.read_bytes())
