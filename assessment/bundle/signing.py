"""Ed25519: signs the manifest of a bundle, and says who did.

Knows keys in PEM files as `openssl genpkey -algorithm ed25519` writes them; knows nothing of what is signed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from assessment.errors import BundleError

KEY_BYTES_MAX: Final = 4096
SIGNATURE_BYTES: Final = 64
_MADE_BY: Final = "`openssl genpkey -algorithm ed25519 -out FILE`"


def read_private_key(file: Path) -> Ed25519PrivateKey:
    """Return the key of a PEM file.

    Raises:
        BundleError: it holds none that can be used.
    """
    try:
        key = load_pem_private_key(_content(file), password=None)
    except TypeError:
        raise BundleError(f"{file}: the key asks for a password; give one that has none") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BundleError(f"{file}: no private key in PEM; {_MADE_BY} makes one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError(f"{file}: expected an Ed25519 key; {_MADE_BY} makes one")
    return key


def read_public_key(file: Path) -> Ed25519PublicKey:
    """Return the public key of a PEM file.

    Raises:
        BundleError: it holds none that can be used.
    """
    key = public_key(_content(file))
    if key is None:
        raise BundleError(
            f"{file}: no Ed25519 public key in PEM; `openssl pkey -in KEY -pubout` writes that of a private one"
        )
    return key


def public_key(content: bytes) -> Ed25519PublicKey | None:
    """Return the public key that bytes write in PEM; None where they write none."""
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key in PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return what a key is called: SHA-256 of its 32 bytes, in hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def signed_right(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    """Return whether a signature is a key's over some bytes."""
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(KEY_BYTES_MAX)
    except OSError as error:
        raise BundleError(f"{file}: cannot be read: {error.strerror}") from None
