"""Which national and tax numbers there are: their shapes, their checksums, and what people call them."""

from __future__ import annotations

from dataclasses import dataclass

from .page import words


@dataclass(frozen=True, slots=True)
class Identifier:
    """A kind of number.

    In a shape "9" is any digit, "A" any letter, "*" either. The validator is one of our own
    checksums, or a module of stdnum. `score` is what shape and checksum say by themselves, 0 when that
    is nothing: digits alone that one in ten or eleven such numbers would satisfy need a word nearby.
    """

    name: str
    validator: str
    shapes: tuple[str, ...]
    words: tuple[str, ...]
    score: float = 0.0


def _one(name: str, validator: str, shapes: str, *patterns: str, score: float = 0.0) -> Identifier:
    return Identifier(name, validator, tuple(shapes.split("|")), words(", ".join(patterns)), score)


_NINE, _TEN, _ELEVEN = "9" * 9, "9" * 10, "9" * 11

IDENTIFIERS = (
    # North America
    _one("us_ssn", "us.ssn", "999-99-9999", "ssn", "social security*", "social", "taxpayer*", score=0.7),
    _one("us_ssn", "us.ssn", "999 99 9999|" + _NINE, "ssn", "social security*", "taxpayer*"),
    _one("us_itin", "us.itin", "999-99-9999|999 99 9999|" + _NINE, "itin", "taxpayer*", "tax id*"),
    _one("us_ein", "us.ein", "99-9999999", "ein", "employer id*", "tax id*"),
    _one("ca_sin", "ca.sin", "999-999-999|999 999 999|" + _NINE, "sin", "social insurance*", "nas",
         "assurance sociale"),
    _one("mx_curp", "mx.curp", "AAAA999999AAAAAA99|AAAA999999AAAAAAA9", "curp", score=0.9),
    _one("mx_rfc", "mx.rfc", "AAAA999999***", "rfc", "contribuyentes", score=0.6),
    # South America
    _one("br_cpf", "br.cpf", "999.999.999-99", "cpf", score=0.9),
    _one("br_cpf", "br.cpf", _ELEVEN + "|999999999-99", "cpf", "pessoa física", "contribuinte"),
    _one("br_cnpj", "br.cnpj", "99.999.999/9999-99", "cnpj", score=0.85),
    _one("br_cnpj", "br.cnpj", "9" * 14, "cnpj", "pessoa jurídica"),
    _one("ar_cuit", "ar.cuit", "99-99999999-9", "cuit", "cuil", score=0.7),
    _one("ar_cuit", "ar.cuit", _ELEVEN, "cuit", "cuil"),
    _one("ar_dni", "ar.dni", "99.999.999|99999999", "dni", "documento nacional"),
    _one("cl_rut", "cl.rut", "99.999.999-9|99.999.999-A|9.999.999-9|9.999.999-A", "rut", "run", score=0.8),
    _one("cl_rut", "cl.rut", "99999999-9|99999999-A|9999999-9|9999999-A", "rut", "run", score=0.4),
    _one("ec_ci", "ec.ci", "9999999999|999999999-9", "cédula*", "cedula*", "identidad"),
    _one("pe_cui", "pe.cui", "99999999-9", "dni", "documento nacional"),
    # Western Europe
    _one("uk_nino", "uk_nino",
         "AA999999A|AA 99 99 99 A|AA 999999 A", "nino", "national insurance*", "ni", score=0.75),
    _one("uk_nhs", "gb.nhs", "999 999 9999|999-999-9999|" + _TEN, "nhs", "health service*", "patient*"),
    _one("uk_utr", "gb.utr", _TEN + "|99999 99999", "utr", "taxpayer reference*", "tax reference*"),
    _one("ie_pps", "ie.pps", "9999999A|9999999AA", "pps", "ppsn", "public service*", score=0.55),
    _one("de_tax_id", "de.idnr", _ELEVEN + "|99 999 999 999", "steuer*", "idnr", "tax id*", "tin",
         "identifikationsnummer*"),
    _one("at_svnr", "at.vnr", "9999 999999|" + _TEN, "svnr", "sozialversicherung*", "versicherungsnummer*"),
    _one("ch_ahv", "ch.ssn", "999.9999.9999.99", "ahv*", "avs", score=0.9),
    _one("ch_ahv", "ch.ssn", "9" * 13, "ahv*", "avs", "sozialversicherung*", "assurance*"),
    _one("fr_nir", "fr.nir", "9" * 15 + "|9 99 99 99 999 999 99|999999A99999999|9 99 99 9A 999 999 99"
         "|9999999999999 99", "nir", "sécurité sociale", "securite sociale", "sécu", score=0.75),
    _one("fr_tax_id", "fr.nif", "9" * 13 + "|99 99 999 999 999", "fiscal*", "impôt*", "spi", "nif"),
    _one("es_dni", "es.dni", "99999999A|99999999-A|99.999.999-A", "dni", "nif", "identidad",
         score=0.7),
    _one("es_nie", "es.nie", "A9999999A|A-9999999-A", "nie", "extranjer*", score=0.75),
    _one("es_cif", "es.cif", "A99999999|A-99999999", "cif", "nif"),
    _one("pt_nif", "pt.nif", _NINE + "|999 999 999", "nif", "contribuinte*", "fiscal*"),
    _one("pt_cc", "pt.cc", "999999999AA9|99999999 9 AA9", "cartão*", "cidadão*", score=0.7),
    _one("it_codice_fiscale", "it.codicefiscale", "AAAAAA99A99A999A", "codice fiscale", "cf", score=0.9),
    _one("nl_bsn", "nl.bsn", _NINE + "|9999.99.999|999 999 999", "bsn", "burgerservice*", "sofi*"),
    _one("be_nn", "be.nn", "99.99.99-999.99", "rijksregister*", "registre*", score=0.85),
    _one("be_nn", "be.nn", _ELEVEN, "rijksregister*", "registre*", "niss", "insz", "national number"),
    # Northern Europe
    _one("se_personnummer", "se.personnummer", "999999-9999|999999+9999|99999999-9999", "personnummer*",
         "person nr", "personal number", "personal identity*", score=0.6),
    _one("se_personnummer", "se.personnummer", _TEN + "|" + "9" * 12, "personnummer*", "person nr"),
    _one("dk_cpr", "dk.cpr", "999999-9999|" + _TEN, "cpr*", "personnummer*"),
    _one("fi_hetu", "fi.hetu", "999999-999A|999999+999A|999999A999A|999999A9999", "hetu*", "henkilötunnu*",
         score=0.8),
    _one("fi_hetu", "fi.hetu", "999999-9999", "hetu*", "henkilötunnu*", "personal identity*"),
    _one("no_fodselsnummer", "no.fodselsnummer", "999999 99999", "fødsel*", "personnummer*", score=0.7),
    _one("no_fodselsnummer", "no.fodselsnummer", _ELEVEN, "fødsel*", "fodsel*", "personnummer*"),
    _one("is_kennitala", "is_.kennitala", "999999-9999|" + _TEN, "kennit*"),
    _one("ee_isikukood", "ee.ik", _ELEVEN, "isikukood*", "personal code*"),
    _one("lt_asmens_kodas", "lt.asmens", _ELEVEN, "asmens kod*", "personal code*"),
    _one("lv_personas_kods", "lv.pvn", "999999-99999|" + _ELEVEN, "personas kod*", "personal code*"),
    # Central and eastern Europe
    _one("pl_pesel", "pl.pesel", _ELEVEN, "pesel*"),
    _one("pl_nip", "pl.nip", "999-999-99-99|999-99-99-999|" + _TEN, "nip"),
    _one("cz_rodne_cislo", "cz.rc", "999999/9999|999999/999", "rodn*", "birth number", score=0.8),
    _one("cz_rodne_cislo", "cz.rc", _TEN, "rodn*", "rč", "birth number"),
    _one("ro_cnp", "ro.cnp", "9" * 13, "cnp", "cod numeric*"),
    _one("bg_egn", "bg.egn", _TEN, "егн", "egn"),
    _one("hr_oib", "hr.oib", _ELEVEN, "oib*"),
    _one("si_emso", "si.emso", "9" * 13, "emšo*", "emso", "jmbg", "јмбг"),
    _one("gr_amka", "gr.amka", _ELEVEN, "αμκα", "amka"),
    _one("ru_inn", "ru.inn", "9" * 12 + "|" + _TEN, "инн", "inn"),
    _one("ru_snils", "ru_snils", "999-999-999 99|999-999-999-99", "снилс*", "snils", score=0.6),
    _one("ua_rntrc", "ua.rntrc", _TEN, "рнокпп", "іпн", "ідентифікаційн*", "податків*"),
    _one("tr_kimlik", "tr.tckimlik", _ELEVEN, "kimlik*", "tc", "tckn", "t c"),
    # Africa and the Middle East
    _one("za_id", "za.idnr", "9" * 13 + "|999999 9999 999", "id", "identity*", "south africa*"),
    _one("il_id", "il.idnr", _NINE + "|99999999-9", "teudat*", "*תעודת זהות*", "*ת ז*", "israel*"),
    _one("eg_id", "eg.tn", _NINE + "|999-999-999", "tax id*", "*الضريبي*"),
    _one("ke_pin", "ke.pin", "A999999999A", "kra", "pin", score=0.55),
    # Asia and Oceania
    _one("in_aadhaar", "in_.aadhaar", "9999 9999 9999|9999-9999-9999", "aadhaar*", "aadhar*", "*आधार*",
         score=0.7),
    _one("in_aadhaar", "in_.aadhaar", "9" * 12, "aadhaar*", "aadhar*", "uidai", "*आधार*"),
    _one("in_pan", "in_.pan", "AAAAA9999A", "pan", "permanent account*", score=0.75),
    _one("pk_cnic", "pk.cnic", "99999-9999999-9", "cnic", "nadra", score=0.75),
    _one("cn_resident_id", "cn_resident_id", "9" * 18 + "|" + "9" * 17 + "A", "*身份证*", "*身份證*",
         "resident id*", score=0.9),
    _one("tw_id", "tw_id", "A999999999", "*身分證*", "*身份證*", "*身分证*", "taiwan*"),
    _one("jp_my_number", "jp.in_", "9999 9999 9999|9999-9999-9999|" + "9" * 12, "my number", "mynumber",
         "*マイナンバー*", "*個人番号*"),
    _one("kr_rrn", "kr.rrn", "999999-9999999", "rrn", "*주민*", "resident registration*", score=0.85),
    _one("kr_rrn", "kr.rrn", "9" * 13, "rrn", "*주민*", "resident registration*"),
    _one("sg_nric", "sg_nric", "A9999999A", "nric", "fin", "singapore*"),
    _one("my_nric", "my.nric", "999999-99-9999", "mykad", "nric", "kad pengenalan", "ic", score=0.7),
    _one("th_id", "th.pin", "9-9999-99999-99-9|9 9999 99999 99 9", "*บัตรประชาชน*", "thai*", score=0.85),
    _one("th_id", "th.pin", "9" * 13, "*ประชาชน*", "thai*"),
    _one("id_nik", "id.nik", "9" * 16, "nik", "ktp", "kependudukan"),
    _one("au_tfn", "au.tfn", "999 999 999|" + _NINE, "tfn", "tax file*"),
    _one("nz_ird", "nz.ird", "99-999-999|999-999-999|" + _NINE, "ird", "inland revenue*"),
)  # fmt: skip
