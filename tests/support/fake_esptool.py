"""Stands in for the program esptool: notes how it was called, says what esptool 5 says, and fails as it is told to.

The folder in FAKE_ESPTOOL has `does` (what it shall do), and gets `calls` (one JSON list a line) and what was written to flash.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

folder = Path(os.environ["FAKE_ESPTOOL"])
does = (folder / "does").read_text()
arguments = sys.argv[1:]
port = arguments[arguments.index("--port") + 1]
CHIPS = {"other chip": "ESP32-C3", "small flash": "ESP32-S3"}
FLASH = {"small flash": "2MB", "large flash": "16MB", "unknown flash": "Unknown"}


def fail(said: str) -> None:
    print(f"\nERROR: A fatal error occurred: {said}", flush=True)
    sys.exit(2)


with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(arguments) + "\n")
print(f"esptool v5.6.0\nSerial port {port}:", flush=True)
trouble = {
    "no port": "[Errno 2] could not open port /dev/x: [Errno 2] No such file or directory: '/dev/x'",
    "no permission": "[Errno 13] could not open port /dev/x: [Errno 13] Permission denied: '/dev/x'",
    "busy": "[Errno 16] could not open port /dev/x: [Errno 16] Device or resource busy: '/dev/x'",
}
if does in trouble:
    fail(
        f"Could not open {port}, the port is busy or doesn't exist.\n({trouble[does]})\n\nHint: Check if the port is correct"
    )
print("Connecting", end="", flush=True)
if does == "silent":
    print("." * 35)
    fail("Failed to connect to Espressif device: No serial data received.")
if does == "strange":
    fail("Something new in esptool 7")
print(f"....\nDetecting chip type... {CHIPS.get(does, 'ESP32-S3')}")
print(f"Connected to {CHIPS.get(does, 'ESP32-S3')} on {port}:\nChip type:          ESP32-S3 (QFN56) (revision v0.2)")
if "flash-id" in arguments:
    print(f"Flash Memory Information:\nDetected flash size: {FLASH.get(does, '8MB')}", flush=True)
    sys.exit(0)
at = arguments.index("write-flash") + 1
if arguments[at] == "--erase-all":
    print("Erasing flash memory (this may take a while)...", flush=True)
    at += 1
for offset, file in zip(arguments[at::2], arguments[at + 1 :: 2], strict=True):
    for part in (0.0, 12.5, 50.0):
        print(f"\rWriting at {offset} [====>        ] {part:5.1f}% 1/2 bytes... ", end="", flush=True)
        if does == "lost" and part:
            print()
            fail("The chip stopped responding.")
        if does == "unplugged" and part:
            print(
                "\nserial.serialutil.SerialException: device reports readiness to read but returned no data", flush=True
            )
            sys.exit(1)
        if does == "hang" and part:
            (folder / "hangs").write_text(str(os.getpid()))
            time.sleep(600)
    shutil.copyfile(file, folder / f"{offset}.bin")
    print(f"\nWrote 1 bytes at {offset} in 0.1 seconds (1 kbit/s).", flush=True)
    if does == "worn out":
        fail("MD5 of file does not match data in flash!")
    if does != "says less":
        print("Hash of data verified.", flush=True)
print("\nHard resetting via RTS pin...")
