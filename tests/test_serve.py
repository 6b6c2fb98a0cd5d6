"""What the product says while it runs."""

from collections.abc import Iterator

import pytest
import structlog

from frontdesk.serve import log_plainly


@pytest.fixture
def plain_log() -> Iterator[None]:
    log_plainly()
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("plain_log")
def test_an_exception_is_logged_without_the_values_it_met(capsys: pytest.CaptureFixture[str]) -> None:
    def speak(token: str) -> None:
        raise ValueError(len(token))

    secret = "never to be read"
    try:
        speak(secret)
    except ValueError as error:
        structlog.get_logger().error("this went wrong", message="42", exc_info=error)
    said = capsys.readouterr().out
    assert "message=42" in said and "in speak" in said and secret not in said
