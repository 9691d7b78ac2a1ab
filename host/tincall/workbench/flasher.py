"""What may be written to which chip: judged before anything is erased."""

import re

from tincall.errors import STATUS_USAGE, OperatorError
from tincall.workbench.boards import Board
from tincall.workbench.chip_image import ChipImage
from tincall.workbench.chip_program import Chip

OLDEST = (1, 25)
_MIB = 1 << 20


def where_to_get(board: Board) -> str:
    """Say where a person gets the firmware file of a board."""
    return f"micropython.org/download/{board.micropython}: take the newest .bin of at least {OLDEST[0]}.{OLDEST[1]}"


def judge_board(board: Board) -> int:
    """Give the offset at which a board's chip starts.

    Raises:
        OperatorError: status 2; it is no chip.
    """
    if board.bootloader_offset is None:
        raise OperatorError(f"{board.id} is no chip that could be flashed", "It runs by itself.", STATUS_USAGE)
    return board.bootloader_offset


def judge_image(board: Board, image: ChipImage) -> None:
    """Hold a firmware file against the board that it is for.

    Raises:
        OperatorError: status 2; it is for another chip, or too old.
    """
    if image.chip != board.mcu:
        message = f"this firmware is for {image.chip}, and {board.id} has {board.mcu}"
        raise OperatorError(message, f"Get it from {where_to_get(board)}.", STATUS_USAGE)
    found = re.match(r"v?(\d+)\.(\d+)", image.version) if image.project == "micropython" else None
    if found and (int(found[1]), int(found[2])) < OLDEST:
        message = f"this is MicroPython {image.version}, and {OLDEST[0]}.{OLDEST[1]} is the oldest that will do"
        raise OperatorError(message, f"Get it from {where_to_get(board)}.", STATUS_USAGE)


def judge_chip(board: Board, image: ChipImage, chip: Chip) -> None:
    """Hold the chip on the port against board and firmware.

    Raises:
        OperatorError: it is another chip, its flash is smaller than it has to be, or nobody knows how large it is.
    """
    if chip.name != board.mcu:
        hint = "Plug in the other board, or name the one that this is."
        raise OperatorError(f"the chip is {chip.name}, and {board.id} has {board.mcu}", hint)
    if not chip.flash_bytes:
        raise OperatorError("the chip does not know its flash", "Is it soldered well? Try again with --baud 115200.")
    need = max(board.flash_bytes or 0, image.flash_bytes, (board.bootloader_offset or 0) + len(image.content))
    if chip.flash_bytes < need:
        have = f"{chip.flash_bytes // _MIB} MiB"
        hint = "Take a board with more, or a firmware file made for less."
        what = board.id if need == board.flash_bytes else "this firmware file"
        raise OperatorError(f"the chip's flash has {have}, and {what} needs {need // _MIB} MiB", hint)


def place_of_files(image: ChipImage, chip: Chip, files: bytes) -> int:
    """Give the offset of an image of files, which must be for just the partition that the interpreter has on this chip.

    The interpreter formats a partition whose file system tells another size.

    Raises:
        OperatorError: it is no such image.
    """
    from tincall.workbench import flash_image

    offset, size = image.files_at(chip.flash_bytes)
    try:
        flash_image.contents(files, size)
    except OperatorError:
        hint = f"Make it with --interpreter for this file, and --flash-mib {chip.flash_bytes // _MIB}."
        raise OperatorError(f"the image of files is not for a partition of {size // 1024} KiB", hint) from None
    return offset
