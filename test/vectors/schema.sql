table attempt (
  id uuid not null default gen_random_uuid(),
  run uuid not null,
  n integer not null,
  target uuid,
  location text collate "C",
  epoch bigint,
  workflow_run_id text collate "C",
  state text collate "C" not null default 'accepted'::text,
  live boolean not null generated always as ((state <> ALL (ARRAY['done'::text, 'partial'::text, 'failed'::text, 'cancelled'::text]))) stored,
  spec json not null,
  manifest_hash text collate "C",
  content_hash text collate "C",
  plan_hash text collate "C",
  totals json,
  summary json,
  verification json,
  failure_type text,
  failure_message text,
  accepted_at timestamp with time zone not null default now(),
  started_at timestamp with time zone,
  epoch_at timestamp with time zone,
  ended_at timestamp with time zone,
  constraint attempt_pkey PRIMARY KEY (id),
  constraint attempt_run_fkey FOREIGN KEY (run) REFERENCES run(id) ON DELETE CASCADE,
  constraint attempt_run_n_key UNIQUE (run, n),
  constraint attempt_state_check CHECK ((state = ANY (ARRAY['accepted'::text, 'listing'::text, 'planning'::text, 'copying'::text, 'paused'::text, 'finalizing'::text, 'done'::text, 'partial'::text, 'failed'::text, 'cancelled'::text]))),
  constraint attempt_target_fkey FOREIGN KEY (target) REFERENCES target(id),
  constraint attempt_target_location_check CHECK (((target IS NULL) = (location IS NULL)))
);
CREATE INDEX attempt_manifest_hash_idx ON public.attempt USING btree (manifest_hash) WHERE (manifest_hash IS NOT NULL);
CREATE UNIQUE INDEX attempt_one_live_per_location ON public.attempt USING btree (location) WHERE live;
CREATE UNIQUE INDEX attempt_one_live_per_run ON public.attempt USING btree (run) WHERE live;
CREATE UNIQUE INDEX attempt_one_live_per_target ON public.attempt USING btree (target) WHERE live;

table audit (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  principal text not null,
  action text not null,
  subject text not null,
  detail json not null,
  constraint audit_pkey PRIMARY KEY (id)
);

table batch (
  attempt uuid not null,
  ordinal integer not null,
  kind text collate "C" not null,
  objects integer not null,
  size_bytes bigint not null,
  body bytea not null storage external,
  constraint batch_attempt_fkey FOREIGN KEY (attempt) REFERENCES attempt(id) ON DELETE CASCADE,
  constraint batch_kind_check CHECK ((kind = ANY (ARRAY['objects'::text, 'large'::text]))),
  constraint batch_pkey PRIMARY KEY (attempt, ordinal)
);

table chunk (
  listing uuid not null,
  ordinal integer not null,
  first_key text collate "C" not null,
  last_key text collate "C" not null,
  objects integer not null,
  size_bytes bigint not null,
  body bytea not null storage external,
  constraint chunk_listing_fkey FOREIGN KEY (listing) REFERENCES listing(id) ON DELETE CASCADE,
  constraint chunk_pkey PRIMARY KEY (listing, ordinal)
);

table claim (
  attempt uuid not null,
  manifest_hash text collate "C" not null,
  step text collate "C" not null,
  ordinal integer not null,
  holder text collate "C" not null,
  epoch bigint not null,
  at timestamp with time zone not null default now(),
  constraint claim_attempt_fkey FOREIGN KEY (attempt) REFERENCES attempt(id) ON DELETE CASCADE,
  constraint claim_pkey PRIMARY KEY (attempt, manifest_hash, step, ordinal)
);

table counter (
  attempt uuid not null,
  store text collate "C" not null,
  operation text collate "C" not null,
  requests bigint not null,
  bytes_in bigint not null,
  bytes_out bigint not null,
  constraint counter_attempt_fkey FOREIGN KEY (attempt) REFERENCES attempt(id) ON DELETE CASCADE,
  constraint counter_pkey PRIMARY KEY (attempt, store, operation)
);

table delivery (
  target uuid not null,
  key text collate "C" not null,
  source_etag text not null,
  source_version text,
  size_bytes bigint not null,
  target_etag text not null,
  checksum text not null,
  attempt uuid not null,
  at timestamp with time zone not null default now(),
  constraint delivery_pkey PRIMARY KEY (target, key)
);
CREATE INDEX delivery_attempt_key_idx ON public.delivery USING btree (attempt, key);

table idempotency (
  principal text collate "C" not null,
  key text collate "C" not null,
  request_sha256 text collate "C" not null,
  run uuid not null,
  at timestamp with time zone not null default now(),
  constraint idempotency_pkey PRIMARY KEY (principal, key),
  constraint idempotency_run_fkey FOREIGN KEY (run) REFERENCES run(id) ON DELETE CASCADE
);

table listing (
  id uuid not null default gen_random_uuid(),
  attempt uuid not null,
  constraint listing_attempt_fkey FOREIGN KEY (attempt) REFERENCES attempt(id) ON DELETE CASCADE,
  constraint listing_attempt_key UNIQUE (attempt),
  constraint listing_pkey PRIMARY KEY (id)
);

