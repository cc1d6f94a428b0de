create table orders (
    id integer primary key, placed date not null, country text not null, channel text not null,
    customer_email text not null, cents integer not null);
insert into orders values
    (1, '2026-01-04', 'NL', 'web', 'ines@example.com', 4200), (2, '2026-01-19', 'NL', 'shop', 'bo@example.com', 1250),
    (3, '2026-02-02', 'DE', 'web', 'ada@example.com', 9900), (4, '2026-02-11', 'NL', 'web', 'ines@example.com', 700);
