create table accounts (id integer primary key, name text not null, plan text not null, locked integer not null default 0);
insert into accounts values (1, 'Hana Hoffmann', 'plus', 1), (2, 'Ines Ito', 'free', 0), (3, 'Jan Jansen', 'plus', 1);
