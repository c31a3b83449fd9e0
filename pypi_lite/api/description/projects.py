"""Projects, releases and files, to look at and to change."""

from pypi_lite.api.description.parts import (
    FLAG,
    MAYBE_TEXT,
    MOMENT,
    STATUS,
    TEXT,
    Object,
    change,
    exactly,
    parameter,
    read,
    ref,
)
from pypi_lite.models import Scope, Visibility
from pypi_lite.repository.reasons import LONGEST_REASON


def paths() -> Object:
    """By address."""
    name = parameter("name", "A project's name, in any spelling.")
    version = parameter("version", "A version, in any spelling: 1.0 and 1.0.0 are the same.")
    filename = parameter("filename", "A file's name.")
    return {
        "/api/projects/{name}": {
            "parameters": [name],
            "get": read("getProject", "A project and its releases", "Project"),
            "patch": change(
                "setProjectStatus",
                "Set a project's status and its reason",
                Scope.MANAGE,
                "An administrator alone sets and lifts a quarantine.",
                body="ProjectChange",
                answer="Project",
            ),
            "delete": change(
                "deleteProject",
                "Delete a project with its releases, files and roles",
                Scope.MANAGE,
                "The names of its files stay taken for ever; the project's own is anybody's again.",
            ),
        },
        "/api/projects/{name}/releases/{version}": {
            "parameters": [name, version],
            "get": read("getRelease", "A release and its files", "Release"),
            "patch": change(
                "yankRelease",
                "Yank a release, or take a yank back",
                Scope.YANK,
                "Installers pass over a yanked release unless it is pinned (PEP 592).",
                body="ReleaseChange",
                answer="Release",
            ),
            "delete": change(
                "deleteRelease",
                "Delete a release with its files",
                Scope.MANAGE,
                "The names of its files stay taken for ever.",
            ),
        },
        "/api/files/{filename}": {
            "parameters": [filename],
            "get": read("getFile", "A file", "File"),
            "delete": change(
                "deleteFile",
                "Delete a file",
                Scope.MANAGE,
                "Its name stays taken for ever.",
            ),
        },
    }


def schemas() -> Object:
    """By name."""
    reason = {**MAYBE_TEXT, "maxLength": LONGEST_REASON, "description": "One line of text."}
    visibility = {"type": "string", "enum": [member.value for member in Visibility]}
    release = {"version": TEXT, "created": MOMENT, "yanked": FLAG, "yanked_reason": MAYBE_TEXT}
    file = {
        "filename": TEXT,
        "project": TEXT,
        "version": TEXT,
        "packagetype": TEXT,
        "size": {"type": "integer", "minimum": 0},
        "sha256": TEXT,
        "uploaded": MOMENT,
        "url": {"type": "string", "format": "uri"},
    }
    return {
        "Project": exactly(
            {
                "name": TEXT,
                "normalized_name": TEXT,
                "created": MOMENT,
                "status": STATUS,
                "status_reason": MAYBE_TEXT,
                "visibility": visibility,
                "releases": {"type": "array", "items": exactly(release)},
            }
        ),
        "ProjectChange": exactly(
            {"status": STATUS, "status_reason": reason, "visibility": visibility}, required=[]
        ),
        "Release": exactly(
            {"project": TEXT, **release, "files": {"type": "array", "items": ref("File")}}
        ),
        "ReleaseChange": exactly({"yanked": FLAG, "yanked_reason": reason}, required=["yanked"]),
        "File": exactly(file),
    }
