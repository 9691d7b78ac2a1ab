"""Arithmetic of 16-bit sequence numbers that wrap (RFC 3550 section 5.1, RFC 1982)."""


def seq_diff(later: int, earlier: int) -> int:
    """Give how many steps `later` is ahead of `earlier`, -32768 to 32767; negative when it is behind."""
    return (((later - earlier) & 0xFFFF) ^ 0x8000) - 0x8000
