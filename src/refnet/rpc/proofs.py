"""ProofService: checkpoints and proofs, as others' tools verify them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from refnet import v1
from refnet.app import App
from refnet.rpc.freshness import check_reached, patience
from refnet.rpc.handlers import Behaviour
from refnet.rpc.interceptor import POSITION
from refnet.rpc.log import LogReads
from refnet.rpc.positions import Positions
from refnet.tlog.proof_file import extension
from refnet.tlog.published import Published, check_proof


class ProofReads:
    """The methods of ProofService."""

    def __init__(self, app: App, log: LogReads, positions: Positions) -> None:
        self._app = app
        self._log = log
        self._positions = positions

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Methods by name."""
        return {
            "GetCheckpoint": self._checkpoint,
            "ProveInclusion": self._inclusion,
            "ProveConsistency": self._consistency,
        }

    async def _checkpoint(
        self, request: v1.GetCheckpointRequest, context: Any
    ) -> v1.GetCheckpointResponse:
        found, raw = await self._app.published(Published.checkpoint, 0, patience(context))
        POSITION.set(found.size)
        return v1.GetCheckpointResponse(
            checkpoint=raw,
            size=found.size,
            root=found.root.hex(),
            position=self._positions.message(found.size),
        )

    async def _inclusion(
        self, request: v1.ProveInclusionRequest, context: Any
    ) -> v1.ProveInclusionResponse:
        position = self._positions.read(request.position, field="position")
        check_reached(position, self._app.position, field="position")
        proof = await self._app.published(
            lambda published: published.inclusion(position), position, patience(context)
        )
        (row,) = await self._app.rows(position - 1, 1, position)
        check_proof(proof, row)
        POSITION.set(position)
        return v1.ProveInclusionResponse(
            fact=self._log.fact(row), index=proof.index, path=proof.path, proof=str(proof)
        )

    async def _consistency(
        self, request: v1.ProveConsistencyRequest, context: Any
    ) -> v1.ProveConsistencyResponse:
        old = request.old_size
        path, raw = await self._app.published(
            lambda published: published.consistency(old), 0, patience(context)
        )
        return v1.ProveConsistencyResponse(
            checkpoint=raw, path=path, proof=extension(old, path, raw)
        )
