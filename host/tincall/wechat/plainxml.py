"""The platform's XML: one root, fields in it, nothing that XML can do besides; document types and entities are refused.

Python's own expat does the reading. It refuses the declaration of a document type, so that no entity can be defined, expanded
or fetched, and more depth or fields than a push has.
"""

from typing import Any, NoReturn
from xml.parsers import expat

ROOT = "xml"
DEPTH_MAX = 16
FIELDS_MAX = 256


class _Fields:
    """Collects the text of the root's children; a child that holds elements is not text and is left out."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._path: list[str] = []
        self._text: list[str] = []
        self._is_text = False

    def start(self, name: str, _: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > DEPTH_MAX or self._path[0] != ROOT or len(self.found) >= FIELDS_MAX:
            raise ValueError("not a push")
        self._is_text = len(self._path) == 2
        self._text.clear()

    def text(self, part: str) -> None:
        if self._is_text:
            self._text.append(part)

    def end(self, name: str) -> None:
        self._path.pop()
        if self._is_text:
            if name in self.found:
                raise ValueError("a field stands twice")
            self.found[name] = "".join(self._text)
        self._is_text = False


def _refuse(*_: Any) -> NoReturn:
    raise ValueError("no document type")


def flat_xml(data: bytes) -> dict[str, str]:
    """Read the fields of one XML document as the platform writes them.

    Args:
        data: UTF-8, whatever it declares; bounded by the caller.

    Returns:
        Text by the name of the field; a field that holds others is left out.

    Raises:
        ValueError: not XML, not the root `xml`, too deep, too many fields, one twice, or a declaration of any kind.
    """
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    # entities can be declared nowhere else
    parser.StartDoctypeDeclHandler = _refuse
    fields = _Fields()
    parser.StartElementHandler = fields.start
    parser.EndElementHandler = fields.end
    parser.CharacterDataHandler = fields.text
    try:
        # as text, since bytes with a byte order mark would choose another encoding themselves
        parser.Parse(data.decode("utf-8"), True)
    except expat.ExpatError as error:
        raise ValueError(f"not XML: {expat.errors.messages[error.code]}") from None
    return fields.found
