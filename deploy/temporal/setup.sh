#!/bin/sh
# Makes the namespace and registers the search attributes that a worker checks at its start. TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say
# where. What is there already stays as it is, so it may be run again.
set -eu

tries=0
until temporal operator cluster health >/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 30 ] || { echo "Temporal at $TEMPORAL_ADDRESS does not answer" >&2; exit 1; }
  sleep 2
done

# Closed runs can be looked at in Temporal's UI for a month; Waybill's own record of them is in its ledger.
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --retention 30d --namespace "$TEMPORAL_NAMESPACE"

register() {
  tries=0
  # A new namespace is known to all parts of the server after some seconds.
  until temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --type Keyword --name "$1"; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || exit 1
    sleep 1
  done
}

# One at a time: given several names and one type, the command registers the first, and says that all went well.
register WaybillPipeline
register WaybillRunId
register WaybillManifestHash
register WaybillState
echo "namespace $TEMPORAL_NAMESPACE is ready"
