-- Tables for statements.jsonl.
create table users(id integer primary key, name text, bio text, ssn text, prefs text default '{}', "delete" integer default 0);
create table salaries(id integer primary key, user_id int, amount real);
create table orders(id integer primary key, user_id int, total real, note text);
create table contacts(id integer primary key, ssn text, phone text);
create table salaries_meta(id integer primary key, label text);
create table drop_log(id integer primary key, msg text);
create index ix_orders on orders(user_id);
create view v_salaries as select * from salaries;
create view salary_ids as select user_id from salaries;
create view v_users_full as select id, name, ssn as tax_ref from users;
create view users4 as select id, name, bio, ssn from users;
create view v_decided as select id, name from users where ssn is not null;
create view v_twice as select id from v_users_full where tax_ref > 'a';
