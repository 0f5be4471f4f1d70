"""What can go wrong by no fault of the program, each with its exit code.

An error here carries one line for the person at the keyboard: what is wrong and what to do. `gan.cli.command` prints
the line and exits with the code; nothing else in the project calls `sys.exit`.
"""


class UserError(Exception):
    """A flag, a config, data or a checkpoint that cannot be used (exit code 2)."""

    exit_code = 2


class LostHelperError(UserError):
    """A process that this one had started was lost; nothing is wrong with what it worked on (exit code 2)."""


class BusyError(UserError):
    """Another trainer holds the run's folder (exit code 75, EX_TEMPFAIL)."""

    exit_code = 75


class StorageError(UserError):
    """A file could not be written or read back: full disk, read-only folder (exit code 74, EX_IOERR)."""

    exit_code = 74


class DivergedError(UserError):
    """The training left the finite numbers (exit code 70, EX_SOFTWARE)."""

    exit_code = 70


class LostPeerError(UserError):
    """A worker that trains with this one did not come or was lost; nothing half done was saved (exit code 76)."""

    exit_code = 76


class Preempted(UserError):
    """The run was asked to stop by a signal or a notice and has saved its state (exit code 143)."""

    exit_code = 143
