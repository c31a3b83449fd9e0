"""The description of the API: valid, and complete."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from pyramid.interfaces import IRoutesMapper
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.api.description import describe
from pypi_lite.models import ProjectStatus
from pypi_lite.repository import Index, namespaces
from pypi_lite.settings import Settings
from tests.api.conftest import Shelf
from tests.api.test_media import JSON
from tests.api.test_projects import fits
from tests.conftest import new_user

#: Methods of a path's operations.
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document(shelf: Shelf) -> dict[str, Any]:
    found: dict[str, Any] = shelf.app.get("/api/openapi.json").json
    return found


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "http://index.test"}]


def routes_below(app: Any, prefix: str) -> dict[str, str]:
    """The patterns of the routes below *prefix*, by name."""
    routes = app.registry.queryUtility(IRoutesMapper).get_routes()
    return {route.name: route.pattern for route in routes if route.pattern.startswith(prefix)}


def methods_of(app: Any, route_name: str) -> set[str]:
    """The methods of a route's views, in lower case; of a view for all others none."""
    found: set[str] = set()
    for entry in app.registry.introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] == route_name and view["request_methods"]:
            methods = view["request_methods"]
            found.update([methods] if isinstance(methods, str) else methods)
    return {method.lower() for method in found} - {"head"}


def test_it_describes_each_view_below_api_and_no_other(
    shelf: Shelf, document: dict[str, Any]
) -> None:
    described = {
        path: METHODS & set(operations)
        for path, operations in document["paths"].items()
        if path.startswith("/api/")
    }
    app = shelf.app.app
    routes = routes_below(app, "/api/")
    assert len(routes) >= 4
    assert described == {pattern: methods_of(app, name) for name, pattern in routes.items()}


def test_the_other_paths_are_routes_too(shelf: Shelf, document: dict[str, Any]) -> None:
    patterns = set(routes_below(shelf.app.app, "/").values())
    paths = {path for path in document["paths"] if not path.startswith("/api/")}
    assert paths <= patterns
    assert {"/simple/{name}/", "/legacy/", "/pypi/{name}/json"} <= paths
    for prefix in ("/integrity/", "/_/"):
        found = {path for path in patterns if path.startswith(prefix)}
        assert found
        assert found <= paths


@pytest.mark.parametrize("url", ["http://index.test/", "http://index.test/pypi/"])
def test_trusted_publishing_is_at_the_root_of_the_host(url: str) -> None:
    """There clients ask, whatever path the index has."""
    document = describe(Settings(url=url), "1")
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["servers"] == [{"url": url.rstrip("/")}]
    for path, operations in document["paths"].items():
        servers = [{"url": "http://index.test"}] if path.startswith("/_/") else None
        assert operations.get("servers") == servers


def test_pages_are_what_it_says(shelf: Shelf) -> None:
    app = shelf.app
    fits("SimpleIndex", app.get("/simple/", headers={"Accept": JSON}).json)
    fits("Simple", app.get("/simple/foo-bar/", headers={"Accept": JSON}).json)
    fits("LegacyDocument", app.get("/pypi/foo-bar/json").json)
    fits("LegacyDocument", app.get("/pypi/foo-bar/1.0/json").json)
    refusal = app.post("/legacy/", headers={"Accept": "application/json"}, status=401)
    fits("UploadRefusal", refusal.json)


def test_namespaces_are_what_it_says(app: TestApp, index: Index) -> None:
    owners = [new_user(index, "ann"), new_user(index, "bob")]
    with index.database.write() as session:
        namespaces.grant(session, OPERATOR, "acme", owners)
    fits("Namespaces", app.get("/simple/namespaces").json)
    fits("Namespace", app.get("/simple/namespace/acme").json)


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [
        operation["operationId"]
        for operations in document["paths"].values()
        for method, operation in operations.items()
        if method in METHODS
    ]
    assert len(set(names)) == len(names)


def test_statuses_have_one_definition(document: dict[str, Any]) -> None:
    change = document["components"]["schemas"]["ProjectChange"]
    assert change["properties"]["status"]["enum"] == [status.value for status in ProjectStatus]


def test_it_is_sent_once(app: TestApp) -> None:
    answer = app.get("/api/openapi.json")
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-cache"
    app.get("/api/openapi.json", headers={"If-None-Match": answer.headers["ETag"]}, status=304)
    app.get("/api/openapi.json", headers={"If-None-Match": '"other"'}, status=200)
    assert app.head("/api/openapi.json").body == b""
