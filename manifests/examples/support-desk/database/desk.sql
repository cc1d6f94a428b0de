-- The desk's tables, as far as the tools look at them, with the role that they connect as:
--     psql -f database/desk.sql desk
create table teams (team text primary key, about text not null);
create table agents (agent text primary key, team text not null references teams);
create table customers (id integer primary key, name text not null, email text not null, phone text, plan text not null);
create table tickets (
    id integer generated always as identity primary key, customer integer not null references customers,
    team text not null references teams, subject text not null, state text not null default 'open',
    opened timestamptz not null default now());
create table messages (
    id integer generated always as identity primary key, ticket integer not null references tickets,
    at timestamptz not null default now(), author text not null, text text not null);
create index on tickets (team, id);
create index on messages (ticket, id);

create role desk_tools login;
-- Exactly what `toolserver grants --sql` says that the tools need.
grant select (id, name, email, phone, plan) on customers to desk_tools;
grant select (id, customer, subject, state, opened) on tickets to desk_tools;
grant select (id, ticket, at, author, text) on messages to desk_tools;
grant insert (ticket, author, text) on messages to desk_tools;
grant update (state) on tickets to desk_tools;

-- Who sees which tickets is the database's business: `desk.agent` is whoever calls the tool.
create function my_team() returns text language sql stable security definer set search_path = public
    return (select team from agents where agent = current_setting('desk.agent', true));
alter table tickets enable row level security;
create policy of_my_team on tickets for select to desk_tools using (team = my_team());
create policy changed_by_my_team on tickets for update to desk_tools using (team = my_team());

insert into teams values ('first', 'Whatever comes in'), ('billing', 'Invoices and refunds');
insert into agents values ('me', 'first'), ('ada', 'first'), ('fay', 'billing');
insert into customers values
    (1, 'Ines Ortega', 'ines@example.com', '+34 600 111 222', 'plus'),
    (2, 'Jonas Weber', 'jonas@example.com', '+49 151 2345678', 'free');
insert into tickets (customer, team, subject) values
    (1, 'first', 'The app does not start'), (2, 'billing', 'Charged twice'), (2, 'first', 'Where is my invoice?');
insert into messages (ticket, author, text) values
    (1, 'customer', 'Since yesterday it closes at once. Call me at +34 600 111 222.'),
    (2, 'customer', 'My card was charged twice.'), (3, 'customer', 'I need the invoice of May.');
