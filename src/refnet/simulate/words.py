"""Words the simulated network is made of. Nobody here is real; addresses end in reserved names."""

from __future__ import annotations

from dataclasses import dataclass

from refnet.simulate.chance import Chance


def _words(text: str, between: str | None = None) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(between))


FIRST_NAMES = _words("""
Ada Aino Alma Amir Anneke Bela Bruno Carla Cem Chiara Clara Dario Dora Edda Elif Emil Enzo Esra
Fatou Femi Filip Frida Goran Greta Hana Hugo Ida Inga Ivo Jana Jonas Juna Kaito Karim Klara Lale
Leo Lin Lotte Luca Maja Malik Marta Mika Mila Nadia Nils Noor Olga Oskar Paula Pia Quirin Rana
Remy Rosa Sami Selma Sven Tara Theo Tilda Uma Vera Viktor Wanda Xenia Yara Yusuf Zoe
""")

LAST_NAMES = _words("""
Abt Adler Amsel Anker Bach Barth Becher Birke Blum Brandt Brecht Buche Dachs Dorn Eber Eiche
Erle Esche Falk Farn Felder Fink Flora Forster Fuchs Garbe Ginster Graf Habicht Hafer Hagen Hain
Heide Hirsch Holm Horn Hummel Igel Imker Jung Kamm Keller Kiefer Klee Kranich Kuhn Lachs Lerche
Linde Luchs Mai Marder Meise Mohn Moos Nagel Nessel Otter Palm Pfau Quelle Rabe Reh Rinde Rohr
Saat Sander Segel Specht Stein Storch Sturm Tanne Taube Ulme Veil Wald Weide Wiese Zander
""")

CLASSIFICATIONS = _words(
    """
Accountant, Architect, Baker, Banker, Barber, Beekeeper, Bicycle dealer, Bookbinder,
Bookseller, Brewer, Business coach, Car dealer, Carpenter, Caterer, Chimney sweep,
Chiropractor, Cleaning service, Copywriter, Courier, Data protection, Dentist, Dietician,
Dressmaker, Driving school, Electrician, Energy adviser, Event planner, Facility manager,
Financial planner, Florist, Garage, Gardener, Glazier, Goldsmith, Graphic designer,
Hairdresser, Heating engineer, Hotelier, Insurance broker, Interior designer, Interpreter,
Joiner, Landscaper, Lawyer, Locksmith, Logistics, Marketing agency, Mason, Massage therapist,
Moving company, Musician, Notary, Office supplies, Optician, Painter, Patent attorney,
Personal trainer, Pharmacist, Photographer, Physiotherapist, Plumber, Printer,
Property manager, Psychologist, Real estate agent, Recruiter, Roofer, Sailmaker,
Security service, Signmaker, Software developer, Solar installer, Steel builder, Surveyor,
Tax adviser, Tiler, Translator, Travel agent, Veterinarian, Video producer, Web designer,
Winemaker
""",
    ",",
)

CHAPTER_NAMES = _words("""
Anchor Beacon Compass Dolphin Ember Falcon Granite Harbour Ivory Juniper Kestrel Lantern
Meridian Nimbus Orchard Pioneer Quarry Rosewood Summit Tamarind Umbra Vineyard Willow Zenith
""")


@dataclass(frozen=True, slots=True)
class City:
    """Where a chapter meets. rate_millionths: what one unit of its currency is worth in EUR."""

    name: str
    country: str
    time_zone: str
    currency: str
    rate_millionths: int = 1_000_000


CITIES = (
    City("Hamburg", "DE", "Europe/Berlin", "EUR"),
    City("Zürich", "CH", "Europe/Zurich", "CHF", 1_040_000),
    City("Lisboa", "PT", "Europe/Lisbon", "EUR"),
    City("Wien", "AT", "Europe/Vienna", "EUR"),
    City("Bristol", "GB", "Europe/London", "GBP", 1_170_000),
    City("Utrecht", "NL", "Europe/Amsterdam", "EUR"),
    City("Osaka", "JP", "Asia/Tokyo", "JPY", 6_100),
    City("Torino", "IT", "Europe/Rome", "EUR"),
    City("Nantes", "FR", "Europe/Paris", "EUR"),
    City("Portland", "US", "America/Los_Angeles", "USD", 920_000),
    City("Tampere", "FI", "Europe/Helsinki", "EUR"),
    City("Valencia", "ES", "Europe/Madrid", "EUR"),
    City("Tunis", "TN", "Africa/Tunis", "TND", 296_000),
    City("Leipzig", "DE", "Europe/Berlin", "EUR"),
)

PLACES = ("her office", "his workshop", "Café Kranich", "a walk by the river", "online")
TOPICS = (
    "who would be a good client this year",
    "how each of us wins new business",
    "three companies in the harbour",
    "the spring campaign",
    "a common stand at the fair",
)
NEEDS = (
    "moves house in spring and wants an offer",
    "is not happy with the present supplier",
    "plans to extend the workshop",
    "asked for somebody reliable",
    "starts a company and needs advice",
)
PRAISE = (
    "came the same day and finished the job",
    "explained every step and kept the price",
    "I would ask again at any time",
    "friendly, quick and exact",
    "found what two others had missed",
)
BLAME = (
    "did not call back for weeks",
    "the price was not what we had agreed on",
    "promised more than was done",
)
VOIDS = ("entered twice", "wrong person named", "was a quote request, not a referral")
DISPUTES = ("we never met that week", "there was no such prospect", "it was only a phone call")
LOSSES = ("another offer was cheaper", "the project was put off", "no answer any more")
LEAVINGS = ("moves to another city", "sold the business", "no time", "found too little here")
SUSPENSIONS = ("dues not paid", "absent four times without a substitute")


@dataclass(frozen=True, slots=True)
class Card:
    """What a person hands out; all of it personal data."""

    name: str
    email: str
    phone: str


def draw_card(chance: Chance) -> Card:
    """A made-up person."""
    first, last = chance.pick(FIRST_NAMES), chance.pick(LAST_NAMES)
    number = chance.between(0, 1_000_000)
    email = f"{first}.{last}.{number % 997}@mail.example".lower()
    return Card(f"{first} {last}", email, f"+999 555 {number:06d}")
