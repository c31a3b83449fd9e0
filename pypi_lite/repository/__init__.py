"""The write paths, and the reads behind the pages. Whoever changes the index comes through here."""

from dataclasses import dataclass

from pypi_lite.accounts.passwords import Passwords
from pypi_lite.database import Database
from pypi_lite.settings import Settings
from pypi_lite.storage import Blobs


@dataclass(frozen=True, slots=True)
class Index:
    """One index: what every write path works on."""

    settings: Settings
    database: Database
    blobs: Blobs

    @property
    def passwords(self) -> Passwords:
        """What makes and verifies hashes of passwords."""
        return Passwords(self.settings)
