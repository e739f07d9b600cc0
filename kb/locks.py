"""Locks between processes: one writer at a time, and none left behind by a process that was killed."""

import sys
from typing import IO, Any

if sys.platform == "win32":
    import msvcrt

    def lock_file(file: IO[Any]) -> bool:
        """Lock an open file for this process; False when another process holds it. The end of the process frees it."""
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def lock_file(file: IO[Any]) -> bool:
        """Lock an open file for this process; False when another process holds it. The end of the process frees it."""
        try:
            # Not flock: forked workers would inherit it, and outlive a killed build with the lock in their hands.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True
