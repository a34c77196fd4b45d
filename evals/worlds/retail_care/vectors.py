"""Vectors of the catalogue's texts, computed beforehand: the world starts at once. Start with `prepared_vectors`.

`python -m evals.worlds.retail_care.vectors` writes them anew; a text that is not among them is encoded when needed.
"""

from __future__ import annotations

import hashlib
from importlib.resources import as_file, files

import numpy as np

from evals.worlds.retail_care.catalogue import Catalogue, load_catalogue
from evals.worlds.retail_care.encoder import Array, Encoder

FILE = files("evals.worlds.retail_care").joinpath("data", "vectors.npz")


def prepared_vectors(catalogue: Catalogue) -> dict[str, Array]:
    """Text -> unit vector, for every wording of the catalogue that was there when the file was written."""
    with as_file(FILE) as path:
        if not path.exists():
            return {}
        with np.load(path) as stored:
            by_digest = dict(zip(stored["digests"].tolist(), stored["vectors"].astype(np.float32), strict=True))
    return {text: by_digest[digest] for text in _texts(catalogue) if (digest := _digest(text)) in by_digest}


def write_vectors() -> int:
    """Encode the whole catalogue into the file; gives the number of texts."""
    texts = _texts(load_catalogue())
    vectors = Encoder().encode(texts).astype(np.float16)
    with as_file(FILE) as path:
        np.savez_compressed(path, digests=np.array([_digest(text) for text in texts], dtype=np.uint64), vectors=vectors)
    return len(texts)


def _texts(catalogue: Catalogue) -> list[str]:
    return list(dict.fromkeys(ask for matter in (*catalogue.known, *catalogue.missing) for ask in matter.asks))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


if __name__ == "__main__":
    print(f"{write_vectors()} texts encoded")
