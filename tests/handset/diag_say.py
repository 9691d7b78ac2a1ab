"""Runs on a board: say one thing of each kind."""

from callcore.errors import LinkError, StoreError
from handset import diag


def boom():
    raise RuntimeError("nobody expected this")


diag.say("boot", heap_free=diag.heap_free(), interpreter=diag.interpreter())
diag.say("text", name='Zo\xeb "the" \\ \u5f20\n', many=[1, -1, {"a": None}], yes=True)
diag.failed("link", LinkError("tls_expired", "the certificate has expired"))
diag.failed("store", StoreError("storage", "no room"))
diag.failed("other", OSError(28))
try:
    boom()
except RuntimeError as error:
    diag.crashed(error)
