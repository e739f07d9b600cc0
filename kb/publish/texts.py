"""Generated text files on their way to disk."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from kb.errors import BuildError


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write each text below ``folder`` under its address, as UTF-8 with plain line feeds.

    Raises:
        BuildError: an address leads out of ``folder``, or something has that address already.
    """
    for address, text in files.items():
        path = PurePosixPath(address)
        if path.is_absolute() or ".." in path.parts or "\\" in address or "\0" in address:
            raise BuildError(f"'{address}' is not an address inside the site")
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise BuildError(f"two files of the site have the address '{address}'") from None
