"""How panels say no in Indonesian."""

from sutler.core.decline_words.language import Language, alternatives

INDONESIAN = Language(
    wrong=alternatives(r"""
        tidak (?:\w+ )?(?:valid|ditemukan|ada|tersedia|aktif|boleh|sesuai|benar|dikenal\w*|didukung|terdaftar)
        salah|wajib
        harus (?:diisi|berupa|minimal|lebih|antara|berisi)
        kosong|nonaktif|diblokir|dinonaktifkan
    """),
    gap=2,
    things={
        "AUTH": r"api key|kunci|pengguna|akun|user",
        "SERVICE": r"layanan",
        "QUANTITY": r"jumlah|kuantitas|quantity",
        "LINK": r"link|tautan|url|target",
        "FIELD": r"parameter|permintaan|kolom|data",
    },
    phrases={
        "NOT_FOUND": alternatives(r"""
            pesanan (?:\w+ )?tidak (?:ditemukan|valid|ada)
        """),
        "FUNDS": alternatives(r"""
            saldo (?:\w+ ){0,2}?(?:tidak|kurang|habis)(?: (?:men)?cukupi?)?
            isi saldo
        """),
        "DUPLICATE": alternatives(r"""
            pesanan (?:\w+ ){0,2}?(?:aktif|berjalan|sebelumnya) (?:\w+ ){0,3}?(?:link|target|selesai)
        """),
        "RATE": alternatives(r"""
            terlalu (?:banyak permintaan|sering|cepat)
        """),
        "QUANTITY": alternatives(r"""
            (?:minimal|maksimal|minimum|maksimum) (?:\w+ ){0,2}?(?:pemesanan|order|pesan|\d+)
        """),
    },
    unsure=alternatives(r"""
        waktu habis
        basis data
        berhasil
        pesanan (?:telah|sudah)
    """),
    passing=alternatives(r"""
        nanti
        coba lagi
        gangguan|pemeliharaan|perbaikan|antrian|sementara
    """),
)
