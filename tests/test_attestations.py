"""What is verified of an attestation, and each way in which one can be false (V01, V03)."""

import base64
import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pypi_lite.attestations import AttestationError, Attested, TrustRootError, Workflow, verify
from tests.signing import GITLAB_WORKFLOW, WORKFLOW, World, claims_of, slsa, statement

FILE, CONTENT = "foo_bar-1.0-py3-none-any.whl", b"the bytes of a wheel"
SDIST = "foo_bar-1.0.tar.gz"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
DAY = timedelta(days=1)


def check(
    root: Path,
    *attestations: Any,
    filename: str = FILE,
    workflows: tuple[Workflow, ...] = (WORKFLOW, GITLAB_WORKFLOW),
) -> list[Attested]:
    return verify(json.dumps(attestations), filename, SHA256, workflows, str(root))


def test_a_true_one_is_taken_with_what_was_verified_in_it(world: World, root: Path) -> None:
    sent = world.attest(statement(FILE, CONTENT))
    (found,) = check(root, sent | {"more": "of something"})
    assert found.workflow == WORKFLOW
    assert found.predicate_type.endswith("/attestations/publish/v1")
    assert found.body == sent


def test_one_of_each_type_by_two_publishers(world: World, root: Path) -> None:
    first = world.attest(statement(FILE, CONTENT))
    second = world.attest(slsa(FILE, CONTENT), claims_of(GITLAB_WORKFLOW))
    found = check(root, first, second)
    assert [each.workflow for each in found] == [WORKFLOW, GITLAB_WORKFLOW]
    assert found[1].predicate_type == "https://slsa.dev/provenance/v1"


@pytest.mark.parametrize("name", ["Foo.Bar-1.0-py3-none-any.whl", "foo_bar-1.0-py3-none-any.whl"])
def test_a_name_may_be_spelled_in_another_way(world: World, root: Path, name: str) -> None:
    check(root, world.attest(statement(name, CONTENT)))


def test_a_workflow_may_run_at_a_commit(world: World, root: Path) -> None:
    claims = claims_of(WORKFLOW)
    claims["18"] = claims["18"].split("@")[0] + "@" + claims["13"]
    check(root, world.attest(statement(FILE, CONTENT), claims))


def test_one_that_was_signed_long_ago_is_as_true(world: World, root: Path) -> None:
    """Certificates are valid for minutes; the log's moment counts, not today."""
    check(root, world.attest(statement(FILE, CONTENT), certified=datetime.now(UTC) - 30 * DAY))


def without(said: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in names}


TWO = statement(FILE, CONTENT)["subject"] * 2
STATEMENTS = [
    (statement(SDIST, CONTENT), "is about a file named 'foo_bar-1.0.tar.gz', not 'foo_bar-1.0-py3"),
    (statement("foo_bar-1.0.1-py3-none-any.whl", CONTENT), "is about a file named"),
    (statement("foo_bar-1.0-2-py3-none-any.whl", CONTENT), "is about a file named"),
    (statement("foo_bar-1.0-py2-none-any.whl", CONTENT), "is about a file named"),
    (statement(f"../{FILE}", CONTENT), "is about a file named"),
    (statement(FILE, b"other bytes"), "is about other bytes"),
    (statement(FILE, CONTENT, subject=[{"name": FILE, "digest": {"sha512": "0"}}]), "other bytes"),
    (statement(FILE, CONTENT, subject=[{"name": FILE, "digest": SHA256}]), "is about other bytes"),
    (statement(FILE, CONTENT, subject=TWO), "is not about one file"),
    (statement(FILE, CONTENT, subject=[]), "is not about one file"),
    (statement(FILE, CONTENT, subject=[FILE]), "is not about one file"),
    (statement(FILE, CONTENT, subject=None), "is not about one file"),
    (statement(FILE, CONTENT, subject=[{"name": None}]), "is about a file named None"),
    (statement(FILE, CONTENT, predicateType="https://in-toto.io/x/v1"), "has the predicate type"),
    (statement(FILE, CONTENT, predicateType=["x"]), "has the predicate type"),
    (without(statement(FILE, CONTENT), "predicateType"), "has the predicate type None"),
    (statement(FILE, CONTENT, _type="https://in-toto.io/Statement/v0.1"), "no in-toto statement"),
    ([], "no in-toto statement"),
    (b"no JSON at all", "no in-toto statement"),
    (b"\xff\xfe", "no in-toto statement"),
    (b"[" * 30_000, "no in-toto statement"),
]


