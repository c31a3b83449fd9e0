"""The headers of pages for people."""

# Pictures from anywhere: descriptions have them.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self' https: data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
#: Also of the pages of the cache: the same for every request.
SECURITY_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
)
#: What depends on who asks, or on the moment, is kept by nobody.
UNCACHED_HEADERS = (("Cache-Control", "no-store"), *SECURITY_HEADERS)
HTML = "text/html; charset=UTF-8"
