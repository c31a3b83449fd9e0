"""Projects' pages as four independent libraries read them. Run by the Python of the readers' environment.

Usage: python reading.py SIMPLE_URL   (one project's name a line on stdin)

Prints JSON: {reader: {project: {filename: {field: value}}}}, with the fields that the reader knows of
this page: url, sha256, requires_python, yanked (null, or the reason, which may be ""), metadata (null, or
its SHA-256), size in bytes, upload_time (ISO 8601).
"""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urldefrag, urljoin

import httpx2
import mousebender.simple
import requests
import unearth
import unearth.collector
from pip._internal.index.collector import IndexContent, parse_links
from pip._internal.models.link import Link
from pypi_simple import PyPISimple

Files = dict[str, dict[str, Any]]


def by_pypi_simple(url: str, project: str) -> Files:
    """Its client asks for the page itself."""
    files = {}
    with PyPISimple(url) as client:
        for package in client.get_project_page(project).packages:
            files[package.filename] = {
                "url": package.url,
                "sha256": package.digests["sha256"],
                "requires_python": package.requires_python,
                "yanked": (package.yanked_reason or "") if package.is_yanked else None,
                "metadata": (package.metadata_digests or {}).get("sha256"),
                **_known(size=package.size, upload_time=package.upload_time),
            }
    return files


def by_mousebender(url: str, project: str) -> Files:
    """It parses only."""
    address = mousebender.simple.create_project_url(url, project)
    headers = {"Accept": mousebender.simple.ACCEPT_SUPPORTED}
    answer = requests.get(address, headers=headers, timeout=60)
    answer.raise_for_status()
    details = mousebender.simple.parse_project_details(
        answer.text, answer.headers["Content-Type"], project
    )
    files = {}
    for file in details["files"]:
        yanked = file.get("yanked", False)
        time = file.get("upload-time")
        files[file["filename"]] = {
            "url": urljoin(address, file["url"]),
            "sha256": file["hashes"]["sha256"],
            "requires_python": file.get("requires-python"),
            "yanked": yanked if isinstance(yanked, str) else ("" if yanked else None),
            "metadata": (file.get("core-metadata") or {}).get("sha256"),
            **_known(
                size=file.get("size"), upload_time=datetime.fromisoformat(time) if time else None
            ),
        }
    return files


def by_unearth(url: str, project: str) -> Files:
    """What pdm finds files with."""
    with httpx2.Client() as session:
        address = unearth.Link(urljoin(url, f"{project}/"))
        page = unearth.collector.fetch_page(session, address)
    is_json = page.content_type == mousebender.simple.ACCEPT_JSON_V1
    parse = unearth.collector.parse_json_response if is_json else unearth.collector.parse_html_page
    files = {}
    for link in parse(page):
        metadata = link.dist_info_metadata
        reason = link.yank_reason
        files[link.filename] = {
            "url": link.url_without_fragment,
            "sha256": (link.hash_option or {})["sha256"][0],
            "requires_python": link.requires_python,
            "yanked": "" if reason is True else reason,
            "metadata": metadata["sha256"] if isinstance(metadata, dict) else None,
            **_known(upload_time=link.upload_time),
        }
    return files


def by_pip(url: str, project: str) -> Files:
    """pip's own parser."""
    address = urljoin(url, f"{project}/")
    accept = (
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1,"
        " text/html; q=0.01"
    )
    answer = requests.get(address, headers={"Accept": accept}, timeout=60)
    answer.raise_for_status()
    content_type = answer.headers["Content-Type"]
    page = IndexContent(answer.content, content_type, answer.encoding, address, False)
    return {link.filename: _of_pip(link) for link in parse_links(page)}


def _of_pip(link: Link) -> dict[str, Any]:
    metadata = link.metadata_file_data
    return {
        "url": link.url_without_fragment,
        "sha256": link.as_hashes()._allowed["sha256"][0],
        "requires_python": link.requires_python,
        "yanked": link.yanked_reason,
        "metadata": (metadata.hashes or {}).get("sha256") if metadata else None,
        **_known(upload_time=link.upload_time),
    }


def _known(**fields: Any) -> dict[str, Any]:
    """Those that the reader knows; times as text."""
    found = {name: value for name, value in fields.items() if value is not None}
    if "upload_time" in found:
        found["upload_time"] = found["upload_time"].isoformat()
    return found


READERS: dict[str, Callable[[str, str], Files]] = {
    "pypi-simple": by_pypi_simple,
    "mousebender": by_mousebender,
    "unearth": by_unearth,
    "pip": by_pip,
}


def main() -> None:
    """Read the pages of all projects with each of the readers."""
    url, projects = sys.argv[1], sys.stdin.read().split()
    found = {
        reader: {project: read(url, project) for project in projects}
        for reader, read in READERS.items()
    }
    for files in (files for pages in found.values() for files in pages.values()):
        for file in files.values():
            file["url"] = urldefrag(file["url"]).url
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
