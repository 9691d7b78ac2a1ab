"""The golden MACs: a value copied wrongly from an RFC does not pass."""

import pytest
import vector_mac


def test_all_published_cases_are_there() -> None:
    built = vector_mac.build()
    assert len(built["hmac_sha256"]) == 7 and len(built["hkdf_expand"]) == 3


def test_a_copying_mistake_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    key, data, mac = vector_mac._HMAC[0]
    monkeypatch.setattr(vector_mac, "_HMAC", [(key, data, mac[:-1] + "8")])
    with pytest.raises(ValueError, match="copied wrongly"):
        vector_mac.build()
