create table orders (id integer primary key, region text not null, cents integer not null);
insert into orders (region, cents) values ('eu', 1200), ('eu', 500), ('us', 900);
