"""Settings from `ROLLCALL_*` variables; a secret also from a file that `ROLLCALL_<NAME>_FILE` names."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from rollcall.errors import ConfigurationError

PREFIX = "ROLLCALL_"
_SUFFIX = "_FILE"
_MOST_BYTES = 65_536


class EnvironmentSettings(BaseSettings):
    """Base of all settings. No message of a refused value ever shows the value: it may be a secret."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then variables and the files that variables name."""
        return init_settings, env_settings, _SecretFiles(settings_cls)


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads the secrets that are in files, as Docker and Kubernetes mount them."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The content of the file that the field's variable names."""
        variable = PREFIX + field_name.upper()
        return (read_secret(os.environ, variable) if is_secret(field) else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
            if os.environ.get(PREFIX + name.upper() + _SUFFIX) and is_secret(field)
        }
        return {name: value for name, value in found.items() if value is not None}


def explained_settings(error: Exception) -> str | None:
    """Which variables are refused and why, a line each; None for an error about anything else."""
    if not (isinstance(error, ValidationError) and error.title in _names(EnvironmentSettings)):
        return None
    lines = (
        f"  {_variable(item['loc'])}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    )
    return "\n".join(("the settings are invalid:", *lines))


def _variable(location: tuple[int | str, ...]) -> str:
    return f"{PREFIX}{'_'.join(map(str, location)).upper()}" if location else "together"


def _names(settings: type[BaseSettings]) -> set[str]:
    return {settings.__name__}.union(*map(_names, settings.__subclasses__()))


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting must never be shown."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def file_variable(variable: str) -> str:
    """The variable that names the file of a secret."""
    return variable + _SUFFIX


def read_secret(environment: Mapping[str, str], variable: str) -> str | None:
    """A secret from its variable, or from the file that `<variable>_FILE` names; None = neither.

    White space at the end of a file does not count.

    Raises:
        ConfigurationError: both are set, or the file cannot be read.
    """
    given, file = environment.get(variable), environment.get(file_variable(variable))
    if not file:
        return given
    if given:
        raise ConfigurationError(
            f"{variable} and {file_variable(variable)} are both set: unset one"
        )
    try:
        with Path(file).open("rb") as content:
            return content.read(_MOST_BYTES).decode().rstrip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(
            f"{file_variable(variable)}={file} cannot be read: {reason}"
        ) from None
