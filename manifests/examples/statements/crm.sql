create table customers (id integer primary key, name text not null, email text, plan text);
create table staff (id integer primary key, name text not null, salary integer);
insert into customers values (1, 'Ines Okafor', 'ines@example.com', 'plus');
insert into staff values (1, 'Tom Berg', 5100);
