"""How panels say no in Arabic."""

from sutler.core.decline_words.language import Language, alternatives

ARABIC = Language(
    wrong=alternatives(r"""
        غير (?:صحيح|صالح|موجود|متاح|متوفر|مدعوم|نشط|مفعل)\w*
        مطلوب\w*|خاطي\w*|خطا
    """),
    gap=2,
    things={
        "AUTH": r"\w*مفتاح",
        "SERVICE": r"\w*خدمه|\w*خدمة",
        "QUANTITY": r"\w*كميه|\w*كمية",
        "LINK": r"\w*رابط",
    },
    phrases={
        "FUNDS": alternatives(r"""
            \w*رصيد\w* (?:\w+ )?(?:غير كاف\w*|لا يكفي)
        """),
    },
    unsure=alternatives(r"""
        بنجاح|قاعدة|مهلة
    """),
    passing=alternatives(r"""
        لاحقا|صيانة|الخادم|\w*مزود
    """),
)
