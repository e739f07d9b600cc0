"""``make bench``: every benchmark, or those named: ``python -m bench pages search``."""

import importlib
import pkgutil
import sys

import bench

TOOLS = {"__main__", "corpus", "measure"}
"""Modules of this package that measure nothing themselves."""


def main() -> None:
    names = sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if m.name not in TOOLS)
    wanted = sys.argv[1:] or names
    for name in wanted:
        if name not in names:
            raise SystemExit(f"no benchmark '{name}'; there are: {', '.join(names)}")
    for name in wanted:
        print(f"\n# {name}", flush=True)
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
