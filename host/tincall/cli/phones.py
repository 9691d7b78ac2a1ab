"""The phones that the simulated side plays: read from the settings or a file of their own, checked before anything starts."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tincall.errors import OperatorError
from tincall.settings import read_toml
from tincall.simulator.phone import PhoneScript

# of a script, what names a file; relative ones are meant from where the script stands
PATHS = ("speak", "record")


def from_file(path: Path) -> list[PhoneScript]:
    """Read the `[[phones]]` of a TOML file that holds nothing else.

    Raises:
        OperatorError: status 2; missing, not TOML, something else in it, or a script is wrong.
    """
    given = read_toml(path)
    phones = given.pop("phones", None)
    if given or not isinstance(phones, list) or not all(isinstance(one, dict) for one in phones):
        raise OperatorError(f"{path} is not a list of phones.", "It holds tables named [[phones]] and nothing else.", 2)
    return scripts(phones, path)


def scripts(phones: list[dict[str, Any]], source: Path) -> list[PhoneScript]:
    """Check phones and make their paths whole.

    Args:
        phones: as TOML gave them.
        source: the file they stand in, for messages and relative paths.

    Raises:
        OperatorError: status 2; a script is wrong or an id stands twice. Names the phone, the key and the reason.
    """
    found: list[PhoneScript] = []
    for number, phone in enumerate(phones, 1):
        which = f"phone {phone.get('id', number)!s}"
        whole = {key: _whole(value, source) if key in PATHS else value for key, value in phone.items()}
        try:
            script = PhoneScript(**whole)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            hint = "Correct that value; `PhoneScript` in the documentation names all keys."
            raise OperatorError(f"{source}, {which}: `{key}` is wrong: {first['msg']}.", hint, 2) from None
        if any(script.id == other.id for other in found):
            raise OperatorError(f"{source}: there are two phones with the id {script.id}.", "Rename one.", 2)
        found.append(script)
    return found


def _whole(value: Any, source: Path) -> Any:
    return str(source.absolute().parent / value) if isinstance(value, str) else value
