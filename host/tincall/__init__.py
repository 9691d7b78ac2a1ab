"""Voice calls between MicroPython boards and a phone, through a relay you run yourself."""

__version__ = "0.1.0"
