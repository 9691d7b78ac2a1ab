# ruff: noqa: F821 - include and module are names of the build that reads this file
# What is frozen into this board's firmware: the same as for every board, the drivers of its chips, and its pins.
include("../../firmware/manifest.py")
package(
    "chips",
    files=("__init__.py", "fittings.py", "es8311.py", "pi4ioe5v6408.py", "ws2812.py"),
    base_path="../../firmware",
)
module("board.py")
