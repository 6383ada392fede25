"""A server ends with the test session that started it, however that ends."""

import ctypes
import signal

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def end_with_parent(number=signal.SIGTERM):
    """For Popen(preexec_fn=…): the signal the kernel sends when the parent is gone."""
    return lambda: _libc.prctl(_PR_SET_PDEATHSIG, int(number))
