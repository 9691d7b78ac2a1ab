"""Logging: one JSON object a line, secrets masked, hostile values bounded and on one line."""

import io
import json
import logging

import pytest
import structlog

from tincall import logs


@pytest.fixture
def stream():
    out = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure("info", "json", out)
    yield out
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_room_level_and_what_was_bound(stream):
    logs.get("relay.gate").bind(call="c1").info("answered", codec="PCMA")
    (line,) = lines(stream)
    assert (line["room"], line["level"], line["event"], line["call"]) == ("relay.gate", "info", "answered", "c1")


@pytest.mark.parametrize("name", ["token", "device_key", "Authorization", "proof", "client_secret", "sn_ticket"])
def test_what_stands_under_a_secrets_name_is_masked(stream, name):
    logs.get("x").info("event", **{name: "canary"})
    assert "canary" not in stream.getvalue()
    assert lines(stream)[0][name] == logs.MASKED


def test_hostile_values_stay_short_and_on_one_line(stream):
    logs.get("x").info("event", sn="a\r\n\x1b[31m\u202e" + "b" * 1_000_000)
    (line,) = lines(stream)
    assert len(line["sn"]) <= logs.VALUE_MAX_CHARS + 3
    assert line["sn"].startswith("a\\r\\n\\x1b[31m\\u202ebbb")


def test_libraries_come_out_in_the_same_form(stream):
    logging.getLogger("somebody.else").warning("of %s", "age")
    assert lines(stream)[0]["event"] == "of age"
    logging.getLogger("httpx").info("GET https://example.org/?access_token=canary")
    assert "canary" not in stream.getvalue()


def test_the_level_holds(stream):
    logs.get("x").debug("quiet")
    assert stream.getvalue() == ""
