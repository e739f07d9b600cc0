"""A disk that forgets at a power cut what was not synced; a process that files tickets on it, run by the fault tests.

SQLite reaches files through a table of functions, its VFS. The one here calls the usual functions, but instead of a
sync it copies the file to a second folder: there lies, at any moment, just what a power cut would leave. That a file
was deleted is durable with the next sync of any file, as on file systems with a journal.

Arguments: database, folder of what is durable, name of the round, level of ``PRAGMA synchronous`` (empty: the desk's).
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

_ZNAME, _XOPEN, _XDELETE, _VFS_SLOTS = 3, 5, 6, 21
"""Where these stand in ``sqlite3_vfs`` and how long it is, in pointers (https://sqlite.org/c3ref/vfs.html)."""
_XSYNC, _METHODS_SLOTS = 5, 19
"""The same for ``sqlite3_io_methods`` (https://sqlite.org/c3ref/io_methods.html)."""
_OPEN = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p
)
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_OK = 0


def reason_without() -> str:
    """Why this cannot work here; empty where it can."""
    try:
        _library()
    except (OSError, AttributeError) as error:
        return f"Python's SQLite is not a library of its own here: {error}"
    return "" if sys.platform == "linux" and ctypes.sizeof(ctypes.c_void_p) == 8 else "made for 64-bit Linux"


def _library() -> Any:
    import sqlite3

    library = ctypes.CDLL("libsqlite3.so.0")
    library.sqlite3_libversion.restype = ctypes.c_char_p
    if library.sqlite3_libversion().decode() != sqlite3.sqlite_version:
        raise OSError("Python was built with another one")
    library.sqlite3_vfs_find.restype = ctypes.c_void_p
    return library


class ForgetfulDisk:
    """From its making on, every file that SQLite opens lies on it."""

    def __init__(self, durable: Path) -> None:
        self._durable = durable
        self._deleted: set[Path] = set()
        self._paths: dict[int, Path] = {}
        self._methods: dict[int, Any] = {}
        library = _library()
        usual = library.sqlite3_vfs_find(None)
        slots = (ctypes.c_void_p * _VFS_SLOTS).from_address(usual)
        self._usual, self._usual_open, self._usual_delete = (
            usual,
            _OPEN(slots[_XOPEN]),
            _DELETE(slots[_XDELETE]),
        )
        self._open, self._delete, self._sync = (
            _OPEN(self._opened),
            _DELETE(self._removed),
            _SYNC(self._synced),
        )
        self._name = ctypes.create_string_buffer(b"forgetful")
        self._vfs = (ctypes.c_void_p * _VFS_SLOTS)(*slots)
        self._vfs[_XOPEN] = ctypes.cast(self._open, ctypes.c_void_p).value
        self._vfs[_XDELETE] = ctypes.cast(self._delete, ctypes.c_void_p).value
        self._vfs[_ZNAME] = ctypes.addressof(self._name)
        assert library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == _OK

    def _opened(self, vfs: int, name: int, file: int, flags: int, out: int) -> int:
        status = self._usual_open(self._usual, name, file, flags, out)
        if status == _OK and name:
            self._paths[file] = Path(os.fsdecode(ctypes.string_at(name)))
            first = ctypes.c_void_p.from_address(file)
            first.value = ctypes.addressof(self._ours(first.value or 0))
        return status

    def _ours(self, usual: int) -> Any:
        if usual not in self._methods:
            made = (ctypes.c_void_p * _METHODS_SLOTS).from_buffer_copy(
                ctypes.string_at(usual, _METHODS_SLOTS * 8)
            )
            made[_XSYNC] = ctypes.cast(self._sync, ctypes.c_void_p).value
            self._methods[usual] = made
        return self._methods[usual]

    def _removed(self, vfs: int, name: int, sync: int) -> int:
        self._deleted.add(Path(os.fsdecode(ctypes.string_at(name))))
        return self._usual_delete(self._usual, name, sync)

    def _synced(self, file: int, flags: int) -> int:
        path = self._paths[file]
        while self._deleted:
            (self._durable / self._deleted.pop().name).unlink(missing_ok=True)
        copy = self._durable / f"{path.name}.new"
        copy.write_bytes(path.read_bytes())
        copy.rename(self._durable / path.name)
        return _OK


def main(address: str, durable: str, name: str, level: str) -> None:
    """Files until it is killed, on the forgetful disk."""
    disk = ForgetfulDisk(Path(durable))
    from kb.desk import sqlite
    from tests.desk import filer

    if level:
        usual = sqlite.SQLite.writer

        def careless(self: sqlite.SQLite) -> Any:
            connection = usual(self)
            connection.rows(f"PRAGMA synchronous={level}")
            return connection

        sqlite.SQLite.writer = careless  # type: ignore[method-assign]
    filer.main(address, name)
    del disk


if __name__ == "__main__":
    main(*sys.argv[1:])
