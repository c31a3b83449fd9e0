"""Who is asking, and what that lets them do."""

from dataclasses import dataclass, field

from pypi_lite.models import Scope


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has shown who they are, for the length of one request."""

    #: For the journal.
    name: str
    #: None: not a person but the operator, at the command line, or a trusted publisher.
    user_id: int | None
    is_admin: bool = False
    #: For the journal: ``token 7``, ``session 3``, ``password``; None: the operator.
    means: str | None = None
    #: Which password it showed, if it did: another one has another text here.
    password: str = field(default="", repr=False)
    #: For the journal: the network address that it comes from.
    address: str | None = None
    #: The session, of somebody who is logged in with a browser.
    session_id: int | None = None
    #: The token that speaks for the person, where it is not the person.
    token_id: int | None = None
    #: The token of a trusted publisher: it speaks for no person.
    publisher_token_id: int | None = None
    #: What the token may do; None: all that the person may.
    scopes: frozenset[Scope] | None = None
    #: Normalized names that the token is limited to; None: all that the person reaches.
    projects: frozenset[str] | None = None

    def has_scope(self, scope: Scope) -> bool:
        """Whether the means of authentication covers *scope*."""
        return self.scopes is None or scope in self.scopes

    def reaches(self, normalized_name: str) -> bool:
        """Whether the means of authentication covers the project."""
        return self.projects is None or normalized_name in self.projects


#: The operator: whoever can run the command line can write to the database anyway.
OPERATOR = Identity(name="command line", user_id=None, is_admin=True)
