#!/bin/sh
# Requests and errors of the stable build and of the canary in the last SECONDS, as JSON:
#
#   terraform output -json release_metrics | sh canary.sh SECONDS
#
# Azure Monitor counts by the minute and a few minutes late.
set -eu
seconds=${1:?how many seconds back?}
names=$(cat)
name() { printf %s "$names" | jq --raw-output "$1"; }
now=$(date +%s)
start=$(jq --null-input --raw-output "$now - $seconds - 60 | todate")
end=$(jq --null-input --raw-output "$now | todate")

count() {
    az monitor metrics list --resource "$(name .app)" --metric Requests --aggregation Total --interval PT1M \
        --start-time "$start" --end-time "$end" --filter "revisionName eq '$(name ".tracks.$1")'$2" \
        --output json | jq '[.value[].timeseries[].data[].total // 0] | add // 0'
}

track() {
    jq --null-input --argjson requests "$(count "$1" "")" \
        --argjson errors "$(count "$1" " and statusCodeCategory eq '5xx'")" '{requests: $requests, errors: $errors}'
}

jq --null-input --argjson stable "$(track stable)" --argjson canary "$(track canary)" '{stable: $stable, canary: $canary}'
