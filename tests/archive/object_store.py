"""An object store on a port of this machine that speaks what an archive needs of S3: objects, parts, ranges and lists.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

TIME = "2026-01-01T00:00:00.000Z"


class ObjectStore(ThreadingHTTPServer):
    """One bucket in memory. It answers after a pause, or denies access while it is away."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.is_away = False
        self.pause_s = 0.0

    @property
    def url(self) -> str:
        """Return the URL of an archive in the bucket."""
        return f"s3://key:secret@bucket/archive?region=us-east-1&endpoint_override=http://127.0.0.1:{self.server_port}"


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ObjectStore

    key: str
    query: dict[str, list[str]]

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        address = urlsplit(self.path)
        self.key = unquote(address.path).removeprefix("/bucket").lstrip("/")
        self.query = parse_qs(address.query, keep_blank_values=True)
        time.sleep(self.server.pause_s)
        if self.server.is_away:
            self._body()
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return False
        return True

    def do_PUT(self) -> None:
        body = self._body()
        if "partNumber" in self.query:
            self.server.parts[self.query["uploadId"][0]][int(self.query["partNumber"][0])] = body
        else:
            self.server.objects[self.key] = body
        self._answer(200, ETag=f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')

    def do_POST(self) -> None:
        body = self._body()
        if "uploads" in self.query:
            upload = f"u{len(self.server.parts)}"
            self.server.parts[upload] = {}
            self._answer(
                200,
                f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>".encode(),
            )
        elif "uploadId" in self.query:
            parts = self.server.parts.pop(self.query["uploadId"][0])
            self.server.objects[self.key] = b"".join(parts[number] for number in sorted(parts))
            self._answer(200, b"<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>")
        else:
            for key in re.findall(rb"<Key>(.*?)</Key>", body):
                self.server.objects.pop(key.decode(), None)
            self._answer(200, b"<DeleteResult></DeleteResult>")

    def do_DELETE(self) -> None:
        self.server.objects.pop(self.key, None)
        self._answer(204)

    def do_HEAD(self) -> None:
        self._object(with_body=False)

    def do_GET(self) -> None:
        if self.key:
            self._object(with_body=True)
            return
        prefix = self.query.get("prefix", [""])[0]
        found = [(key, len(body)) for key, body in sorted(self.server.objects.items()) if key.startswith(prefix)]
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size><LastModified>{TIME}</LastModified></Contents>"
            for key, size in found
        )
        truncated = "<IsTruncated>false</IsTruncated>"
        self._answer(
            200, f"<ListBucketResult>{truncated}<KeyCount>{len(found)}</KeyCount>{rows}</ListBucketResult>".encode()
        )

    def log_message(self, *_: Any) -> None:
        """Write nothing."""

    def _object(self, *, with_body: bool) -> None:
        body = self.server.objects.get(self.key)
        if body is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if with_body else b"")
            return
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        part = body[int(span[1]) : int(span[2]) + 1] if span else body
        headers = {"Last-Modified": formatdate(0, usegmt=True), "ETag": '"1"'}
        if span:
            headers["Content-Range"] = f"bytes {span[1]}-{int(span[1]) + len(part) - 1}/{len(body)}"
        self._answer(206 if span else 200, part if with_body else b"", length=len(part), **headers)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return _unsigned(body) if "aws-chunked" in self.headers.get("Content-Encoding", "") else body
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return _unsigned(body) if "aws-chunked" in self.headers.get("Content-Encoding", "") else body

    def _answer(self, status: int, body: bytes = b"", *, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _unsigned(body: bytes) -> bytes:
    """Return the payload of a body in chunks of AWS, each of which begins with its size."""
    payload = b""
    while body:
        head, _, rest = body.partition(b"\r\n")
        size = int(head.split(b";")[0], 16)
        if not size:
            break
        payload, body = payload + rest[:size], rest[size + 2 :]
    return payload


@contextmanager
def running() -> Iterator[ObjectStore]:
    """Run an object store until the block ends."""
    store = ObjectStore()
    thread = threading.Thread(target=store.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield store
    finally:
        store.shutdown()
        store.server_close()
        thread.join()
