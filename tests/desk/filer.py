"""A process that files tickets until it is killed, saying of each that it was kept. Run by the fault tests.

Arguments: database, name of the round. Each acknowledged key is printed, one a line.
"""

import sys
from concurrent.futures import Future
from itertools import count

from kb.desk import tickets
from kb.desk.tickets import Draft, Once, Ticket

WINDOW = 16


def main(address: str, name: str) -> None:
    """Files for ever, WINDOW at a time, so that several share a commit."""
    database = tickets.open_database(address)
    waiting: list[tuple[str, Future[Ticket]]] = []
    for n in count():
        key = f"{name}-{n}"
        draft = Draft("en", f"Subject {key}", "x" * 300, "a@b.com")
        once = Once(key, "file", "digest")
        waiting.append((key, database.submit(lambda tx, d=draft, o=once: tickets.file(tx, d, now=1, once=o))))  # type: ignore[misc]
        if len(waiting) == WINDOW:
            for done, future in waiting:
                future.result()
                sys.stdout.write(f"{done}\n")
                sys.stdout.flush()
            waiting.clear()


if __name__ == "__main__":
    main(*sys.argv[1:])
