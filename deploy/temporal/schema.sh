#!/bin/sh
# Makes Temporal's two databases where they are missing and brings their schemas up to this image's version. Host, user and password are
# in the environment, as SQL_*. Run it again after the image is renewed.
set -eu

prepare() {
  database=$1
  versions=$2
  temporal-sql-tool --db "$database" create --defaultdb temporal
  temporal-sql-tool --db "$database" setup-schema --version 0.0
  temporal-sql-tool --db "$database" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$versions/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
