"""The bytes that a portal is sent are counted as they leave: rows, texts and files, what had to be said twice too."""

import json
from pathlib import Path

from publish.ckan.address import PortalAddress
from publish.ckan.api import Api, Patience
from tests.publish.loopback import Answer, Request, serving


def test_every_answered_request_counts_as_what_the_portal_received(tmp_path: Path) -> None:
    file = tmp_path / "sites.csv"
    file.write_bytes(b"id,nom\n" + b"1,Le Fil\n" * 10_000)
    answers = [Answer(503), *(Answer(200, json.dumps({"success": True, "result": {}}).encode()) for _ in range(3))]

    def answer(_: Request) -> Answer:
        return answers.pop(0)

    patience = Patience(pauses=(0.01,))
    with serving(answer) as there, Api(PortalAddress(there.url, "s3cret"), patience) as api:
        assert api.sent_bytes == 0
        api.read("package_show", id="sites")
        api.write("datastore_upsert", {"records": [{"nom": "Café"}]}, done=lambda: None)
        api.write("package_revise", {"match__name": "sites"}, files=[("upload", "sites.csv", file)])
        assert len(there.seen) == 4
        assert api.sent_bytes == sum(len(request.body) for request in there.seen)
        assert api.sent_bytes > file.stat().st_size
