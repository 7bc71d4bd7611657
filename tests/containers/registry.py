"""A registry on this machine that has one image, or refuses as registries do: for the daemon to pull from in earnest.

The four requests that a pull makes (OCI distribution specification): a look for the API, a manifest, a configuration,
a layer. The daemon takes a registry at 127.0.0.1 without TLS.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@contextmanager
def registry(layer: bytes = b"", *, config: dict[str, object] | None = None, refusal: int = 0) -> Iterator[str]:
    """Its address while it serves the image of one layer, a tarball; `refusal` is the status of its only answer."""
    packed = gzip.compress(layer, compresslevel=1)
    described = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _described(described, "application/vnd.docker.container.image.v1+json"),
            "layers": [_described(packed, "application/vnd.docker.image.rootfs.diff.tar.gzip")],
        }
    ).encode()
    blobs = {_digest(blob): blob for blob in (described, packed, manifest)}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            last = self.path.rpartition("/")[2]
            if self.path == "/v2/":
                self.answer(200, b"{}", "application/json")
            elif refusal:
                errors = [{"code": {404: "MANIFEST_UNKNOWN", 429: "TOOMANYREQUESTS"}[refusal], "message": "no"}]
                self.answer(refusal, json.dumps({"errors": errors}).encode(), "application/json")
            elif last in blobs and "/blobs/" in self.path:
                self.answer(200, blobs[last], "application/octet-stream")
            else:
                self.answer(200, manifest, _MANIFEST)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server asks for

        def answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", _digest(body))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Says nothing: what a test prints is read."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _described(blob: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": kind, "size": len(blob), "digest": _digest(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"