table listing_range (
  listing uuid not null,
  ordinal integer not null,
  after_key text collate "C",
  until_key text collate "C",
  cursor text collate "C",
  done boolean not null default false,
  constraint listing_range_listing_fkey FOREIGN KEY (listing) REFERENCES listing(id) ON DELETE CASCADE,
  constraint listing_range_pkey PRIMARY KEY (listing, ordinal)
);

table manifest (
  hash text collate "C" not null,
  content_hash text collate "C" not null,
  run_id text collate "C" not null,
  listing uuid not null,
  objects bigint not null,
  size_bytes bigint not null,
  manifest_bytes bigint not null,
  chunks integer not null,
  at timestamp with time zone not null default now(),
  constraint manifest_listing_fkey FOREIGN KEY (listing) REFERENCES listing(id),
  constraint manifest_listing_key UNIQUE (listing),
  constraint manifest_pkey PRIMARY KEY (hash)
);

table migration (
  name text not null,
  sha256 text not null,
  at timestamp with time zone not null default now(),
  constraint migration_pkey PRIMARY KEY (name)
);

table outcome (
  attempt uuid not null,
  key text collate "C" not null,
  code text collate "C" not null,
  detail text not null,
  constraint outcome_pkey PRIMARY KEY (attempt, key, code)
);
CREATE INDEX outcome_attempt_code_key_idx ON public.outcome USING btree (attempt, code, key);

table page (
  listing uuid not null,
  first_key text collate "C" not null,
  last_key text collate "C" not null,
  objects integer not null,
  size_bytes bigint not null,
  body bytea not null storage external,
  constraint page_listing_fkey FOREIGN KEY (listing) REFERENCES listing(id) ON DELETE CASCADE,
  constraint page_pkey PRIMARY KEY (listing, first_key)
);

table part (
  upload_id text collate "C" not null,
  part_number integer not null,
  etag text not null,
  size_bytes bigint not null,
  md5_state bytea not null,
  constraint part_pkey PRIMARY KEY (upload_id, part_number),
  constraint part_upload_fkey FOREIGN KEY (upload_id) REFERENCES upload(upload_id) ON DELETE CASCADE
);

table release (
  attempt uuid not null,
  manifest_hash text collate "C" not null,
  step text collate "C" not null,
  ordinal integer not null,
  holder text collate "C" not null,
  constraint release_attempt_fkey FOREIGN KEY (attempt) REFERENCES attempt(id) ON DELETE CASCADE,
  constraint release_pkey PRIMARY KEY (attempt, manifest_hash, step, ordinal, holder)
);

table run (
  id uuid not null default gen_random_uuid(),
  seq bigint not null generated always as identity,
  mode text collate "C" not null,
  pipeline text collate "C" not null,
  run_id text collate "C" not null,
  nominal_at timestamp with time zone,
  constraint run_mode_check CHECK ((mode = ANY (ARRAY['run'::text, 'plan'::text]))),
  constraint run_mode_pipeline_run_id_key UNIQUE (mode, pipeline, run_id),
  constraint run_pkey PRIMARY KEY (id),
  constraint run_seq_key UNIQUE (seq)
);
CREATE INDEX run_pipeline_seq_idx ON public.run USING btree (pipeline, seq);

table step (
  attempt uuid not null,
  manifest_hash text collate "C" not null,
  step text collate "C" not null,
  ordinal integer not null,
  holder text collate "C" not null,
  result json not null,
  at timestamp with time zone not null default now(),
  constraint step_attempt_fkey FOREIGN KEY (attempt) REFERENCES attempt(id) ON DELETE CASCADE,
  constraint step_pkey PRIMARY KEY (attempt, manifest_hash, step, ordinal)
);

table target (
  id uuid not null default gen_random_uuid(),
  fingerprint text collate "C" not null,
  epoch bigint not null default 0,
  owner_attempt uuid,
  last_done_attempt uuid,
  constraint target_fingerprint_key UNIQUE (fingerprint),
  constraint target_pkey PRIMARY KEY (id)
);

table unordered_entry (
  listing uuid not null,
  key text collate "C" not null,
  descriptor text not null,
  size_bytes bigint not null,
  constraint unordered_entry_pkey PRIMARY KEY (listing, key)
);

table upload (
  upload_id text collate "C" not null,
  target uuid not null,
  attempt uuid not null,
  store text collate "C" not null,
  bucket text collate "C" not null,
  prefix text collate "C" not null,
  key text collate "C" not null,
  source_etag text not null,
  layout json not null,
  at timestamp with time zone not null default now(),
  constraint upload_attempt_fkey FOREIGN KEY (attempt) REFERENCES attempt(id) ON DELETE CASCADE,
  constraint upload_pkey PRIMARY KEY (upload_id),
  constraint upload_target_fkey FOREIGN KEY (target) REFERENCES target(id),
  constraint upload_target_key_key UNIQUE (target, key)
);
CREATE INDEX upload_attempt_idx ON public.upload USING btree (attempt);
