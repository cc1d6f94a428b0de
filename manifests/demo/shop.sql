-- A small shop to try the server on: 200 customers, 60 products, 1,000 orders. All of it is
-- invented: addresses under example.com and example.org, telephone numbers from the 555-01xx range
-- kept for fiction, card numbers that payment providers publish for tests.
--
-- The rows are computed, not listed, and the same on every machine: n * prime % count picks names,
-- products and days that look varied. Tables are STRICT, so a column holds what it says it holds.

CREATE TABLE customers (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    email   TEXT NOT NULL UNIQUE,
    phone   TEXT NOT NULL,
    plan    TEXT NOT NULL CHECK (plan IN ('free', 'plus', 'business')),
    country TEXT NOT NULL,              -- ISO 3166, two letters
    city    TEXT NOT NULL,
    since   TEXT NOT NULL,              -- YYYY-MM-DD
    notes   TEXT                        -- what support wrote down
) STRICT;

CREATE TABLE products (
    id       INTEGER PRIMARY KEY,
    sku      TEXT NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    category TEXT NOT NULL,
    cents    INTEGER NOT NULL CHECK (cents > 0),
    stock    INTEGER NOT NULL CHECK (stock >= 0)
) STRICT;

CREATE TABLE orders (
    id          INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    ordered_at  TEXT NOT NULL,          -- YYYY-MM-DD HH:MM:SS, UTC
    state       TEXT NOT NULL
                CHECK (state IN ('open', 'paid', 'shipped', 'returned', 'cancelled')),
    total_cents INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE order_items (
    order_id   INTEGER NOT NULL REFERENCES orders (id),
    line       INTEGER NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    cents      INTEGER NOT NULL,        -- the price of one, on that day
    PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
    id          INTEGER PRIMARY KEY,
    order_id    INTEGER NOT NULL REFERENCES orders (id),
    card_holder TEXT NOT NULL,
    card_number TEXT NOT NULL,
    cents       INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('captured', 'refunded', 'failed')),
    paid_at     TEXT NOT NULL
) STRICT;

CREATE TABLE staff (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    email      TEXT NOT NULL UNIQUE,
    role       TEXT NOT NULL,
    salary     INTEGER NOT NULL,        -- a year, in whole euros
    manager_id INTEGER REFERENCES staff (id)
) STRICT;

-- Lists to choose from, for this script only; dropped at its end.
CREATE TABLE _pick (
    kind TEXT NOT NULL, place INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, place)
) STRICT;

INSERT INTO _pick (kind, place, value)
SELECT 'first', key, value FROM json_each('["Ada","Ben","Chiara","David","Elif","Farid","Grace",
    "Hana","Ivan","Julia","Kofi","Lena","Mateo","Nora","Omar","Priya","Quentin","Rosa","Sven",
    "Tara","Uma","Viktor","Wanda","Ximena","Yusuf"]');
INSERT INTO _pick (kind, place, value)
SELECT 'last', key, value FROM json_each('["Almeida","Berg","Castillo","Dubois","Eriksen","Fischer",
    "Garcia","Hoffmann","Ivanova","Jansen","Kowalski","Lindqvist","Moreau","Nakamura","Okafor",
    "Petrov","Quinn","Rossi","Sato","Tanaka","Ueda","Virtanen","Weber","Xu","Yilmaz","Zimmermann",
    "Andersen"]');
INSERT INTO _pick (kind, place, value)
SELECT 'city', key, value FROM json_each('["DE Berlin","FR Lyon","ES Valencia","IT Torino",
    "NL Utrecht","SE Uppsala","PL Gdansk","PT Porto",
    "US Portland","CA Halifax","GB Leeds","JP Kobe","IE Cork"]');
INSERT INTO _pick (kind, place, value)
SELECT 'thing', key, value FROM json_each('["kitchen|Kettle","kitchen|Chef''s knife",
    "kitchen|Cast iron pan","kitchen|Tea towel","desk|Desk lamp","desk|Notebook",
    "desk|Fountain pen",
    "desk|Monitor stand",
    "travel|Rucksack","travel|Rain jacket","travel|Water bottle","travel|Head torch",
    "home|Wool blanket","home|Candle","home|Wall clock"]');
INSERT INTO _pick (kind, place, value)
SELECT 'note', key, value FROM json_each('["Prefers e-mail","Asked for an invoice twice",
    "Moved in spring",
    "Gift orders in December","Called from 555-0142 about a late parcel"]');
-- Published test numbers: Visa, Mastercard, American Express, Discover, JCB, Diners Club.
INSERT INTO _pick (kind, place, value)
SELECT 'card', key, value FROM json_each('["4242424242424242","5555555555554444","378282246310005",
    "6011111111111117","3566002020360505","4000056655665556","5105105105105100","30569309025904",
    "4111111111111111","2223003122003222"]');

