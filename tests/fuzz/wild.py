"""Wild metadata, versions, filenames and fields, with `hypothesis`, sent to the application."""

import hypothesis
from hypothesis import strategies as st

from tests.distributions import build
from tests.fuzz.targets import Uploads, form_of

_FIELDS = (
    *("Summary", "Author-Email", "License", "License-Expression", "License-File", "Classifier"),
    *("Requires-Dist", "Requires-Python", "Provides-Extra", "Project-URL", "Keywords", "Platform"),
    *("Import-Name", "Import-Namespace", "Dynamic", "Description-Content-Type", "Description"),
    *("Metadata-Version", "Name", "Version", "Content-Type", "Content-Transfer-Encoding", "Wild"),
)
_FORM_FIELDS = ("name", "version", "filetype", "pyversion", "protocol_version", "md5_digest")
_LIKELY = st.sampled_from(
    [
        *("", "UNKNOWN", "1.0", "foo", "foo @ https://x.org/y", "MIT OR (ISC AND MIT)", ">=3.8,<4"),
        *(
            "text/markdown; variant=GFM",
            "text/x-rst",
            "a, b",
            "Private :: X",
            "Home, https://x.org",
        ),
        *("../LICENSE", "LICENSE", "foo; extra == 'a'", "base64", "multipart/mixed; boundary=x"),
        *(
            "(" * 300,
            "9" * 5000,
            "\u202e",
            "\0",
            "\ud800",
            "\r\n x",
            "=?utf-8?b?4pyT?=",
            "[a]" * 200,
        ),
    ]
)
_TEXT = _LIKELY | st.text(max_size=60)
_HEADERS = st.lists(st.tuples(st.sampled_from(_FIELDS), _TEXT), max_size=12)
_VERSIONS = st.sampled_from(
    ["1.0", "1", "v1.0.0", "1!2.0", "1.0rc1", "1.0.post1", "1.0+a.b", "1.0-1", "", "1.0.*", "٣.٠"]
) | st.text("0123456789.!+-abcrdevpost", max_size=20)
_NAMES = st.sampled_from(["foo", "Foo.Bar", "f", "-", "f" * 300, "é"]) | st.text(max_size=10)
_BODIES = st.text(max_size=300) | st.text("#*`_[]()<>|!-=~:. \nab", max_size=300)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A whole upload."""
    name, version = draw(_NAMES), draw(_VERSIONS)
    headers, described = draw(_HEADERS), draw(_BODIES)
    content = build.metadata(
        "foo", "1.0", metadata_version=draw(st.sampled_from(["1.0", "2.1", "2.4"]))
    )
    lines = "".join(f"{key}: {value}\n" for key, value in headers) + "\n" + described
    content += lines.encode(errors="surrogatepass")
    if draw(st.booleans()):
        file = build.wheel("foo", "1.0", metadata_bytes=content)
    else:
        file = build.sdist("foo", "1.0", metadata_bytes=content)
    if draw(st.integers(0, 3)) == 0:
        filename = f"{name}-{version}-py3-none-any.whl"
        file = (filename.replace('"', "").encode(errors="replace").decode(), file[1])
    changed = draw(st.dictionaries(st.sampled_from(_FORM_FIELDS), _TEXT, max_size=2))
    fields = {key: value.encode(errors="replace").decode() for key, value in changed.items()}
    try:
        return form_of(*file, fields)
    except ValueError:
        # A filename of which the form's maker can't tell the project.
        good = build.wheel("foo", "1.0", metadata_bytes=content)
        return form_of(*good, fields).replace(good[0].encode(), file[0].encode())


def run(uploads: Uploads, seed: int, number: int) -> None:
    """Send *number* of them. Raises Finding, with the smallest body that does it."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=number,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(bodies())
    def send(body: bytes) -> None:
        uploads.send(body)

    send()
