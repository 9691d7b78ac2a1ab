"""What an ESP32's port does at power-up: mount the flash at `/`, run `boot.py` and `main.py`, serve the console.

The interpreter runs this file as `__main__`, whose names are those of the console, as on a board. What the board's flash is,
and how it starts, is in the environment: `TINCALL_IMAGE` (the image file), `TINCALL_START` (`power`, `friendly` after a soft
reset, or `raw` after one from the raw REPL, which leaves `main.py` out).
"""


def _power_up():
    import os
    import sys

    import console
    import esp32  # noqa: F401 - it has to be loaded, as the next ones, while the computer's files are in sight
    import fake_sys
    import image_flash
    import lines
    import machine
    import network  # noqa: F401

    names = globals()
    for name in ("_power_up",):
        names.pop(name, None)
    lines.die_with_parent()
    fake_sys.stand_in()
    machine.soft_reset = fake_sys.leave
    served = console.Console(names)
    if not image_flash.mount(os.getenv("TINCALL_IMAGE")):
        print("The file system is damaged: a board would wait here for a new one.")
    sys.path[:] = ["", ".frozen", "/lib"]
    start = os.getenv("TINCALL_START")
    if start == "power":
        esp32.erase_if_full()
    print("" if start == "power" else "MPY: soft reboot")
    ended = served.run_file("boot.py")
    if start != "raw" and ended != console.EXIT:
        ended = served.run_file("main.py")
    raw = start == "raw"
    if ended != console.EXIT:
        raw = served.serve(raw)
    lines.power_off(console.STATUS_SOFT_RAW if raw else console.STATUS_SOFT)


_power_up()
