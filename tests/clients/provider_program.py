"""A real OpenID Connect provider, Canaille, in a process and an environment of its own.

Usage: python provider_program.py PORT REDIRECT_URI    (with the Python of installing.py's "provider")

It knows two people, one group, and a client for each signature algorithm; all in memory. It says
"ready" when it can be asked.
"""

import sys

from canaille import create_app
from joserfc import jwk
from werkzeug.serving import make_server

PASSWORD = "a password of the provider"
CLIENT_SECRET = "a-client-secret-of-32-characters"
CLIENTS = {"index-rs256": "RS256", "index-es256": "ES256"}


def main(port: int, redirect_uri: str) -> None:
    """Serve for ever on loopback."""
    application = create_app(_config(port))
    with application.app_context():
        _fill(redirect_uri)
    server = make_server("127.0.0.1", port, application, threaded=True)
    print("ready", flush=True)
    server.serve_forever()


def _config(port: int) -> dict[str, object]:
    keys = [jwk.RSAKey.generate_key(2048), jwk.ECKey.generate_key("P-256")]
    return {
        "SECRET_KEY": "a secret of the tests that is long enough",
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory"},
        "CANAILLE_OIDC": {
            "ACTIVE_JWKS": [key.as_dict(private=True) for key in keys],
            "USERINFO_MAPPING": {"PREFERRED_USERNAME": "{{ user.user_name }}"},
        },
    }


def _fill(redirect_uri: str) -> None:
    from canaille.app import models  # they are there once the application is
    from canaille.backends import Backend

    people = [
        models.User(user_name=name, family_name=name, formatted_name=name, password=PASSWORD)
        for name in ("rosa", "olga")
    ]
    for row in people:
        Backend.instance.save(row)
    Backend.instance.save(models.Group(display_name="team", members=people[:1]))
    for client_id, algorithm in CLIENTS.items():
        client = models.Client(
            client_id=client_id,
            client_secret=CLIENT_SECRET,
            client_name="A package index",
            client_uri="http://index.test/",
            redirect_uris=[redirect_uri],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "profile", "groups"],
            token_endpoint_auth_method="client_secret_basic",
            id_token_signed_response_alg=algorithm,
        )
        Backend.instance.save(client)
        client.audience = [client]  # as its own pages do
        Backend.instance.save(client)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
