"""Finding the project that a name means."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.models import Project
from pypi_lite.names import normalize_name
from pypi_lite.repository.errors import Code, Refusal


def find_project(session: Session, name: str) -> Project:
    """The project of that name, in whatever spelling. Raises Refusal: there is none.

    For changes, which ask who may make them; pages come from `pypi_lite.repository.pages`.
    """
    found = session.scalar(select(Project).where(Project.normalized_name == normalize_name(name)))
    if found is None:
        raise no_project(name)
    return found


def no_project(name: str) -> Refusal:
    """That there is none of that name, as it was asked for, or none for who asks."""
    return Refusal(Code.NOT_FOUND, f"There is no project {name!r}.")
