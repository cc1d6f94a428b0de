create table accounts (id integer primary key, owner text not null, state text not null, opened text not null);
insert into accounts values
    (1, 'Ines', 'open', '2024-03-01'), (2, 'Bo', 'open', '2025-06-12'), (3, 'Fay', 'closed', '2023-01-30');
