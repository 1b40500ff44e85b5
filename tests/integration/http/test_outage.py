"""The database cannot be reached: the process lives, says so, and asks to come again."""

from __future__ import annotations

from pathlib import Path

from fieldstone.app import create_app
from tests.support.installation import settings_for


def test_without_a_database_answers_are_503_with_retry_after_and_the_process_lives(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path, "postgresql://x:y@127.0.0.1:1/nowhere"))
    client = app.test_client()
    token = {"Authorization": "Bearer fs_acme_" + "x" * 43}
    credentials = {"email": "a@example.com", "password": "x"}
    for answer in (
        client.get("/api/v1/me", headers=token),
        client.post("/api/v1/sessions?tenant=acme", json=credentials),
        client.get("/readyz"),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert "127.0.0.1" not in answer.text
        assert "nowhere" not in answer.text
    assert client.get("/healthz").status_code == 200
