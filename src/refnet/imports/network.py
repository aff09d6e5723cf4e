"""The network a file is imported into, there already or begun by the import."""

from __future__ import annotations

from refnet.domain.decisions import FUTURE_SKEW, Request
from refnet.domain.network import CharterNetwork, Network
from refnet.engine import Engine
from refnet.errors import OccurTimeBeforeCharter, OccurTimeInFuture, RefnetError
from refnet.imports.request_ids import RequestIds
from refnet.log.draft import Receipt


def get_network(engine: Engine) -> Network | None:
    """The network of this log, if it was chartered."""
    found: Network | None = next(iter(engine.state.resident("network").values()), None)
    return found


def execute_one(engine: Engine, request: Request) -> Receipt:
    """Execute a request of its own. Raises its refusal."""
    (answer,) = engine.execute([request])
    if isinstance(answer, RefnetError):
        raise answer
    return answer


class Home:
    """The network that a file is imported into. If there is none, it begins with the first row."""

    def __init__(self, engine: Engine, ids: RequestIds, charter: CharterNetwork) -> None:
        """charter: how it begins; of no account where there is a network."""
        self._engine = engine
        self._ids = ids
        self._charter = charter
        self._known = get_network(engine)

    @property
    def chartered_time(self) -> int:
        """When it began, microseconds; a network of imported facts is as old as time."""
        return 0 if self._known is None else self._known.chartered_time

    @property
    def reference_currency(self) -> str:
        """The currency that amounts are counted in."""
        return (self._known or self._charter).reference_currency

    def has_rate(self, currency: str) -> bool:
        """Whether amounts of a currency can be counted."""
        network = get_network(self._engine)
        rates = {} if network is None else network.rates
        return currency == self.reference_currency or currency in rates

    def begin(self) -> None:
        """Charter the network, unless there is one. A file without good rows never comes here."""
        if self._known is None:
            request = Request(
                command=self._charter,
                request_id=self._ids.of("network"),
                new_id=self._engine.new_id("network"),
                occur_time=0,
            )
            execute_one(self._engine, request)
            self._known = get_network(self._engine)

    def check_time(self, time: int, column: str) -> None:
        """Raises what the engine would for this occur_time, but before anybody is enrolled."""
        if time < self.chartered_time:
            raise OccurTimeBeforeCharter(
                f"{column} lies before the network's charter; import into a store of its own",
                field=column,
                occur_time=time,
                chartered=self.chartered_time,
            )
        if time > self._engine.clock() + FUTURE_SKEW:
            raise OccurTimeInFuture(
                f"{column} lies in the future; correct it, and mind its unit and time zone",
                field=column,
                occur_time=time,
            )
