"""Distributions that are full of scripts, in every field that can carry one."""

from tests.distributions.build import sdist, wheel

#: Ends an attribute, an element, a comment and a script, and begins what would run.
SCRIPT = "\"'></title></textarea></style></script>--><script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"
ATTACK = f"{SCRIPT}{IMAGE}<svg/onload=alert(1)>{{{{7*7}}}}"
URL = f"https://x.test/\"'><script>alert(1)</script>?{IMAGE}"
SCRIPT_URLS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:alert(1)",
    "//evil.test/x",
)

_HTML = f"""{ATTACK}
<a href="javascript:alert(1)">a</a> <a href=" java&#09;script:alert(1)">b</a>
<iframe src="javascript:alert(1)"></iframe><object data="x"></object><embed src="x">
<form action="/account/tokens/" method="post"><input name="scope" value="manage"><button>x</button></form>
<svg><script>alert(1)</script><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>
<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>
<base href="https://evil.test/"><meta http-equiv="refresh" content="0;url=https://evil.test/">
<link rel="stylesheet" href="https://evil.test/x.css"><style>body {{ display: none }}</style>
<div style="position:fixed" onclick="alert(1)" id="content" class="banner bad">x</div>
<img src="https://images.test/x.png" srcset="x 1x" onload="alert(1)">
<a href="https://links.test/" target="_blank" onclick="alert(1)">link</a>
<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>
"""
MARKDOWN = f"""{_HTML}

[a](javascript:alert(1)) [b](<javascript:alert(1)>) ![c](javascript:alert(1)) <javascript:alert(1)>
[d]: javascript:alert(1)
[d] [link](https://links.test/ "\\"onmouseover=alert(1) x")

```"><script>alert(1)</script>
{ATTACK}
```
"""
RST = f"""
{ATTACK}

`a <javascript:alert(1)>`_ `link <https://links.test/>`_

.. raw:: html

   <script>alert(1)</script>

.. image:: javascript:alert(1)
   :alt: {ATTACK}
   :target: javascript:alert(1)

.. code:: "><script>alert(1)</script>

   {ATTACK}

.. include:: /etc/passwd

.. csv-table:: x
   :file: /etc/passwd
"""
#: By content type: what its renderer would have to let through.
DESCRIPTIONS = {"text/markdown": MARKDOWN, "text/x-rst": RST, "text/plain": _HTML}


def headers(content_type: str) -> list[tuple[str, str]]:
    """A header of each kind, with an attack for a value wherever it may be any text."""
    return [
        ("Description-Content-Type", content_type),
        ("Author", ATTACK),
        ("Author-email", f'"{ATTACK}" <x{IMAGE}@x.test>, <javascript:alert(1)@x.test>'),
        ("Maintainer", ATTACK),
        ("Maintainer-email", f"{ATTACK} <a@x.test?subject={IMAGE}>"),
        ("Home-page", URL),
        ("Download-URL", "javascript:alert(1)//https://x.test"),
        ("License", ATTACK),
        ("Keywords", f"{ATTACK},{IMAGE}"),
        ("Classifier", f"{ATTACK} :: {ATTACK}"),
        ("Classifier", ATTACK),
        ("Platform", ATTACK),
        ("Supported-Platform", ATTACK),
        ("Requires-External", ATTACK),
        ("Provides-Dist", ATTACK),
        ("Project-URL", f"{ATTACK}, {URL}"),
        *(("Project-URL", f"label{number}, {url}") for number, url in enumerate(SCRIPT_URLS)),
    ]


REQUIRES = (
    f"six; extra == '{IMAGE.replace('=', '')}'",
    "six @ https://x.test/<script>alert(1)</script>",
)


def distributions() -> list[tuple[str, bytes]]:
    """A wheel and an sdist of each kind of description; each is of a version of its own."""
    found = []
    for number, (content_type, description) in enumerate(DESCRIPTIONS.items()):
        keywords = {
            "summary": ATTACK,
            "description": description,
            "requires": REQUIRES,
            "headers": headers(content_type),
        }
        found.append(wheel("evil", f"{number}.0", **keywords))  # type: ignore[arg-type]
        found.append(sdist("evil", f"{number}.0", **keywords))  # type: ignore[arg-type]
    return found
