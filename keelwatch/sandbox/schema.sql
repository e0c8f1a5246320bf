-- The portal's tables. Everything in them is made up; nobody is behind a name or an address.

create table accounts (
    id           text primary key,
    role         text not null default 'customer' check (role in ('customer', 'agent')),
    segment      text not null check (segment in ('home', 'business', 'staff')),
    region       text not null,
    name         text not null,
    email        text not null,
    plan         text not null default 'basic' check (plan in ('basic', 'plus', 'max')),
    changed_at   timestamptz not null default now()
);
create unique index accounts_by_email on accounts (lower(email));

-- Apart from the accounts: a look-up never reads a password hash.
create table credentials (
    account_id   text primary key references accounts (id) on delete cascade,
    hash         text not null
);

-- Time-based one-time codes: who has a row is asked for one.
create table authenticators (
    account_id   text primary key references accounts (id) on delete cascade,
    secret       text not null
);

create table invoices (
    id           text primary key,
    account_id   text not null references accounts (id) on delete cascade,
    month        date not null,
    amount_cents integer not null,
    priced_by    bigint not null default 0, -- the change of plan that this amount comes of
    state        text not null check (state in ('open', 'paid'))
);
create index invoices_by_account on invoices (account_id, month desc);

-- What billing must learn of plans, written with the change itself: it is told, or finds it here later.
create table billing_changes (
    seq          bigint generated always as identity primary key,
    account_id   text not null,
    plan         text not null,
    region       text not null,
    made_at      timestamptz not null default now(),
    applied_at   timestamptz
);
create index billing_changes_pending on billing_changes (account_id) where applied_at is null;

create table idempotency (
    account_id   text not null,
    key          text not null,
    body_sha256  text not null,
    answer       jsonb,
    made_at      timestamptz not null default now(),
    primary key (account_id, key)
);

-- Who did what, by pseudonym: the key that leads back to a customer is not in the database.
create table audit (
    seq          bigint generated always as identity primary key,
    at           timestamptz not null default now(),
    subject      text not null,
    action       text not null,
    outcome      text not null,
    region       text not null,
    trace        text not null,
    key_sha256   text,
    before       text,
    after        text
);
create index audit_by_subject on audit (subject, seq desc);

-- What the world outside the portal must learn, written with the change itself and relayed afterwards.
create table outbox (
    seq          bigint generated always as identity primary key,
    id           text not null unique,
    kind         text not null,
    account_id   text not null,
    plan         text,
    made_at      timestamptz not null default now(),
    sent_at      timestamptz
);
create index outbox_unsent on outbox (seq) where sent_at is null;

create function tell_outbox() returns trigger language plpgsql as
    'begin perform pg_notify(''outbox'', ''''); return null; end';
create trigger tell_outbox after insert on outbox for each statement execute function tell_outbox();

-- Belongs to the CRM. `seq` is that of the last event applied: an older or repeated one changes nothing.
create table crm_accounts (
    account_id   text primary key,
    plan         text,
    state        text not null check (state in ('active', 'closed')),
    event_id     text not null,
    seq          bigint not null,
    made_at      timestamptz not null,
    seen_at      timestamptz not null default clock_timestamp()
);

-- One row each tenth of a second, to see afterwards what a failover lost and how long nobody could write.
create table heartbeat (
    n            bigint primary key,
    at           timestamptz not null
);

insert into accounts (id, segment, region, name, email, plan)
select 'c' || lpad(n::text, 5, '0'),
       case when n % 5 = 0 then 'business' else 'home' end,
       case when n % 2 = 0 then 'east' else 'west' end,
       'Customer ' || n,
       'c' || lpad(n::text, 5, '0') || '@customers.invalid',
       (array['basic', 'plus', 'max'])[1 + n % 3]
from generate_series(1, 10000) as n;

insert into accounts (id, segment, region, name, email)
select 'synthetic-' || region || '-' || lpad(n::text, 2, '0'), 'home', region,
       'Synthetic ' || region || ' ' || n,
       'synthetic-' || region || '-' || lpad(n::text, 2, '0') || '@probes.invalid'
from unnest(array['west', 'east']) as region, generate_series(1, 10) as n;

insert into accounts (id, segment, region, name, email)
select 'load-' || region || '-' || lpad(n::text, 4, '0'), 'home', region,
       'Load ' || region || ' ' || n,
       'load-' || region || '-' || lpad(n::text, 4, '0') || '@probes.invalid'
from unnest(array['west', 'east']) as region, generate_series(1, 1000) as n;

insert into accounts (id, role, segment, region, name, email)
select 'agent-' || lpad(n::text, 2, '0'), 'agent', 'staff', 'west', 'Agent ' || n,
       'agent-' || lpad(n::text, 2, '0') || '@staff.invalid'
from generate_series(1, 10) as n;

insert into invoices (id, account_id, month, amount_cents, state)
select 'inv-' || a.id || '-' || m, a.id,
       (date_trunc('month', now()) - make_interval(months => m))::date,
       case a.plan when 'basic' then 1990 when 'plus' then 2990 else 4990 end,
       case when m = 0 then 'open' else 'paid' end
from accounts as a, generate_series(0, 2) as m
where a.role = 'customer';

grant select, insert, update, delete on all tables in schema public to portal;
revoke update, delete on audit from portal;
analyze;
