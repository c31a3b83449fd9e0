"""What programs may ask of the index and what they get, as an OpenAPI 3.1 document.

Written from the same names as the code: statuses, media types, limits.
"""

from typing import Any
from urllib.parse import urljoin

from pypi_lite.accounts.tokens import LONGEST_NAME, MOST_DAYS
from pypi_lite.api.bodies import JSON, LONGEST_BODY
from pypi_lite.api.integrity import MEDIA as INTEGRITY
from pypi_lite.api.media import API_VERSION, JSON_LINES, Media
from pypi_lite.api.problems import PROBLEM
from pypi_lite.cache.representation import SERIAL_HEADER
from pypi_lite.models import Action, ProjectStatus, RoleName, Scope, Visibility
from pypi_lite.repository.errors import Code
from pypi_lite.repository.reasons import LONGEST_REASON
from pypi_lite.settings import Settings

Object = dict[str, Any]

_ABOUT = """\
Everything that a program can ask of this index: the simple API, which installers use; the upload API,
which twine, uv and others use; PyPI's JSON; and an API to look at and to change what is here.

Whoever changes something shows a token: HTTP Basic, with the user name `__token__` and the token as
password. When the answer to a change arrives, every page of the index shows it.
"""
_OPEN: list[Object] = []
_CREDENTIALS: list[Object] = [{"token": []}]


def describe(settings: Settings, version: str) -> Object:
    """The document, for an index with these *settings*; *version* is the program's."""
    return {
        "openapi": "3.1.0",
        "info": {"title": settings.title, "version": version, "description": _ABOUT},
        "servers": [{"url": settings.url.rstrip("/")}],
        "tags": [
            {"name": "management", "description": "Status, yanking, roles, deleting."},
            {"name": "simple", "description": f"The simple repository API, {API_VERSION}."},
            {"name": "upload", "description": "What twine, uv, poetry, pdm, hatch, flit speak."},
            {"name": "publishing", "description": "A token for a job that has no stored secret."},
            {"name": "tokens", "description": "One's own tokens."},
            {"name": "json", "description": "PyPI's JSON, which is no standard."},
        ],
        "paths": {
            **_management(),
            **_roles(),
            **_tokens(),
            **_journal(),
            **_simple(),
            **_namespaces(),
            **_integrity(),
            **_upload(settings),
            **_publishing(settings),
            **_json(),
        },
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User name `__token__`, a token as password.",
                }
            },
            "schemas": _schemas(),
        },
    }


def _management() -> Object:
    name = _parameter("name", "A project's name, in any spelling.")
    version = _parameter("version", "A version, in any spelling: 1.0 and 1.0.0 are the same.")
    filename = _parameter("filename", "A file's name.")
    return {
        "/api/projects/{name}": {
            "parameters": [name],
            "get": _read("getProject", "A project and its releases", "Project"),
            "patch": _change(
                "setProjectStatus",
                "Set a project's status and its reason",
                Scope.MANAGE,
                "An administrator alone sets and lifts a quarantine.",
                body="ProjectChange",
                answer="Project",
            ),
            "delete": _change(
                "deleteProject",
                "Delete a project with its releases, files and roles",
                Scope.MANAGE,
                "The names of its files stay taken for ever; the project's own is anybody's again.",
            ),
        },
        "/api/projects/{name}/releases/{version}": {
            "parameters": [name, version],
            "get": _read("getRelease", "A release and its files", "Release"),
            "patch": _change(
                "yankRelease",
                "Yank a release, or take a yank back",
                Scope.YANK,
                "Installers pass over a yanked release unless it is pinned (PEP 592).",
                body="ReleaseChange",
                answer="Release",
            ),
            "delete": _change(
                "deleteRelease",
                "Delete a release with its files",
                Scope.MANAGE,
                "The names of its files stay taken for ever.",
            ),
        },
        "/api/files/{filename}": {
            "parameters": [filename],
            "get": _read("getFile", "A file", "File"),
            "delete": _change(
                "deleteFile",
                "Delete a file",
                Scope.MANAGE,
                "Its name stays taken for ever.",
            ),
        },
        "/api/openapi.json": {
            "get": {
                "operationId": "getDescription",
                "tags": ["management"],
                "summary": "This document",
                "security": _OPEN,
                "responses": {"200": _content("The document.", JSON, {"type": "object"})},
            }
        },
    }


