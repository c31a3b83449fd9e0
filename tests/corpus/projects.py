"""What the run on real input takes from PyPI, and why each of it is there."""

#: Projects that are downloaded with their dependencies as wheels for this Python, and installed.
PROJECTS = (
    # big ones, with compiled code
    *("numpy", "pandas", "scipy", "Pillow", "lxml", "cryptography"),
    # names with capitals and dots
    *("Jinja2", "MarkupSafe", "PyYAML", "SQLAlchemy", "Flask", "Django", "Twisted", "Sphinx"),
    *("Babel", "WebOb", "Pygments", "Markdown", "PasteDeploy"),
    *("zope.interface", "zope.component", "ruamel.yaml", "jaraco.classes", "backports.tarfile"),
    # compiled code of several generations of build tools
    *("cffi", "psutil", "aiohttp", "pydantic", "simplejson", "tornado", "black"),
    # pure Python, from each of the usual build backends
    *("attrs", "click", "requests", "rich", "httpx", "fastapi", "pytest", "pyramid", "waitress"),
    *("python-dateutil", "six", "celery", "boto3"),
    # never had a wheel, or a very late one
    *("docopt", "future"),
    # what the builds of source distributions need
    *("setuptools", "wheel"),
)

#: Of these the source distribution of the newest release too.
SDISTS = (
    *("six", "Jinja2", "MarkupSafe", "attrs", "click", "requests", "Flask", "python-dateutil"),
    *("future", "simplejson", "waitress"),
)

#: Source distributions from before the standards, with their dependencies; installed by themselves:
#: capitals and dots in their filenames, a zip.
OLD = ("Flask-Script==2.0.6", "nltk==3.6.7", "ruamel.yaml==0.17.21", "PasteDeploy==2.1.1")

#: More of them, without dependencies and not installed: compiled, of Python 2's time, another zip.
OLD_ALONE = (
    *("zope.interface==5.4.0", "Paste==3.5.0", "Unidecode==0.4.9", "mock==1.0.1", "nose==1.3.7"),
    *("python-memcached==1.58", "termcolor==1.1.0", "xlrd==1.2.0"),
)

#: Wheels of the same time, not installed either. Most say Metadata-Version 2.0, which there never was.
OLD_WHEELS = ("Django==1.6.11", "Flask==0.12.4", "pytz==2014.10", "requests==2.18.4", "six==1.11.0")

#: A project with many files: its wheels for all of these.
MANY = "PyYAML"
MANY_PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MANY_PLATFORMS = (
    *("manylinux2014_x86_64", "manylinux2014_aarch64"),
    *("musllinux_1_2_x86_64", "macosx_11_0_arm64", "win_amd64"),
)
MANY_AT_LEAST = 15

#: Files that the index refuses, rightly: a part of the reason, by filename. There are none today.
REFUSED: dict[str, str] = {}
