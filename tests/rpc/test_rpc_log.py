"""The log of facts, page by page."""

from __future__ import annotations

import pytest

from refnet import v1
from refnet.client import RefnetCallError
from refnet.rpc.positions import Positions
from rpc.serving import Served


async def test_a_start_beyond_the_log_is_at_fault_in_the_field_that_names_it(
    served: Served,
) -> None:
    ahead = Positions(served.app.log_id).message(10_000)
    with pytest.raises(RefnetCallError, match="POSITION_AHEAD") as listing:
        await served.call(v1.ListFactsRequest(after=ahead))
    with pytest.raises(RefnetCallError, match="POSITION_AHEAD") as following:
        await anext(aiter(served.stream(v1.FollowFactsRequest(after=ahead))))

    assert listing.value.violations.keys() == {"after"}
    assert following.value.violations.keys() == {"after"}
