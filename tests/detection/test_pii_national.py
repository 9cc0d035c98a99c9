"""National and tax numbers are found by shape, checksum and the words around them."""

from __future__ import annotations

import pytest

from precog.detection import pii
from precog.detection.pii.identifiers import IDENTIFIERS
from precog.detection.pii.national import is_valid

# Made-up numbers that carry their checksums, one of every shape, and what people call them.
SAMPLES = (
    ("US_SSN", "ssn", "700-31-3166"),
    ("US_SSN", "ssn", "540 40 3030"),
    ("US_SSN", "ssn", "850310935"),
    ("US_ITIN", "itin", "924-70-8227"),
    ("US_ITIN", "itin", "980 81 4549"),
    ("US_ITIN", "itin", "902949636"),
    ("US_EIN", "ein", "27-4113704"),
    ("CA_SIN", "sin", "253-605-182"),
    ("CA_SIN", "sin", "250 795 077"),
    ("CA_SIN", "sin", "284269693"),
    ("MX_CURP", "curp", "UZIQ861110MDGWWT46"),
    ("MX_CURP", "curp", "OIHB700223MBSYKPF0"),
    ("MX_RFC", "rfc", "SLEW530304BE1"),
    ("BR_CPF", "cpf", "664.720.280-36"),
    ("BR_CPF", "cpf", "46327136192"),
    ("BR_CPF", "cpf", "937281536-56"),
    ("BR_CNPJ", "cnpj", "04.109.596/5334-48"),
    ("BR_CNPJ", "cnpj", "84969158442507"),
    ("AR_CUIT", "cuit", "20-07991292-2"),
    ("AR_CUIT", "cuit", "27305201583"),
    ("AR_DNI", "dni", "19.681.018"),
    ("AR_DNI", "dni", "86612119"),
    ("CL_RUT", "rut", "13.147.630-2"),
    ("CL_RUT", "rut", "09.560.921-K"),
    ("CL_RUT", "rut", "1.999.041-9"),
    ("CL_RUT", "rut", "7.803.260-K"),
    ("CL_RUT", "rut", "70616151-1"),
    ("CL_RUT", "rut", "03058130-K"),
    ("CL_RUT", "rut", "8301268-4"),
    ("CL_RUT", "rut", "9042937-K"),
    ("EC_CI", "cédula", "2112924911"),
    ("EC_CI", "cédula", "181185353-8"),
    ("PE_CUI", "dni", "30424242-1"),
    ("UK_NINO", "nino", "ZY609701D"),
    ("UK_NINO", "nino", "RP 17 50 65 D"),
    ("UK_NINO", "nino", "WL 959051 C"),
    ("UK_NHS", "nhs", "553 122 6411"),
    ("UK_NHS", "nhs", "872-712-6269"),
    ("UK_NHS", "nhs", "5850517278"),
    ("UK_UTR", "utr", "1959041189"),
    ("UK_UTR", "utr", "18105 54395"),
    ("IE_PPS", "pps", "2706994E"),
    ("IE_PPS", "pps", "4807062JH"),
    ("DE_TAX_ID", "Steuer-ID", "75604143429"),
    ("DE_TAX_ID", "Steuer-ID", "19 310 817 544"),
    ("AT_SVNR", "svnr", "3700 811801"),
    ("AT_SVNR", "svnr", "2803918922"),
    ("CH_AHV", "ahv", "756.0210.6079.30"),
    ("CH_AHV", "ahv", "7568479851750"),
    ("FR_NIR", "nir", "876010752828743"),
    ("FR_NIR", "nir", "1 54 20 37 261 997 20"),
    ("FR_NIR", "nir", "374062A67533158"),
    ("FR_NIR", "nir", "2 75 09 2A 459 322 97"),
    ("FR_NIR", "nir", "1961011968217 93"),
    ("FR_TAX_ID", "fiscal", "1974101152331"),
    ("FR_TAX_ID", "fiscal", "11 45 129 344 317"),
    ("ES_DNI", "dni", "05129843S"),
    ("ES_DNI", "dni", "87804021-A"),
    ("ES_DNI", "dni", "25.089.560-X"),
    ("ES_NIE", "nie", "Z2406830T"),
    ("ES_NIE", "nie", "Z-2691104-V"),
    ("ES_CIF", "cif", "H19870211"),
    ("ES_CIF", "cif", "G-27607118"),
    ("PT_NIF", "nif", "285031856"),
    ("PT_NIF", "nif", "280 586 990"),
    ("PT_CC", "cartão", "841919423MZ8"),
    ("PT_CC", "cartão", "19860128 1 LE1"),
    ("IT_CODICE_FISCALE", "codice fiscale", "PYUJCY76T65N272L"),
    ("NL_BSN", "bsn", "363596732"),
    ("NL_BSN", "bsn", "0358.47.402"),
    ("NL_BSN", "bsn", "210 964 583"),
    ("BE_NN", "rijksregisternummer", "38.00.40-353.21"),
    ("BE_NN", "rijksregisternummer", "03105911028"),
    ("SE_PERSONNUMMER", "personnummer", "680409-1731"),
    ("SE_PERSONNUMMER", "personnummer", "840525+0096"),
    ("SE_PERSONNUMMER", "personnummer", "19981105-9345"),
    ("SE_PERSONNUMMER", "personnummer", "6712086914"),
    ("SE_PERSONNUMMER", "personnummer", "196403080614"),
    ("DK_CPR", "CPR", "241196-4877"),
    ("DK_CPR", "CPR", "1801999002"),
    ("FI_HETU", "hetu", "070368-618D"),
    ("FI_HETU", "hetu", "210943+894R"),
    ("FI_HETU", "hetu", "240497E342S"),
    ("FI_HETU", "hetu", "291041U2990"),
    ("FI_HETU", "hetu", "201185-4463"),
    ("NO_FODSELSNUMMER", "fødselsnummer", "481143 28483"),
    ("NO_FODSELSNUMMER", "fødselsnummer", "13059768462"),
    ("IS_KENNITALA", "kennitala", "020897-0070"),
    ("IS_KENNITALA", "kennitala", "0911437630"),
    ("EE_ISIKUKOOD", "isikukood", "57909078540"),
    ("LT_ASMENS_KODAS", "asmens kodas", "19701017401"),
    ("LV_PERSONAS_KODS", "personas kods", "090495-77582"),
    ("LV_PERSONAS_KODS", "personas kods", "61459051409"),
    ("PL_PESEL", "pesel", "19660727466"),
    ("PL_NIP", "nip", "958-895-92-25"),
    ("PL_NIP", "nip", "605-68-42-722"),
    ("PL_NIP", "nip", "1957071395"),
    ("CZ_RODNE_CISLO", "rodné číslo", "919619/3270"),
    ("CZ_RODNE_CISLO", "rodné číslo", "216010/789"),
    ("CZ_RODNE_CISLO", "rodné číslo", "1974101987"),
    ("RO_CNP", "cnp", "3630713834871"),
    ("BG_EGN", "егн", "1941133465"),
    ("HR_OIB", "OIB", "26047706915"),
    ("SI_EMSO", "emšo", "1807968198895"),
    ("GR_AMKA", "αμκα", "18109562928"),
    ("RU_INN", "инн", "929616388916"),
    ("RU_INN", "инн", "0403986756"),
    ("RU_SNILS", "снилс", "196-501-252 74"),
    ("RU_SNILS", "снилс", "729-299-550-58"),
    ("UA_RNTRC", "рнокпп", "1522039097"),
    ("TR_KIMLIK", "kimlik", "19730203308"),
    ("ZA_ID", "id", "6803097042056"),
    ("ZA_ID", "id", "631104 8060 029"),
    ("IL_ID", "teudat", "717768543"),
    ("IL_ID", "teudat", "16005446-6"),
    ("EG_ID", "tax id", "020997508"),
    ("EG_ID", "tax id", "381-080-852"),
    ("KE_PIN", "kra", "P900209022X"),
    ("IN_AADHAAR", "Aadhaar", "9008 1191 6120"),
    ("IN_AADHAAR", "Aadhaar", "2790-6942-7105"),
    ("IN_AADHAAR", "Aadhaar", "911107261070"),
    ("IN_PAN", "pan", "UYWCH1530M"),
    ("PK_CNIC", "cnic", "24079-9647370-3"),
    ("CN_RESIDENT_ID", "身份证", "267048999705049422"),
    ("CN_RESIDENT_ID", "身份证", "19990621881009887X"),
    ("TW_ID", "身分證", "T200365452"),
    ("JP_MY_NUMBER", "my number", "1805 9824 7151"),
    ("JP_MY_NUMBER", "my number", "5007-0510-0260"),
    ("JP_MY_NUMBER", "my number", "126318881344"),
    ("KR_RRN", "rrn", "380605-1250140"),
    ("KR_RRN", "rrn", "8701108937940"),
    ("SG_NRIC", "nric", "T4186562D"),
    ("MY_NRIC", "mykad", "420416-09-8558"),
    ("TH_ID", "บัตรประชาชน", "4-5404-13117-30-6"),
    ("TH_ID", "บัตรประชาชน", "4 9812 02138 69 6"),
    ("TH_ID", "ประชาชน", "6704242375151"),
    ("ID_NIK", "nik", "1812858411361193"),
    ("AU_TFN", "tfn", "060 458 861"),
    ("AU_TFN", "tfn", "296050248"),
    ("NZ_IRD", "ird", "58-588-393"),
    ("NZ_IRD", "ird", "104-418-961"),
    ("NZ_IRD", "ird", "061464956"),
)


