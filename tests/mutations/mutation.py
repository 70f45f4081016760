"""One guard of the product, and who must notice that it is gone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """A guard taken away: texts of one file, each with its replacement, and who must notice."""

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]

    @property
    def changes_schema(self) -> bool:
        """Whether the database must be migrated by the mutant itself."""
        return "/migrations/" in self.file
