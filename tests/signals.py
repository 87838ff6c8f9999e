"""What tests say to processes."""

from __future__ import annotations

import signal


def hear_ctrl_c() -> None:
    """A process in the background is born deaf to Ctrl-C, and so is whatever it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
