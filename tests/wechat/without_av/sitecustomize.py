"""On the path of a worker: an environment without PyAV."""

import sys

sys.modules["av"] = None
