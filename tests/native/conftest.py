"""Builds of the native room end, made once for all tests that need them."""

import pytest
from support.native_build import build, compiler


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Give a maker of builds by their kind; see `build`."""
    if compiler() is None:
        pytest.skip("no C compiler")
    done = {}

    def give(sanitizer="plain", **kind):
        key = (sanitizer, *sorted(kind.items()))
        if key not in done:
            done[key] = build(tmp_path_factory.mktemp("native") / sanitizer, sanitizer, **kind)
        return done[key]

    return give
