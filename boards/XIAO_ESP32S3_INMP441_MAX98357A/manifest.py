# ruff: noqa: F821 - include and module are names of the build that reads this file
# What is frozen into this board's firmware: the same as for every board, and its pins.
include("../../firmware/manifest.py")
module("board.py")
