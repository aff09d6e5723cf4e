"""The first day: network, exchange rates, chapters and founding members."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from refnet.domain.chapter import ChangeChapterPolicy, CharterChapter, Weekday
from refnet.domain.network import CharterNetwork, SetRate
from refnet.domain.values import ChapterId, NetworkId
from refnet.simulate.careers import elect, enrol
from refnet.simulate.clock import MINUTE, WEEK
from refnet.simulate.people import Home, draw_kinds
from refnet.simulate.scene import Scene
from refnet.simulate.words import CHAPTER_NAMES, CITIES, City

_WEEKDAYS = tuple(Weekday)
_QUARTER = 13 * WEEK


def found(scene: Scene, chapters: int, size: int) -> None:
    """Charter network and chapters, enrol and acquaint the founding members."""
    network = NetworkId(scene.desk.open("network", CharterNetwork(name="Simulated network")))
    cities = [CITIES[number % len(CITIES)] for number in range(chapters)]
    foreign = [city for city in dict.fromkeys(cities) if city.currency != "EUR"]
    _set_rates(scene, network, foreign)
    scene.homes = [_charter(scene, number, city, size) for number, city in enumerate(cities)]
    for home in scene.homes[::5]:
        scene.at(scene.start + scene.weeks * WEEK // 2, _allow_visits, home)
    kinds = iter(draw_kinds(scene.chance, chapters * size))
    for home in scene.homes:
        scene.desk.move(scene.now + MINUTE)
        for _ in range(size):
            enrol(scene, home, next(kinds))
    for home in scene.homes:
        elect(scene, home)
        for person in home.members:
            for _ in range(4):
                mate = scene.mate(person)
                if mate is not None:
                    person.meet(mate)


def _charter(scene: Scene, number: int, city: City, size: int) -> Home:
    chance = scene.chance
    # Tuesday to Friday: no place on Earth is so far ahead that this falls into the week before.
    weekday = chance.between(1, 5)
    time = dt.time(chance.pick((6, 7, 7, 12)), chance.pick((0, 30, 45)))
    chapter = scene.desk.open(
        "chapter",
        CharterChapter(
            name=f"{CHAPTER_NAMES[number % len(CHAPTER_NAMES)]} {city.name}",
            city=city.name,
            country=city.country,
            time_zone=city.time_zone,
            meeting_weekday=_WEEKDAYS[weekday],
            meeting_time=time.isoformat("minutes"),
            currency=city.currency,
        ),
    )
    return Home(ChapterId(chapter), city, ZoneInfo(city.time_zone), weekday, time, size)


def _set_rates(scene: Scene, network: NetworkId, foreign: list[City]) -> None:
    """Set each rate anew every quarter, a few percent around where it began."""
    for city in foreign:
        rate = round(city.rate_millionths * (0.97 + 0.06 * scene.chance.unit()))
        command = SetRate(network=network, currency=city.currency, rate_millionths=rate)
        scene.desk.ask(command)
    if foreign:
        scene.at(scene.now + _QUARTER, _set_rates, network, foreign)


def _allow_visits(scene: Scene, home: Home) -> None:
    scene.desk.ask(ChangeChapterPolicy(chapter=home.id, visits_max=3))
