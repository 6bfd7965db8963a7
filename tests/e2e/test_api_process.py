"""The API as a process: it serves metrics on a port of its own, and ends with status 0 when it is asked to stop."""

import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.e2e.pipeline import Pipeline


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_api_that_is_asked_to_stop_ends_with_status_0(tmp_path: Path, number: signal.Signals) -> None:
    with Pipeline(tmp_path, workers=1) as pipeline:
        api = pipeline.api
        [url] = re.findall(r"metrics at (http://\S+)", api.output())
        assert url != pipeline.url
        assert "astra_api_broker_up 1.0" in httpx.get(f"{url}/metrics").text
        assert httpx.get(f"{pipeline.url}/metrics").status_code == httpx.codes.NOT_FOUND
        api.ended_by_us = True
        api.popen.send_signal(number)
        assert api.popen.wait(20) == 0, api.last_words()
