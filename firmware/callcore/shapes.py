"""Shapes: what a field of a message may hold, checked on the way in and written in one canonical form on the way out.

A shape has two verbs. `take(value, where)` gives the value back, without keys it does not know, or raises `Unfit`.
`render(value)` writes a value that `take` has passed as JSON: no blanks, keys in the order of the table, characters as
UTF-8 and not escaped, so that one message is the same bytes on both interpreters. Types are exact: true is no integer.
Sentences name the field, never its content: they may go to the peer and into logs.
"""

from callcore.compat import MICROPYTHON

if not MICROPYTHON:
    from typing import Any

_TOKEN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"


class Unfit(Exception):
    """A value has not the shape; `detail` says in one sentence which and why."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where)
        self.detail = "`" + where + "` " + why


class Integer:
    """A whole number from `low` to `high`, both included."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def take(self, value: "Any", where: str) -> "Any":
        if type(value) is not int:
            raise Unfit(where, "is not an integer")
        if not self.low <= value <= self.high:
            raise Unfit(where, "is not from %d to %d" % (self.low, self.high))
        return value

    def render(self, value: "Any") -> str:
        return str(value)


class Flag:
    """true or false."""

    def take(self, value: "Any", where: str) -> "Any":
        if value is not True and value is not False:
            raise Unfit(where, "is not true or false")
        return value

    def render(self, value: "Any") -> str:
        return "true" if value else "false"


class Text:
    """A string of `shortest` to `longest` characters (code points) for people: no control characters."""

    def __init__(self, shortest: int, longest: int) -> None:
        self.shortest = shortest
        self.longest = longest

    def take(self, value: "Any", where: str) -> "Any":
        if type(value) is not str:
            raise Unfit(where, "is not a string")
        value = _whole(value)
        if not self.shortest <= len(value) <= self.longest:
            raise Unfit(where, "is not %d to %d characters long" % (self.shortest, self.longest))
        for letter in value:
            code = ord(letter)
            if code < 0x20 or 0x7F <= code <= 0x9F:
                raise Unfit(where, "has a control character")
            if 0xD800 <= code <= 0xDFFF:
                raise Unfit(where, "has half of a surrogate pair")
        return value

    def render(self, value: "Any") -> str:
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Token:
    """A string of 1 to `longest` characters for machines: 0-9 A-Z a-z - _ only."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def take(self, value: "Any", where: str) -> "Any":
        if type(value) is not str:
            raise Unfit(where, "is not a string")
        if not 1 <= len(value) <= self.longest:
            raise Unfit(where, "is not 1 to %d characters long" % self.longest)
        for letter in value:
            if letter not in _TOKEN:
                raise Unfit(where, "has a character other than 0-9 A-Z a-z - _")
        return value

    def render(self, value: "Any") -> str:
        return '"' + str(value) + '"'


class OneOf:
    """One of a few values, all integers or all tokens."""

    def __init__(self, *values: "Any") -> None:
        self.values = values

    def take(self, value: "Any", where: str) -> "Any":
        # the type first: 20.0 equals 20
        if type(value) is not type(self.values[0]) or value not in self.values:
            raise Unfit(where, "is not one of " + ", ".join([str(known) for known in self.values]))
        return value

    def render(self, value: "Any") -> str:
        return '"' + value + '"' if type(value) is str else str(value)


class Many:
    """A list of `fewest` to `most` values of one shape."""

    def __init__(self, shape: "Any", fewest: int, most: int) -> None:
        self.shape = shape
        self.fewest = fewest
        self.most = most

    def take(self, value: "Any", where: str) -> "Any":
        if type(value) is not list:
            raise Unfit(where, "is not a list")
        if not self.fewest <= len(value) <= self.most:
            raise Unfit(where, "has not %d to %d members" % (self.fewest, self.most))
        return [self.shape.take(member, where + "[]") for member in value]

    def render(self, value: "Any") -> str:
        return "[" + ",".join([self.shape.render(member) for member in value]) + "]"


class Record:
    """An object with `required` and `optional` fields, each a pair of name and shape; other keys are dropped."""

    def __init__(self, required: "tuple[Any, ...]", optional: "tuple[Any, ...]" = ()) -> None:
        self.required = required
        self.optional = optional

    def take(self, value: "Any", where: str) -> "Any":
        if type(value) is not dict:
            raise Unfit(where, "is not an object")
        inside = where + "." if where else ""
        taken = {}
        for name, shape in self.required:
            if name not in value:
                raise Unfit(inside + name, "is missing")
            taken[name] = shape.take(value[name], inside + name)
        for name, shape in self.optional:
            if name in value:
                taken[name] = shape.take(value[name], inside + name)
        return taken

    def fields(self, value: "Any") -> "list[str]":
        """Render the members, each `"name":value`, in the order of the table."""
        return [
            '"' + name + '":' + shape.render(value[name])
            for name, shape in self.required + self.optional
            if name in value
        ]

    def render(self, value: "Any") -> str:
        return "{" + ",".join(self.fields(value)) + "}"


def keys_in(value: "Any") -> int:
    """Count the keys of all objects in a parsed JSON value, which has a bounded depth."""
    if type(value) is dict:
        return len(value) + sum([keys_in(member) for member in value.values()])
    if type(value) is list:
        return sum([keys_in(member) for member in value])
    return 0


def _whole(value: str) -> str:
    """Join the halves of characters beyond U+FFFF, which MicroPython's parser leaves apart when they were escaped."""
    for letter in value:
        if 0xD800 <= ord(letter) <= 0xDBFF:
            break
    else:
        return value  # nearly always: without a list four times as large as a grant
    high = 0
    letters: "list[str]" = []
    for letter in value:
        code = ord(letter)
        if high and 0xDC00 <= code <= 0xDFFF:
            letters[-1] = chr(0x10000 + ((high - 0xD800) << 10) + code - 0xDC00)
            high = 0
        else:
            letters.append(letter)
            high = code if 0xD800 <= code <= 0xDBFF else 0
    return "".join(letters)
