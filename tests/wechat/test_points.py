"""Named points: in order, passed silently, and told to whoever pulls the plug there."""

from tincall.wechat import points


def test_passing_a_point_does_nothing_by_itself():
    for point in points.POINTS:
        assert points.reached(point) is None


def test_a_test_hears_of_every_point_in_its_order(monkeypatch):
    passed = []
    monkeypatch.setattr(points, "hook", passed.append)
    for point in (
        points.BEFORE_COMMIT,
        points.AFTER_COMMIT,
        points.BEFORE_ANSWER,
        points.AFTER_ANSWER,
        points.BEFORE_WORKER,
    ):
        points.reached(point)
    assert tuple(passed) == points.POINTS
