"""`precog catalog`: catalogues and their files at the command line."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from precog.cli import product_files
from precog.cli.product_files import ProductFile

from .test_cli import ask, refusal, run
from .test_cli import elsewhere as elsewhere  # each test in a folder of its own

HEADER = "sku,name,price,currency,url,image_url,notes,color"
HAT = "hat,Hat,19.90,EUR,https://x.example/hat,,Warm,red"


@pytest.fixture(autouse=True)
def instance(elsewhere: None) -> None:
    run("init")
    run("catalog", "create", "demo", "--name", "Demo", "--business", "Trail & Tent")


def write(*lines: str, name: str = "goods.csv") -> str:
    Path(name).write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    return name


def products(slug: str = "demo") -> dict[str, dict]:
    return {one["sku"]: one for one in ask("catalog", "show", slug)["products"]}


# --- catalogues


def test_a_catalogue_is_made_listed_shown_removed_and_brought_back() -> None:
    Path("claims.json").write_text('["Fair", {"claim": "Rated 5", "evidence": "https://x.example"}]')
    options = ["--name", "Shop", "--business", "A shop", "--description", "Hats", "--industry", "clothing"]
    made = ask("catalog", "create", "shop", *options, "--claims", "claims.json")
    assert made["claims"] == [{"claim": "Fair"}, {"claim": "Rated 5", "evidence": "https://x.example"}]
    assert (made["slug"], made["description"], made["industry"]) == ("shop", "Hats", "clothing")
    assert [one["slug"] for one in ask("catalog", "list")["catalogs"]] == ["demo", "shop"]
    assert "A shop" in run("catalog", "show", "shop").stdout
    assert ask("catalog", "remove", "shop")["removed_at"] is not None
    assert "removed" in run("catalog", "list").stdout
    assert ask("catalog", "create", "shop", *options)["removed_at"] is None


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("create demo --name x --business x", "The catalogue exists already."),
        ("create D --name x --business x", "slug: expected 1 to 64 of a-z, 0-9 and -, the ends without -."),
        ("show nothing", "There is no such catalogue."),
        ("remove nothing", "There is no such catalogue."),
        ("import nothing --sample", "There is no such catalogue."),
        ("list --org nobody", "There is no such organization."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(command: str, sentence: str) -> None:
    assert refusal("catalog", *command.split()) == sentence


@pytest.mark.parametrize("claims", ["{", "[7]", '[""]'])
def test_claims_of_another_form_are_refused(claims: str) -> None:
    Path("claims.json").write_text(claims)
    assert refusal(*"catalog create shop --name x --business x --claims claims.json".split())
    assert len(ask("catalog", "list")["catalogs"]) == 1


# --- imports


def test_the_sample_is_imported_whole() -> None:
    assert ask("catalog", "import", "demo", "--sample") == {"stored": 25, "bad": 0}
    assert ask("catalog", "show", "demo")["product_count"] == 25
    assert "Ridgeline hiking boots" in run("catalog", "show", "demo").stdout


def test_a_csv_file_is_imported_and_imported_again() -> None:
    file = write("\ufeff" + HEADER, HAT, '"cap","A cap, ""flat""\nand round",5,usd,,,,')
    assert ask("catalog", "import", "demo", file) == {"stored": 2, "bad": 0}
    first = products()
    assert first["hat"]["price"] == "19.90"
    assert first["hat"]["attributes"] == {"color": "red"}
    assert (first["cap"]["name"], first["cap"]["currency"]) == ('A cap, "flat"\nand round', "USD")
    ask("catalog", "import", "demo", write(HEADER, HAT.replace("19.90", "9")))
    assert products()["hat"]["product_id"] == first["hat"]["product_id"]
    assert products()["hat"]["price"] == "9.00"
    assert len(products()) == 2


def test_json_lines_are_imported() -> None:
    hat = {"sku": "hat", "name": "Hat", "price": 1234567.8901, "currency": "EUR", "sizes": ["S", "M"]}
    file = write(json.dumps(hat), "", "[]", "{", json.dumps({**hat, "sku": ""}), name="goods.jsonl")
    result = run("catalog", "import", "demo", file, "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"stored": 1, "bad": 3})
    told = [line.split(": ", 1)[0] for line in result.stderr.splitlines()]
    assert told == ["goods.jsonl:3", "goods.jsonl:4", "goods.jsonl:5"]
    assert products()["hat"]["price"] == "1234567.8901"
    assert products()["hat"]["attributes"] == {"sizes": "S, M"}


def test_bad_rows_are_told_by_line_and_the_others_kept() -> None:
    file = write(
        HEADER,
        HAT,
        '"two\nlines","",1,EUR,,,,',
        "a,A,1,EUR",
        "b,B,x,EUR,,,,",
        "",
        "c,\udcff,1,EUR,,,,",
        "d,D,1,EUR,javascript:x,,,",
        "e,E,1,EUR,,,,blue",
        'f,"never closed,1',
    )
    result = run("catalog", "import", "demo", file)
    assert result.exit_code == 1
    assert result.stdout == "demo: 2 stored, 6 skipped.\n"
    told = [line.split(": ")[0].removeprefix("goods.csv:") for line in result.stderr.splitlines()]
    assert told == ["3", "5", "6", "8", "9", "11"]
    assert set(products()) == {"hat", "e"}


def test_only_the_first_bad_rows_are_told() -> None:
    result = run("catalog", "import", "demo", write(HEADER, *["x"] * 50))
    assert len(result.stderr.splitlines()) == product_files.MOST_NAMED + 1
    assert result.stderr.splitlines()[-1] == "goods.csv: 30 more such rows"


@pytest.mark.parametrize(
    "header", ["", "name,price,currency", "sku,name,price,currency,name", "sku,name,price,currency,"]
)
def test_a_file_without_its_header_is_refused(header: str) -> None:
    assert "goods.csv: " in refusal("catalog", "import", "demo", write(header, HAT))
    assert products() == {}


def test_a_file_or_the_sample_is_named() -> None:
    file = write(HEADER)
    assert run("catalog", "import", "demo").exit_code == 2
    assert run("catalog", "import", "demo", file, "--sample").exit_code == 2
    assert run("catalog", "import", "demo", "missing.csv").exit_code == 2


def test_a_file_is_never_held_whole(tmp_path: Path) -> None:
    """A line without an end is passed over in pieces."""
    path = tmp_path / "long.csv"
    path.write_bytes(f"{HEADER}\n".encode() + b"x" * (3 << 20) + f"\n{HAT}\n".encode())
    file = ProductFile(path)
    assert [one.sku for one in file] == ["hat"]
    assert [line for line, _ in file.bad_lines] == [2]
    assert file.position == file.size


def test_a_number_beyond_all_numbers_is_one_bad_row() -> None:
    bad = '{"sku": "b", "name": "x", "price": 1e99999999999999999999, "currency": "EUR"}'
    good = '{"sku": "hat", "name": "Hat", "price": 1, "currency": "EUR"}'
    result = run("catalog", "import", "demo", write(bad, good, name="goods.jsonl"))
    assert result.stdout == "demo: 1 stored, 1 skipped.\n"
    assert result.stderr.startswith("goods.jsonl:1: ")


@pytest.mark.parametrize("rows", [10, 5_000])
@pytest.mark.parametrize("closing", ["", ',"quoted"'])
def test_a_quote_that_is_not_closed_costs_its_own_row_alone(tmp_path: Path, rows: int, closing: str) -> None:
    path = tmp_path / "open.csv"
    good = [f"s{number},Hat,1,EUR" for number in range(rows)]
    if closing:
        good[-1] = f's{rows - 1},"Hat",1,EUR'
    path.write_text("\n".join(["sku,name,price,currency", 'A,"unclosed,1,EUR', *good]))
    file = ProductFile(path)
    assert [one.sku for one in file] == [f"s{number}" for number in range(rows)]
    assert (file.bad, [line for line, _ in file.bad_lines]) == (1, [2])


def test_records_without_an_end_are_given_up_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product_files, "MOST_RUNAWAYS", 3)
    path = tmp_path / "open.csv"
    path.write_text("sku,name,price,currency\n" + 'x","\n' * 200_000)
    file = ProductFile(path)
    tracemalloc.start()
    assert list(file) == []
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20
    assert "lines " in file.bad_lines[-1][1]


def test_no_file_writes_to_the_terminal() -> None:
    row = {"sku": "a", "name": "A", "price": 1, "currency": "EUR"}
    rows = [{**row, "\x1b[31mred\x07": {}}, {**row, "\x1b[31m": "blue"}, {**row, "x" * 5_000: {}}]
    result = run("catalog", "import", "demo", write(*map(json.dumps, rows), name="goods.jsonl"))
    assert result.stdout == "demo: 0 stored, 3 skipped.\n"
    assert "\x1b" not in result.stderr
    assert "\x07" not in result.stderr
    assert max(map(len, result.stderr.splitlines())) < 300


def test_products_are_removed_by_name_and_by_a_file_without_them() -> None:
    cap, scarf = (HAT.replace("hat", name) for name in ("cap", "scarf"))
    ask("catalog", "import", "demo", write(HEADER, HAT, cap, scarf))
    result = run("catalog", "remove-product", "demo", "hat", "nothing", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"removed": ["hat"], "missing": ["nothing"]})
    assert set(products()) == {"cap", "scarf"}
    broken = run("catalog", "import", "demo", write(HEADER, HAT, "x"), "--replace")
    assert broken.stdout == "demo: 1 stored, 1 skipped, 0 removed.\n"
    assert set(products()) == {"hat", "cap", "scarf"}
    assert ask("catalog", "import", "demo", write(HEADER, cap), "--replace") == {
        "stored": 1,
        "bad": 0,
        "removed": 2,
    }
    assert set(products()) == {"cap"}
