"""What holds for all tests: in CI property tests try the same examples each time, so that a red run is a change's fault.

`make test-long` and runs at home draw fresh ones; what they find becomes an `@example`.
"""

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
