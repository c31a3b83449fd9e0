"""uv publish without a stored secret: https on loopback, an issuer of the tests' own, and a job that it
knows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.issuers import IssuerKind, Source
from pypi_lite.models import JournalEntry, PublisherToken
from pypi_lite.repository import publishers
from tests.api.test_oidc import github_claims, gitlab_claims, source
from tests.clients import installing
from tests.clients.conftest import Served, serving, written
from tests.clients.publishers import project
from tests.clients.running import free_port
from tests.clients.tools import Clients
from tests.conftest import lacking
from tests.deploy.front import NGINX, nginx
from tests.distributions.build import sdist, wheel
from tests.issuers import Handler, TestIssuer, running_issuer
from tests.tls import Certificate, tls_door, write_certificate

AUDIENCE = "packages.test"
_AMBIENT = "/ambient"
_DOCS = Path(__file__).parents[2] / "docs" / "trusted-publishing.md"


@dataclass(frozen=True)
class Site:
    """An index that trusts two issuers, behind https."""

    served: Served
    github: TestIssuer
    gitlab: TestIssuer
    certificate: Certificate
    #: With its slash.
    url: str


@pytest.fixture(scope="module")
def issuers() -> Iterator[tuple[TestIssuer, TestIssuer]]:
    """One that gives jobs what GitHub gives them, and one with GitLab's claims."""
    with running_issuer() as github, running_issuer() as gitlab:
        github.misbehaviours[_AMBIENT] = lambda handler: _give(handler, github)
        yield github, gitlab


