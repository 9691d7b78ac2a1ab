"""Meaning and state of a call, without I/O; the same source runs on MicroPython and on CPython."""

VERSION = "0.1.0"
WIRE_VERSION = 1
