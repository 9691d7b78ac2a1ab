"""The secrets that the console gave: read from files that only their owner may read, shown nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tincall.errors import OperatorError
from tincall.settings import DataFolder, WechatSettings, read_secret
from tincall.wechat.pushes import PushKeys, decode_aes_key

SECRET_MAX_CHARS = 256


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is needed to speak with the platform and to be spoken to.

    Args:
        secret: AppSecret.
        push: Token and EncodingAESKey of the message push, with the appid.
    """

    secret: str = field(repr=False)
    push: PushKeys


def load(folder: DataFolder, settings: WechatSettings) -> Credentials:
    """Read all of them.

    Args:
        folder: where relative paths begin.
        settings: with an appid.

    Raises:
        OperatorError: status 2; no appid or model_id, or a file is missing, open to others, or holds something else.
    """
    if not settings.appid:
        raise OperatorError("appid of [wechat] is empty.", "Set it to the AppID of your mini program.", 2)
    if not settings.model_id:
        raise OperatorError("model_id of [wechat] is empty.", "Set it to the model_id of your device model.", 2)
    token = read_word(folder.root / settings.push_token_file, "the Token of the message push")
    place = folder.root / settings.aes_key_file
    try:
        aes_key = decode_aes_key(read_word(place, "the EncodingAESKey of the message push"))
    except ValueError:
        why = f"{place} holds no EncodingAESKey, which has 43 letters and digits."
        raise OperatorError(why, "Copy it from the console's message push.", 2) from None
    return Credentials(load_secret(folder, settings), PushKeys(settings.appid, token, aes_key))


def load_secret(folder: DataFolder, settings: WechatSettings) -> str:
    """Read the AppSecret alone.

    Raises:
        OperatorError: status 2; the file is missing, open to others, or holds something else.
    """
    return read_word(folder.root / settings.secret_file, "the AppSecret of the mini program")


def read_word(path: Path, what: str) -> str:
    """Read a file that holds one secret word.

    Args:
        path: absolute, or from the current folder.
        what: the name of the word for people.

    Raises:
        OperatorError: status 2; missing, open to others, or not one word of printable ASCII.
    """
    hint = f"Write {what} into {path}, and nothing else, with `chmod 600`."
    data = read_secret(path, hint)
    word = data.decode("latin-1").strip()
    if not 0 < len(word) <= SECRET_MAX_CHARS or not all("!" <= c <= "~" for c in word):
        raise OperatorError(f"{path} does not hold one word.", hint, 2)
    return word
