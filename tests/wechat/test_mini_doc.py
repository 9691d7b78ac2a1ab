"""docs/miniprogram.md says what the code does: routes, reasons, limits, states, and files of the sample."""

import re
from pathlib import Path

import pytest
from support.mini_scene import MiniScene

from tincall.settings import LimitSettings
from tincall.wechat.invites import CODE_CHARS
from tincall.wechat.logins import SESSION_S
from tincall.wechat.mini import STATUS_OF
from tincall.wechat.people import ADVICE, PEOPLE_MAX, REPORTS
from tincall.wechat.phone_calls import LIFE_S, LOOKS_S

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/miniprogram.md").read_text()
SAMPLE = ROOT / "host/miniprogram"


async def test_it_names_every_route(store):
    async with MiniScene(store) as s:
        paths = (await s.client.get("/openapi.json")).json()["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    named = set(re.findall(r"`((?:GET|POST|DELETE) /v1/[^`?]*)`", PAGE))
    ours = {one for one in served if "/v1/mini" in one or "/invites" in one or "/contacts" in one}
    assert named == ours


@pytest.mark.parametrize(
    "word",
    [
        *STATUS_OF,
        *ADVICE,
        *ADVICE.values(),
        *REPORTS,
        *(name for name in LimitSettings.model_fields if name.startswith("mini_")),
    ],
)
def test_it_names_every_word(word):
    assert f"`{word}`" in PAGE or f"`{word}:" in PAGE, word


def test_its_numbers_are_those_of_the_code():
    for said in (
        f"{CODE_CHARS} characters (60 random bits)",
        f"end after {SESSION_S // 3600} hours",
        f"{PEOPLE_MAX} people per board",
        f"one-time payload ({LIFE_S} s;",
        f"waits for it up to {sum(LOOKS_S):.1f} s",
    ):
        assert said in PAGE


def test_the_samples_page_names_every_file():
    page = (SAMPLE / "README.md").read_text()
    for file in SAMPLE.glob("lib/*.js"):
        assert f"`lib/{file.name}`" in page
    assert "has not run in WeChat" in page and "has not run in WeChat" in PAGE
