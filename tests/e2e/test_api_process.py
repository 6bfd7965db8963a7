"""The API as a process: it serves metrics on a port of its own, and ends with status 0 when it is asked to stop."""

import re
import signal
from pathlib import Path

import httpx

from tests.e2e.pipeline import Pipeline


def test_an_api_that_is_asked_to_stop_ends_with_status_0(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=0, api=False) as pipeline:
        for number in (signal.SIGTERM, signal.SIGINT):
            api = pipeline.start_api()
            pipeline.wait_until_listening()
            [url] = re.findall(r"metrics at (http://\S+)", api.output())
            assert url != pipeline.url
            assert "astra_api_broker_up 1.0" in httpx.get(f"{url}/metrics").text
            assert httpx.get(f"{pipeline.url}/metrics").status_code == httpx.codes.NOT_FOUND
            api.ended_by_us = True
            api.popen.send_signal(number)
            assert api.popen.wait(20) == 0, api.last_words()