def _roles() -> Object:
    name = _parameter("name", "A project's name, in any spelling.")
    who = _parameter("who", "A user's name, or a group's with `@` before it.")
    grant = _change(
        "grantRole",
        "Give a user or a group a role on the project",
        Scope.MANAGE,
        "In place of the one that they have. A project that has an owner keeps one.",
        body="RoleChange",
        answer="Role",
    )
    new = {**grant["responses"]["200"], "description": "They had none, and have this one now."}
    grant["responses"] = dict(sorted({**grant["responses"], "201": new}.items()))
    revoke = _change(
        "revokeRole",
        "Take a role away",
        Scope.MANAGE,
        "A project that has an owner keeps one.",
    )
    last = _problem("The project would have no owner.")
    revoke["responses"] = dict(sorted({**revoke["responses"], "422": last}.items()))
    return {
        "/api/projects/{name}/roles": {
            "parameters": [name],
            "get": {
                "operationId": "listRoles",
                "tags": ["management"],
                "summary": "Who has which role on the project",
                "description": "For owners of the project and administrators; a token needs the"
                f" scope `{Scope.MANAGE.value}`.",
                "security": _CREDENTIALS,
                "responses": {
                    "200": _content("The most powerful first.", JSON, _ref("Roles")),
                    "401": _problem("Credentials are missing or wrong."),
                    "403": _problem("Whoever asks may not do that."),
                    "404": _problem("Not here."),
                    "429": _problem(
                        "Too many passwords were wrong; Retry-After says when to try again."
                    ),
                },
            },
        },
        "/api/projects/{name}/roles/{who}": {
            "parameters": [name, who],
            "put": grant,
            "delete": revoke,
        },
    }


def _tokens() -> Object:
    operation = {"tags": ["tokens"], "security": _CREDENTIALS}
    refusals = {
        "401": _problem("Credentials are missing or wrong."),
        "403": _problem("The token has not the scope `manage`, or would give what it has not."),
        "429": _problem("Too many wrong passwords; Retry-After says when to try again."),
    }
    busy = _problem("It can't be done now; Retry-After says when to try again.")
    about = "Shows a password, or a token with the scope `manage`, which sees, makes and revokes"
    about += " tokens that may do no more than itself."
    made = _content("The token, which is not shown again.", JSON, _ref("NewToken"))
    return {
        "/api/tokens": {
            "get": {
                **operation,
                "operationId": "listTokens",
                "summary": "One's own tokens",
                "description": about,
                "responses": {
                    "200": _content("The newest first.", JSON, _ref("Tokens")),
                    **refusals,
                },
            },
            "post": {
                **operation,
                "operationId": "createToken",
                "summary": "Make a token",
                "description": about + " Without `projects` it is for all projects that the maker"
                " is for; it ends no later than the token that makes it.",
                "requestBody": {
                    "required": True,
                    "content": {JSON: {"schema": _ref("TokenRequest")}},
                },
                "responses": {
                    "201": made,
                    "400": _problem("The body is no JSON."),
                    **refusals,
                    "413": _problem(f"The body is longer than {LONGEST_BODY} bytes."),
                    "415": _problem(f"The Content-Type is not {JSON}."),
                    "422": _problem("A value is missing, unknown or unfit."),
                    "503": busy,
                },
            },
        },
        "/api/tokens/{id}": {
            "parameters": [_parameter("id", "The token's number.")],
            "delete": {
                **operation,
                "operationId": "revokeToken",
                "summary": "Revoke a token",
                "description": about,
                "responses": {
                    "204": {"description": "It opens nothing any more."},
                    **refusals,
                    "404": _problem("There is no such token."),
                    "503": busy,
                },
            },
        },
    }


