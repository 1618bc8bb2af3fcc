"""TLS: a certificate that nobody vouches for is no certificate, and is said to be none."""

import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from glane.store import Store
from sources.fetch.failures import HarvestError
from sources.harvest import harvest
from tests.sources.material import CSV, HASTY, Declare


def certified(folder: Path) -> Path:
    """A certificate for this machine that it signed itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "partner.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[str]:
    """The address of an HTTPS server on loopback with such a certificate."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CSV)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified(tmp_path))
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    yield f"https://127.0.0.1:{httpd.server_port}/sites.csv"
    httpd.shutdown()
    httpd.server_close()


def test_a_certificate_that_nobody_vouches_for_is_refused(declare: Declare, store: Store, secure: str) -> None:
    with pytest.raises(HarvestError) as caught:
        harvest(declare(where={"url": secure, "private": True}), store, patience=HASTY)
    assert str(caught.value) == (
        f"{secure} shows no certificate that can be trusted (self-signed certificate). "
        "Ask the partner to renew it. It is not fetched unchecked: anybody on the way could have written it."
    )
    assert not store.exists("raw")
