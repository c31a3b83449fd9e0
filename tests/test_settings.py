"""Settings."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from pypi_lite.settings import DATABASE_URL, PREFIX, Require, Settings, SettingsError
from pypi_lite.sources import with_environment

ROOT = Path(__file__).parent.parent


def test_everything_lies_in_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path}/pypi_lite.sqlite"
    assert settings.blobs == tmp_path / "blobs"
    assert settings.cache_folder == tmp_path / "cache"


def test_a_relative_folder_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_ini({"pypi_lite.data": "var"})
    monkeypatch.chdir("/")
    assert settings.data == tmp_path / "var"
    assert str(tmp_path / "var") in settings.database_url


def test_settings_are_read_from_an_ini_file() -> None:
    settings = Settings.from_ini(
        {
            "sqlalchemy.url": "postgresql://db/index",
            "pypi_lite.blobs": "/blobs",
            "pypi_lite.cache": " Off ",
            "pypi_lite.cache_folder": "/cache",
            "pypi_lite.cache_wait": "0.5",
            "pypi_lite.title": "Ours",
            "pypi_lite.url": "https://pkg.test/index",
            "pypi_lite.require_second_factor": " administrators",
            "pypi_lite.max_file_size": "1000",
            "pypi_lite.migrate": "no",
            "pypi_lite.debug": "1",
            "pyramid.includes": "somebody else's",
        }
    )
    assert settings.database_url == "postgresql://db/index"
    assert (settings.blobs, settings.cache_folder) == (Path("/blobs"), Path("/cache"))
    assert (settings.cache, settings.migrate, settings.debug) == (False, False, True)
    assert (settings.cache_wait, settings.max_file_size) == (0.5, 1000)
    assert settings.title == "Ours"
    assert settings.require_second_factor is Require.ADMINISTRATORS
    assert settings.simple_url == "https://pkg.test/index/simple/"
    assert settings.upload_url == "https://pkg.test/index/legacy/"


def test_what_the_command_line_says_wins(tmp_path: Path) -> None:
    ini = {"pypi_lite.data": "/elsewhere", "pypi_lite.title": "Ours"}
    settings = Settings.from_ini(ini, data=tmp_path, title=None)
    assert settings.data == tmp_path
    assert settings.title == "Ours"


@pytest.mark.parametrize("value", ["true", "YES", "on", "1"])
def test_true(value: str) -> None:
    assert Settings.from_ini({"pypi_lite.cache": value}).cache is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cache", "maybe"),
        ("cache", ""),
        ("max_file_size", "1 GB"),
        ("max_file_size", ""),
        ("max_file_size", "-1"),
        ("cache_wait", "soon"),
        ("cache_wait", "nan"),
        ("cache_wait", "inf"),
        ("cache_wait", "-1"),
        ("require_second_factor", "nobody"),
        ("require_second_factor", ""),
        ("chache", "true"),
        ("database_url", "sqlite://"),
        ("simple_url", "x"),
        ("", "x"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{PREFIX}{name}"):
        Settings.from_ini({PREFIX + name: value})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "write an address"),
        ("packages.example.com", "write an address"),
        ("ftp://packages.example.com/", "write an address"),
        ("http://", "write an address"),
        ("HTTPS://a/", "write an address"),
        ("http://:8080/", "write an address"),
        ("http://a:port/", "write an address"),
        ("http://ann@a/", "write an address"),
        ("http://a /", "write an address"),
        ("https://a/?x=y", "without a query and a fragment"),
        ("https://a/?", "without a query and a fragment"),
        ("https://a/#x", "without a query and a fragment"),
    ],
)
def test_an_address_that_nobody_can_reach(value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"url: .*{words}"):
        Settings.from_ini({f"{PREFIX}url": value})


@pytest.mark.parametrize("hours", ["0", "1e300"])
def test_sessions_last_for_a_time(hours: str) -> None:
    with pytest.raises(SettingsError, match="session_hours: write more than 0"):
        Settings.from_ini({f"{PREFIX}session_hours": hours})


@pytest.mark.parametrize("url", ["http://a.test/", None])
def test_nobody_is_kept_on_https_by_an_address_of_http(url: str | None) -> None:
    ini = {f"{PREFIX}hsts": "60"} | ({f"{PREFIX}url": url} if url else {})
    with pytest.raises(SettingsError, match="hsts: it needs a url of https"):
        Settings.from_ini(ini)


@pytest.mark.parametrize("value", ["on", "", "nothing.json", "/"])
def test_a_trust_root_must_be_there(value: str) -> None:
    with pytest.raises(SettingsError, match=r"attestations: write off, public, or"):
        Settings.from_ini({f"{PREFIX}attestations": value})


def test_attestations_need_their_libraries(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("public", str(root)):
        assert Settings(attestations=value).takes_attestations
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert not Settings().takes_attestations
    for value in ("public", str(root)):
        with pytest.raises(SettingsError, match=r"install pypi_lite\[attestations\]"):
            Settings(attestations=value)


_PROVIDER = {"oidc_issuer": "https://id.test", "oidc_client_id": "index"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"oidc_issuer": "http://id.test"}, "oidc_issuer: .* neither of https nor on this machine"),
        ({"oidc_issuer": "id.test"}, "oidc_issuer: .* no address"),
        ({"oidc_issuer": "https://id.test/?a=b"}, "oidc_issuer: it has no query"),
        ({"oidc_issuer": "https://id.test/" + "x" * 250}, "oidc_issuer: .* at most 255"),
        ({"oidc_issuer": "", "oidc_only": "true"}, "oidc_only: there is no oidc_issuer"),
        ({"oidc_client_id": ""}, "oidc_client_id"),
        ({"oidc_issuer": ""}, "oidc_issuer: without it"),
        (
            {"oidc_issuer": "", "oidc_client_id": "", "oidc_client_secret": "s"},
            "oidc_issuer: without it",
        ),
        (
            {"oidc_client_secret": "s", "oidc_client_secret_file": "f"},
            "oidc_client_secret: .* both",
        ),
        ({"oidc_client_secret_file": "/nothing/there"}, "oidc_client_secret_file: .* No such file"),
        ({"oidc_scopes": "profile"}, "oidc_scopes: openid"),
        ({"oidc_username_claim": ""}, "oidc_username_claim"),
        ({"oidc_admin_group": "admins"}, "oidc_admin_group: there is no oidc_groups_claim"),
    ],
)
def test_single_sign_on_that_cannot_work(change: dict[str, str], why: str) -> None:
    ini = {PREFIX + name: value for name, value in (_PROVIDER | change).items()}
    with pytest.raises(SettingsError, match=why):
        Settings.from_ini(ini)


def test_the_providers_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("a secret\n")
    for name, value in (("oidc_client_secret", "a secret"), ("oidc_client_secret_file", str(path))):
        given = _PROVIDER | {name: value, "oidc_issuer": "http://127.0.0.1:1/", "oidc_only": "yes"}
        settings = Settings.from_ini({PREFIX + key: text for key, text in given.items()})
        assert settings.oidc_secret() == "a secret"
        assert "a secret" not in repr(settings)
    assert Settings().oidc_secret() == ""


def test_issuers_of_trusted_publishers() -> None:
    text = "github, GitLab\ngitlab https://git.test\nhttps://ci.test/x https://ci.test/keys"
    settings = Settings.from_ini({f"{PREFIX}trusted_publishers": text})
    assert [(i.kind, i.url, i.jwks_url, i.title) for i in settings.trusted_issuers] == [
        ("GitHub", "https://token.actions.githubusercontent.com", None, "GitHub"),
        ("GitLab", "https://gitlab.com", None, "GitLab"),
        ("GitLab", "https://git.test", None, "GitLab at git.test"),
        ("other", "https://ci.test/x", "https://ci.test/keys", "ci.test/x"),
    ]
    assert Settings().trusted_issuers == ()
    assert Settings(url="https://a.test:8/x/").audience == "a.test:8"
    assert Settings(trusted_publishers_audience="b").audience == "b"


@pytest.mark.parametrize(
    "value",
    [
        "bitbucket",
        "http://ci.test",
        "github github",
        "https://a.test https://b.test https://c.test",
        "gitlab, gitlab https://gitlab.com",
        "https://a.test#x",
        "https://user@a.test",
    ],
)
def test_what_can_be_no_issuer(value: str) -> None:
    with pytest.raises(SettingsError, match="trusted_publishers: "):
        Settings.from_ini({f"{PREFIX}trusted_publishers": value})


def test_what_reaches_a_page_makes_another_build() -> None:
    assert Settings(title="a").shaping_pages != Settings(title="b").shaping_pages
    assert Settings(url="http://a").shaping_pages != Settings(url="http://b").shaping_pages
    assert Settings(cache_wait=1).shaping_pages == Settings(cache_wait=2).shaping_pages


def test_every_setting_is_documented() -> None:
    source = (ROOT / "pypi_lite" / "settings.py").read_text()
    for setting in fields(Settings):
        assert "#:" in source.split(f"    {setting.name}: ")[0].splitlines()[-1]


def table(document: str) -> dict[str, list[str]]:
    """The tables of settings: the other cells of each line, by the setting's name."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / document).read_text().splitlines():
        if match := re.match(rf"\| `({re.escape(PREFIX)}\w+|{re.escape(DATABASE_URL)})` \|", line):
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            name = match[1].removeprefix(PREFIX)
            name = "database_url" if name == DATABASE_URL else name
            assert name not in found
            found[name] = cells[1:]
    return found