def _journal() -> Object:
    names = {
        "project": "Of this project, in any spelling; its owners may ask for it.",
        "actor": "By this account, or what else acted.",
        "action": "Of this kind.",
        "since": "A serial: after it; or a day or moment (ISO 8601): from then on.",
        "until": "A day or moment, included.",
    }
    parameters: list[Object] = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in names.items()
    ]
    parameters[2]["schema"] = {"type": "string", "enum": [action.value for action in Action]}
    text = (
        "JSON lines, the oldest first. For administrators; of one project for its owners too. A token"
        f" needs the scope `{Scope.MANAGE.value}`, and for more than one project all of them."
    )
    return {
        "/api/journal": {
            "get": {
                "operationId": "getJournal",
                "tags": ["management"],
                "summary": "Who did what, by which means, from where, when",
                "description": text,
                "parameters": parameters,
                "security": _CREDENTIALS,
                "responses": {
                    "200": _content("An entry a line.", JSON_LINES, _ref("JournalEntry")),
                    "401": _problem("Credentials are missing or wrong."),
                    "403": _problem("Whoever asks may not read that."),
                    "404": _problem("There is no such project."),
                    "422": _problem("A filter is unknown or unfit."),
                },
            }
        }
    }


def _simple() -> Object:
    html = {"type": "string", "description": "HTML5; one `a` element for each entry."}

    def answer(text: str, schema: str) -> Object:
        content = {media.value: {"schema": html} for media in (Media.TEXT_HTML, Media.HTML)}
        content[Media.JSON.value] = {"schema": _ref(schema)}
        return {"description": text, "headers": _serial(), "content": content}

    missing = _text("There is no such project.")
    name = _parameter("name", "A project's normalized name; another spelling is redirected.")
    file = [
        _parameter("project", "A project's normalized name."),
        _parameter("sha256", "The file's SHA-256 digest, in hexadecimal."),
        _parameter("filename", "The file's name; with `.metadata` its core metadata (PEP 658)."),
    ]
    operation = {"tags": ["simple"], "security": _OPEN}
    return {
        "/simple/": {
            "get": {
                **operation,
                "operationId": "listProjects",
                "summary": "All projects",
                "responses": {
                    "200": answer("The list.", "SimpleIndex"),
                    "406": _text("None of the acceptable media types is one of these."),
                },
            }
        },
        "/simple/{name}/": {
            "parameters": [name],
            "get": {
                **operation,
                "operationId": "listFiles",
                "summary": "A project's files",
                "responses": {
                    "200": answer("The page; of a project in quarantine without files.", "Simple"),
                    "301": {"description": "The name's canonical spelling is another."},
                    "404": missing,
                    "406": _text("None of the acceptable media types is one of these."),
                },
            },
        },
        "/files/{project}/{sha256}/{filename}": {
            "parameters": file,
            "get": {
                **operation,
                "operationId": "download",
                "summary": "A file, or its core metadata",
                "responses": {
                    "200": _content("The file.", "application/octet-stream", None),
                    "206": _content(
                        "The part that was asked for.", "application/octet-stream", None
                    ),
                    "304": {"description": "The client has it already."},
                    "404": _text("There is no such file, or its project is in quarantine."),
                    "416": {"description": "The file has no such part."},
                },
            },
        },
    }


def _namespaces() -> Object:
    absent = _text("There is no such namespace, or none at all.")
    operation = {"tags": ["simple"], "security": _OPEN}
    return {
        "/simple/namespaces": {
            "get": {
                **operation,
                "operationId": "listNamespaces",
                "summary": "All namespaces (PEP 752)",
                "responses": {
                    "200": _content("The list.", Media.JSON.value, _ref("Namespaces")),
                    "404": absent,
                },
            }
        },
        "/simple/namespace/{name}": {
            "parameters": [_parameter("name", "A namespace's normalized name.")],
            "get": {
                **operation,
                "operationId": "getNamespace",
                "summary": "A namespace",
                "responses": {
                    "200": _content("The namespace.", Media.JSON.value, _ref("Namespace")),
                    "301": {"description": "The name's canonical spelling is another."},
                    "404": absent,
                },
            },
        },
    }


def _integrity() -> Object:
    return {
        "/integrity/{project}/{version}/{filename}/provenance": {
            "parameters": [
                _parameter("project", "A project's normalized name."),
                _parameter("version", "A version in its normal form."),
                _parameter("filename", "The file's name."),
            ],
            "get": {
                "operationId": "getProvenance",
                "tags": ["simple"],
                "summary": "What has been signed about a file (PEP 740)",
                "security": _OPEN,
                "responses": {
                    "200": _content("The provenance.", INTEGRITY, {"type": "object"}),
                    "301": {"description": "The canonical spelling is another."},
                    "404": _text("There is no such file, or nothing was signed about it."),
                    "406": _text("The media type is not acceptable."),
                },
            },
        }
    }