def labels(text: str) -> list[str | None]:
    return [finding.label for finding in pii.find(text) if finding.score >= 0.5]


@pytest.mark.parametrize(("label", "word", "number"), SAMPLES)
def test_a_number_is_found_beside_the_word_for_it(label, word, number):
    text = f"{word}: {number}."
    found = [finding for finding in pii.find(text) if finding.label == label]
    assert [text[slice(*finding.span)] for finding in found] == [number]
    assert found[0].score >= 0.9
    assert found[0].rule == f"pii.{label.lower()}"
    assert found[0].category == "pii_leakage"


def test_every_kind_of_number_has_a_sample():
    assert {label for label, _, _ in SAMPLES} == {one.name.upper() for one in IDENTIFIERS}


@pytest.mark.parametrize(("label", "word", "number"), SAMPLES)
def test_no_sample_is_found_as_a_part_of_something_longer(label, word, number):
    for text in (f"{word} x{number}", f"{word} {number}9z", f"{word} 7.{number}", f"{word} {number}_1"):
        assert label not in labels(text)


@pytest.mark.parametrize(
    "number",
    ["291041374", "230 583 3873", "90410836050", "284097184", "84100952829", "61095-1738", "1311038606"],
)
def test_digits_that_anything_might_have_need_the_word(number):
    assert labels(f"the total was {number} in that month") == []


