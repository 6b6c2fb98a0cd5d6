"""Answers that are claimed while they are queued, and said as soon as that is committed: no claim of their own, and nobody waits for one."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self
from uuid import UUID

import orjson

from frontdesk.channels import Lane
from frontdesk.messages import Draft, content_of
from frontdesk.outbound.records import Claim
from frontdesk.outbound.speakers import Speaker


class Granted(NamedTuple):
    """A place among what is in flight, for one answer."""

    lane: Lane
    speaker: Speaker
    draft: Draft

    @property
    def claim(self) -> Claim:
        """The claim that was written with the answer."""
        said = self.draft
        content = orjson.dumps(content_of(said)).decode()
        return Claim(said.organization_id, said.id, said.channel_id, said.recipient, content, said.window_ends_at, 1)


class Ahead:
    """What the answers of one batch may claim."""

    def __init__(self, worker: UUID, grant: Callable[[Lane], Speaker | None], say: Callable[[Sequence[Granted]], None],
                 give_back: Callable[[Sequence[Granted]], None]) -> None:  # fmt: skip
        """`grant` gives a place on a lane, if there is one; every place is either said or given back."""
        self._worker, self._grant, self._say, self._give_back = worker, grant, say, give_back
        self._granted: list[Granted] = []

    def __len__(self) -> int:
        """How many answers are claimed."""
        return len(self._granted)

    def claim(self, draft: Draft) -> UUID | None:
        """The worker that claims this answer; None: it waits for its turn like everything else."""
        lane = Lane(draft.organization_id, draft.channel_id)
        if (speaker := self._grant(lane)) is None:
            return None
        self._granted.append(Granted(lane, speaker, draft))
        return self._worker

    def __enter__(self) -> Self:
        """Around the transaction that queues the answers."""
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Their claims are on disk: say them. Or they are not, and nothing is said."""
        granted, self._granted = self._granted, []
        (self._give_back if error else self._say)(granted)
