"""Cassettes: how exchanges with the tiny model are kept, labelled and matched. Start with `recording` and `replaying`.

A cassette is YAML: `label` says what answered, requests are kept as JSON, answers as the server's own text. A request
matches only with the same method, address and JSON body. Of the headers only the content type is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import vcr
import yaml
from vcr.cassette import Cassette
from vcr.request import Request

MATCHED = ("method", "scheme", "host", "port", "path", "query", "same_json")
KEPT_HEADERS = frozenset({"content-type"})


@contextmanager
def recording(file: Path, label: Mapping[str, str | int | float]) -> Iterator[None]:
    """Send for real and keep what comes back, in place of what the file held; nothing is kept if the block fails."""
    file.unlink(missing_ok=True)
    with _vcr(label, "all").use_cassette(str(file), record_on_exception=False):
        yield


@contextmanager
def replaying(file: Path) -> Iterator[Cassette]:
    """Answer from the file only; any other request raises vcrpy's `CannotOverwriteExistingCassetteException`."""
    with _vcr({}, "none").use_cassette(str(file), allow_playback_repeats=False) as cassette:
        yield cassette


def label_of(file: Path) -> dict[str, Any]:
    """What answered."""
    label = yaml.safe_load(file.read_text()).get("label")
    return dict(label) if isinstance(label, dict) else {}


def same_json(asked: Request, recorded: Request) -> None:
    """vcrpy's matcher of bodies: equal as JSON, whatever the order of the keys or the spaces."""
    ours, theirs = _normal(asked.body), _normal(recorded.body)
    if ours != theirs:
        at = next(
            (n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
        )
        around = slice(max(0, at - 60), at + 60)
        raise AssertionError(f"the bodies differ: …{ours[around]}… is not …{theirs[around]}…")


def _normal(body: bytes | str | None) -> str:
    return json.dumps(json.loads(body), sort_keys=True, ensure_ascii=False) if body else ""


def _vcr(label: Mapping[str, str | int | float], mode: str) -> Any:
    recorder = vcr.VCR(
        record_mode=vcr.mode(mode),
        match_on=MATCHED,
        serializer="labelled",
        before_record_request=_clean_request,
        before_record_response=_clean_response,
    )
    recorder.register_serializer("labelled", _Labelled(label))
    recorder.register_matcher("same_json", same_json)
    return recorder


def _clean_request(request: Request) -> Request:
    request.headers = _kept(request.headers)
    return request


def _clean_response(response: dict[str, Any]) -> dict[str, Any]:
    return {**response, "headers": _kept(response["headers"])}


def _kept(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in headers.items() if name.lower() in KEPT_HEADERS}


class _Labelled:
    """vcrpy's serializer: YAML for people, with the label first."""

    def __init__(self, label: Mapping[str, str | int | float]) -> None:
        self._label = dict(label)

    def serialize(self, cassette: dict[str, Any]) -> str:
        """Bodies of requests as JSON values."""
        made = [{**one, "request": _opened(one["request"])} for one in cassette["interactions"]]
        kept = {"label": self._label, "version": cassette["version"], "interactions": made}
        return yaml.dump(kept, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)

    def deserialize(self, text: str) -> dict[str, Any]:
        """And back."""
        kept: dict[str, Any] = yaml.safe_load(text)
        for one in kept["interactions"]:
            one["request"]["body"] = json.dumps(one["request"]["body"])
        return kept


def _opened(request: dict[str, Any]) -> dict[str, Any]:
    return {**request, "body": json.loads(request["body"]) if request["body"] else None}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