@pytest.mark.parametrize(
    ("label", "number"),
    [
        ("US_SSN", "700-31-3166"),
        ("ES_DNI", "87032204C"),
        ("IT_CODICE_FISCALE", "MDKSIX51E43V754N"),
        ("BR_CPF", "179.071.837-66"),
        ("BE_NN", "18.12.85-205.35"),
        ("FI_HETU", "070695-679S"),
        ("KR_RRN", "860204-7615559"),
        ("CN_RESIDENT_ID", "19990621881009887X"),
        ("MX_CURP", "JQMW650120HQTHLV52"),
        ("CH_AHV", "756.0238.7757.27"),
    ],
)
def test_telling_numbers_need_no_word(label, number):
    assert labels(f"please file {number} with the rest") == [label]


@pytest.mark.parametrize(
    ("label", "number"),
    [
        ("ES_DNI", "87032204D"),
        ("IT_CODICE_FISCALE", "MDKSIX51E43V754P"),
        ("BR_CPF", "179.071.837-67"),
        ("US_SSN", "666-31-3166"),
        ("SG_NRIC", "T4186562E"),
        ("RU_SNILS", "196-501-252 75"),
        ("TW_ID", "T200365453"),
        ("UK_NINO", "GB181298A"),
        ("CN_RESIDENT_ID", "199906218813098870"),
        ("DE_TAX_ID", "90410836051"),
    ],
)
def test_a_wrong_checksum_is_no_number_even_beside_its_word(label, number):
    word = next(word for one, word, _ in SAMPLES if one == label)
    assert label not in labels(f"{word} {number}")


def test_a_date_with_the_right_digits_is_not_a_chinese_number_without_being_a_date():
    identifier = next(one for one in IDENTIFIERS if one.name == "cn_resident_id")
    assert is_valid(identifier, "19990621881009887X")
    assert not is_valid(identifier, "199906218899098879")


def test_the_word_may_follow_the_number():
    assert labels("284097184 is my BSN") == ["NL_BSN"]


def test_the_word_is_a_word_and_not_a_part_of_one():
    assert labels("using 291041374") == []
    assert labels("sin 291041374") == ["CA_SIN"]


def test_full_width_digits_are_digits():
    text = "BSN ２８４０９７１８４"
    (finding,) = pii.find(text)
    assert (finding.label, finding.span) == ("NL_BSN", (4, 13))