@pytest.fixture(scope="module")
def trusting(
    issuers: tuple[TestIssuer, TestIssuer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """An index that trusts both."""
    github, gitlab = issuers
    settings = {
        "trusted_publishers": f"github {github.url}, gitlab {gitlab.url}",
        "trusted_publishers_audience": AUDIENCE,
    }
    yield from serving(tmp_path_factory.mktemp("trusting"), settings=settings)


@pytest.fixture(scope="module")
def site(
    trusting: Served,
    issuers: tuple[TestIssuer, TestIssuer],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """It, behind https, for all of these tests; each uses projects of its own."""
    certificate = write_certificate(tmp_path_factory.mktemp("tls"))
    with tls_door(_port(trusting), certificate) as url:
        yield Site(trusting, *issuers, certificate, url)


@pytest.fixture
def clients(tmp_path: Path) -> Clients:
    """The clients in a new home, which has no secret in it."""
    return Clients(tmp_path / "home", "http://127.0.0.1:9/")


def _port(served: Served) -> int:
    port = urlsplit(served.running.url).port
    assert port is not None
    return port


def _give(handler: Handler, issuer: TestIssuer) -> None:
    """What GitHub gives a job that asks in the right way: the workflow is called like the job's token."""
    query = parse_qs(urlsplit(handler.path).query)
    secret = handler.headers["Authorization"].partition(" ")[2]
    claims = github_claims(
        issuer,
        aud=query["audience"][0],
        workflow_ref=f"acme/foo/.github/workflows/{secret}.yml@refs/heads/main",
    )
    handler.answer_json({"value": issuer.token(claims)})


def _expect(site: Site, name: str, source: Source) -> None:
    """Let ann have a pending publisher."""
    with site.served.running.index.database.write() as session:
        publishers.add_pending(session, OPERATOR, name, source, user_name=site.served.user)


def _on_github(site: Site, job: str) -> dict[str, str]:
    """The environment of a job on GitHub that may ask for tokens; nothing in it is of the index."""
    return {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{site.github.url}{_AMBIENT}?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": job,
        "SSL_CERT_FILE": str(site.certificate.authority),
    }


@pytest.mark.parametrize("how", ["always", "automatic"])
def test_uv_begins_a_project_with_no_stored_secret(
    site: Site, clients: Clients, name: str, tmp_path: Path, how: str
) -> None:
    _expect(site, name, source(site.github, workflow=f"{name}.yml"))
    files = written(tmp_path, wheel(name, "1.0"), sdist(name, "1.0"))
    options = ("--trusted-publishing", how, *files)
    ran = clients.uv_publish(f"{site.url}legacy/", *options, **_on_github(site, name)).succeeded()
    assert sorted(site.served.page_of(name)) == sorted(file.name for file in files)
    assert "revocation failed" not in ran.words
    with site.served.running.index.database.read() as session:
        (entry,) = publishers.of(session, name)
        actor = select(JournalEntry.actor, JournalEntry.means).where(
            JournalEntry.project == name, JournalEntry.filename.is_not(None)
        )
        assert set(session.execute(actor)) == {
            (f"GitHub acme/foo ({name}.yml)", f"publisher {entry.id}")
        }
        # uv gives the token back as soon as it has published.
        assert session.scalars(select(PublisherToken)).all() == []


def test_uv_in_a_job_on_gitlab(site: Site, clients: Clients, name: str, tmp_path: Path) -> None:
    place = Source(IssuerKind.GITLAB, site.gitlab.url, "acme/tools/foo", "ci/release.yml")
    _expect(site, name, place)
    files = written(tmp_path, wheel(name, "1.0"))
    token = site.gitlab.token(gitlab_claims(site.gitlab, aud=AUDIENCE))
    variables = {"GITLAB_CI": "true", "PACKAGES_TEST_ID_TOKEN": token}
    trust = {"SSL_CERT_FILE": str(site.certificate.authority)}
    options = ("--trusted-publishing", "always", *files)
    clients.uv_publish(f"{site.url}legacy/", *options, **variables, **trust).succeeded()
    assert list(site.served.page_of(name)) == [files[0].name]


def test_uv_shows_that_nobody_has_named_the_publisher(
    site: Site, clients: Clients, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"))
    options = ("--trusted-publishing", "always", *files)
    ran = clients.uv_publish(f"{site.url}legacy/", *options, **_on_github(site, name)).failed()
    assert f"No project here has named this publisher: {name}.yml of acme/foo" in ran.words
    assert site.served.running.page(name).status == 404


def test_uv_publishes_below_a_prefix(
    site: Site, clients: Clients, name: str, tmp_path: Path
) -> None:
    """The index is below /pypi/, and owns the root's addresses as docs/trusted-publishing.md says."""
    if NGINX is None:
        lacking("nginx is not installed")
    _expect(site, name, source(site.github, workflow=f"{name}.yml"))
    files = written(tmp_path / "files", wheel(name, "1.0"))
    upstream = site.served.running.url.removeprefix("http://").rstrip("/")
    (example,) = re.findall(r"```nginx\n(.*?)```", _DOCS.read_text(), re.S)
    port = free_port()
    conf = (
        f"upstream pypi_lite {{ server {upstream}; }}\n"
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {site.certificate.chain};\n"
        f"ssl_certificate_key {site.certificate.key};\n{example}}}\n"
    )
    with nginx(conf, tmp_path / "nginx", port):
        url = f"https://127.0.0.1:{port}/pypi/legacy/"
        options = ("--trusted-publishing", "always", *files)
        clients.uv_publish(url, *options, **_on_github(site, name)).succeeded()
    assert list(site.served.page_of(name)) == [files[0].name]


@pytest.mark.clients
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_pdm_begins_a_project_with_no_stored_secret(
    site: Site, clients: Clients, name: str, tmp_path: Path, scheme: str
) -> None:
    """It keeps the address's scheme; uv would not."""
    try:
        program = installing.environment("pdm") / "bin" / "pdm"
    except installing.NotInstalled as error:
        lacking(f"pdm can't be installed: {error}")
    _expect(site, name, source(site.github, workflow=f"{name}.yml"))
    url = site.url if scheme == "https" else site.served.running.url
    sources = project(tmp_path / "project", name, "1.0")
    ran = clients.run(
        *(str(program), "publish", "--no-build", "-r", f"{url}legacy/"),
        *("--ca-certs", str(site.certificate.authority)),
        cwd=sources.folder,
        PDM_USE_VENV="0",
        PDM_CHECK_UPDATE="0",
        **_on_github(site, name),
    )
    ran.succeeded()
    assert sorted(site.served.page_of(name)) == [file.name for file in sources.files]
