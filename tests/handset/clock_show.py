"""Runs on a board: print the time of day and the date."""

from handset import clock

print(clock.unix_s(), clock.date_text())
