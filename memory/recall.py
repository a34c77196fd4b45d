"""Memory as the rest of the house sees it: remember episodes, recall evidence for a situation. Start with `Memory`.

What is remembered waits in an in-memory tail, found from there at once, until `Memory.flush` writes it to the index.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.chroma import IndexUnavailable
from memory.crowds import shares
from memory.embedding import Embedder
from memory.episodes import check_episode
from memory.index import EpisodeIndex
from memory.rows import Rows
from memory.scoring import Neighbour, evidence
from memory.settings import Settings
from memory.tail import Tail
from memory.telling import Tellings
from memory.types import ActionEvidence, Episode, Feature
from memory.vectors import nearest

Fetch: TypeAlias = Callable[[str, Sequence[str]], Awaitable[Sequence[Episode]]]
"""Tenant, ids -> those episodes with the rewards known by now; unknown ids are left out."""

TAIL_LIMIT = 16_384
"""Most episodes that wait in the tail (about 1.5 kB each); a tail this long means that the index fails for good."""

_DESCRIPTIONS = 128
"""Sets of descriptions whose vectors are kept."""
_REBUILD_BATCH = 256
_FLUSH_BATCH = 64
"""Chroma keeps the interpreter to itself while it writes: about 30 ms for 64 episodes, 100 ms for 256."""
_log = logging.getLogger(__name__)


class MemoryUnavailable(Exception):
    """Memory cannot be asked or told anything now; decisions can go on by the prior alone. Has its cause."""


class Memory:
    """Embedding, index and scoring put together. Owns neither index nor embedder: who opened them closes them."""

    def __init__(
        self,
        *,
        embedder: Embedder,
        index: EpisodeIndex,
        fetch: Fetch,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._fetch = fetch
        self._settings = settings
        self._clock = clock
        self._tail = Tail()
        self._tellings = Tellings(settings)
        self._rows = Rows()
        self._writing = asyncio.Lock()
        self._descriptions: OrderedDict[tuple[str, ...], NDArray[np.float32]] = OrderedDict()

    @property
    def tail_size(self) -> int:
        """Episodes remembered and not flushed yet."""
        return len(self._tail)

    async def recall(
        self,
        *,
        tenant: str,
        event_type: str,
        text: str,
        features: Mapping[str, Feature],
        goals: Mapping[str, float],
    ) -> Mapping[str, ActionEvidence]:
        """What like episodes of the tenant and event type say, by action. Raises `MemoryUnavailable`.

        An episode whose stored values are out of range is left out and logged.
        """
        near = await self.near(tenant=tenant, event_type=event_type, text=text)
        return await self.weigh(near, tenant=tenant, event_type=event_type, features=features, goals=goals)

    async def near(self, *, tenant: str, event_type: str, text: str) -> Mapping[str, float]:
        """Ids of like episodes with the cosines of their texts. Raises `MemoryUnavailable`."""
        found = await self.search(tenant=tenant, event_type=event_type, text=text, k=self._settings.pool)
        return {one: similarity for one, similarity in found if similarity >= self._settings.s0}

    async def weigh(
        self,
        near: Mapping[str, float],
        *,
        tenant: str,
        event_type: str,
        features: Mapping[str, Feature],
        goals: Mapping[str, float],
    ) -> Mapping[str, ActionEvidence]:
        """What these episodes say, by action; those that are there no more say nothing."""
        if not near:
            return {}
        episodes = await self._fetch(tenant, tuple(near))
        sound = [
            episode
            for episode in episodes
            if episode.id in near and episode.tenant == tenant and episode.event_type == event_type
        ]
        vectors = await self.vectors(tenant=tenant, event_type=event_type, ids=[episode.id for episode in sound])
        looked_at = shares(near, sound, self._settings.pool)
        neighbours = [
            Neighbour(
                episode=episode,
                similarity=near[episode.id],
                vector=vectors.get(episode.id),
                share=looked_at[episode.id],
            )
            for episode in sound
            if episode.id in looked_at
        ]
        return evidence(
            neighbours,
            features=features,
            goals=goals,
            now=self._clock(),
            settings=self._settings,
            tellings=self._tellings,
            rows=self._rows,
        )

    async def embed(self, texts: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """The unit vector of each of the texts."""
        return dict(zip(texts, await self._embedder.aembed(texts), strict=True)) if texts else {}

    async def vectors(self, *, tenant: str, event_type: str, ids: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """The unit vectors of those that can be found by their text. Raises `MemoryUnavailable`."""
        waiting = self._tail.of(tenant, event_type, ids)
        try:
            indexed = await self._index.vectors(tenant, event_type, [one for one in ids if one not in waiting])
        except IndexUnavailable as error:
            raise MemoryUnavailable(f"Nothing can be recalled: {error}") from error
        return {**indexed, **waiting}

    async def remember(self, episode: Episode) -> None:
        """Make the episode findable at once, until the process ends; `flush` makes it last. Again is no error.

        Another text under a known id takes the place of the one before. Raises `EpisodeError` for a bad episode,
        `MemoryUnavailable` when `TAIL_LIMIT` episodes wait: then it can only be flushed.
        """
        check_episode(episode)
        (vector,) = await self._embedder.aembed([episode.text])
        kind = (episode.tenant, episode.event_type)
        if len(self._tail) >= TAIL_LIMIT and not self._tail.holds(*kind, episode.id):
            raise MemoryUnavailable(f"Episode {episode.id!r} is not remembered: {len(self._tail)} wait for the index.")
        self._tail.put(*kind, episode.id, vector)

    async def flush(self) -> tuple[str, ...]:
        """Write what waits to the index; the ids the index now holds, and only those.

        What cannot be written stays findable and is tried again next time. Raises `MemoryUnavailable` when something
        waits and none of it could be written.
        """
        written: list[str] = []
        failure: IndexUnavailable | None = None
        async with self._writing:
            for part in self._tail.parts(_FLUSH_BATCH):
                try:
                    await self._index.add(part.tenant, part.event_type, part.ids, np.stack(part.vectors))
                except IndexUnavailable as error:
                    _log.warning("%d episodes of %r are not indexed: %s", len(part.ids), part.event_type, error)
                    failure = error
                else:
                    self._tail.drop(part)
                    kind = (part.tenant, part.event_type)
                    written.extend(one for one in part.ids if not self._tail.holds(*kind, one))
        if failure is not None and not written:
            raise MemoryUnavailable(f"{len(self._tail)} episodes are not indexed: {failure}") from failure
        return tuple(written)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Ids of the episodes remembered and not flushed yet."""
        return tuple(one for part in self._tail.parts(TAIL_LIMIT) for one in part.ids)

    async def forget(self, tenant: str, event_type: str, ids: Sequence[str]) -> None:
        """Let these be found no more; unknown ids are no error. Raises `MemoryUnavailable`.

        A flush that goes on is waited for, so that it writes none of them afterwards.
        """
        async with self._writing:
            self._tail.remove(tenant, event_type, ids)
            try:
                await self._index.remove(tenant, event_type, ids)
            except IndexUnavailable as error:
                raise MemoryUnavailable(f"{len(ids)} episodes are not forgotten: {error}") from error

    async def search(self, *, tenant: str, event_type: str, text: str, k: int) -> tuple[tuple[str, float], ...]:
        """Ids of the k episodes with the most similar texts and their cosines. Raises `MemoryUnavailable`."""
        (vector,) = await self._embedder.aembed([text])
        # The tail first, so that an episode flushed while the index is asked is found in one of the two.
        waiting = self._tail.similarities(tenant, event_type, vector)
        try:
            indexed = await self._index.query(tenant, event_type, vector, k)
        except IndexUnavailable as error:
            raise MemoryUnavailable(f"Nothing can be recalled: {error}") from error
        if not waiting:
            return indexed
        both = {**dict(indexed), **waiting}
        return nearest(list(both), np.array(list(both.values())), k)

    async def similarities(self, text: str, descriptions: Mapping[str, str]) -> Mapping[str, float]:
        """Cosine of the text to each description, by the description's name."""
        (vector,) = await self._embedder.aembed([text])
        cosines: NDArray[np.float32] = np.clip(await self._described(tuple(descriptions.values())) @ vector, -1.0, 1.0)
        return dict(zip(descriptions, cosines.tolist(), strict=True))

    async def _described(self, texts: tuple[str, ...]) -> NDArray[np.float32]:
        """Their vectors, shape (n, 384), kept as the same tools are asked for in every decision."""
        known = self._descriptions.pop(texts, None)
        self._descriptions[texts] = await self._embedder.aembed(texts) if known is None else known
        if len(self._descriptions) > _DESCRIPTIONS:
            self._descriptions.popitem(last=False)
        return self._descriptions[texts]

    async def rebuild(
        self, episodes: AsyncIterable[Episode] | Iterable[Episode], progress: Callable[[int], None] | None = None
    ) -> int:
        """Clear index and tail and fill the index with all episodes of the store; returns how many.

        `progress` gets the number done so far after every batch. If it breaks off, the index holds a
        part: run it again. Raises `EpisodeError` for a bad episode, `MemoryUnavailable`.
        """
        done = 0
        try:
            async with self._writing:
                await self._index.clear()
                self._tail.clear()
                async for batch in _batches(episodes):
                    await self._add(batch)
                    done += len(batch)
                    if progress:
                        progress(done)
        except IndexUnavailable as error:
            raise MemoryUnavailable(f"The rebuild broke off after {done} episodes: {error}") from error
        return done

    async def _add(self, batch: Sequence[Episode]) -> None:
        for episode in batch:
            check_episode(episode)
        vectors = await self._embedder.aembed([episode.text for episode in batch])
        rows: dict[tuple[str, str], list[int]] = {}
        for row, episode in enumerate(batch):
            rows.setdefault((episode.tenant, episode.event_type), []).append(row)
        for (tenant, event_type), own in rows.items():
            await self._index.add(tenant, event_type, [batch[row].id for row in own], vectors[own])


async def _batches(episodes: AsyncIterable[Episode] | Iterable[Episode]) -> AsyncIterator[Sequence[Episode]]:
    batch: list[Episode] = []
    async for episode in _one_by_one(episodes):
        batch.append(episode)
        if len(batch) == _REBUILD_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _one_by_one(episodes: AsyncIterable[Episode] | Iterable[Episode]) -> AsyncIterator[Episode]:
    if isinstance(episodes, AsyncIterable):
        async for episode in episodes:
            yield episode
    else:
        for episode in episodes:
            yield episode