@pytest.mark.parametrize(("said", "text"), STATEMENTS, ids=range(len(STATEMENTS)))
def test_what_it_says_must_be_of_the_file(world: World, root: Path, said: Any, text: str) -> None:
    with pytest.raises(AttestationError, match="number 1") as caught:
        check(root, world.attest(said))
    assert text in str(caught.value)


def test_an_sdist_is_told_from_another(world: World, root: Path) -> None:
    check(root, world.attest(statement("Foo.Bar-1.0.tar.gz", CONTENT)), filename=SDIST)
    with pytest.raises(AttestationError, match="is about a file named"):
        check(root, world.attest(statement("foo_bar-1.1.tar.gz", CONTENT)), filename=SDIST)


CLAIMS: list[Callable[[dict[str, str]], dict[str, str]]] = [
    lambda claims: claims | {"8": "https://gitlab.com"},
    lambda claims: claims | {"12": "https://github.com/acme/other"},
    lambda claims: claims | {"18": claims["18"].replace("release", "test")},
    lambda claims: claims | {"18": claims["18"].replace("foo/.github", "foo/x/.github")},
    lambda claims: claims | {"18": claims["18"] + "x"},
    lambda claims: claims | {"18": claims["18"].split("@")[0] + "@", "13": "", "14": ""},
    lambda claims: without(claims, "13", "14"),
    lambda claims: without(claims, "8"),
    lambda claims: without(claims, "12"),
    lambda claims: without(claims, "18"),
    lambda claims: {"8": claims["8"]},
    lambda claims: claims_of(GITLAB_WORKFLOW),
]


@pytest.mark.parametrize("change", CLAIMS, ids=range(len(CLAIMS)))
def test_the_identity_must_be_a_publishers(
    world: World, root: Path, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    attestation = world.attest(statement(FILE, CONTENT), change(claims_of(WORKFLOW)))
    with pytest.raises(AttestationError, match=r"no publisher of the project: release\.yml of"):
        check(root, attestation, workflows=(WORKFLOW,))


def test_a_project_without_publishers_takes_none(world: World, root: Path) -> None:
    with pytest.raises(AttestationError, match=r"release\.yml@refs/tags/v1'.*it has none"):
        check(root, world.attest(statement(FILE, CONTENT)), workflows=())


def test_the_certificate_must_be_valid_when_it_was_signed(world: World, root: Path) -> None:
    now = datetime.now(UTC)
    for certified, signed in ((now - DAY, now), (now, now - DAY)):
        attestation = world.attest(statement(FILE, CONTENT), certified=certified, signed=signed)
        with pytest.raises(AttestationError, match=r"can't be verified: .*(valid|expired)"):
            check(root, attestation)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("authority_key", "can't be verified: failed to build"),
        ("certificates_key", "can't be verified: failed to verify SCT"),
        ("log_key", "can't be verified: invalid log entry"),
    ],
)
def test_each_of_those_trusted_is_needed(world: World, root: Path, key: str, text: str) -> None:
    """Another authority, log of certificates, or transparency log than the trust root's."""
    keys = {name: getattr(world, name) for name in ("authority_key", "certificates_key", "log_key")}
    stranger = World(**{**keys, key: getattr(World(), key)})
    with pytest.raises(AttestationError) as caught:
        check(root, stranger.attest(statement(FILE, CONTENT)))
    assert text in str(caught.value)


def test_the_public_trust_root_trusts_nobody_here(world: World) -> None:
    """It comes with sigstore; and a file of another's is another's."""
    import sigstore

    folder = Path(sigstore.__file__).parent / "_store"
    (public,) = folder.glob("*tuf-repo-cdn.sigstore.dev/trusted_root.json")
    with pytest.raises(AttestationError, match="can't be verified"):
        check(public, world.attest(statement(FILE, CONTENT)))


def put(attestation: dict[str, Any], *path: Any, value: Any) -> dict[str, Any]:
    """The attestation with *value* in the place that *path* names."""
    found = changed = copy.deepcopy(attestation)
    for part in path[:-1]:
        found = found[part]
    found[path[-1]] = value
    return changed


