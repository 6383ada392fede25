"""Ctrl-C, SIGTERM, a closed terminal: stop in good order, and within seconds in any case."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A statement inside dbt cannot be interrupted; a kill is safe at any moment: it is the last word.
PATIENCE_S = 3.0


class Stopped(KeyboardInterrupt):
    """A signal to stop arrived. A KeyboardInterrupt, because libraries let that one pass."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def stoppable() -> Iterator[None]:
    """Signals to stop raise Stopped in the block; what does not unwind in time is cut off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, _stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    timer = threading.Timer(PATIENCE_S, _cut_off, [128 + number])
    timer.daemon = True
    timer.start()
    raise Stopped(number)


def _cut_off(exit_code: int) -> None:
    show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
    os.write(2, f'{show_cursor}error: interrupted\nhint:  run "finops run" again\n'.encode())
    os._exit(exit_code)
