# ruff: noqa: F821 - the words of manifest files are known to MicroPython's build
# Frozen or installed: everything a board runs. A board's own manifest includes this one and adds its board.py.
metadata(description="Tincall firmware: voice calls through your own relay", version="0.1.0")
include("manifest-core.py")
package("handset")
module("main.py")
