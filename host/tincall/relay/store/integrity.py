"""Looks for damage in a database: its pages, its indexes, its rules, and rows that point to nothing."""

import sqlite3

# the first findings say enough; a file that is broken everywhere would take minutes to list
FINDINGS_MAX = 10


def problems(connection: sqlite3.Connection, is_thorough: bool = False) -> list[str]:
    """List what is wrong with a database, at most `FINDINGS_MAX` of each kind; empty when it is sound.

    Args:
        connection: to the database; nothing is written.
        is_thorough: hold each index against its table as well, which takes several times as long.

    Raises:
        sqlite3.DatabaseError: it is so damaged that it cannot even be looked through.
    """
    look = "integrity_check" if is_thorough else "quick_check"
    found = [str(row[0]) for row in connection.execute(f"PRAGMA {look}({FINDINGS_MAX})")]
    found = [" ".join(one.split()) for one in found if one != "ok"]
    orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(FINDINGS_MAX)
    return found + [
        f"a row of {table} points to a row of {parent} that is not there" for table, _, parent, _ in orphans
    ]
