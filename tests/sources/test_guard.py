"""What a partner's address, a redirect or a name that changes its mind may make us ask: public addresses, no others."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glane.store import Store
from sources.fetch.failures import HarvestError
from sources.fetch.guard import ForbiddenAddressError, is_public
from sources.fetch.http import SecretMissingError
from sources.harvest import harvest
from tests.sources.material import CSV, HASTY, Answer, Declare, Site

Start = Callable[..., Site]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_no_way_of_writing_a_private_address_is_taken_for_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "127.1"])
def test_a_private_address_is_not_asked_unless_it_is_declared(
    host: str, declare: Declare, store: Store, site: Start
) -> None:
    there = site()
    there.answers["/sites.csv"] = Answer(body=CSV)
    port = there.url.rsplit(":", 1)[1]
    with pytest.raises(ForbiddenAddressError, match="which is no public address: it is not asked") as caught:
        harvest(declare(where={"url": f"http://{host}:{port}/sites.csv"}), store, patience=HASTY)
    assert "private: true" in caught.value.remedy
    assert there.asked == []


def test_a_redirect_to_a_private_address_is_not_followed(declare: Declare, store: Store, site: Start) -> None:
    inner, there = site(), site(host="localhost")
    inner.answers["/secret"] = Answer(body=CSV)
    there.answers["/sites.csv"] = Answer(302, headers={"Location": f"{inner.url}/secret"})
    # The declared host may be private; where it sends us may not.
    source = declare(where={"url": f"{there.url}/sites.csv", "private": True})
    with pytest.raises(ForbiddenAddressError, match=r"127\.0\.0\.1 is at 127\.0\.0\.1"):
        harvest(source, store, patience=HASTY)
    assert inner.asked == []


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    declare: Declare, store: Store, site: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = site()
    there.answers["/sites.csv"] = Answer(body=CSV)
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def changing(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != "partner.example":
            return real(host, port, *rest, **more)
        looked_up.append(host)
        number = "192.0.2.1" if len(looked_up) > 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port))]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    port = there.url.rsplit(":", 1)[1]
    with pytest.raises(ForbiddenAddressError, match=r"partner\.example is at 127\.0\.0\.1"):
        harvest(declare(where={"url": f"http://partner.example:{port}/sites.csv"}), store, patience=HASTY)
    assert (looked_up, there.asked) == (["partner.example"], [])


def test_endless_redirects_end(declare: Declare, store: Store, site: Start) -> None:
    there = site()
    there.answers["/a"] = Answer(302, headers={"Location": "/a"})
    with pytest.raises(HarvestError, match="Exceeded 5 redirects"):
        harvest(declare(where={"url": f"{there.url}/a", "private": True}), store, patience=HASTY)
    assert len(there.asked) == 6


def test_a_secret_goes_to_the_declared_host_alone_and_is_kept_nowhere(
    declare: Declare, store: Store, site: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PARTNER_KEY", "s3cret-key")
    there = site(host="localhost")
    there.answers["/sites.csv"] = Answer(302, headers={"Location": "/moved.csv"})
    other = site(host="localhost")
    there.answers["/moved.csv"] = Answer(302, headers={"Location": f"{other.url}/x"})
    other.answers["/x"] = Answer(body=CSV)
    headers = {"X-Api-Key": "${PARTNER_KEY}", "Authorization": "Bearer ${PARTNER_KEY}"}
    source = declare(where={"url": f"{there.url}/sites.csv", "private": True, "headers": headers})
    snapshot = harvest(source, store, patience=HASTY)
    assert store.read(snapshot.key) == CSV
    sent = [(path, "X-Api-Key" in told, "Authorization" in told) for path, told in [*there.asked, *other.asked]]
    assert sent == [("/sites.csv", True, True), ("/moved.csv", True, True), ("/x", False, False)]
    assert there.asked[0][1]["X-Api-Key"] == "s3cret-key"
    for path in (tmp_path / "store").rglob("*"):
        assert not path.is_file() or b"s3cret-key" not in path.read_bytes()


def test_a_secret_that_is_not_set_is_named(declare: Declare, store: Store) -> None:
    where = {"url": "https://partner.example/x.csv", "headers": {"Authorization": "Bearer ${NOBODY_SET_THIS}"}}
    with pytest.raises(SecretMissingError, match=r"\$\{NOBODY_SET_THIS\}, which is not set"):
        harvest(declare(where=where), store, patience=HASTY)
