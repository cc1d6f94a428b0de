"""A real OpenID provider (oidc-provider-mock, on authlib) whose access tokens are signed.

The provider's own discovery, registration, sign-in, token endpoint and key set are used as they
are; added are what companies' providers have beside them: JWTs as access tokens, introspection,
and an operator who changes keys or takes the service away.
"""

import contextlib
import logging
import secrets
import threading
import time
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import flask
    import oidc_provider_mock
    from authlib import jose
    import werkzeug.serving

import jwt

from harness import free_port

logging.getLogger("werkzeug").setLevel(logging.ERROR)


class Provider:
    """Serves between `with`; `away()` in between."""

    def __init__(self):
        """`audience` is to be set by whoever knows for whom the tokens are."""
        self.audience = None
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.questions = []
        self.storage = None
        self.opaque = {}
        self._app = self._make_app()
        self._server = None

    def _make_app(self):
        app = flask.Flask("provider")
        app.secret_key = secrets.token_bytes(16)
        # An import string is what authlib takes.
        app.config["OAUTH2_ACCESS_TOKEN_GENERATOR"] = "provider.generated_token"
        app.provider = self
        oidc_provider_mock.init_app(app)
        app.debug = False

        @app.before_request
        def remember():
            self.storage = flask.g.oidc_provider_mock_storage
            self.questions.append(flask.request.path)

        @app.post("/introspect")
        def introspect():
            credential = flask.request.authorization
            if credential is None or (credential.username, credential.password) != ("shop", "s"):
                return flask.jsonify({"error": "invalid_client"}), 401
            token = self.opaque.get(flask.request.form["token"])
            return flask.jsonify(token | {"active": True} if token else {"active": False})

        return app

    def __enter__(self):
        self._serve()
        return self

    def __exit__(self, *_):
        if self._server:
            self.leave()

    def _serve(self):
        self._server = werkzeug.serving.make_server("127.0.0.1", self.port, self._app, threaded=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def leave(self):
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    @contextlib.contextmanager
    def away(self):
        self.leave()
        try:
            yield
        finally:
            self._serve()

    def rotate(self):
        """New keys, and the old ones are nobody's."""
        self.storage.jwk = jose.RSAKey.generate_key(is_private=True)

    def token(self, subject="ada", **claims):
        now = int(time.time())
        key = self.storage.jwk
        private = key.as_dict(is_private=True)
        body = {
            "iss": self.issuer, "sub": subject, "aud": self.audience, "groups": ["support"],
            "iat": now, "exp": now + 600, "jti": secrets.token_hex(8),
        } | claims
        pem = key.as_pem(is_private=True)
        return jwt.encode(body, pem, "RS256", headers={"kid": private["kid"], "typ": "at+jwt"})


def generated_token(client, grant_type, user, scope):
    return flask.current_app.provider.token(user.sub, client_id=client.id, scope=scope)
