"""What the service keeps secret, and what it derives from that: ticket secrets, signed form ages, numbers.

Nothing secret is stored with the tickets: a stolen database does not open anybody's status page.
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from kb.errors import ConfigError, DeskError

NUMBER_ALPHABET = "ACDEFGHJKMNPQRTVWXY34679"
"""No two characters that people confuse when they read a number aloud or from paper."""
NUMBER_LENGTH = 8
_SECRET_BYTES = 20
_KEY_BYTES = 32


def new_number() -> str:
    """A ticket number: random, so that nobody can count a shop's complaints."""
    return "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(NUMBER_LENGTH))


def new_id() -> str:
    """A 128-bit random id: of tickets, outbox rows, forms."""
    return secrets.token_hex(16)


class Keyring:
    """Everything derived from the server's one key."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ConfigError(
                "the desk's key is too short: it needs at least 16 bytes",
                hint="set KB_DESK_KEY to the output of 'openssl rand -hex 32'",
            )
        self._key = key

    def _mac(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256)

    def ticket_secret(self, ticket_id: str) -> str:
        """The secret half of a status link: 160 bits as 32 letters and digits."""
        return base64.b32encode(self._mac("ticket", ticket_id)[:_SECRET_BYTES]).decode().lower()

    def opens(self, ticket_id: str, secret: str) -> bool:
        """Whether ``secret`` belongs to the ticket, compared in constant time."""
        return hmac.compare_digest(self.ticket_secret(ticket_id).encode(), secret.encode("utf-8", "replace"))

    def mailbox(self, email: str) -> str:
        """An address as something to count by, from which the address cannot be read back."""
        return self._mac("mailbox", email.casefold()).hex()[:32]

    def sign(self, purpose: str, text: str) -> str:
        """``text`` with a signature; :meth:`read` gives it back."""
        return f"{text}.{self._mac(purpose, text).hex()[:40]}"

    def read(self, purpose: str, signed: str) -> str | None:
        """The text that was signed, or ``None`` if anything about it was changed."""
        text, _, mac = signed.rpartition(".")
        right = self._mac(purpose, text).hex()[:40].encode()
        return text if hmac.compare_digest(right, mac.encode("utf-8", "replace")) else None


def secret(environ: Mapping[str, str], name: str) -> str:
    """The secret ``name``: the variable itself, or the content of the file that ``<name>_FILE`` names; else
    empty.

    Raises:
        ConfigError: the file cannot be read.
    """
    if value := environ.get(name, ""):
        return value
    file = environ.get(f"{name}_FILE", "")
    if not file:
        return ""
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}_FILE: cannot read {file}: {error}") from None


def load_keyring(environ: Mapping[str, str], file: Path) -> Keyring:
    """The keyring of ``KB_DESK_KEY`` or ``KB_DESK_KEY_FILE``; without either a key kept in ``file``, made
    on first use.

    Raises:
        ConfigError: the key is too short or its file cannot be read.
        DeskError: ``file`` cannot be written.
    """
    given = secret(environ, "KB_DESK_KEY")
    if given:
        return Keyring(given.encode())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Keyring(file.read_bytes().strip())
    except OSError as error:
        raise DeskError(
            f"cannot keep the desk's key in {file}: {error.strerror}", hint="or set KB_DESK_KEY"
        ) from None
    with os.fdopen(descriptor, "wb") as out:
        out.write(secrets.token_hex(_KEY_BYTES).encode())
        out.flush()
        os.fsync(out.fileno())
    return Keyring(file.read_bytes().strip())
