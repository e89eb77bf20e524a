#!/bin/sh
# Requests and errors of the stable build and of the canary in the last SECONDS, as JSON:
#
#   terraform output -json release_metrics | sh canary.sh SECONDS
#
# Cloud Monitoring answers PromQL; it counts by the minute and about three minutes late.
set -eu
seconds=${1:?how many seconds back?}
names=$(cat)
name() { printf %s "$names" | jq --raw-output "$1"; }
token=$(gcloud auth print-access-token)
api=https://monitoring.googleapis.com/v1/projects/$(name .project)/location/global/prometheus/api/v1/query

count() {
    series="run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",revision_name=\"$(name ".tracks.$1")\"$2}"
    curl --fail --silent --show-error --get "$api" --header "Authorization: Bearer $token" \
        --data-urlencode "query=sum(increase(${series}[$((seconds + 60))s]))" |
        jq '.data.result[0].value[1] // "0" | tonumber | round'
}

track() {
    jq --null-input --argjson requests "$(count "$1" "")" \
        --argjson errors "$(count "$1" ',response_code_class="5xx"')" '{requests: $requests, errors: $errors}'
}

jq --null-input --argjson stable "$(track stable)" --argjson canary "$(track canary)" '{stable: $stable, canary: $canary}'
