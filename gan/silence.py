"""What native libraries write to the standard error of this process by themselves, kept from the person's terminal."""

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def no_native_words() -> Iterator[None]:
    """Within it nothing comes out of descriptor 2, whoever writes there: whoever asks for it tells what is to be told.

    For C++ that heeds no setting, such as TensorFlow's converters.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # it may be closed, or all descriptors be taken
            stack.callback(os.close, kept := os.dup(2))
            stack.callback(os.close, nowhere := os.open(os.devnull, os.O_WRONLY))
            stack.callback(os.dup2, kept, 2)
            os.dup2(nowhere, 2)
        yield
