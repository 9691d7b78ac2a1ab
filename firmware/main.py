"""Runs on the board at power-up: start the application."""

from handset import heap

heap.often()  # before anything large is loaded

from handset import app  # noqa: E402 - the line above has to come first

app.run()
