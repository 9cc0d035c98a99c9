-- What products are found by, on PostgreSQL: their words, as stems, each behind its catalogue's mark and weighted
-- by field (A the name, B the attributes, C the notes).
CREATE TABLE IF NOT EXISTS product_search (
    product TEXT NOT NULL PRIMARY KEY,
    words TSVECTOR NOT NULL,
    price_e4 BIGINT NOT NULL,
    currency TEXT NOT NULL
);

-- Finds the products that have a word; written at once, since a list of what is pending is read by every search.
CREATE INDEX IF NOT EXISTS product_search_words ON product_search USING gin (words) WITH (fastupdate = off);
