"""The bodies of the mini program's API: every example is one, and what is not is refused."""

import inspect

import pytest
from pydantic import BaseModel, ValidationError

from tincall.wechat import mini_words as words
from tincall.wechat.contacts import CONSENT_STATES
from tincall.wechat.people import ADVICE, REPORTS

MODELS = [
    one for _, one in inspect.getmembers(words, inspect.isclass) if issubclass(one, BaseModel) and one is not BaseModel
]
LISTS = (words.BoardList, words.ConsentList)


@pytest.mark.parametrize("model", [one for one in MODELS if one not in LISTS], ids=lambda one: one.__name__)
def test_every_example_is_what_it_is_an_example_of(model):
    (example,) = model.model_config["json_schema_extra"]["examples"]
    assert model.model_validate(example).model_dump(exclude_none=True) == example
    with pytest.raises(ValidationError):
        model.model_validate(example | {"another": 1})


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (words.Login, {"code": ""}),
        (words.Login, {"code": "a b"}),
        (words.Login, {"code": "x" * 513}),
        (words.Login, {"code": "a\n"}),
        (words.Login, {"code": 7}),
        (words.Login, {}),
        (words.Bind, {"invite": "x" * 65}),
        (words.Bind, {"invite": "x", "name": "x" * 65}),
        (words.Bind, {"invite": ["x"]}),
        (words.OneBoard, {"sn": ""}),
        (words.OneBoard, {"sn": "SN-1\n"}),
        (words.OneBoard, {"sn": "\uff33N-1"}),
        (words.OneBoard, {"sn": "x" * 129}),
        (words.ConsentReport, {"sn": "SN-1", "state": "withdrawn"}),
        (words.Call, {"sn": "SN-1", "room_type": "text"}),
        (words.Cancelled, {"reason": "bored"}),
        (words.Ended, {}),
        (words.Ended, {"event": "boom"}),
        (words.Ended, {"event": "endVoip", "keep_time": -1}),
        (words.Ended, {"event": "endVoip", "keep_time": True}),
        (words.Ended, {"event": "endVoip", "keep_time": float("nan")}),
        (words.Ended, {"event": "endVoip", "keep_time": float("inf")}),
        (words.Ended, {"event": "endVoip", "errcode": 10**10}),
        (words.Ended, {"event": "endVoip", "errcode": "9"}),
    ],
)
def test_what_is_wrong_is_refused(model, body):
    with pytest.raises(ValidationError):
        model.model_validate(body)


def test_words_agree_with_those_of_the_relay():
    said = words.Board.model_json_schema()["properties"]
    assert tuple(said["consent"]["enum"]) == CONSENT_STATES
    assert set(said["advice"]["enum"]) == set(ADVICE.values())
    assert set(words.ConsentReport.model_json_schema()["properties"]["state"]["enum"]) == set(REPORTS)
