create table orders (id integer primary key, customer text not null, cents integer not null, refunded integer not null default 0);
insert into orders (id, customer, cents) values (1, 'Ines', 4900), (2, 'Bo', 129000), (3, 'Fay', 900);
