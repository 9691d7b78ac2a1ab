"""The golden pushes: a value copied wrongly from the platform's page, or agreed otherwise, does not pass."""

import pytest
import vector_push


def test_all_published_cases_are_there() -> None:
    built = vector_push.build()
    assert (len(built["signatures"]), len(built["sealed"]), len(built["pushes"])) == (7, 3, 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_PAGE_ANSWER", "fLG" + vector_push._PAGE_ANSWER[3:]),
        ("_PAGE_ENCRYPT", vector_push._PAGE_ANSWER),
        ("_EVENT", {**vector_push._EVENT, "Sn": "sn-0008"}),
        ("_OURS", {**vector_push._OURS, "appid": "wx0123456789abcdee"}),
        ("_PAGE", {**vector_push._PAGE, "appid": "wxba5fad812f8e6fb8"}),
    ],
)
def test_a_copying_mistake_is_noticed(name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_push, name, value)
    with pytest.raises(ValueError, match="copied wrongly|not what was agreed|padding"):
        vector_push.build()
