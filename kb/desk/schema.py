"""The tables. A change is a new step at the end; a step that was released is never edited.

``created``, ``updated``, ``due`` and the like are whole milliseconds since 1970.
"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE tickets (
            id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE, state TEXT NOT NULL, review BIGINT NOT NULL,
            score BIGINT NOT NULL, reasons TEXT NOT NULL, fingerprint TEXT NOT NULL, language TEXT NOT NULL,
            category TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, name TEXT NOT NULL,
            email TEXT NOT NULL, order_number TEXT NOT NULL, page TEXT NOT NULL, articles_commit TEXT NOT NULL,
            session TEXT NOT NULL, assignee TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL,
            first_reply BIGINT, closed BIGINT, erased BIGINT NOT NULL)""",
        "CREATE INDEX tickets_by_state ON tickets (state, created)",
        "CREATE INDEX tickets_by_email ON tickets (email)",
        "CREATE INDEX tickets_by_fingerprint ON tickets (fingerprint)",
        "CREATE INDEX tickets_by_reply ON tickets (first_reply)",
        """CREATE TABLE messages (
            ticket TEXT NOT NULL REFERENCES tickets (id), position BIGINT NOT NULL, author TEXT NOT NULL,
            body TEXT NOT NULL, language TEXT NOT NULL, machine BIGINT NOT NULL, article TEXT NOT NULL,
            created BIGINT NOT NULL, PRIMARY KEY (ticket, position))""",
        """CREATE TABLE shown (
            ticket TEXT NOT NULL REFERENCES tickets (id), position BIGINT NOT NULL, article TEXT NOT NULL,
            language TEXT NOT NULL, score DOUBLE PRECISION NOT NULL, opened BIGINT NOT NULL,
            unhelpful BIGINT NOT NULL, PRIMARY KEY (ticket, position))""",
        """CREATE TABLE idempotency (
            token TEXT PRIMARY KEY, route TEXT NOT NULL, digest TEXT NOT NULL, result TEXT NOT NULL,
            created BIGINT NOT NULL)""",
        "CREATE INDEX idempotency_by_age ON idempotency (created)",
        """CREATE TABLE outbox (
            seq {SERIAL}, id TEXT NOT NULL UNIQUE, ticket TEXT NOT NULL REFERENCES tickets (id),
            target TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL,
            attempts BIGINT NOT NULL, due BIGINT NOT NULL, lease BIGINT NOT NULL, created BIGINT NOT NULL,
            error TEXT NOT NULL)""",
        "CREATE INDEX outbox_by_state ON outbox (state, due)",
        "CREATE INDEX outbox_by_ticket ON outbox (ticket, target)",
        """CREATE TABLE remotes (
            ticket TEXT NOT NULL REFERENCES tickets (id), target TEXT NOT NULL, remote TEXT NOT NULL,
            PRIMARY KEY (ticket, target))""",
        """CREATE TABLE receipts (
            day TEXT NOT NULL, mailbox TEXT NOT NULL, PRIMARY KEY (day, mailbox))""",
        """CREATE TABLE events (
            seq {SERIAL}, session TEXT NOT NULL, kind TEXT NOT NULL, language TEXT NOT NULL, text TEXT NOT NULL,
            articles TEXT NOT NULL, article TEXT NOT NULL, created BIGINT NOT NULL)""",
        "CREATE INDEX events_by_age ON events (created)",
        "CREATE INDEX events_by_session ON events (session)",
    ),
)
