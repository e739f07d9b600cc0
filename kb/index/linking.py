"""Files of an index that two folders share; they are never written to."""

import os
import shutil
from os import PathLike


def link_or_copy(source: str | PathLike[str], target: str | PathLike[str]) -> None:
    """Have the file at ``target`` as well; one that is there already stays."""
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(source, target)
