"""Numbers that look random and are the same in each run, on every interpreter."""


class Dice:
    """A linear congruential generator.

    Args:
        seed: what it begins with.
    """

    def __init__(self, seed):
        self._state = seed

    def roll(self, sides):
        """Give a number from 0 to one less than `sides`."""
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % sides