def _upload(settings: Settings) -> Object:
    refusal = {
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            JSON: {"schema": _ref("UploadRefusal")},
        }
    }
    statuses = {
        400: "The form, the file or what the two say of each other is wrong.",
        401: "Credentials are missing or wrong.",
        403: "Whoever sends it may not upload there, or the project is archived or in quarantine.",
        409: "Another file has or had this name.",
        410: "The action is not supported any more.",
        413: f"The file is larger than {settings.max_file_size} bytes.",
        429: "Too many passwords were wrong; Retry-After says when to try again.",
        503: "It can't be done now; Retry-After says when to try again.",
    }
    return {
        "/legacy/": {
            "post": {
                "operationId": "upload",
                "tags": ["upload"],
                "summary": "Upload a file",
                "description": f"Needs a token with the scope `{Scope.UPLOAD}`."
                " The same file again is a success.",
                "security": _CREDENTIALS,
                "requestBody": {
                    "required": True,
                    "content": {"multipart/form-data": {"schema": _ref("UploadForm")}},
                },
                "responses": {
                    "200": {**_text("It is published."), "headers": _serial()},
                    **{
                        str(status): {"description": text, **refusal}
                        for status, text in statuses.items()
                    },
                },
            }
        }
    }


def _publishing(settings: Settings) -> Object:
    """What clients ask at the root of the host, whatever path the index has."""
    operation = {"tags": ["publishing"], "security": _OPEN}
    root = {"servers": [{"url": urljoin(settings.url, "/").rstrip("/")}]}

    def failures(*statuses: str) -> Object:
        texts = {
            "404": "This index has no trusted publishing.",
            "422": "The body, or the token in it, is refused.",
            "503": "It can't be done now; Retry-After says when to try again.",
        }
        return {each: _content(texts[each], JSON, _ref("TokenFailure")) for each in statuses}

    def body(text: str) -> Object:
        schema = {**_ref("TokenShown"), "description": text}
        return {"required": True, "content": {JSON: {"schema": schema}}}

    return {
        "/_/oidc/audience": {
            **root,
            "get": {
                **operation,
                "operationId": "getAudience",
                "summary": "Whom the identity token of a job has to be for",
                "responses": {
                    "200": _content("The audience.", JSON, _ref("Audience")),
                    **failures("404"),
                },
            },
        },
        "/_/oidc/mint-token": {
            **root,
            "post": {
                **operation,
                "operationId": "mintToken",
                "summary": "Exchange a job's identity token for one of this index",
                "description": "For uploads to the projects that have named the job's workflow. An"
                " identity token is taken once.",
                "requestBody": body("A JSON Web Token, which the job's platform has made for it."),
                "responses": {
                    "200": _content("The token.", JSON, _ref("MintedToken")),
                    **failures("404", "422", "503"),
                },
            },
        },
        "/_/oidc/burn-token": {
            **root,
            "post": {
                **operation,
                "operationId": "burnToken",
                "summary": "Take such a token back before its time",
                "requestBody": body("What mint-token has answered."),
                "responses": {
                    "204": {"description": "It opens nothing any more."},
                    **failures("422", "503"),
                },
            },
        },
    }


def _json() -> Object:
    name = _parameter("name", "A project's normalized name; another spelling is redirected.")
    version = _parameter("version", "A version in its normal form; another one is redirected.")

    def get(identifier: str, summary: str) -> Object:
        found = _content("The document.", JSON, _ref("LegacyDocument"))
        return {
            "operationId": identifier,
            "tags": ["json"],
            "summary": summary,
            "security": _OPEN,
            "responses": {
                "200": {**found, "headers": _serial()},
                "301": {"description": "The canonical spelling is another."},
                "404": _text("There is no such project or version."),
            },
        }

    return {
        "/pypi/{name}/json": {
            "parameters": [name],
            "get": get("getLegacyProject", "A project, by its latest release"),
        },
        "/pypi/{name}/{version}/json": {
            "parameters": [name, version],
            "get": get("getLegacyRelease", "A release"),
        },
    }


