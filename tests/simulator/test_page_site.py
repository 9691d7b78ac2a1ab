"""The page's files and policy: only what is ours, only under our names, nothing inline."""

import re

import pytest

from tincall.simulator.page_site import FOLDER, Site, headers, is_own_origin

OURS = ["127.0.0.1", "127.0.0.1:8445", "localhost:1", "[::1]:8445"]
OTHERS = [
    "",
    "evil.example",
    "evil.example:8445",
    "127.0.0.1.evil.example",
    "a@127.0.0.1",
    "127.0.0.1:x",
    "127.0.0.1:0",
    "127.0.0.1/",
    "127.0.0.1;x",
    "[::1",
]


@pytest.mark.parametrize("host", OURS)
def test_our_names_are_ours_with_any_port(host):
    assert Site().is_own_host(host)


@pytest.mark.parametrize("host", OTHERS)
def test_other_names_are_not(host):
    assert not Site().is_own_host(host)


def test_names_can_be_added():
    assert Site(["phones.example"]).is_own_host("phones.example:443")
    assert not Site(["phones.example"]).is_own_host("localhost")


@pytest.mark.parametrize("origin", [None, "http://localhost:1", "https://localhost:1"])
def test_our_page_and_programs_may_talk(origin):
    assert is_own_origin(origin, "localhost:1")


@pytest.mark.parametrize("origin", ["null", "http://localhost:2", "http://evil.example", "localhost:1"])
def test_other_pages_may_not(origin):
    assert not is_own_origin(origin, "localhost:1")


def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline():
    policy = dict(part.split(" ", 1) for part in headers("localhost:1")["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws://localhost:1 wss://localhost:1"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in str(policy) and "*" not in str(policy)


def test_every_file_of_the_page_is_served_and_nothing_else():
    files = Site().files
    assert set(files) == {file.name for file in FOLDER.iterdir()}
    assert files["main.js"][1].startswith("text/javascript")
    assert files["index.html"][1].startswith("text/html")


def test_files_load_nothing_from_elsewhere_and_hold_nothing_inline():
    for name, (data, _) in Site().files.items():
        text = data.decode()
        found = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+[^\s\"')]*", text)) - {"http://www.w3.org/2000/svg"}
        assert found == set(), name
        if name.endswith(".html"):
            assert not re.search(r"\son[a-z]+=|\sstyle=|<style|<script(?![^>]*\ssrc=)|javascript:", text), name
        assert "innerHTML" not in text and "eval(" not in text, name


def test_every_file_that_a_file_names_is_there():
    files = Site().files
    for name, (data, _) in files.items():
        for wanted in re.findall(r"(?:from|src=|href=) ?\"(?:\./)?([a-z.]+\.(?:js|css|svg))\"", data.decode()):
            assert wanted in files, (name, wanted)
