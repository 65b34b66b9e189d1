"""How panels say no in Turkish."""

from sutler.core.decline_words.language import Language, alternatives

TURKISH = Language(
    wrong=alternatives(r"""
        gecersiz\w*|hatali|yanlis|eksik|bulunam\w+|bulunmu\w+
        mevcut degil
        (?:zorunlu|gerekli)\w*
        gerekiyor|bos
        aktif degil\w*
        pasif
        devre disi
        kapali|desteklenm\w+
        gecerli (?:degil\w*|bir)
        olma(?:li|mali|z)\w*
        olam\w+|girin\w*|girilm\w+|belirtilm\w+|yok
        askiya alin\w*
        engellen\w*|yasak\w*
        izin verilm\w+
    """),
    gap=3,
    things={
        "AUTH": r"(?:api )?(?:anahtar|key)\w*|hesab\w*|kullanici(?! adi)",
        "SERVICE": r"servis\w*|hizmet\w*",
        "QUANTITY": r"miktar\w*|adet\w*|adedi|sayisi",
        "LINK": r"link\w*|baglanti\w*|url\w*|kullanici adi\w*|profil\w*",
        "FIELD": r"istek|istegi|islem|parametre\w*|alan\w*|yorum\w*|veri\w*",
    },
    phrases={
        "NOT_FOUND": alternatives(r"""
            (?:gecersiz|hatali|yanlis) siparis\w*
            siparis\w* (?:\w+ )?(?:bulunam|gecersiz|mevcut degil|hatali)\w*
        """),
        "AUTH": alternatives(r"""
            yetkisiz
            yetki\w* yok
            erisim (?:engel|red)\w*
        """),
        "FUNDS": alternatives(r"""
            bakiye\w* (?:\w+ ){0,2}?(?:yetersiz|yeterli degil|yetmi|yok|dusuk|bulunmu|bulunma)\w*
            yetersiz (?:\w+ )?bakiye\w*
            bakiye\w* yukle\w*
        """),
        "DUPLICATE": alternatives(r"""
            (?:bu|ayni) (?:link|baglanti|url)\w* (?:\w+ ){0,3}?(?:aktif|devam eden|bekleyen|tamamlanmamis)
            (?:aktif|devam eden|tamamlanmamis) (?:bir )?siparis\w*
            siparis\w* tamamlan\w+ bekle\w*
        """),
        "RATE": alternatives(r"""
            cok (?:fazla istek|sik|hizli)
            istek (?:limit|sinir)\w*
            \d+ (?:saniye|dakika) (?:bekle|sonra)\w*
        """),
        "NOT_AVAILABLE": alternatives(r"""
            iptal\w* (?:\w+ ){0,3}?(?:edilem|mumkun degil|yapilam|desteklenm|kapali|yok|edilmis)\w*
            (?:telafi|refill|dolum|garanti)\w* (?:\w+ ){0,3}?(?:yok|degil|yapilam|desteklenm|kapali|mevcut degil)\w*
        """),
        "QUANTITY": alternatives(r"""
            (?:minimum|maksimum|minimal|en az|en fazla|en cok) (?:\w+ ){0,2}?\d+
        """),
        "LINK": alternatives(r"""
            gizli (?:hesap|profil)\w*
            (?:hesap|profil)\w* gizli
        """),
    },
    unsure=alternatives(r"""
        zaman asimi\w*
        veri ?taban\w*
        dahili|beklenmeyen
        basari(?:yla|li)
        siparis\w* (?:zaten )?(?:alindi|verildi|olusturul(?:du|mus)|kabul edil|onaylandi|eklendi|isleniyor)\w*
        zaten (?:verildi|alindi|olusturuldu)\w*
        sistem hatasi
    """),
    passing=alternatives(r"""
        daha sonra
        sonra tekrar
        tekrar dene\w*
        bakim\w*|gecici\w*
        su anda
        sunucu\w*|saglayici\w*|kuyruk\w*
    """),
)
