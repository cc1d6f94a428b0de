create table runbooks (service text primary key, owner text not null, symptom text not null, steps text not null);
insert into runbooks values
    ('checkout', 'payments', 'orders time out', '1. service_status checkout. 2. Restart one instance. 3. Page payments.'),
    ('search', 'catalogue', 'results are stale', '1. Look at the age of the index. 2. Do not restart: the index is rebuilt at night.');
create table notes (id integer primary key, service text not null references runbooks, at text not null, note text not null);
