"""The words of old panels for the states of orders and the types of services, in the languages that they come in."""

import re
from enum import Enum, auto
from functools import lru_cache

from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES


class OddStatus(Enum):
    """A state of theirs that is none of ours."""

    # It did not get to the provider, or failed there: a person decides.
    FAILED = auto()
    UNKNOWN = auto()


_STATUSES: dict[str, Status | OddStatus] = {
    **dict.fromkeys(
        ("pending", "awaiting", "waiting", "queued", "bekliyor", "beklemede", "siradabekliyor"), Status.PENDING
    ),
    **dict.fromkeys(("pendiente", "pendente", "menunggu", "вожидании", "ожидание", "ожидает"), Status.PENDING),
    **dict.fromkeys(
        ("processing", "isleniyor", "procesando", "processando", "diproses", "обрабатывается"), Status.PROCESSING
    ),
    **dict.fromkeys(("вобработке", "обработка"), Status.PROCESSING),
    **dict.fromkeys(("inprogress", "progress", "active", "running", "yukleniyor", "devamediyor"), Status.IN_PROGRESS),
    **dict.fromkeys(("enprogreso", "emandamento", "encours", "вработе", "выполняется"), Status.IN_PROGRESS),
    **dict.fromkeys(("completed", "complete", "done", "success", "tamamlandi", "completado"), Status.COMPLETED),
    **dict.fromkeys(
        ("completo", "concluido", "termine", "selesai", "выполнен", "выполнено", "завершен", "завершено"),
        Status.COMPLETED,
    ),
    **dict.fromkeys(("partial", "partially", "partiallycompleted", "kismitamamlandi", "kismi"), Status.PARTIAL),
    **dict.fromkeys(("parcial", "partiel", "sebagian", "частично", "частичновыполнен"), Status.PARTIAL),
    **dict.fromkeys(("canceled", "cancelled", "cancel", "refunded", "refund", "iptal", "iptaledildi"), Status.CANCELED),
    **dict.fromkeys(
        ("cancelado", "reembolsado", "annule", "dibatalkan", "отменен", "отменено", "возврат"), Status.CANCELED
    ),
    **dict.fromkeys(("error", "fail", "failed", "hata", "ошибка"), OddStatus.FAILED),
}
_PLAIN = str.maketrans("ıçğöşüáàâãéèêíïóôõúñё", "icgosuaaaaeeeiiooounе")
_TYPES = {re.sub(r"\W", "", name).lower(): name for name in ORDER_TYPES}
# The classic family numbers its types; what has no number here is sold by link and quantity.
_CLASSIC_TYPES = {
    "2": "Package",
    "3": "Custom Comments",
    "4": "Custom Comments Package",
    "11": "Subscriptions",
    "12": "Subscriptions",
    "13": "Subscriptions",
    "17": "Poll",
}


@lru_cache(maxsize=1024)
def status(word: str | None) -> Status | OddStatus:
    """Returns what a word for the state of an order means, however it is spaced, accented or in capitals."""
    plain = (word or "").strip().replace("İ", "i").lower().translate(_PLAIN)
    return _STATUSES.get(re.sub(r"[\W_]", "", plain), OddStatus.UNKNOWN)


@lru_cache(maxsize=1024)
def order_type(word: str | None) -> str:
    """Returns the order type that a word or a number for a type of service means: Default if it is none of ours."""
    plain = re.sub(r"[\W_]", "", (word or "").lower())
    return _CLASSIC_TYPES.get(plain) or _TYPES.get(plain, "Default")
