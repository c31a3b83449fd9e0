"""What a view has made of a page: it can be published, and be the answer to the one who asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pypi_lite.cache.answer import Answer
from pypi_lite.cache.files import Files
from pypi_lite.cache.pages import Facts, Page
from pypi_lite.cache.representation import Representation, suffix_for
from pypi_lite.cache.store import Generation, compress


@dataclass(frozen=True)
class Text:
    """A page's bytes, and the last change that they show."""

    body: bytes
    facts: Facts

    @cached_property
    def twin(self) -> bytes:
        """The compressed page: made once, for its file and its first reader."""
        return compress(self.body)

    def publish(self, generation: Generation, page: Page) -> bool:
        """Whether it is published as *page*; False: the key was swept meanwhile. Raises OSError."""
        return generation.publish(self.body, self.facts, self.twin, page=page)

    def answer(self, page: Page, build: str, environ: Mapping[str, Any], status: str) -> Answer:
        """The answer to the request that it was made for."""
        suffix = suffix_for(environ)
        body = self.twin if suffix else self.body
        shown = Representation(page, build, self.facts.mtime_ns, len(body), suffix)
        if shown.is_known_to(environ):
            return shown.not_modified(status)
        return shown.answer(status, body)


@dataclass(frozen=True)
class Link:
    """A file that never changes, which is the page: *path* is absolute, its last part its tag."""

    path: str
    files: Files

    def publish(self, generation: Generation, page: Page) -> bool:
        """Whether it is published as *page*; False: the key was swept meanwhile. Raises OSError."""
        return generation.publish_link(self.path, page=page)

    def answer(self, page: Page, _build: str, environ: Mapping[str, Any], status: str) -> Answer:
        """The answer to the request that asked for it. Raises OSError."""
        return self.files.answer(page, self.path, environ, status)
