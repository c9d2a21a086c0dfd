-- Pruning asks which attempts name a manifest. Only attempts that came so far have one.
create index attempt_manifest_hash_idx on attempt (manifest_hash) where manifest_hash is not null;
