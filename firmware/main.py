"""Runs on the board at power-up: start the application."""

from handset import app

app.run()
