"""Where the bytes live: blobs, by the digest of their content."""

from pypi_lite.storage.blobs import Blobs, Digests, Incoming

__all__ = ["Blobs", "Digests", "Incoming"]
