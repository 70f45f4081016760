"""Essays of students: made-up text with its size and checksum, enough of them that they differ."""

import hashlib
import random
from dataclasses import dataclass
from functools import cache

POOL_SIZE = 199

_SUBJECTS = (
    "The printing press", "Steam power", "The vaccine", "Universal suffrage", "The census",
    "The railway", "A free press", "The telegraph", "Public schooling", "The harvest of 1867",
)  # fmt: skip
_VERBS = (
    "changed", "strengthened", "divided", "slowly transformed", "challenged", "outlived",
    "reshaped", "exposed the limits of", "was opposed by", "gave a voice to",
)  # fmt: skip
_OBJECTS = (
    "the towns of the coast", "small farms", "the old guilds", "a generation of teachers",
    "the authority of the church", "women's work", "the price of grain", "how news travelled",
    "the army's recruits", "the idea of a nation",
)  # fmt: skip
_ENDINGS = (
    "although the sources disagree on when.", "as the parish records show.",
    "which few had expected.", "and the effects were felt for decades.",
    "at least in the north.", "but not for everyone.", "long before the law followed.",
    "if we can trust the letters of the time.",
)  # fmt: skip
_FIRST_NAMES = (
    "Anna", "Björn", "Chidi", "Dalia", "Emre", "Freja", "Guðrún", "Hiro", "Inés", "Jonas", "Kaja",
    "Łukasz", "Mina", "Noor", "Olga", "Priya", "Quynh", "Rasmus", "Søren", "Tess", "Ubah",
)  # fmt: skip
_LAST_NAMES = (
    "Lindqvist", "Öberg", "Okafor", "Haddad", "Çelik", "Nørgaard", "Tanaka", "García", "Berg",
    "Kowalski", "Rahman", "Petrova", "Iyer", "Nguyễn", "Dahl", "Warsame", "Smith",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Essay:
    """An essay's text, in UTF-8, and what an event says about it."""

    text: bytes
    size_bytes: int
    md5_hash: bytes


@cache
def essay_pool() -> tuple[Essay, ...]:
    """Write the essays, the same ones always."""
    return tuple(_essay(random.Random(f"essay/{n}")) for n in range(POOL_SIZE))  # noqa: S311


def file_name(number: int) -> bytes:
    """Give the name of a student's file, in UTF-8; every few hundred names repeat."""
    first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
    last = _LAST_NAMES[number % len(_LAST_NAMES)]
    return f"{first} {last}.docx".encode()


def _essay(draws: random.Random) -> Essay:
    paragraphs = (_paragraph(draws) for _ in range(draws.randrange(3, 9)))
    text = "\n\n".join(paragraphs).encode() + b"\n"
    md5 = hashlib.md5(text, usedforsecurity=False).hexdigest().encode()
    return Essay(text, len(text), md5)


def _paragraph(draws: random.Random) -> str:
    words = (_SUBJECTS, _VERBS, _OBJECTS, _ENDINGS)
    sentences = (
        " ".join(draws.choice(choices) for choices in words) for _ in range(draws.randrange(3, 8))
    )
    return " ".join(sentences)
