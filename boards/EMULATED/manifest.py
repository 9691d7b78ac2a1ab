# ruff: noqa: F821 - include and module are names of the build that reads this file
# What would be frozen into this board's firmware: the same as for every board, and its pins.
# The emulator runs the files from the checkout instead, so that a change counts at the next start.
include("../../firmware/manifest.py")
module("board.py")
