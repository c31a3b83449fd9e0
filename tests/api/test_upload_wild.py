"""Whatever is sent, an upload is taken or refused: never an error of the server's, and nothing is left."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import Shelf, incoming
from tests.api.forms import BOUNDARY, Form, basic, post, twine
from tests.api.test_upload import rows
from tests.distributions.build import sdist, wheel

FILES = [wheel("Wild.One", "1.0"), sdist("wild-two", "2.0")]
FORMS = [twine(file) for file in FILES]
FIELDS = sorted(
    {name for form in FORMS for name, _ in form.fields} | {"md5_digest", "attestations"}
)

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
header_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=50)
values = text | st.sampled_from(
    ["", "UNKNOWN", "1.0", "wild-one", "9" * 5000, "../..", "sdist", "0" * 64]
)


def check(shelf: Shelf, answer_status: int, before: dict[str, int]) -> None:
    """Refused, and as if nothing had been sent."""
    assert 400 <= answer_status < 500
    assert rows(shelf.index) == before
    assert incoming(shelf.settings) == []


@quick
@given(
    form=st.sampled_from(FORMS),
    changed=st.dictionaries(st.sampled_from(FIELDS), values, min_size=1),
)
def test_any_value_in_any_field(shelf: Shelf, form: Form, changed: dict[str, str]) -> None:
    before = rows(shelf.index)
    fields = [(name, value) for name, value in form.fields if name not in changed]
    assert form.file
    wild = Form(fields + list(changed.items()), (form.file[0], b"no archive"))
    answer = post(shelf.app, wild, shelf.token, status="*")
    check(shelf, answer.status_int, before)


@quick
@given(fields=st.lists(st.tuples(header_text.map(lambda t: t.replace('"', "")), text), max_size=8))
def test_any_fields_at_all(shelf: Shelf, fields: list[tuple[str, str]]) -> None:
    before = rows(shelf.index)
    answer = post(shelf.app, Form(fields, None), shelf.token, status="*")
    check(shelf, answer.status_int, before)


@quick
@given(filename=header_text.map(lambda t: t.replace('"', "")) | values)
def test_any_filename(shelf: Shelf, filename: str) -> None:
    before = rows(shelf.index)
    answer = post(shelf.app, FORMS[0].holding((filename, b"")), shelf.token, status="*")
    check(shelf, answer.status_int, before)


pieces = st.sampled_from(
    [
        f"--{BOUNDARY}".encode(),
        b"\r\n",
        b"\n",
        b"--",
        b'Content-Disposition: form-data; name="content"; filename="wild_one-1.0-py3-none-any.whl"',
        b'Content-Disposition: form-data; name=":action"',
        b"Content-Disposition: form-data; name*=utf-8''%ff; filename*=x",
        b"Content-Type: text/plain; charset=nonsense",
        b"Content-Transfer-Encoding: base64",
        b"Content-Length: -5",
        b": ",
        b"\0",
    ]
)


@quick
@given(parts=st.lists(pieces | st.binary(max_size=30), max_size=25), type_=header_text)
def test_any_bytes(shelf: Shelf, parts: list[bytes], type_: str) -> None:
    before = rows(shelf.index)
    latin = type_.encode("utf-8").decode("latin-1")
    for parameter in (f"boundary={BOUNDARY}", latin, f'boundary="{latin}"', f"boundary*={latin}"):
        content_type = f"multipart/form-data; {parameter}"
        headers = {"Authorization": basic("x", shelf.token), "Content-Type": content_type}
        request = shelf.app.RequestClass.blank(
            "/legacy/", method="POST", headers=headers, body=b"".join(parts)
        )
        check(shelf, request.get_response(shelf.app.app).status_int, before)


@quick
@given(cut=st.integers(0, 5000), flip=st.integers(0, 5000), bit=st.integers(0, 7))
def test_a_form_that_was_damaged_on_its_way(shelf: Shelf, cut: int, flip: int, bit: int) -> None:
    """Cut short, or with one bit turned: the digest or the form itself tells."""
    before = rows(shelf.index)
    body = bytearray(FORMS[0].body())
    body = body[: max(0, len(body) - cut % len(body))] if cut % 2 else body
    if body:
        body[flip % len(body)] ^= 1 << bit
    headers = {
        "Authorization": basic("x", shelf.token),
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    request = shelf.app.RequestClass.blank(
        "/legacy/", method="POST", headers=headers, body=bytes(body)
    )
    status = request.get_response(shelf.app.app).status_int
    assert status < 500
    if status != 200:  # a bit of a field that does not count
        check(shelf, status, before)
