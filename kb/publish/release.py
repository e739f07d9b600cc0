"""From a finished build to the published site, in one step that nothing can stop halfway."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kb.errors import Problem


@contextmanager
def staging(output: Path) -> Iterator[Path]:
    """A fresh folder beside ``output``, on its file system, for one build at a time.

    Entering takes the lock, finishes or clears what a killed build left, and refuses an ``output`` that is not a site of
    ours. Leaving removes whatever was not published. Use::

        with release.staging(config.output_dir) as site:
            ...write the whole site below `site`...
            problems = release.scan(site, machine_paths=[config.root])
            release.publish(site, config.output_dir)

    Raises:
        BuildError: another build is running, ``output`` is a folder of something else, or the disk is full.
    """
    raise NotImplementedError
    yield Path()


def publish(staged: Path, output: Path) -> None:
    """Make ``staged`` the site at ``output`` in one switch, after it is safe on disk; then remove the old one.

    Raises:
        BuildError: ``output`` is a folder of something else, or cannot be replaced.
    """
    raise NotImplementedError


def scan(site: Path, *, machine_paths: Sequence[Path] = ()) -> tuple[Problem, ...]:
    """What must not be published but is in ``site``: secrets, databases, logs, settings, paths of this machine."""
    raise NotImplementedError
