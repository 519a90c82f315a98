"""Printing names of any language to terminals and files of any encoding."""

import contextlib
import io
import sys


@contextlib.contextmanager
def any_language():
    """Within it, characters that the encoding of the output lacks are escaped when printed.

    Elsewhere such a character raises an error, as Chinese class names do under code page 1252.

    Example:

    ```python
    with fcn_keras.printing.any_language():
        print("地面")
    ```
    """
    streams = [
        stream
        for stream in (sys.stdout, sys.stderr)
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict"
    ]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream in streams:
            if not stream.closed:
                stream.reconfigure(errors="strict")
