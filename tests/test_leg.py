"""The plain parts of the leg's contract."""

import pytest

from tincall.leg import PHONE, Leg, Media, MediaCounters, Nobody


class Still(Leg):
    def invite(self, call):
        pass

    def ringing(self):
        pass

    def answer(self, media):
        pass

    def release(self, cause, released_by, duration_ms):
        pass

    def send_media(self, packet):
        return False


def test_media_is_seen_mirrored_by_the_other_party():
    media = Media("PCMA", 20, 1, 2)
    assert media.mirrored() == Media("PCMA", 20, 2, 1)
    assert media.mirrored().mirrored() == media
    assert Media("PCMA", 20, 1, 2, cn=True).mirrored().cn


def test_comfort_noise_is_said_only_when_it_is_allowed():
    fields = {"codec": "PCMA", "ptime": 20, "ssrc": 1, "remote_ssrc": 2}
    assert Media("PCMA", 20, 1, 2).fields() == fields
    assert Media("PCMA", 20, 1, 2, cn=True).fields() == {**fields, "cn": True}


def test_a_new_leg_has_no_sink_and_counts_nothing():
    leg = Still(PHONE)
    assert (leg.name, leg.sink, leg.report) == ("phone", None, {})
    assert leg.counters == MediaCounters(0, 0, 0)


def test_events_of_a_leg_that_nobody_observes_are_ignored():
    leg = Still(PHONE)
    assert isinstance(leg.observer, Nobody)
    leg.observer.leg_ringing(leg)
    leg.observer.leg_answered(leg, Media("PCMA", 20, 1, 2))
    leg.observer.leg_released(leg, 16)
    leg.observer.leg_reported(leg, {})


def test_a_leg_that_lacks_a_verb_cannot_be_made():
    class Half(Leg):
        def invite(self, call):
            pass

    with pytest.raises(TypeError):
        Half(PHONE)
