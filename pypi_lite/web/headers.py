"""The headers of pages for people."""


def policy(image_sources: str = "") -> str:
    """The Content-Security-Policy of a page; *image_sources* beside the index itself."""
    images = f"'self' {image_sources}".strip()
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
        f" img-src {images}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def security_headers(image_sources: str = "") -> tuple[tuple[str, str], ...]:
    """Also of the pages of the cache: the same for every request."""
    return (
        ("Content-Security-Policy", policy(image_sources)),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
    )


SECURITY_HEADERS = security_headers()
#: What depends on who asks, or on the moment, is kept by nobody.
UNCACHED_HEADERS = (("Cache-Control", "no-store"), *SECURITY_HEADERS)
HTML = "text/html; charset=UTF-8"