def test_the_document_has_every_setting_and_no_other() -> None:
    rows = table("docs/settings.md")
    assert sorted(rows) == sorted(setting.name for setting in fields(Settings))
    for name, cells in rows.items():
        assert len(cells) == 3
        assert all(cells)
        assert cells[0] == f"`PYPI_LITE_{name.upper()}`"
        key, value = f"PYPI_LITE_{name.upper()}", "x"
        assert with_environment({}, {key: value}) == {_key(name): value}


@pytest.mark.parametrize("document", ["docs/settings.md", "README.md"])
def test_documents_tell_the_true_defaults(document: str, tmp_path: Path) -> None:
    """A default in code marks is what would be written in an INI file; one without is empty."""
    untouched = {field.name: field.default for field in fields(Settings)}
    for name, cells in table(document).items():
        default = cells[-2]
        if not default.startswith("`"):
            assert untouched[name] in ("", (), Path())
            continue
        ini = {f"{PREFIX}data": str(tmp_path)}
        expected = getattr(Settings.from_ini(ini if name != "data" else {}), name)
        ini[_key(name)] = default.strip("`").replace("DATA", str(tmp_path))
        assert getattr(Settings.from_ini(ini), name) == expected, name


def test_the_example_shows_defaults() -> None:
    """What is commented out in production.ini."""
    ini = dict(
        re.findall(r"^#([\w.]+) = (.*)$", (ROOT / "production.ini").read_text(), re.MULTILINE)
    )
    assert len(ini) > 5
    data = {f"{PREFIX}data": "/var/lib/pypi_lite"}
    assert Settings.from_ini(data | ini) == Settings.from_ini(data)


def _key(name: str) -> str:
    return DATABASE_URL if name == "database_url" else PREFIX + name
