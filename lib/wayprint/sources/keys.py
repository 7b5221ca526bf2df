"""The two secrets of an installation, and what is done with them: hash an identifier, seal a value.

Both are read from the driver's environment and travel to the workers inside a pickled closure only: never in a column
expression, a setting, a table or the text of an error.
"""

from __future__ import annotations

import hmac
import os
import zlib
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wayprint.contracts import BadConfiguration

HASH_KEY, VAULT_KEY = "WAYPRINT_HASH_KEY", "WAYPRINT_VAULT_KEY"
NONCE_BYTES = 12


class BadKey(BadConfiguration):
    """A key is absent, not a key, or not the one that sealed the value; the message never holds it."""


class Keys:
    """Hash key and vault key, 32 bytes each.

    `identifier_id` cannot be reversed or recomputed without the hash key. `seal` is AES-256-GCM over the compressed value
    with a synthetic nonce (the first 12 bytes of its HMAC-SHA-256 under a key of its own): the same value gives the same
    bytes on every run and machine, which a rebuild must. It tells, to somebody without the key, only that two values are
    equal and how long they are; a nonce comes twice for two different values with a chance below 2^-32 at 2^32 values.
    """

    def __init__(self, hash_key: bytes, vault_key: bytes):
        if len(hash_key) != 32 or len(vault_key) != 32:
            raise BadKey("hash key and vault key are 32 bytes each")
        self._hash_key, self._vault_key = hash_key, vault_key
        self._nonce_key = hmac.digest(vault_key, b"wayprint nonce", "sha256")
        self._cipher = AESGCM(hmac.digest(vault_key, b"wayprint seal", "sha256"))

    def __reduce__(self) -> tuple[type[Keys], tuple[bytes, bytes]]:
        return Keys, (self._hash_key, self._vault_key)  # the cipher itself cannot be pickled

    def __repr__(self) -> str:
        return f"Keys(check={self.check!r})"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Keys:
        """Both keys from `WAYPRINT_HASH_KEY` and `WAYPRINT_VAULT_KEY` (64 hexadecimal digits each)."""
        environ = os.environ if environ is None else environ
        return cls(*(_key(name, environ.get(name, "")) for name in (HASH_KEY, VAULT_KEY)))

    @property
    def check(self) -> str:
        """Eight hexadecimal digits that change with either key and tell nothing of them."""
        return hmac.digest(self._hash_key, hmac.digest(self._vault_key, b"wayprint check", "sha256"), "sha256").hex()[:8]

    def identifier_id(self, type: str, value: str) -> str:
        """HMAC-SHA-256 of type and canonical value, the first 32 hexadecimal digits; see `identifiers.canonical`."""
        return hmac.digest(self._hash_key, f"{type}\0{value}".encode(), "sha256").hex()[:32]

    def seal(self, clear: bytes) -> bytes:
        """Compressed, then encrypted: nonce, ciphertext and tag in one."""
        packed = zlib.compress(clear, 1)
        # The nonce follows the bytes that are encrypted, so another build of zlib cannot lead to one nonce for two texts.
        nonce = hmac.digest(self._nonce_key, packed, "sha256")[:NONCE_BYTES]
        return nonce + self._cipher.encrypt(nonce, packed, None)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed; `BadKey` if it was sealed with another key or altered since."""
        try:
            return zlib.decompress(self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None))
        except (InvalidTag, ValueError, zlib.error):
            raise BadKey(f"the value was not sealed with this {VAULT_KEY}, or it was altered") from None


def _key(name: str, text: str) -> bytes:
    cure = "make one with: python -c \"import secrets; print(secrets.token_hex(32))\", keep it safe, and set it before every run"
    if not text:
        raise BadKey(f"environment variable {name} is not set: {cure}")
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        raise BadKey(f"environment variable {name} is not hexadecimal: {cure}") from None
    if len(key) != 32:
        raise BadKey(f"environment variable {name} holds {len(key)} bytes, not 32 (64 hexadecimal digits): {cure}")
    return key