def _schemas() -> Object:
    text, flag = {"type": "string"}, {"type": "boolean"}
    maybe = {"type": ["string", "null"]}
    reason = {**maybe, "maxLength": LONGEST_REASON, "description": "One line of text."}
    moment = {"type": "string", "format": "date-time"}
    status = {"type": "string", "enum": [member.value for member in ProjectStatus]}
    visibility = {"type": "string", "enum": [member.value for member in Visibility]}
    role = {"type": "string", "enum": [member.value for member in RoleName]}
    release = {"version": text, "created": moment, "yanked": flag, "yanked_reason": maybe}
    file = {
        "filename": text,
        "project": text,
        "version": text,
        "packagetype": text,
        "size": {"type": "integer", "minimum": 0},
        "sha256": text,
        "uploaded": moment,
        "url": {"type": "string", "format": "uri"},
    }
    api = _object({"api-version": text})
    return {
        "Project": _object(
            {
                "name": text,
                "normalized_name": text,
                "created": moment,
                "status": status,
                "status_reason": maybe,
                "visibility": visibility,
                "releases": {"type": "array", "items": _object(release)},
            }
        ),
        "ProjectChange": _object(
            {"status": status, "status_reason": reason, "visibility": visibility}, required=[]
        ),
        "Release": _object(
            {"project": text, **release, "files": {"type": "array", "items": _ref("File")}}
        ),
        "ReleaseChange": _object({"yanked": flag, "yanked_reason": reason}, required=["yanked"]),
        "File": _object(file),
        "Role": _object({"who": text, "role": role}),
        "RoleChange": _object({"role": role}),
        "Roles": _object({"roles": {"type": "array", "items": _ref("Role")}}),
        **_token_schemas(),
        **_publishing_schemas(),
        "JournalEntry": _object(
            {
                "serial": {"type": "integer", "minimum": 1},
                "moment": moment,
                "action": {"type": "string", "enum": [action.value for action in Action]},
                "actor": text,
                **dict.fromkeys(
                    ("means", "address", "project", "version", "filename", "note"), maybe
                ),
            }
        ),
        "Problem": _object(
            {
                "type": {"type": "string", "const": "about:blank"},
                "title": text,
                "status": {"type": "integer"},
                "detail": {**text, "description": "For a person: what is wrong, what to do."},
                "code": {"type": "string", "enum": [code.value for code in Code]},
            }
        ),
        "Namespaces": {"type": "array", "items": _standard({"name": text})},
        "Namespace": _standard(
            {
                "name": text,
                "parent": maybe,
                "children": {"type": "array", "items": text},
                "_owners": {"type": "array", "items": text},
            }
        ),
        "SimpleIndex": _standard({"meta": api, "projects": {"type": "array"}}),
        "Simple": _standard(
            {
                "meta": api,
                "name": text,
                "project-status": _object({"status": status, "reason": text}, required=["status"]),
                "versions": {"type": "array", "items": text},
                "files": {"type": "array", "items": {"type": "object"}},
            }
        ),
        "UploadForm": {
            "type": "object",
            "description": "Other fields are ignored: the file itself says what it is.",
            "properties": {
                ":action": {"type": "string", "const": "file_upload"},
                "protocol_version": {"type": "string", "const": "1"},
                "name": text,
                "version": text,
                "filetype": {"type": "string", "enum": ["bdist_wheel", "sdist"]},
                "pyversion": text,
                "sha256_digest": text,
                "blake2_256_digest": text,
                "md5_digest": text,
                "content": {
                    "type": "string",
                    "contentMediaType": "application/octet-stream",
                    "description": "The file. One of the digests has to come with it.",
                },
            },
            "required": ["name", "version", "filetype", "content"],
        },
        "UploadRefusal": _object({"code": text, "message": text, "title": text}),
        "LegacyDocument": _standard(
            {
                "info": {"type": "object"},
                "last_serial": {"type": "integer"},
                "urls": {"type": "array", "items": {"type": "object"}},
                "vulnerabilities": {"type": "array"},
            }
        ),
    }