-- 25 first names and 27 last names have no common divisor: the first 675 pairs are all different.
INSERT INTO customers (id, name, email, phone, plan, country, city, since, notes)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200)
SELECT n,
       first.value || ' ' || last.value,
       lower(first.value || '.' || last.value) || iif(n % 3 = 0, '@example.org', '@example.com'),
       printf('+1-%d-555-01%02d', 202 + n * 7 % 700, n * 37 % 100),
       CASE WHEN n % 10 < 6 THEN 'free' WHEN n % 10 < 9 THEN 'plus' ELSE 'business' END,
       substr(city.value, 1, 2),
       substr(city.value, 4),
       date('2019-01-07', '+' || (n * 53 % 2300) || ' days'),
       (SELECT value FROM _pick WHERE kind = 'note' AND n % 4 = 0 AND place = numbers.n / 4 % 5)
FROM numbers
JOIN _pick AS first ON first.kind = 'first' AND first.place = numbers.n % 25
JOIN _pick AS last ON last.kind = 'last' AND last.place = numbers.n % 27
JOIN _pick AS city ON city.kind = 'city' AND city.place = numbers.n * 5 % 13;

INSERT INTO products (id, sku, name, category, cents, stock)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 60)
SELECT n,
       printf('%s-%04d', upper(substr(thing.value, 1, 2)), 1000 + n * 17),
       substr(thing.value, instr(thing.value, '|') + 1) || ', '
           || CASE (n - 1) / 15 WHEN 0 THEN 'small' WHEN 1 THEN 'large'
                                WHEN 2 THEN 'blue' ELSE 'red' END,
       substr(thing.value, 1, instr(thing.value, '|') - 1),
       495 + n * 379 % 9500,
       n * 29 % 140
FROM numbers
JOIN _pick AS thing ON thing.kind = 'thing' AND thing.place = (numbers.n - 1) % 15;

-- Some customers order often and some never: n * n spreads unevenly.
INSERT INTO orders (id, customer_id, ordered_at, state)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
SELECT n,
       1 + (n * n + n * 7) % 199,
       datetime('2025-01-02 08:00:00', '+' || (n * 660 + n * 131 % 600) || ' minutes'),
       CASE WHEN n > 970 THEN 'open'
            WHEN n > 940 THEN 'paid'
            WHEN n % 23 = 0 THEN 'returned'
            WHEN n % 31 = 0 THEN 'cancelled'
            ELSE 'shipped' END
FROM numbers;

INSERT INTO order_items (order_id, line, product_id, quantity, cents)
WITH lines (line) AS (VALUES (1), (2), (3), (4))
SELECT orders.id, line, products.id, 1 + (orders.id + line) % 3, products.cents
FROM orders
JOIN lines ON line <= 1 + orders.id * 11 % 4
JOIN products ON products.id = 1 + (orders.id * 13 + line * 19) % 60;

UPDATE orders SET total_cents =
    (SELECT sum(quantity * cents) FROM order_items WHERE order_id = orders.id);

INSERT INTO payments (order_id, card_holder, card_number, cents, state, paid_at)
SELECT orders.id, customers.name, card.value, orders.total_cents,
       CASE orders.state WHEN 'returned' THEN 'refunded' WHEN 'cancelled' THEN 'failed'
                         ELSE 'captured' END,
       datetime(orders.ordered_at, '+' || (1 + orders.id % 9) || ' minutes')
FROM orders
JOIN customers ON customers.id = orders.customer_id
JOIN _pick AS card ON card.kind = 'card' AND card.place = customers.id % 10
WHERE orders.state <> 'open';

INSERT INTO staff (id, name, email, role, salary, manager_id) VALUES
    (1, 'Ingrid Sol', 'ingrid.sol@example.com', 'managing director', 148000, NULL),
    (2, 'Tomas Reyes', 'tomas.reyes@example.com', 'head of support', 86000, 1),
    (3, 'Amina Diallo', 'amina.diallo@example.com', 'head of finance', 97000, 1),
    (4, 'Jonas Lund', 'jonas.lund@example.com', 'support', 46500, 2),
    (5, 'Mei Chen', 'mei.chen@example.com', 'support', 47200, 2),
    (6, 'Paolo Conti', 'paolo.conti@example.com', 'support', 45100, 2),
    (7, 'Sarah Blum', 'sarah.blum@example.com', 'accountant', 58900, 3),
    (8, 'Nikhil Rao', 'nikhil.rao@example.com', 'fraud analyst', 63400, 3),
    (9, 'Ewa Nowak', 'ewa.nowak@example.com', 'warehouse', 41800, 1),
    (10, 'Luc Martin', 'luc.martin@example.com', 'warehouse', 40900, 9),
    (11, 'Dana Levi', 'dana.levi@example.com', 'developer', 81500, 1),
    (12, 'Oskar Holm', 'oskar.holm@example.com', 'developer', 78300, 11);

DROP TABLE _pick;

CREATE INDEX customers_by_country ON customers (country, plan);
CREATE INDEX orders_by_customer ON orders (customer_id, ordered_at);
CREATE INDEX orders_by_state ON orders (state, ordered_at);
CREATE INDEX order_items_by_product ON order_items (product_id);
CREATE INDEX payments_by_order ON payments (order_id);
CREATE INDEX products_by_category ON products (category);
