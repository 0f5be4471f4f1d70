"""What all commands share: flags are parsed, help is printed, mistakes end in one line and an exit code.

A command is a module whose docstring begins with a one-line summary. It defines its own flags and, by
`settings.define`, those of the settings it uses; its `main() -> int | None` reads them and returns the exit code.
It ends with

    if __name__ == "__main__":
        command.execute(main)

Exit codes: 0 done, 2 a mistake in the flags or too little memory, 74 a file could not be written, 130 interrupted, 141
the reader of the output went away, 128 and its number after another signal, otherwise that of the `UserError` raised.
Any other exception is a bug and shows its traceback.
"""

import contextlib
import difflib
import errno
import os
import re
import select
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from gan.cli import flagfiles, streams, surroundings, usage
from gan.cli.flagfiles import Argument
from gan.cli.packages import flags
from gan.errors import Preempted, StorageError, UserError
from gan.machine import signals, versions
from gan.text import printable

_HELP = {"--help", "-help", "-h", "--helpshort", "-helpshort"}
_VERSION = {"--version", "-version"}

INTERRUPTED = 130
BROKEN_PIPE = 141
BY_SIGNAL = 128  # and the number of the signal

_TYPE_WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}
_SHOWN = 60  # characters of a value that is wrong
_STORAGE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM}
_STORAGE_ERRORS |= {errno.ENAMETOOLONG, errno.ELOOP, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}


def execute(main: Callable[[], int | None], argv: Sequence[str] | None = None) -> NoReturn:
    """Runs a command with the arguments of the process, or `argv` (program name first), and exits with its code."""
    code = run(main, sys.argv if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # Nobody reads it, or nothing more fits. The interpreter would try once more and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def run(main: Callable[[], int | None], argv: Sequence[str]) -> int:
    """The exit code of a command; what the person must know has been written to stderr as one `error:` line."""
    streams.secure()
    surroundings.leave()
    try:
        signals.raise_when_ended()
        code = _answer(main, argv)
        sys.stdout.flush()
        return code
    except Preempted as stop:  # it did what it was asked to
        return _report(str(stop), stop.exit_code)
    except UserError as error:
        return _report(f"error: {error}", error.exit_code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except signals.Ended as signal:
        return BY_SIGNAL + signal.number
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.EIO) and not error.filename and _is_broken(sys.stdout):
            return BROKEN_PIPE
        if error.errno not in _STORAGE_ERRORS:
            raise
        return _report(f"error: {_storage_line(error)}", StorageError.exit_code)
    except Exception as error:
        if not _is_of_memory(error):
            raise
        return _report(f"error: {_memory_line(error)}", UserError.exit_code)


def parse(argv: Sequence[str], values: flags.FlagValues = flags.FLAGS) -> None:
    """Parses the flags of a command; raises `UserError` for what cannot be understood."""
    arguments = flagfiles.expanded(argv[1:])
    for text, place in arguments:
        if not _is_text(text):  # TensorFlow takes no such name, and no log could tell it
            raise UserError(f"{ascii(text)}{place} is not UTF-8; rename the file or folder, or name it by a link")
    try:
        rest = values([argv[0], *(text for text, _ in arguments)])[1:]
    except flags.UnrecognizedFlagError as error:
        place = _place(error.flagname, arguments)
        raise UserError(f"unknown flag --{error.flagname}{place}; {_suggestion(error.flagname, values)}") from None
    except flags.IllegalFlagValueError as error:
        raise UserError(_value_line(str(error), values, arguments)) from None
    except flags.Error as error:
        line = str(error).removeprefix("ERROR:: ")
        raise UserError(line[:1].lower() + line[1:]) from None
    except ValueError as error:  # --noflag=value
        raise UserError(f"the flags cannot be read: {error}") from None
    if rest:
        name = re.split("[=:]", rest[0])[0].lstrip("-")
        hint = _suggestion(name, values) if rest[0].strip("-") else "see --help"
        place = next((place for text, place in arguments if text == rest[0]), "")
        raise UserError(f"unexpected argument {rest[0]!r}{place}; flags are written --name=value; {hint}")


def _answer(main: Callable[[], int | None], argv: Sequence[str]) -> int:
    """Prints the help or the version if asked to, otherwise parses the flags and calls `main`."""
    module = sys.modules[main.__module__]
    if _HELP & set(argv[1:]):
        print(usage.page(module.__doc__ or "", usage.program(argv[0])))
        return 0
    if _VERSION & set(argv[1:]):
        print(f"{usage.program(argv[0])} {versions.program()}")
        return 0
    parse(argv)
    surroundings.check_folder()
    return main() or 0


def _report(line: str, code: int) -> int:
    """Writes a line to stderr after everything the command has printed; returns the code."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)
    return code


def _is_text(argument: str) -> bool:
    """Whether a string is free of bytes that Python could not decode."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)


def _suggestion(name: str, values: flags.FlagValues) -> str:
    """What the person may have meant by a flag `name`."""
    known = [flag for flag in usage.shown_flags(values) if len(flag) > 1]
    close = difflib.get_close_matches(name.replace("-", "_"), known, n=1)
    return f"did you mean --{close[0]}?" if close else "see --help"


def _place(name: str, arguments: Sequence[Argument]) -> str:
    """Where the flag `name` was written, the last time: nothing if on the command line."""
    written = re.compile(f"--?(?:no)?{re.escape(name)}(?:=.*)?", re.DOTALL)
    return next((place for text, place in reversed(arguments) if written.fullmatch(text)), "")


def _value_line(message: str, values: flags.FlagValues, arguments: Sequence[Argument]) -> str:
    """absl's message about a bad value, in words for people."""
    match = re.match(r"flag --(\w+)=(.*?): (.*)", message, re.DOTALL)
    if match and match[1] in values:
        words = _TYPE_WORDS.get(values[match[1]].flag_type())
        value = match[2] if len(match[2]) <= _SHOWN else f"{match[2][:_SHOWN]}..."
        place = _place(match[1], arguments)
        return f"--{match[1]}={value}{place} must be {words}" if words else f"--{match[1]}={value}{place}: {match[3]}"
    return message


def _is_broken(stream) -> bool:
    """Whether the reader of a stream has gone away (and not, say, the peer of some connection)."""
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _is_of_memory(error: Exception) -> bool:
    """Whether Python, NumPy or TensorFlow found no room for something."""
    tf = sys.modules.get("tensorflow")  # where it was not imported it raises nothing
    exhausted = tf is not None and isinstance(error, tf.errors.ResourceExhaustedError)
    return isinstance(error, MemoryError) or (exhausted and "OOM" in str(error))


def _memory_line(error: Exception) -> str:
    """What did not fit, where it is known, with the remedy."""
    what = f" ({error})" if isinstance(error, MemoryError) and str(error) else ""
    return f"out of memory{what}; ask for fewer or smaller images, or free some memory, and start again"


def _storage_line(error: OSError) -> str:
    """An error of the file system with its remedy."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    remedy = "free some space" if full else "check the permissions and the device, or choose another folder"
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}; {remedy} and start again"