def _publishing_schemas() -> Object:
    text = {"type": "string"}
    error = _object({"code": {**text, "enum": [code.value for code in Code]}, "description": text})
    expires = {"type": "integer", "description": "Seconds since 1970."}
    return {
        "Audience": _object({"audience": text}),
        "TokenShown": _standard({"token": text}),
        "MintedToken": _object(
            {"success": {"type": "boolean", "const": True}, "token": text, "expires": expires}
        ),
        "TokenFailure": _object(
            {"message": text, "errors": {"type": "array", "minItems": 1, "items": error}}
        ),
    }


def _token_schemas() -> Object:
    moment = {"type": "string", "format": "date-time"}
    maybe = {"type": ["string", "null"], "format": "date-time"}
    name = {"type": "string", "maxLength": LONGEST_NAME}
    scopes = {"type": "array", "items": {"type": "string", "enum": [s.value for s in Scope]}}
    projects = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Empty: every project that the account reaches.",
    }
    last_used = {**maybe, "description": "To the hour."}
    token = {
        "id": {"type": "integer"},
        "name": name,
        "scopes": scopes,
        "projects": projects,
        "created": moment,
        "expires": maybe,
        "last_used": last_used,
    }
    days = {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_DAYS}
    request = {"name": {**name, "minLength": 1}, "scopes": scopes, "projects": projects}
    return {
        "Token": _object(token),
        "Tokens": _object({"tokens": {"type": "array", "items": _ref("Token")}}),
        "NewToken": _object({**token, "token": {"type": "string"}}),
        "TokenRequest": _object({**request, "days": days}, required=["name", "scopes"]),
    }


def _read(identifier: str, summary: str, schema: str) -> Object:
    found = _content(f"The {schema.lower()}.", JSON, _ref(schema))
    return {
        "operationId": identifier,
        "tags": ["management"],
        "summary": summary,
        "security": _OPEN,
        "responses": {"200": {**found, "headers": _serial()}, "404": _problem("Not here.")},
    }


def _change(
    identifier: str,
    summary: str,
    scope: Scope,
    text: str,
    *,
    body: str | None = None,
    answer: str | None = None,
) -> Object:
    """An operation that changes the index: with a JSON *body* and *answer*, or with neither."""
    operation: Object = {
        "operationId": identifier,
        "tags": ["management"],
        "summary": summary,
        "description": f"{text} For owners of the project and administrators; a token needs the scope"
        f" `{scope.value}`.",
        "security": _CREDENTIALS,
    }
    responses = {
        "401": _problem("Credentials are missing or wrong."),
        "403": _problem("Whoever asks may not do that."),
        "404": _problem("Not here."),
        "429": _problem("Too many passwords were wrong; Retry-After says when to try again."),
        "503": _problem("It can't be done now; Retry-After says when to try again."),
    }
    if body and answer:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _ref(body)}},
        }
        found = _content("As it is now; every page shows it.", JSON, _ref(answer))
        responses |= {
            "200": {**found, "headers": _serial()},
            "400": _problem("The body is no JSON."),
            "413": _problem(f"The body is longer than {LONGEST_BODY} bytes."),
            "415": _problem(f"The Content-Type is not {JSON}."),
            "422": _problem("A value is missing, unknown or unfit."),
        }
    else:
        responses["204"] = {"description": "It is gone from every page.", "headers": _serial()}
    return {**operation, "responses": dict(sorted(responses.items()))}


def _object(properties: Object, required: list[str] | None = None) -> Object:
    """An object of exactly these *properties*."""
    return {**_standard(properties, required), "additionalProperties": False}


def _standard(properties: Object, required: list[str] | None = None) -> Object:
    """An object with these *properties* and perhaps others, which somebody else defines."""
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


def _ref(schema: str) -> Object:
    return {"$ref": f"#/components/schemas/{schema}"}


def _parameter(name: str, text: str) -> Object:
    schema = {"type": "string"}
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema}


def _serial() -> Object:
    text = "The number of the last change that is shown."
    return {SERIAL_HEADER: {"description": text, "schema": {"type": "integer"}}}


def _content(text: str, media_type: str, schema: Object | None) -> Object:
    return {"description": text, "content": {media_type: {"schema": schema} if schema else {}}}


def _text(text: str) -> Object:
    return _content(text, "text/plain", {"type": "string"})


def _problem(text: str) -> Object:
    return _content(text, PROBLEM, _ref("Problem"))
