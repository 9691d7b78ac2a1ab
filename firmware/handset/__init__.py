"""The MicroPython shell around callcore: clock, store, TLS link, audio, buttons; `app` joins them."""
