"""The one exception base for what a user can act on."""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_INPUT = 2
EXIT_HELD = 3
EXIT_INTERRUPTED = 130


class FinopsError(Exception):
    """What is wrong (message), what to do (hint), and how the process ends (exit_code).

    Exit codes: 1 the run failed; 2 usage, configuration or input is wrong; 3 a check held
    a publication back.
    """

    def __init__(self, message: str, *, hint: str = "", exit_code: int = EXIT_FAILED) -> None:
        self.message = _printable(message)
        self.hint = _printable(hint)
        super().__init__(self.message)
        self.exit_code = exit_code


class InputError(FinopsError):
    """Usage, configuration or a bill is wrong; the caller goes on with the other bills."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, exit_code=EXIT_INPUT)


def _printable(text: str) -> str:
    """On one line, whatever a bill or a file name holds: line ends and controls as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
