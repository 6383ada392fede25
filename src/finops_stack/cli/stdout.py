"""Whoever reads our stdout may leave early, as `| head -1` does: the end, quietly, and no error.

Python turns SIGPIPE off, and so must we: it would end a run whose connection to a bucket breaks.
Typer and Rich each take a broken pipe for a failure (exit code 1), so it must not reach them.
"""

import io
import os
import sys

# 128 + SIGPIPE, as a shell reports a program whose reader has left.
EXIT_READER_LEFT = 141
_STDOUT = 1


class _Stdout(io.FileIO):
    """File descriptor 1; once its reader has left, what is still to come goes nowhere."""

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """Raises SystemExit when nobody reads any more."""
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _STDOUT)
            os.close(nowhere)
            raise SystemExit(EXIT_READER_LEFT) from None


def end_with_reader() -> None:
    """From here on the program ends when the reader of its stdout has left."""
    if not _is_real(sys.stdout):
        return
    sys.stdout.flush()
    # write_through off: rows are many, and each would be a call of its own.
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Stdout(_STDOUT, "wb", closefd=False)),
        encoding=sys.stdout.encoding,
        errors=sys.stdout.errors,
        line_buffering=sys.stdout.isatty(),
    )


def _is_real(file: object) -> bool:
    """A caller in this process may have put something else in its place."""
    try:
        return isinstance(file, io.TextIOWrapper) and file.fileno() == _STDOUT
    except (OSError, ValueError):
        return False