ENTRY = ("verification_material", "transparency_entries", 0)
NOTHING = base64.b64encode(b"nothing").decode()
BROKEN = [
    (("version",), 2),
    (("version",), "1"),
    (("envelope",), None),
    (("envelope", "signature"), NOTHING),
    (("envelope", "signature"), ""),
    (("envelope", "signature"), "not base64 - at all"),
    (("envelope", "statement"), None),
    (("verification_material", "certificate"), NOTHING),
    (("verification_material", "certificate"), ""),
    (("verification_material", "transparency_entries"), []),
    (("verification_material", "transparency_entries"), [{}]),
    (("verification_material", "transparency_entries"), ["x"]),
    ((*ENTRY, "kindVersion"), {"kind": "hashedrekord", "version": "0.0.1"}),
    ((*ENTRY, "kindVersion"), {"kind": "hashedrekord", "version": "0.0.2"}),
    ((*ENTRY, "kindVersion"), {"kind": "dance", "version": "1"}),
    ((*ENTRY, "integratedTime"), "99999999999999999"),
    ((*ENTRY, "integratedTime"), "1"),
    ((*ENTRY, "integratedTime"), None),
    ((*ENTRY, "inclusionPromise"), None),
    ((*ENTRY, "inclusionPromise", "signedEntryTimestamp"), NOTHING),
    ((*ENTRY, "inclusionProof"), None),
    ((*ENTRY, "inclusionProof", "treeSize"), "2"),
    ((*ENTRY, "inclusionProof", "treeSize"), "-1"),
    ((*ENTRY, "inclusionProof", "logIndex"), "99999999999999999999999"),
    ((*ENTRY, "inclusionProof", "rootHash"), NOTHING),
    ((*ENTRY, "inclusionProof", "hashes"), [NOTHING]),
    ((*ENTRY, "inclusionProof", "checkpoint"), None),
    ((*ENTRY, "inclusionProof", "checkpoint", "envelope"), "x"),
    ((*ENTRY, "inclusionProof", "checkpoint", "envelope"), "a\n1\nAAAA\n\n\u2014 a A\n"),
    ((*ENTRY, "inclusionProof", "checkpoint", "envelope"), "a\nb\nc\n\n\u2014 a AAAAAAAA\n"),
    ((*ENTRY, "canonicalizedBody"), NOTHING),
    ((*ENTRY, "logId", "keyId"), NOTHING),
]


@pytest.mark.parametrize(("path", "value"), BROKEN, ids=range(len(BROKEN)))
def test_whatever_is_changed_in_one_is_found(
    world: World, root: Path, path: tuple[Any, ...], value: Any
) -> None:
    attestation = world.attest(statement(FILE, CONTENT))
    check(root, attestation)
    with pytest.raises(AttestationError, match="number 1"):
        check(root, put(attestation, *path, value=value))


def test_parts_of_two_do_not_make_one(world: World, root: Path) -> None:
    first, second = (world.attest(statement(FILE, CONTENT)) for _ in range(2))
    for path in (("envelope",), ("verification_material", "certificate"), ENTRY):
        other: Any = second
        for part in path:
            other = other[part]
        with pytest.raises(AttestationError, match="can't be verified"):
            check(root, put(first, *path, value=other))


def test_a_second_entry_of_a_log_would_be_offered_unverified(world: World, root: Path) -> None:
    attestation = world.attest(statement(FILE, CONTENT))
    entries = attestation["verification_material"]["transparency_entries"] * 2
    changed = put(attestation, "verification_material", "transparency_entries", value=entries)
    with pytest.raises(AttestationError, match="2 entries of transparency logs"):
        check(root, changed)


def test_two_of_one_type_are_refused(world: World, root: Path) -> None:
    two = [world.attest(statement(FILE, CONTENT)) for _ in range(2)]
    with pytest.raises(AttestationError, match="number 2 is the second one of the type"):
        check(root, *two)


def test_one_that_is_false_refuses_all(world: World, root: Path) -> None:
    good, bad = world.attest(statement(FILE, CONTENT)), world.attest(slsa(SDIST, CONTENT))
    for both in ((good, bad), (bad, good)):
        with pytest.raises(AttestationError, match="is about a file named"):
            check(root, *both)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '"x"', "[", "NaN", "[" * 60_000, "\x00", "[[]]x"]
)
def test_what_is_no_array_of_them_is_refused(root: Path, text: str) -> None:
    with pytest.raises(AttestationError, match="send them as a JSON array"):
        verify(text, FILE, SHA256, [WORKFLOW], str(root))


@pytest.mark.parametrize("item", [None, 1, "x", [], {}, {"version": 1}, {"version": 1, "x": {}}])
def test_what_is_no_attestation_is_refused(root: Path, item: Any) -> None:
    with pytest.raises(AttestationError, match="number 1 is no attestation of version 1"):
        check(root, item)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"mediaType": "x"}'])
def test_a_trust_root_that_is_none_verifies_nothing(
    world: World, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "root.json"
    path.write_text(text)
    with pytest.raises(TrustRootError, match=r"root\.json can't be used"):
        check(path, world.attest(statement(FILE, CONTENT)))


def test_the_application_starts_without_the_libraries() -> None:
    """They take their time, and are needed by whoever has attestations verified alone."""
    code = "import pypi_lite.__main__, sys; print([m for m in ('sigstore', 'pypi_attestations')"
    code += " if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
