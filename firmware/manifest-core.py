# ruff: noqa: F821 - the words of manifest files are known to MicroPython's build
# Frozen or installed: callcore alone, for whoever builds another shell around it.
metadata(description="Meaning and state of a voice call, without I/O", version="0.1.0")
package("callcore")
