"""The table of settings, for the documentation and the `settings` command."""

from pydantic import SecretStr

from rollcall.access.environment import file_variable, is_secret
from rollcall.settings import ServiceSettings


def settings_table(model: type[ServiceSettings]) -> str:
    """Render every setting as a Markdown table: variable, default, meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        default = "generated" if field.default_factory else _shown(field.default)
        variable = f"ROLLCALL_{name.upper()}"
        file = f" Or `{file_variable(variable)}` names a file." if is_secret(field) else ""
        rows.append(f"| `{variable}` | {default} | {field.description}{file} |")
    return "\n".join(rows) + "\n"


def _shown(default: object) -> str:
    plain = default.get_secret_value() if isinstance(default, SecretStr) else default
    return "" if plain in (None, "") else f"`{plain}`"
