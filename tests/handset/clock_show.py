"""Runs on a board: print the date."""

from handset import clock

print(clock.date_text())
