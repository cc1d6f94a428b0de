create table customers (id integer primary key, name text not null, plan text not null);
insert into customers values (1, 'Ines Okafor', 'plus'), (2, 'Tom Berg', 'free');
