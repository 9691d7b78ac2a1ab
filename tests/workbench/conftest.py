"""What the tests of the workbench share: the checkout's tools, which compile the firmware, on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
