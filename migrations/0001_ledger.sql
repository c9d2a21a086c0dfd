-- The ledger. A landed migration is never edited; a change is a new file.
--
-- Keys are text collate "C": they compare as UTF-8 bytes, which is the order of S3's listings.
-- Bodies are bytea with storage external: TOAST would try to compress in vain what is compressed or short-lived.
-- Time is the server's now(). The names of constraints and unique indexes are wire names: ledger/postgres/constraints.ts lists them.

create table target (
  id                uuid not null default gen_random_uuid(),
  fingerprint       text collate "C" not null,
  -- Rises whenever the target changes hands; every write of an attempt is fenced on it.
  epoch             bigint not null default 0,
  owner_attempt     uuid,
  last_done_attempt uuid,
  constraint target_pkey primary key (id),
  constraint target_fingerprint_key unique (fingerprint)
);

create table run (
  id         uuid not null default gen_random_uuid(),
  -- The order of acceptance, for pages of runs.
  seq        bigint not null generated always as identity,
  mode       text collate "C" not null,
  pipeline   text collate "C" not null,
  run_id     text collate "C" not null,
  nominal_at timestamptz,
  constraint run_pkey primary key (id),
  constraint run_seq_key unique (seq),
  constraint run_mode_pipeline_run_id_key unique (mode, pipeline, run_id),
  constraint run_mode_check check (mode in ('run', 'plan'))
);
create index run_pipeline_seq_idx on run (pipeline, seq);

create table attempt (
  id              uuid not null default gen_random_uuid(),
  run             uuid not null,
  n               integer not null,
  -- Both null for a plan without a run, which owns no target.
  target          uuid,
  location        text collate "C",
  epoch           bigint,
  workflow_run_id text collate "C",
  state           text collate "C" not null default 'accepted',
  live            boolean not null generated always as (state not in ('done', 'partial', 'failed', 'cancelled')) stored,
  spec            json not null,
  manifest_hash   text collate "C",
  content_hash    text collate "C",
  plan_hash       text collate "C",
  totals          json,
  summary         json,
  verification    json,
  failure_type    text,
  failure_message text,
  accepted_at     timestamptz not null default now(),
  started_at      timestamptz,
  -- When its epoch was taken: by its first workflow, or by one that replaced it.
  epoch_at        timestamptz,
  ended_at        timestamptz,
  constraint attempt_pkey primary key (id),
  constraint attempt_run_n_key unique (run, n),
  constraint attempt_run_fkey foreign key (run) references run (id) on delete cascade,
  constraint attempt_target_fkey foreign key (target) references target (id),
  constraint attempt_target_location_check check ((target is null) = (location is null)),
  constraint attempt_state_check check (state in
    ('accepted', 'listing', 'planning', 'copying', 'paused', 'finalizing', 'done', 'partial', 'failed', 'cancelled'))
);
create unique index attempt_one_live_per_run on attempt (run) where live;
create unique index attempt_one_live_per_target on attempt (target) where live;
-- The same place under other options has another fingerprint, and is still one place.
create unique index attempt_one_live_per_location on attempt (location) where live;

create table idempotency (
  principal      text collate "C" not null,
  key            text collate "C" not null,
  request_sha256 text collate "C" not null,
  run            uuid not null,
  at             timestamptz not null default now(),
  constraint idempotency_pkey primary key (principal, key),
  constraint idempotency_run_fkey foreign key (run) references run (id) on delete cascade
);

create table listing (
  id      uuid not null default gen_random_uuid(),
  attempt uuid not null,
  constraint listing_pkey primary key (id),
  constraint listing_attempt_key unique (attempt),
  constraint listing_attempt_fkey foreign key (attempt) references attempt (id) on delete cascade
);

create table listing_range (
  listing   uuid not null,
  ordinal   integer not null,
  after_key text collate "C",
  until_key text collate "C",
  cursor    text collate "C",
  done      boolean not null default false,
  constraint listing_range_pkey primary key (listing, ordinal),
  constraint listing_range_listing_fkey foreign key (listing) references listing (id) on delete cascade
);

create table page (
  listing    uuid not null,
  first_key  text collate "C" not null,
  last_key   text collate "C" not null,
  objects    integer not null,
  size_bytes bigint not null,
  body       bytea not null,
  constraint page_pkey primary key (listing, first_key),
  constraint page_listing_fkey foreign key (listing) references listing (id) on delete cascade
);
alter table page alter column body set storage external;

-- What a store that lists out of order returned. No foreign key: it would cost a look-up for each of a million rows.
create table unordered_entry (
  listing    uuid not null,
  key        text collate "C" not null,
  descriptor text not null,
  size_bytes bigint not null,
  constraint unordered_entry_pkey primary key (listing, key)
);

