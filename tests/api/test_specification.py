"""The document and the page that describe the API: complete, for everybody, from nowhere else."""

import re

from tests.api.desk import Desk


async def test_every_answer_of_every_route_is_described(desk: Desk) -> None:
    async with desk.with_key(None) as anybody:
        answer = await anybody.get("/openapi.json")
    document = answer.json()
    assert (answer.status_code, document["openapi"][:3], document["servers"]) == (200, "3.1", [{"url": "/api/v1"}])
    operations = {f"{method.upper()} {path}": one for path, methods in document["paths"].items() for method, one in methods.items()}
    assert len(operations) > 12
    for name, one in operations.items():
        codes = set(one["responses"])
        assert {"401", "403", "405", "422", "429", "500", "503"} <= codes, name
        assert ("404" in codes) == ("{" in name), name
        assert ("409" in codes) == ("Idempotency-Key" in [parameter["name"] for parameter in one.get("parameters", [])]) == name.startswith("POST"), name
        assert one["summary"] and one["description"] and one["x-permission"] in one["description"], name
    ids = [one["operationId"] for one in operations.values()]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'"#/components/(\w+)/([\w-]+)"', answer.text)) <= {(kind, name) for kind, there in document["components"].items() for name in there}


async def test_the_reference_shows_every_route_and_fetches_nothing_from_elsewhere(desk: Desk) -> None:
    async with desk.with_key(None) as anybody:
        document = (await anybody.get("/openapi.json")).json()
        page = await anybody.get("/reference")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            assert f'id="{one["operationId"]}"' in page.text
            assert f"{path}</code>" in page.text and method.upper() in page.text
    fetched = re.findall(r'(?:src|href)="([^"#][^"]*)"', page.text)
    assert [one for one in fetched if not one.startswith(("/static/", "/api/v1/", "/dashboard"))] == []
    assert re.findall(r"<script(?![^>]* src=)|\son\w+=|\sstyle=|<style", page.text) == []
    assert "script-src 'nonce-" in page.headers["content-security-policy"]
