"""The client's models are the API's: nobody edits them, and they cannot drift."""

from tests.client.typed_models import MODELS, current


def test_the_clients_models_are_those_of_the_openapi_document() -> None:
    assert MODELS.read_text("utf-8") == current(), "out of date: run `python -m tests.client.typed_models`"
