"""The part of the Hub's HTTP interface that sending and fetching a model needs, served from memory."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

OF_THE_LIBRARY = "/api/agent-harnesses"  # huggingface_hub asks this of its own accord, once a day


@dataclass
class Repository:
    """A repository: its visibility, and commit -> name -> content."""

    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"0" * 40: {}})

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[self.head]

    def commit(self, files: dict[str, bytes]) -> str:
        """A new newest commit; its name."""
        name = hashlib.sha1(self.head.encode()).hexdigest()
        self.commits[name] = files
        return name


class HubStub(ThreadingHTTPServer):
    """The server.

    Attributes:
        repositories: owner/name -> repository.
        requests: method and path of each request, in order.
        tokens: what the requests gave as authorization.
        refuses: whether nobody may write.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.tokens: set[str | None] = set()
        self.refuses = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub_stub() -> Iterator[HubStub]:
    server = HubStub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: HubStub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def _begin(self) -> str:
        path = unquote(self.path.partition("?")[0])
        if path != OF_THE_LIBRARY:
            self.server.requests.append(f"{self.command} {path}")
            self.server.tokens.add(self.headers.get("authorization"))
        return path

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _json(self, data: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._answer(status, json.dumps(data).encode(), {"content-type": "application/json", **(headers or {})})

    def _missing(self, code: str) -> None:
        self._json({"error": code}, 404, {"x-error-code": code})

    def do_GET(self) -> None:
        path = self._begin()
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", path):
            self._facts(match[1], match[2], match[3])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(match[1], match[2], match[3])
        else:
            self._json({"error": path}, 501)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        path = self._begin()
        body = self._body()
        if self.server.refuses:
            self._json({"error": "you may not write here"}, 403)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/[^/]+", path):
            large = [
                {"path": one["path"], "uploadMode": _mode(one["path"]), "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            self._json({"files": large})
        elif re.fullmatch(r"/[^/]+/[^/]+\.git/info/lfs/objects/batch", path):
            self._json({"transfer": "basic", "objects": [self._place(one) for one in json.loads(body)["objects"]]})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/([^/]+)", path):
            self._commit(match[1], body)
        elif path.startswith("/api/validate-yaml"):
            self._json({"errors": [], "warnings": []})
        else:
            self._json({"error": path}, 501)

    def do_PUT(self) -> None:
        path = self._begin()
        self.server.objects[path.rpartition("/")[2]] = self._body()
        self._answer(200, b"")

    def _place(self, wanted: dict[str, Any]) -> dict[str, Any]:
        upload = {"href": f"{self.server.url}/objects/{wanted['oid']}", "header": {}}
        return {**wanted, "actions": {"upload": upload}}

    def _create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        private = wanted.get("visibility") == "private" or wanted.get("private") is True
        if name in self.server.repositories:
            self._json({"error": "exists", "url": f"{self.server.url}/{name}"}, 409)
            return
        self.server.repositories[name] = Repository(private)
        self._json({"url": f"{self.server.url}/{name}", "id": name})

    def _commit(self, name: str, body: bytes) -> None:
        repository = self.server.repositories[name]
        files = dict(repository.files)
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        commit = repository.commit(files)
        self._json({"commitUrl": f"{self.server.url}/{name}/commit/{commit}", "commitOid": commit})

    def _found(self, name: str, revision: str | None) -> tuple[str, dict[str, bytes]] | None:
        repository = self.server.repositories.get(name)
        if repository is None:
            self._missing("RepoNotFound")
            return None
        commit = repository.head if revision in (None, "main") else str(revision)
        if commit not in repository.commits:
            self._missing("RevisionNotFound")
            return None
        return commit, repository.commits[commit]

    def _facts(self, name: str, kind: str | None, revision: str | None) -> None:
        if (found := self._found(name, revision)) is None:
            return
        commit, files = found
        if kind == "tree":
            self._json(
                [{"type": "file", "path": path, "size": len(files[path]), "oid": _oid(files[path])} for path in files]
            )
            return
        siblings = [{"rfilename": path} for path in files]
        private = self.server.repositories[name].private
        self._json({"id": name, "modelId": name, "sha": commit, "private": private, "siblings": siblings})

    def _file(self, name: str, revision: str, path: str) -> None:
        if (found := self._found(name, revision)) is None:
            return
        commit, files = found
        if path not in files:
            self._missing("EntryNotFound")
            return
        self._answer(200, files[path], {"x-repo-commit": commit, "etag": f'"{_oid(files[path])}"'})


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _mode(path: str) -> str:
    return "lfs" if path.endswith(".safetensors") else "regular"
