"""Geocoders on loopback that answer as their documentation says: Addok's /search/csv/ form, which is the
Géoplateforme's and was the Base Adresse Nationale's, and GeoJSON for one address, as Addok, Photon and their like."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests_toolbelt import MultipartDecoder

ADDED = [
    "latitude",
    "longitude",
    *("result_label", "result_score", "result_score_next", "result_type", "result_id", "result_housenumber"),
    *("result_name", "result_street", "result_postcode", "result_city", "result_context", "result_citycode"),
    "result_status",
]


@dataclass(frozen=True)
class Known:
    """An address that the geocoder knows."""

    latitude: float
    longitude: float
    score: float
    type: str
    label: str
    citycode: str


@dataclass
class Geocoder:
    """A running geocoder: what it knows, what it was sent, and the failures it gives before it answers."""

    url: str = ""
    known: dict[str, Known] = field(default_factory=dict)
    sent: list[list[dict[str, str]]] = field(default_factory=list)
    forms: list[list[tuple[str, str]]] = field(default_factory=list)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """Every address that was sent, in order."""
        return [row["address"] for rows in self.sent for row in rows]

    def find(self, address: str, citycode: str) -> Known | None:
        """The best match; a filter that nothing fits finds nothing."""
        found = self.known.get(address)
        return None if found is None or (citycode and found.citycode != citycode) else found

    def by_file(self, content_type: str, body: bytes) -> bytes:
        """The file with columns added, those of `result_columns` where the form names some."""
        form: list[tuple[str, str]] = []
        data = ""
        for part in MultipartDecoder(body, content_type).parts:
            disposition = part.headers[b"Content-Disposition"].decode()
            name = disposition.split('name="')[1].split('"')[0]
            if name == "data":
                data = part.content.decode("utf-8-sig")
            else:
                form.append((name, part.text))
        self.forms.append(form)
        columns = [value for name, value in form if name == "columns"]
        filtered = next((value for name, value in form if name == "citycode"), None)
        wanted = [value for name, value in form if name == "result_columns"] or ADDED
        reader = csv.DictReader(io.StringIO(data, newline=""))
        rows = list(reader)
        self.sent.append(rows)
        out = io.StringIO()
        added = [name for name in ADDED if name in wanted]
        writer = csv.DictWriter(out, [*(reader.fieldnames or ()), *added], extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            address = " ".join(filter(None, (row[column] for column in columns)))
            writer.writerow({**row, **self.columns(address, row[filtered] if filtered else "")})
        return out.getvalue().encode()

    def columns(self, address: str, citycode: str) -> dict[str, Any]:
        """The columns of one row."""
        found = self.find(address, citycode)
        if found is None:
            return {"result_status": "not-found"}
        return {
            "latitude": found.latitude,
            "longitude": found.longitude,
            "result_label": found.label,
            "result_score": found.score,
            "result_type": found.type,
            "result_citycode": found.citycode,
            "result_status": "ok",
        }

    def by_address(self, query: dict[str, list[str]]) -> bytes:
        """GeoJSON of the best match."""
        address = query["q"][0]
        self.sent.append([{"address": address}])
        found = self.find(address, query.get("citycode", [""])[0])
        point = found and {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [found.longitude, found.latitude]},
            "properties": {"label": found.label, "score": found.score, "type": found.type, "citycode": found.citycode},
        }
        return json.dumps({"type": "FeatureCollection", "features": [point] if point else []}).encode()


@contextmanager
def geocoder() -> Iterator[Geocoder]:
    """A geocoder that runs for as long as the block."""
    made = Geocoder()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(lambda: made.by_file(self.headers["Content-Type"], body), "text/csv")

        def do_GET(self) -> None:
            self.answer(lambda: made.by_address(parse_qs(urlsplit(self.path).query)), "application/geo+json")

        def answer(self, make: Any, content_type: str) -> None:
            status, headers = made.failures.pop(0) if made.failures else (200, {})
            body = make() if status == 200 else b"<html>busy</html>"
            self.send_response(status)
            for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    made.url = f"http://127.0.0.1:{httpd.server_port}"
    try:
        yield made
    finally:
        httpd.shutdown()
        httpd.server_close()
