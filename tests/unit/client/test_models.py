"""The client's models are the API's: nobody edits them, and they cannot drift."""

from tests.client.typed_models import current


def test_the_clients_models_are_those_of_the_openapi_document() -> None:
    for path, text in current().items():
        assert path.read_text("utf-8") == text, f"{path.name} is out of date: run `python -m tests.client.typed_models`"
