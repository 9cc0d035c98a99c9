-- What products are found by, on SQLite: their words by field, as stems, each behind its catalogue's mark, so that
-- no catalogue weighs on another's. `words` has each of them once: it settles who may be found, and weighs nothing.
-- rowid is made of the product's id.
CREATE VIRTUAL TABLE IF NOT EXISTS product_search USING fts5 (
    words, name, attributes, notes, product UNINDEXED, price_e4 UNINDEXED, currency UNINDEXED, tokenize = 'ascii'
);
