"""Which ratings count, what is planted, and that a cached network is the one that was made."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from evaluate.conftest import CHAPTERS, MEMBERS, WEEKS, small
from refnet.accumulators import Accumulators, Events, Kind
from refnet.errors import InvalidRequest
from refnet.evaluate import simulated as making
from refnet.evaluate.measures import folded_weekly
from refnet.evaluate.models import find_model, model_1
from refnet.evaluate.networks import Setting, SimulatedNetwork, merged, read_ratings
from refnet.scoring import digest
from refnet.simulate import simulate
from refnet.wiring import open_engine


@pytest.mark.parametrize(
    ("setting", "kept", "labelled"),
    [
        ("all", 10, "134567"),
        # One's and Two's words of strength 5 and more are gone: four rows, and all about One.
        ("nodef", 6, "34567"),
        # All five rows of One and Two are gone.
        ("noT", 5, "34567"),
    ],
)
def test_settings_leave_out_what_the_labels_were_made_of(
    ratings: Path, setting: Setting, kept: int, labelled: str
) -> None:
    network = read_ratings(ratings, setting)

    assert len(network.rating) == kept
    assert "".join(network.people[member] for member in network.labelled) == labelled


def test_ratings_become_testimonials_of_everybody(ratings: Path) -> None:
    network = read_ratings(ratings, "all")

    assert network.people == ("1", "2", "3", "4", "5", "6", "7")
    assert network.events.day.tolist()[-3:] == [11575, 11576, 11576]
    assert network.events.amount.tolist()[7:10] == [500, 1000, 400]
    assert network.fraud.tolist() == [False, False, True, False, True, True]
    accumulators = network.accumulators()
    assert accumulators.uniform
    assert not accumulators.decay


def test_missing_ratings_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"otc_network\.csv\.gz is not in") as caught:
        read_ratings(tmp_path, "all")

    assert caught.value.field == "data"


def test_a_cached_network_is_the_one_that_was_made(
    network: SimulatedNetwork, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("made again")

    again = small(3, tmp_path)
    monkeypatch.setattr(making, "_made", never)
    kept = small(3, cache)

    for other in (again, kept):
        for name in ("day", "kind", "a", "b", "amount"):
            np.testing.assert_array_equal(
                getattr(network.events, name), getattr(other.events, name)
            )
        assert network.plant.kind.tolist() == other.plant.kind.tolist()
        assert network.plant.groups == other.plant.groups


def test_its_scores_are_those_of_the_store_it_was_read_from(
    network: SimulatedNetwork, tmp_path: Path
) -> None:
    store = partial(open_engine, tmp_path, simulated=True, warn=lambda _: None)
    simulate(store, seed=3, chapters=CHAPTERS, members_per_chapter=MEMBERS, weeks=WEEKS)
    with open_engine(tmp_path, read_only=True, warn=lambda _: None) as engine:
        expected = engine.scores(day=network.day).scores.arrays

    found = model_1(network.folded(network.day), network.day, network.standing)

    # Late facts, folded in order of their day, keep low-order bits that lateness costs.
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-6, err_msg=name)


def test_another_argument_is_another_file(cache: Path, network: SimulatedNetwork) -> None:
    before = set(cache.iterdir())
    making.simulated(4, cache, chapters=1, members=4, weeks=2)

    assert len(set(cache.iterdir()) - before) == 1


def test_an_interrupted_simulation_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        making.simulated(4, tmp_path, chapters=1, members=4, weeks=2)

    assert list(tmp_path.iterdir()) == []


def test_events_of_the_network_are_its_members_own(network: SimulatedNetwork) -> None:
    joins = network.events.select(network.events.kind == Kind.JOIN)

    assert joins.a.tolist() == list(range(network.n))
    assert (np.diff(network.events.day) >= 0).all()
    weeks = (joins.day - network.first_day) // 7
    assert weeks.tolist() == network.plant.joined.tolist()
    assert network.folded(network.day).n == network.n


def test_folding_forward_gives_the_bits_of_folding_at_once(network: SimulatedNetwork) -> None:
    forward = {
        week: digest(dict(model_1(accumulators, network.last_day(week), None)))
        for week, accumulators in folded_weekly(network)
    }

    for week in (0, 17, network.weeks - 1):
        at_once = Accumulators()
        at_once.fold(network.between(-1, network.last_day(week)))
        assert digest(dict(model_1(at_once, network.last_day(week), None))) == forward[week]


def test_merging_keeps_days_in_order_and_the_first_first() -> None:
    one = Events.of([(1, Kind.JOIN, 0, 0, 1), (3, Kind.JOIN, 1, 1, 2)])
    two = Events.of([(1, Kind.JOIN, 2, 2, 3), (2, Kind.JOIN, 3, 3, 4)])

    assert merged(one, two).amount.tolist() == [1, 3, 4, 2]


def test_a_model_is_found_by_version_or_by_path() -> None:
    assert find_model("1") is model_1
    assert find_model("refnet.evaluate.models:model_1") is model_1
    for name in ("0", "nowhere:model", "refnet.evaluate.models:MODELS", ":x", "refnet.errors"):
        with pytest.raises(InvalidRequest, match="no score model"):
            find_model(name)