create table chunk (
  listing    uuid not null,
  ordinal    integer not null,
  first_key  text collate "C" not null,
  last_key   text collate "C" not null,
  objects    integer not null,
  size_bytes bigint not null,
  -- The descriptors joined by ',', as raw deflate.
  body       bytea not null,
  constraint chunk_pkey primary key (listing, ordinal),
  constraint chunk_listing_fkey foreign key (listing) references listing (id) on delete cascade
);
alter table chunk alter column body set storage external;

create table manifest (
  hash           text collate "C" not null,
  content_hash   text collate "C" not null,
  run_id         text collate "C" not null,
  listing        uuid not null,
  objects        bigint not null,
  size_bytes     bigint not null,
  manifest_bytes bigint not null,
  chunks         integer not null,
  at             timestamptz not null default now(),
  constraint manifest_pkey primary key (hash),
  constraint manifest_listing_key unique (listing),
  constraint manifest_listing_fkey foreign key (listing) references listing (id)
);

create table batch (
  attempt    uuid not null,
  ordinal    integer not null,
  kind       text collate "C" not null,
  objects    integer not null,
  size_bytes bigint not null,
  body       bytea not null,
  constraint batch_pkey primary key (attempt, ordinal),
  constraint batch_attempt_fkey foreign key (attempt) references attempt (id) on delete cascade,
  constraint batch_kind_check check (kind in ('objects', 'large'))
);
alter table batch alter column body set storage external;

create table step (
  attempt       uuid not null,
  manifest_hash text collate "C" not null,
  step          text collate "C" not null,
  ordinal       integer not null,
  holder        text collate "C" not null,
  result        json not null,
  at            timestamptz not null default now(),
  constraint step_pkey primary key (attempt, manifest_hash, step, ordinal),
  constraint step_attempt_fkey foreign key (attempt) references attempt (id) on delete cascade
);

-- An execution of a step that may be writing to the store. One a step: a later execution starts only when the former is quiet.
create table claim (
  attempt       uuid not null,
  manifest_hash text collate "C" not null,
  step          text collate "C" not null,
  ordinal       integer not null,
  holder        text collate "C" not null,
  epoch         bigint not null,
  at            timestamptz not null default now(),
  constraint claim_pkey primary key (attempt, manifest_hash, step, ordinal),
  constraint claim_attempt_fkey foreign key (attempt) references attempt (id) on delete cascade
);

-- Executions whose effects were counted without a result, so that saying it again does not count again.
create table release (
  attempt       uuid not null,
  manifest_hash text collate "C" not null,
  step          text collate "C" not null,
  ordinal       integer not null,
  holder        text collate "C" not null,
  constraint release_pkey primary key (attempt, manifest_hash, step, ordinal, holder),
  constraint release_attempt_fkey foreign key (attempt) references attempt (id) on delete cascade
);

-- The one current row of (target, key). No foreign keys: the fence has proved both, and a check a row would double the cost.
create table delivery (
  target         uuid not null,
  key            text collate "C" not null,
  source_etag    text not null,
  source_version text,
  size_bytes     bigint not null,
  target_etag    text not null,
  checksum       text not null,
  attempt        uuid not null,
  at             timestamptz not null default now(),
  constraint delivery_pkey primary key (target, key)
);
create index delivery_attempt_key_idx on delivery (attempt, key);

create table outcome (
  attempt uuid not null,
  key     text collate "C" not null,
  code    text collate "C" not null,
  detail  text not null,
  constraint outcome_pkey primary key (attempt, key, code)
);
create index outcome_attempt_code_key_idx on outcome (attempt, code, key);

create table counter (
  attempt   uuid not null,
  store     text collate "C" not null,
  operation text collate "C" not null,
  requests  bigint not null,
  bytes_in  bigint not null,
  bytes_out bigint not null,
  constraint counter_pkey primary key (attempt, store, operation),
  constraint counter_attempt_fkey foreign key (attempt) references attempt (id) on delete cascade
);

create table upload (
  upload_id   text collate "C" not null,
  target      uuid not null,
  attempt     uuid not null,
  store       text collate "C" not null,
  bucket      text collate "C" not null,
  prefix      text collate "C" not null,
  key         text collate "C" not null,
  source_etag text not null,
  layout      json not null,
  at          timestamptz not null default now(),
  constraint upload_pkey primary key (upload_id),
  constraint upload_target_key_key unique (target, key),
  constraint upload_target_fkey foreign key (target) references target (id),
  constraint upload_attempt_fkey foreign key (attempt) references attempt (id) on delete cascade
);
create index upload_attempt_idx on upload (attempt);

create table part (
  upload_id   text collate "C" not null,
  part_number integer not null,
  etag        text not null,
  size_bytes  bigint not null,
  md5_state   bytea not null,
  constraint part_pkey primary key (upload_id, part_number),
  constraint part_upload_fkey foreign key (upload_id) references upload (upload_id) on delete cascade
);

create table audit (
  id        bigint not null generated always as identity,
  at        timestamptz not null default now(),
  principal text not null,
  action    text not null,
  subject   text not null,
  detail    json not null,
  constraint audit_pkey primary key (id)
);
