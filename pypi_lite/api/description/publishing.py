"""Trusted publishing."""

from urllib.parse import urljoin

from pypi_lite.api.bodies import JSON
from pypi_lite.api.description.parts import OPEN, TEXT, Object, at_least, exactly, ref, response
from pypi_lite.repository.errors import Code
from pypi_lite.settings import Settings


def paths(settings: Settings) -> Object:
    """What clients ask at the root of the host, whatever path the index has."""
    operation = {"tags": ["publishing"], "security": OPEN}
    root = {"servers": [{"url": urljoin(settings.url, "/").rstrip("/")}]}

    def failures(*statuses: str) -> Object:
        texts = {
            "404": "This index has no trusted publishing.",
            "422": "The body, or the token in it, is refused.",
            "503": "It can't be done now; Retry-After says when to try again.",
        }
        return {each: response(texts[each], JSON, ref("TokenFailure")) for each in statuses}

    def body(text: str) -> Object:
        schema = {**ref("TokenShown"), "description": text}
        return {"required": True, "content": {JSON: {"schema": schema}}}

    return {
        "/_/oidc/audience": {
            **root,
            "get": {
                **operation,
                "operationId": "getAudience",
                "summary": "Whom the identity token of a job has to be for",
                "responses": {
                    "200": response("The audience.", JSON, ref("Audience")),
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
                    "200": response("The token.", JSON, ref("MintedToken")),
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


def schemas() -> Object:
    """By name."""
    error = exactly({"code": {**TEXT, "enum": [code.value for code in Code]}, "description": TEXT})
    expires = {"type": "integer", "description": "Seconds since 1970."}
    return {
        "Audience": exactly({"audience": TEXT}),
        "TokenShown": at_least({"token": TEXT}),
        "MintedToken": exactly(
            {"success": {"type": "boolean", "const": True}, "token": TEXT, "expires": expires}
        ),
        "TokenFailure": exactly(
            {"message": TEXT, "errors": {"type": "array", "minItems": 1, "items": error}}
        ),
    }
