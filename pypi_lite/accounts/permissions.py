"""What may be done, and which role on a project lets somebody do it: the one definition."""

from enum import StrEnum

from pypi_lite.models import RoleName, Scope


class Permission(StrEnum):
    """What a view, or a change of a project, needs. There is no view without one."""

    #: Nothing: for the log-in form and the like, where reading needs authority too.
    ANYBODY = "anybody"
    READ = "read"
    UPLOAD = "upload"
    YANK = "yank"
    DELETE = "delete"
    #: Say who has which role, who may read, what may be expected; name publishers.
    MANAGE = "manage"
    ADMINISTER = "administer"
    #: Be somebody, and see to what is one's own.
    ACCOUNT = "account"


#: What each role may do to its project. An administrator may do all of it to every project.
OF_ROLE = {
    RoleName.READER: frozenset({Permission.READ}),
    RoleName.UPLOADER: frozenset({Permission.READ, Permission.UPLOAD}),
    RoleName.MAINTAINER: frozenset({Permission.READ, Permission.UPLOAD, Permission.YANK}),
    RoleName.OWNER: frozenset(
        {
            Permission.READ,
            Permission.UPLOAD,
            Permission.YANK,
            Permission.DELETE,
            Permission.MANAGE,
        }
    ),
}
#: The scope that a token must have for it.
SCOPE = {
    Permission.READ: Scope.READ,
    Permission.UPLOAD: Scope.UPLOAD,
    Permission.YANK: Scope.YANK,
    Permission.DELETE: Scope.MANAGE,
    Permission.MANAGE: Scope.MANAGE,
}
